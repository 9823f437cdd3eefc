//! One-time codes. The operator's, for a new user or for recovery of one wallet, are no RPC: the server offers them on its
//! admin socket alone. A device's, for another machine of its person, is drawn here as well.

use aws_lc_rs::digest;
use rand_core::RngCore;
use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
};
use twofold_threshold::id::{DeviceId, WalletId};

use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        record::Invitation,
        store::{Batch, Store, Write},
    },
    wallet::Change,
};

/// A code that was just minted. It is shown once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Minted {
    /// The code.
    pub code: [u8; 16],
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("code", &"redacted")
            .field("expires", &self.expires)
            .finish()
    }
}

/// What is stored of a code.
pub(crate) fn code_hash(code: &[u8; 16]) -> [u8; 32] {
    let mut hash = [0; 32];
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"twofold/invitation/1");
    context.update(code);
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Mints an invitation that is good for `seconds`, or as long as the operator's settings say, for a new user.
    pub async fn mint_invitation(&self, seconds: Option<u64>) -> Result<Minted, Refusal> {
        let (minted, invitation) = self.draw_invitation(seconds, None);
        let writes = vec![Write::AddInvitation(invitation)];
        self.store
            .commit(Batch {
                expect: Vec::new(),
                writes,
            })
            .await?;
        Ok(minted)
    }

    /// Mints an invitation with which recovery may ask for a lost device's place in one wallet, logged there. `wait` says
    /// how long a recovery of that wallet waits until one is done, in seconds.
    pub async fn mint_recovery(
        &self,
        wallet: WalletId,
        seconds: Option<u64>,
        wait: Option<u64>,
    ) -> Result<Minted, Refusal> {
        let _held = self.wallets.hold(wallet).await;
        let row = self.store.wallet(wallet).await?.ok_or(Reason::WalletNotFound)?;
        let (minted, invitation) = self.draw_invitation(seconds, Some(wallet));
        let mut change = self.load(row)?.change();
        let log = |change: &mut Change, step| {
            let (device, subject) = (DeviceId([0; 32]), [0; 32]);
            change.log(self.time.now(), Event::Shape { device, step, subject });
        };
        let shape = &mut change.state.shape;
        shape.let_recovery_ask(invitation.code_hash, self.time.now(), invitation.expires)?;
        log(&mut change, ShapeStep::Invited);
        if wait.is_some() {
            change.state.shape.recovery_wait = wait;
            log(&mut change, ShapeStep::WaitSet);
        }
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        batch.writes.push(Write::AddInvitation(invitation));
        self.store.commit(batch).await?;
        Ok(minted)
    }

    /// Draws an invitation, to be stored. One for a wallet makes a device of that wallet's user, and gives it no part in
    /// the wallet.
    pub(super) fn draw_invitation(&self, seconds: Option<u64>, wallet: Option<WalletId>) -> (Minted, Invitation) {
        let mut code = [0; 16];
        self.rng().fill_bytes(&mut code);
        let expires = self
            .time
            .now()
            .saturating_add(seconds.unwrap_or(self.config.invitation_seconds));
        let invitation = Invitation {
            code_hash: code_hash(&code),
            expires,
            used_by: None,
            wallet,
        };
        (Minted { code, expires }, invitation)
    }
}
