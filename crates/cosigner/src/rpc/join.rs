//! Takes in the key that signs the request: as the first device of a new user, or as a further one of the user whose
//! wallet the invitation was minted for.

use bitcoin::hex::DisplayHex;
use rand_core::RngCore;
use twofold_api::{Reason, Refusal, reply::Joined};

use super::mint_invitation::code_hash;
use crate::{
    Cosigner, Introduced,
    auth::Unique,
    port::{
        Clock,
        chain::Chain,
        record::{Device, User, UserId},
        store::{Batch, Store, Write},
    },
};

/// The issuer of users that an invitation vouches for.
const ISSUER: &str = "invitation";

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Takes in a newcomer with an invitation.
    pub async fn join(&self, request: Introduced) -> Result<Joined, Refusal> {
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let now = self.time.now();
        let code_hash = code_hash(&request.request().code);
        let invitation = match self.store.invitation(code_hash).await? {
            Some(invitation) if invitation.used_by.is_none() && now < invitation.expires => invitation,
            _ => return Err(Reason::InvitationInvalid.into()),
        };
        if self.store.device(request.signer()).await?.is_some() {
            return Err(Refusal::new(
                Reason::NotPermitted,
                "this device is enrolled already; the invitation is unused",
            ));
        }
        let mut writes = vec![Write::UseInvitation {
            code_hash,
            by: request.signer(),
        }];
        let user = if let Some(wallet) = invitation.wallet {
            let row = self.store.wallet(wallet).await?;
            row.ok_or(Reason::InvitationInvalid)?.user
        } else {
            let mut user = UserId([0; 16]);
            self.rng().fill_bytes(&mut user.0);
            writes.push(Write::AddUser(User {
                id: user,
                issuer: ISSUER.to_owned(),
                subject: code_hash.to_lower_hex_string(),
            }));
            user
        };
        writes.push(Write::AddDevice(Device {
            id: request.signer(),
            identity: request.key().to_bytes(),
            user,
            name: request.request().device_name.as_str().to_owned(),
            enrolled: now,
        }));
        let reply = Joined {
            head: self.head(None),
            user: user.0,
            network: self.config.chain.to_string(),
        };
        self.settle(
            &request,
            reply,
            Batch {
                expect: Vec::new(),
                writes,
            },
        )
        .await
    }
}
