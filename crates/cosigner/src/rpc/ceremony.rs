//! What is stored between the two requests of a create ceremony: its state under both seals, and beside it what is
//! public.

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    create::{Opening, server::AwaitClosing},
    id::WalletId,
    seal::{self, Aad},
    secret::UnlockKey,
};
use zeroize::Zeroizing;

use crate::{
    Authenticated, Cosigner, fault,
    port::{
        Clock,
        chain::Chain,
        record::{Ceremony, UserId},
        store::{Batch, Store, Write},
    },
};

/// What of a ceremony is public.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// What the wallet will be called.
    pub(super) name: String,
    /// Height of the chain when it began.
    pub(super) birthday: u32,
    /// The opening, encoded.
    pub(super) opening: Vec<u8>,
}

impl Plan {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Refusal> {
        postcard::to_allocvec(self).map_err(|cause| fault::internal("a ceremony's plan does not encode", &cause))
    }

    pub(crate) fn read(row: &Ceremony) -> Result<(Self, Opening), Refusal> {
        let plan: Self = postcard::from_bytes(&row.public)
            .map_err(|cause| fault::internal("a ceremony's plan can't be read", &cause))?;
        let opening = Opening::try_from(plan.opening.as_slice())
            .map_err(|cause| fault::internal("a ceremony's opening can't be read", &cause))?;
        Ok((plan, opening))
    }
}

/// Ceremonies that are on their way into the store, where nobody sees them yet.
#[derive(Debug, Default)]
pub(crate) struct Coming(AtomicU32);

/// One of them, until it is in the store or came to nothing.
#[derive(Debug)]
#[must_use]
pub(super) struct OnItsWay<'a> {
    coming: &'a Coming,
    /// How many there were when it set out.
    before: u32,
}

impl Coming {
    pub(super) fn set_out(&self) -> OnItsWay<'_> {
        OnItsWay {
            coming: self,
            before: self.0.fetch_add(1, Ordering::SeqCst),
        }
    }
}

impl OnItsWay<'_> {
    /// As many as are open, with those that may be before this one is. One that has arrived since counts twice.
    pub(super) const fn with(&self, open: u32) -> u32 {
        open.saturating_add(self.before)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.coming.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Seals what a ceremony keeps between its requests: under the unlock key inside, under the KEK outside.
    pub(super) fn seal_between(&self, aad: &Aad, state: &[u8], unlock: &UnlockKey) -> Vec<u8> {
        let inner = seal::seal(unlock.expose(), aad, state, &mut self.rng());
        seal::seal(&self.keys.get().now.outer, aad, &inner, &mut self.rng())
    }

    /// Opens what [`Self::seal_between`] sealed.
    pub(super) fn open_between(
        &self,
        row: &Ceremony,
        aad: &Aad,
        unlock: &UnlockKey,
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let damaged = |_| Refusal::from(Reason::ShareDamaged);
        let inner = self.keys.get().open_outer(aad, &row.sealed).map_err(damaged)?;
        seal::open(unlock.expose(), aad, &inner).map_err(damaged)
    }

    /// Opens the state of a create ceremony.
    pub(super) fn open_ceremony(
        &self,
        row: &Ceremony,
        opening: &Opening,
        unlock: &UnlockKey,
    ) -> Result<AwaitClosing, Refusal> {
        let bytes = self.open_between(row, &AwaitClosing::aad(opening), unlock)?;
        let state = AwaitClosing::from_secret_bytes(&bytes).map_err(|_| Refusal::from(Reason::ShareDamaged))?;
        if state.opening() == opening {
            Ok(state)
        } else {
            Err(Reason::ShareDamaged.into())
        }
    }

    /// Refuses one more ceremony where there are too many; how many the user has open beside the `replaced` ones.
    pub(super) async fn room_for_ceremony(
        &self,
        user: UserId,
        replaced: u32,
        now: u64,
        place: &OnItsWay<'_>,
    ) -> Result<u32, Refusal> {
        let open = self.store.open_ceremonies(user, now).await?;
        let others = open.user.saturating_sub(replaced);
        if others >= self.config.ceremonies_per_user {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "this user has too many ceremonies open",
            ));
        }
        if place.with(open.all).saturating_sub(replaced) >= self.config.ceremonies {
            return Err(Refusal::new(Reason::QuotaExceeded, "the server has too many ceremonies open").retry_after(60));
        }
        Ok(others)
    }

    /// What an identical request was answered. A nonce that comes back under another body ends the caller's ceremony for
    /// the wallet: somebody is playing tricks.
    pub(super) async fn earlier_in_ceremony<T, R: DeserializeOwned>(
        &self,
        request: &Authenticated<T>,
        wallet: WalletId,
    ) -> Result<Option<R>, Refusal> {
        let earlier = self.earlier(request).await;
        if matches!(&earlier, Err(refusal) if refusal.reason == Reason::NonceReused)
            && let Ok(Some(row)) = self.store.ceremony_of(wallet).await
            && row.user == request.user()
        {
            self.end(&row).await;
        }
        earlier
    }

    /// Ends a ceremony. If that fails it ends by itself when its time is over.
    pub(super) async fn end(&self, row: &Ceremony) {
        let batch = Batch {
            expect: Vec::new(),
            writes: vec![Write::EndCeremony(row.id)],
        };
        if let Err(cause) = self.store.commit(batch).await {
            tracing::warn!(%cause, "a ceremony could not be ended");
        }
    }

    /// Refuses with `OUT_OF_ORDER` where the wallet is still being made by the caller, and as a missing wallet
    /// otherwise.
    pub(super) async fn unmade<T>(&self, request: &Authenticated<T>, wallet: WalletId) -> Refusal {
        match self.store.ceremony_of(wallet).await {
            Ok(Some(row)) if row.user == request.user() => Reason::OutOfOrder.into(),
            Ok(_) => Reason::WalletNotFound.into(),
            Err(fault) => fault.into(),
        }
    }
}
