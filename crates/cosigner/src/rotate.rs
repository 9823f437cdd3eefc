//! Another KEK, while the server signs: every outer seal is made anew and every record authenticated anew, wallet by wallet.
//! No user is needed, for what is inside stays sealed under their unlock keys.
//!
//! It begins with one batch: the server's own secrets stand under the new KEK from then on, and a *place*, sealed under it
//! too, names the old one. What is sealed later is sealed under the new one. Then wallets are moved in the order of their
//! ids, each under its lock and in one batch that moves the place with it. A record that is not moved is authenticated by
//! the old KEK; one at or before the place no more, so no row from before the move can be put back. After the last wallet
//! and the last ceremony the place says that it is over, and the old KEK is forgotten.
//!
//! A crash anywhere leaves a database that says where it stands: the next start goes on, with both keys. Recorded replies
//! are not moved: they open as long as the server holds the old KEK, and then a request that is sent again is told that it
//! is spent.

use std::sync::Arc;

use async_lock::Mutex;
use rand_core::OsRng;
use serde::{Deserialize, Serialize};
use twofold_threshold::{
    create::server::AwaitClosing,
    id::{CeremonyId, Party, WalletId},
    refresh,
    seal::{self, Aad},
    share::PublicShares,
};

use crate::{
    Cosigner, anchor, charge,
    failpoint::failpoint,
    identity::{self, StartFault},
    keys::{Kek, KekName, Keks, Keys, Subkeys},
    port::{
        Clock,
        chain::Chain,
        record::{Ceremony, Wallet},
        store::{Batch, Store, StoreFault, Write},
    },
    rpc::Plan,
    state::{Binding, State},
};

/// Name in the store: how far the last change of the KEK is, sealed under the new one.
const PLACE: &str = "kek-rotation";
const BOUND: &[u8] = b"twofold/server-secret/kek-rotation/1";
/// Wallets read at once, and ceremonies.
const PAGE: u32 = 64;
/// Charges moved in one batch. A wallet with more of them signs between two batches.
const CHARGES: u32 = 1_000;

/// Why a change of the KEK is not begun, or stops. What was done stays done, and it goes on from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateFault {
    /// The store or a key.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// The key is the one in use.
    #[error("the new KEK is the one in use; it must be another")]
    Same,
    /// Another change is not over.
    #[error("a change of the KEK to another key is under way; let it end first")]
    Underway,
    /// There is a share of an epoch that is not the wallet's: a ceremony has yet to end.
    #[error("a ceremony of wallet {0} is under way and has to end first (ten minutes at most)")]
    Busy(WalletId),
}

impl From<StoreFault> for RotateFault {
    fn from(fault: StoreFault) -> Self {
        Self::Start(fault.into())
    }
}

/// How far a change of the KEK is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Nothing stands under the old KEK any more.
    pub over: bool,
    /// Wallets that stand under the new one.
    pub wallets: u64,
    /// Wallets of which something opens under neither; they were locked before.
    pub damaged: u64,
    /// About how much of it is done, from 0 to 100: ids are random, and wallets are moved in their order.
    pub percent: u8,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The KEK that goes.
    from: KekName,
    /// The last wallet that was moved.
    after: Option<[u8; 16]>,
    wallets: u64,
    damaged: u64,
    over: bool,
}

impl Place {
    pub(crate) fn reached(&self) -> Option<WalletId> {
        self.after.map(WalletId)
    }

    fn write(&self, keys: &Subkeys) -> Result<Write, StoreFault> {
        let bytes = postcard::to_allocvec(self)
            .map_err(|_| StoreFault::Damaged("the place of a change of the KEK does not encode".into()))?;
        Ok(Write::ServerSecret(PLACE, keys.secrets.seal(BOUND, &bytes, &mut OsRng)))
    }

    async fn load<S: Store>(store: &S, keys: &Subkeys) -> Result<Option<Self>, StoreFault> {
        let Some(sealed) = store.server_secret(PLACE).await? else {
            return Ok(None);
        };
        let opened = keys.secrets.open(BOUND, &sealed).ok();
        opened
            .and_then(|bytes| postcard::from_bytes(&bytes).ok())
            .ok_or_else(|| StoreFault::Damaged("the place of a change of the KEK does not open".into()))
            .map(Some)
    }

    fn told(&self) -> Rotation {
        let percent = self.after.map_or(0, |[first, ..]| u16::from(first) * 100 / 256);
        Rotation {
            over: self.over,
            wallets: self.wallets,
            damaged: self.damaged,
            percent: if self.over {
                100
            } else {
                u8::try_from(percent).unwrap_or(99)
            },
        }
    }
}

/// Who works on the change: one at a time, the first of them once all that ran before it is done.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<Alone>);

#[derive(Debug, Default)]
struct Alone {
    /// Nobody works with the keys of before the beginning any more.
    alone: bool,
}

/// The keys that a store stands under.
pub(crate) async fn keys<S: Store>(store: &S, keks: &Keks<'_>) -> Result<Keys, StartFault> {
    let kek = keks.kek.subkeys();
    if let Some(next) = keks.next.map(Kek::subkeys)
        && identity::open(store, &next).await?.is_some()
    {
        let place = Place::load(store, &next).await?.ok_or(StartFault::Rotating)?;
        if place.from != kek.name {
            return Err(StartFault::Rotating);
        }
        return Ok(Keys {
            now: Arc::new(next),
            old: (!place.over).then(|| Arc::new(kek)),
            place: Some(place),
        });
    }
    // A next one that nothing stands under was drawn, and not begun with.
    let place = match identity::open(store, &kek).await? {
        Some(_) => Place::load(store, &kek).await?,
        None => None,
    };
    if place.as_ref().is_some_and(|place| !place.over) {
        return Err(StartFault::Rotating);
    }
    Ok(Keys {
        now: Arc::new(kek),
        old: None,
        place,
    })
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// The KEK under which everything is sealed now.
    #[must_use]
    pub fn kek(&self) -> KekName {
        self.keys.get().now.name
    }

    /// The change of the KEK that is under way, or the last one.
    #[must_use]
    pub fn rotation(&self) -> Option<Rotation> {
        self.keys.get().place.as_ref().map(Place::told)
    }

    /// Begins to change the KEK; nothing where the change to this one is under way or over. Not to be dropped half way.
    pub async fn begin_rotation(&self, next: &Kek) -> Result<(), RotateFault> {
        let mut turn = self.turn.0.lock().await;
        let (keys, next) = (self.keys.get(), next.subkeys());
        match (&keys.old, keys.now.name == next.name) {
            (Some(_), true) => return Ok(()),
            (Some(_), false) => return Err(RotateFault::Underway),
            (None, true) => return Err(RotateFault::Same),
            (None, false) => {}
        }
        let place = Place {
            from: keys.now.name,
            after: None,
            wallets: 0,
            damaged: 0,
            over: false,
        };
        let mut writes = vec![
            identity::rewrap(&self.store, &keys.now, &next, &mut OsRng).await?,
            place.write(&next)?,
        ];
        writes.extend(anchor::rewrap(&self.store, &keys.now, &next, &mut OsRng).await?);
        let expect = Vec::new();
        failpoint!("rotate::before_begin");
        self.store.commit(Batch { expect, writes }).await?;
        failpoint!("rotate::after_begin");
        turn.alone = false;
        self.keys.set(Keys {
            now: Arc::new(next),
            old: Some(Arc::clone(&keys.now)),
            place: Some(place),
        });
        Ok(())
    }

    /// Moves some wallets on, or ends the change; how far it is then. None where none was ever begun.
    pub async fn rotate(&self) -> Result<Option<Rotation>, RotateFault> {
        let mut turn = self.turn.0.lock().await;
        let keys = self.keys.get();
        let (Some(old), Some(place)) = (&keys.old, &keys.place) else {
            return Ok(self.rotation());
        };
        if !turn.alone {
            // Who began before the new keys were there may be about to store a wallet under the old ones.
            self.wallets.pass().await;
            turn.alone = true;
        }
        let mover = Mover {
            store: &self.store,
            now: &keys.now,
            old,
        };
        let mut place = place.clone();
        let rows = self.store.wallets(None, place.reached(), PAGE).await?;
        let ended = rows.is_empty();
        for row in rows {
            failpoint!("rotate::next_wallet", Err(RotateFault::Busy(row.id)));
            mover.charges(self, row.id).await?;
            let _held = self.wallets.hold(row.id).await;
            let mut batch = Batch::default();
            place.after = Some(row.id.0);
            match self.store.wallet(row.id).await? {
                Some(row) if mover.wallet(&row, &mut batch).await? => place.wallets += 1,
                _ => place.damaged += 1,
            }
            batch.writes.push(place.write(&keys.now)?);
            failpoint!("rotate::before_wallet");
            self.store.commit(batch).await?;
            failpoint!("rotate::after_wallet");
            self.keys.set(Keys {
                place: Some(place.clone()),
                ..keys.as_ref().clone()
            });
        }
        if ended {
            mover.ceremonies(self).await?;
            place.over = true;
            let (expect, writes) = (Vec::new(), vec![place.write(&keys.now)?]);
            failpoint!("rotate::before_end");
            self.store.commit(Batch { expect, writes }).await?;
            failpoint!("rotate::after_end");
            self.keys.set(Keys {
                now: Arc::clone(&keys.now),
                old: None,
                place: Some(place),
            });
        }
        Ok(self.rotation())
    }
}

/// Moves what is stored from one KEK to another.
struct Mover<'m, S> {
    store: &'m S,
    now: &'m Subkeys,
    old: &'m Subkeys,
}

impl<S: Store> Mover<'_, S> {
    /// Seals a wallet's own records anew; false where one opens under neither key.
    async fn wallet(&self, row: &Wallet, batch: &mut Batch) -> Result<bool, RotateFault> {
        let Some(public) = row.public.as_deref() else {
            return Ok(true);
        };
        let binding = |version| Binding {
            wallet: row.id,
            user: row.user,
            version,
            public,
        };
        // One that was made since stands under the new key whole.
        if State::from_bytes(&self.now.state, &binding(row.version), &row.state).is_ok() {
            return Ok(true);
        }
        let Ok(state) = State::from_bytes(&self.old.state, &binding(row.version), &row.state) else {
            tracing::error!(wallet = %row.id, "its record does not authenticate; it is left as it is");
            return Ok(false);
        };
        let Ok(shares) = PublicShares::try_from(public) else {
            return Ok(false);
        };
        let mut whole = true;
        for mut share in self.store.shares(row.id).await? {
            if share.epoch != shares.epoch().number {
                return Err(RotateFault::Busy(row.id));
            }
            let aad = shares.share_aad(row.id, Party::Server);
            match self.reseal(&aad, &share.sealed) {
                Some(sealed) => {
                    share.sealed = sealed;
                    batch.writes.push(Write::ResealShare(share));
                }
                // A refresh since the beginning has sealed it under the new key.
                None => whole &= seal::open(&self.now.outer, &aad, &share.sealed).is_ok(),
            }
        }
        let version = row.version.saturating_add(1);
        let bytes = state
            .to_bytes(&self.now.state, &binding(version))
            .map_err(|_| StoreFault::Damaged("a state record does not encode".into()))?;
        batch.expect.push((row.id, row.version));
        batch.writes.push(Write::UpdateWallet(Wallet {
            version,
            state: bytes,
            ..row.clone()
        }));
        Ok(whole)
    }

    fn reseal(&self, aad: &Aad, sealed: &[u8]) -> Option<Vec<u8>> {
        let inner = seal::open(&self.old.outer, aad, sealed).ok()?;
        Some(seal::seal(&self.now.outer, aad, &inner, &mut OsRng))
    }

    /// Authenticates a wallet's charges anew. There may be many: they go ahead of the wallet in batches of their own, and
    /// what is charged meanwhile is under the new key already. What is under neither is for the next spend to see.
    async fn charges<C: Chain, K: Clock>(
        &self,
        cosigner: &Cosigner<S, C, K>,
        wallet: WalletId,
    ) -> Result<(), RotateFault> {
        let mut after = None;
        loop {
            let _held = cosigner.wallets.hold(wallet).await;
            let groups = self.store.charge_groups(wallet, after, CHARGES).await?;
            let Some(last) = groups.last() else { return Ok(()) };
            after = Some(last.outpoint);
            let renewed = groups
                .into_iter()
                .filter_map(|group| charge::renew(&self.old.charges, &self.now.charges, group));
            let writes: Vec<_> = renewed.map(Write::PutCharge).collect();
            if !writes.is_empty() {
                let expect = Vec::new();
                self.store.commit(Batch { expect, writes }).await?;
            }
        }
    }

    /// What a ceremony's state is sealed for: a wallet that is made, or a refresh.
    fn aad(row: &Ceremony) -> Option<Aad> {
        match refresh::Opening::try_from(row.public.as_slice()) {
            Ok(opening) => Some(refresh::server::AwaitClosing::aad(&opening)),
            Err(_) => Plan::read(row).ok().map(|(_, opening)| AwaitClosing::aad(&opening)),
        }
    }

    /// Ceremonies that wait for their next round since before the beginning.
    async fn ceremonies<C: Chain, K: Clock>(&self, cosigner: &Cosigner<S, C, K>) -> Result<(), RotateFault> {
        let mut after: Option<CeremonyId> = None;
        loop {
            let rows = self.store.ceremonies(after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            for row in rows {
                let _held = cosigner.wallets.hold(row.wallet).await;
                // It may be over by now, and what an expired one held is gone already.
                let Some(mut row) = self.store.ceremony(row.id).await?.filter(|row| !row.sealed.is_empty()) else {
                    continue;
                };
                // One that can't be read, or opens under the old key no more, is of no use or was moved before.
                let resealed = Self::aad(&row).and_then(|aad| self.reseal(&aad, &row.sealed));
                if let Some(sealed) = resealed {
                    row.sealed = sealed;
                    let (expect, writes) = (Vec::new(), vec![Write::PutCeremony(row)]);
                    self.store.commit(Batch { expect, writes }).await?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
