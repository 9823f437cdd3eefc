//! Another KEK: every outer seal is made anew and every record authenticated anew, wallet by wallet. No user is needed,
//! for what is inside stays sealed under their unlock keys.
//!
//! A rotation that was cut short goes on with the same two keys. Each batch says how far it is, and what a batch did not
//! reach is still under the old key; a server starts under neither until all of it is done. Recorded replies are not taken
//! along: a request that is sent again across a rotation is told that it is spent.

use serde::{Deserialize, Serialize};
use twofold_threshold::{
    create::server::AwaitClosing,
    id::{CeremonyId, Party, WalletId},
    refresh,
    seal::{self, Aad},
    secret::Secret32,
    share::PublicShares,
};

use rand_core::OsRng;

use crate::{
    anchor, charge,
    failpoint::failpoint,
    identity::{self, StartFault},
    keys::{Kek, Subkeys},
    port::{
        record::{Ceremony, Wallet},
        store::{Batch, Store, StoreFault, Write},
    },
    rpc::Plan,
    state::{Binding, State},
};

/// Name in the store: a rotation that is not at its end, and how far it is.
const PROGRESS: &str = "kek-rotation";
/// Wallets in one batch, and charges.
const PAGE: u32 = 64;
const CHARGES: u32 = 1_000;

/// Why a rotation stops. What was done stays done, and the next one goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotateFault {
    /// The store or a key.
    #[error(transparent)]
    Start(#[from] StartFault),
    /// There is a share of an epoch that is not the wallet's: a ceremony has yet to end.
    #[error(
        "a ceremony of wallet {0} is under way; start the server, let it end (ten minutes at most), then rotate again"
    )]
    Busy(WalletId),
}

impl From<StoreFault> for RotateFault {
    fn from(fault: StoreFault) -> Self {
        Self::Start(fault.into())
    }
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Wallets that were sealed anew by this call.
    pub wallets: u64,
    /// Wallets of which something opens under neither key; they stay locked.
    pub damaged: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    after: Option<[u8; 16]>,
}

/// Whether a rotation was cut short.
pub(crate) async fn is_underway<S: Store>(store: &S) -> Result<bool, StoreFault> {
    Ok(store
        .server_secret(PROGRESS)
        .await?
        .is_some_and(|progress| !progress.is_empty()))
}

/// Moves a store that no server has open from one KEK to another. Done again, it does nothing.
pub async fn rotate<S: Store>(store: &S, old: &Kek, new: &Kek) -> Result<Rotated, RotateFault> {
    let (old, new) = (old.subkeys(), new.subkeys());
    let mut rotated = Rotated::default();
    if !is_underway(store).await? {
        if identity::open(store, &new).await?.is_some() {
            return Ok(rotated);
        }
        identity::open(store, &old).await?.ok_or(StartFault::Sealed)?;
        commit(store, Batch::default(), &Progress::default()).await?;
    }
    let stored = store.server_secret(PROGRESS).await?.unwrap_or_default();
    let mut progress: Progress = postcard::from_bytes(&stored)
        .map_err(|_| StoreFault::Damaged("the progress of a rotation can't be read".into()))?;
    let keys = Keys { old, new };
    loop {
        let rows = store.wallets(progress.after.map(WalletId), PAGE).await?;
        let Some(last) = rows.last() else { break };
        progress.after = Some(last.id.0);
        let mut batch = Batch::default();
        for row in rows {
            keys.charges(store, row.id).await?;
            if keys.wallet(store, row, &mut batch).await? {
                rotated.wallets += 1;
            } else {
                rotated.damaged += 1;
            }
        }
        failpoint!("rotate::before_page");
        commit(store, batch, &progress).await?;
        failpoint!("rotate::after_page");
    }
    keys.ceremonies(store).await?;
    // The server's own come last: they say which key the store is under.
    let mut writes = vec![identity::rewrap(store, &keys.old, &keys.new, &mut OsRng).await?];
    writes.extend(anchor::rewrap(store, &keys.old, &keys.new, &mut OsRng).await?);
    writes.push(Write::ServerSecret(PROGRESS, Vec::new()));
    failpoint!("rotate::before_end");
    let expect = Vec::new();
    store.commit(Batch { expect, writes }).await?;
    failpoint!("rotate::after_end");
    Ok(rotated)
}

async fn commit<S: Store>(store: &S, mut batch: Batch, progress: &Progress) -> Result<(), RotateFault> {
    let bytes = postcard::to_allocvec(progress)
        .map_err(|_| StoreFault::Damaged("the progress of a rotation does not encode".into()))?;
    batch.writes.push(Write::ServerSecret(PROGRESS, bytes));
    Ok(store.commit(batch).await?)
}

struct Keys {
    old: Subkeys,
    new: Subkeys,
}

impl Keys {
    /// Seals a wallet's own records anew; false where one opens under neither key.
    async fn wallet<S: Store>(&self, store: &S, mut row: Wallet, batch: &mut Batch) -> Result<bool, RotateFault> {
        let Some(public) = row.public.clone() else {
            return Ok(true);
        };
        let binding = |version| Binding {
            wallet: row.id,
            user: row.user,
            version,
            public: &public,
        };
        let Ok(state) = State::from_bytes(&self.old.state, &binding(row.version), &row.state) else {
            return Ok(false);
        };
        let Ok(shares) = PublicShares::try_from(public.as_slice()) else {
            return Ok(false);
        };
        let mut whole = true;
        for mut share in store.shares(row.id).await? {
            if share.epoch != shares.epoch().number {
                return Err(RotateFault::Busy(row.id));
            }
            match self.reseal(&shares.share_aad(row.id, Party::Server), &share.sealed) {
                Some(sealed) => {
                    share.sealed = sealed;
                    batch.writes.push(Write::ResealShare(share));
                }
                None => whole = false,
            }
        }
        let version = row.version.saturating_add(1);
        let bytes = state
            .to_bytes(&self.new.state, &binding(version))
            .map_err(|_| StoreFault::Damaged("a state record does not encode".into()))?;
        batch.expect.push((row.id, row.version));
        row.version = version;
        row.state = bytes;
        batch.writes.push(Write::UpdateWallet(row));
        Ok(whole)
    }

    fn reseal(&self, aad: &Aad, sealed: &[u8]) -> Option<Vec<u8>> {
        let inner = open(&self.old.outer, aad, sealed)?;
        Some(seal::seal(&self.new.outer, aad, &inner, &mut OsRng))
    }

    /// Authenticates a wallet's charges anew. There may be many: they go ahead of the wallet in batches of their own, and
    /// those that are done already are known by their MAC.
    async fn charges<S: Store>(&self, store: &S, wallet: WalletId) -> Result<(), RotateFault> {
        let mut after = None;
        loop {
            let groups = store.charge_groups(wallet, after, CHARGES).await?;
            let Some(last) = groups.last() else { return Ok(()) };
            after = Some(last.outpoint);
            let renewed = groups
                .into_iter()
                .filter_map(|group| charge::renew(&self.old.charges, &self.new.charges, group));
            let writes: Vec<_> = renewed.map(Write::PutCharge).collect();
            if !writes.is_empty() {
                let expect = Vec::new();
                store.commit(Batch { expect, writes }).await?;
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

    /// Ceremonies that wait for their next round.
    async fn ceremonies<S: Store>(&self, store: &S) -> Result<(), RotateFault> {
        let mut after: Option<CeremonyId> = None;
        loop {
            let rows = store.ceremonies(after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id);
            let mut writes = Vec::new();
            for mut row in rows {
                // What an expired one held is gone already.
                if row.sealed.is_empty() {
                    continue;
                }
                let aad = Self::aad(&row).ok_or(RotateFault::Busy(row.wallet))?;
                // One that opens under the old key no more was done before.
                if let Some(sealed) = self.reseal(&aad, &row.sealed) {
                    row.sealed = sealed;
                    writes.push(Write::PutCeremony(row));
                }
            }
            let expect = Vec::new();
            store.commit(Batch { expect, writes }).await?;
        }
    }
}

fn open(key: &Secret32, aad: &Aad, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
    seal::open(key, aad, sealed).ok()
}

#[cfg(test)]
mod tests;
