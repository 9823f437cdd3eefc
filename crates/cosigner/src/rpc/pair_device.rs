//! Lets a machine that is to be added and the device that adds it exchange the letters by which they compare their keys.
//!
//! The machine is on no list yet: what it shows is the code of the introduction, which was minted for this wallet, and that
//! it joined with it, or earlier as the same person's. It learns nothing of the wallet by it.

use twofold_api::{Reason, Refusal, reply::Pairing, request::PairDevice};

use super::mint_invitation::code_hash;
use crate::{
    Authenticated, Cosigner,
    mailbox::Side,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Puts a letter in, where one is brought, and gives all letters so far.
    pub async fn pair_device(&self, request: Authenticated<PairDevice>) -> Result<Pairing, Refusal> {
        let asked = request.request();
        let owned = self.of_user(&request, asked.wallet).await?;
        let hash = code_hash(&asked.code);
        let now = self.time.now();
        let invitation = self.store.invitation(hash).await?;
        let invitation = invitation
            .filter(|invitation| invitation.wallet == Some(asked.wallet) && now < invitation.expires)
            .ok_or(Reason::InvitationInvalid)?;
        let (side, head) = match self.listed(&owned, request.device()).await {
            Ok(()) => {
                let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
                (Side::Host, self.head(Some((asked.wallet, owned.state()))))
            }
            Err(refusal) if refusal.reason != Reason::DeviceNotListed => return Err(refusal),
            Err(_) if invitation.used_by.is_none_or(|by| by == request.device()) => (Side::Newcomer, self.head(None)),
            Err(_) => return Err(Reason::InvitationInvalid.into()),
        };
        let letters = self.mailboxes.meet(
            hash,
            (request.user(), request.device()),
            side,
            asked.letter.clone(),
            now,
        )?;
        Ok(Pairing { head, letters })
    }
}
