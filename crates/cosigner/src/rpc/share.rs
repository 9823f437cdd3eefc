//! The server's share, opened for one request: it takes the user's unlock key and the operator's KEK.

use aws_lc_rs::digest;
use twofold_api::{
    Reason, Refusal,
    seal_key::{SealedUnlockKey, Step, Usage},
};
use twofold_threshold::{
    id::{KeyKind, Party},
    seal,
    secret::UnlockKey,
    share::Share,
};

use crate::{
    Authenticated, Cosigner,
    policy::{Approved, Refresh, Repair, TestSignature, Text, Understood},
    port::{
        Clock,
        chain::Chain,
        record,
        store::{Batch, Store, Write},
    },
    state::State,
    wallet::Owned,
};

/// The server's share, open for one request.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) share: Share,
    pub(super) proved: Proved,
}

/// What is kept of a share once it has signed.
#[derive(Debug)]
pub(super) struct Proved {
    /// The digest of what it is sealed as, inside.
    pub(super) digest: [u8; 32],
    /// What seals it like any other, where it came back from a device.
    pub(super) anew: Option<Write>,
}

impl Proved {
    /// Notes it in the state that is stored with the signature, and in the same batch.
    pub(super) fn note(self, state: &mut State, batch: &mut Batch) {
        state.proved = Some(self.digest);
        batch.writes.extend(self.anew);
    }
}

/// The digest by which a share that signed is known again, of its inner seal: that one no KEK changes.
pub(crate) fn inner_digest(inner: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, inner).as_ref());
    bytes
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Opens an unlock key and checks it against its hash. A wrong one changes nothing.
    pub(super) fn unlock(
        &self,
        now: u64,
        sealed: &SealedUnlockKey,
        usage: &Usage,
        digest: &[u8; 32],
    ) -> Result<UnlockKey, Refusal> {
        let unlock = self
            .seal_keys
            .open(now, self.time.steady(), sealed, usage)
            .map_err(|refusal| {
                if refusal.reason == Reason::StaleSealKey {
                    refusal.offering(self.seal_key(now).offer())
                } else {
                    refusal
                }
            })?;
        unlock
            .check(digest)
            .map_err(|_| Refusal::from(Reason::WrongUnlockKey))?;
        Ok(unlock)
    }

    /// The unlock key of a wallet that is there, for one use of its share by this request.
    pub(super) fn unlock_to_use<T>(
        &self,
        request: &Authenticated<T>,
        owned: &Owned,
        step: Step,
        sealed: &SealedUnlockKey,
        now: u64,
    ) -> Result<UnlockKey, Refusal> {
        let usage = Usage {
            wallet: owned.id(),
            epoch: owned.state().epoch().number,
            step,
            device: request.device(),
        };
        self.unlock(now, sealed, &usage, &owned.state().unlock_digest)
    }

    /// Opens the server's share for a transaction that policy approved.
    pub(super) async fn share_to_sign(
        &self,
        owned: &Owned,
        row: Option<record::Share>,
        unlock: &UnlockKey,
        _approved: &Approved<Understood>,
    ) -> Result<Opened, Refusal> {
        self.open_row(owned, row, unlock).await
    }

    /// Opens the server's share for a text that policy approved.
    pub(super) async fn share_to_sign_text(
        &self,
        owned: &Owned,
        unlock: &UnlockKey,
        _approved: &Approved<Text>,
    ) -> Result<Opened, Refusal> {
        self.open_share(owned, unlock).await
    }

    /// Opens the server's share for a ceremony's test signature.
    pub(super) async fn share_to_test(
        &self,
        owned: &Owned,
        unlock: &UnlockKey,
        _approved: &Approved<TestSignature>,
    ) -> Result<Opened, Refusal> {
        self.open_share(owned, unlock).await
    }

    /// Opens the server's share to help another party to its own.
    pub(super) async fn share_to_repair(
        &self,
        owned: &Owned,
        unlock: &UnlockKey,
        _approved: &Approved<Repair>,
    ) -> Result<Opened, Refusal> {
        self.open_share(owned, unlock).await
    }

    /// Opens the server's share for a refresh.
    pub(super) async fn share_to_refresh(
        &self,
        owned: &Owned,
        unlock: &UnlockKey,
        _approved: &Approved<Refresh>,
    ) -> Result<Opened, Refusal> {
        self.open_share(owned, unlock).await
    }

    /// Reads the server's share and opens it.
    async fn open_share(&self, owned: &Owned, unlock: &UnlockKey) -> Result<Opened, Refusal> {
        let epoch = owned.keys().public.epoch().number;
        let row = self.store.share(owned.id(), KeyKind::Taproot, epoch).await?;
        self.open_row(owned, row, unlock).await
    }

    /// Opens the server's share. The unlock key is known to be right, so what does not open is damaged: this wallet is
    /// locked, and no other.
    async fn open_row(&self, owned: &Owned, row: Option<record::Share>, unlock: &UnlockKey) -> Result<Opened, Refusal> {
        let public = &owned.keys().public;
        let damaged = || {
            tracing::error!(wallet = %owned.id(), "the server's share does not open");
            Refusal::from(Reason::ShareDamaged)
        };
        let row = row.ok_or_else(damaged)?;
        let aad = public.share_aad(owned.id(), Party::Server);
        let inner = self.keys.get().open_outer(&aad, &row.sealed).map_err(|_| damaged())?;
        match Share::open(unlock.expose(), owned.id(), Party::Server, public, &inner) {
            Ok(share) => {
                let digest = inner_digest(&inner);
                let proved = Proved { digest, anew: None };
                Ok(Opened { share, proved })
            }
            Err(_) => self.open_brought(owned, &inner, unlock).await?.ok_or_else(damaged),
        }
    }

    /// Seals the server's share: under the unlock key inside, under the KEK outside.
    pub(super) fn seal_share(
        &self,
        share: &Share,
        public: &twofold_threshold::share::PublicShares,
        unlock: &UnlockKey,
    ) -> Vec<u8> {
        let inner = share.seal(unlock.expose(), public, &mut self.rng());
        seal::seal(&self.keys.get().now.outer, &share.aad(public), &inner, &mut self.rng())
    }
}
