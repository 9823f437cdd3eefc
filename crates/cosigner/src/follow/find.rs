//! What transactions mean to wallets: whom they pay, whose coins they spend, and which scripts to watch from then on.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::poll_fn,
    ops::Range,
    task::Poll,
};

use bitcoin::{OutPoint, Transaction};
use twofold_intent::Keychain;
use twofold_threshold::{id::WalletId, share::PublicShares};

use super::FollowFault;
use crate::{
    Config,
    port::{
        record::{Coin, Script},
        store::{Store, StoreFault},
    },
    wallet::{WalletKeys, output_key},
};

/// Keys looked up between two chances for other work: about a millisecond in the store.
const AT_ONCE: usize = 500;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Which transactions, by their place in the list, concern which wallets.
    pub(super) touched: BTreeMap<usize, BTreeSet<WalletId>>,
    /// Outputs that pay wallets.
    pub(super) coins: Vec<Coin>,
    /// Scripts to watch from now on.
    pub(super) scripts: Vec<Script>,
}

/// Looks through transactions, a parent before its children or both at once; for one wallet, or for all.
pub(super) async fn find(
    store: &impl Store,
    config: &Config,
    transactions: &[Transaction],
    only: Option<WalletId>,
) -> Result<Found, FollowFault> {
    let mut found = Found::default();
    let concerns = |wallet: WalletId| only.is_none_or(|only| only == wallet);

    let outputs = outputs(transactions);
    let keys: Vec<[u8; 32]> = outputs.keys().copied().collect();
    let mut paid = Vec::new();
    for keys in keys.chunks(AT_ONCE) {
        paid.append(&mut store.scripts(keys.to_vec()).await?);
        let_others_run().await;
    }
    paid.retain(|script| concerns(script.wallet));
    // What is paid moves the gap on, and a script watched from now on may be paid in the same block.
    let mut watches = Watches::default();
    while !paid.is_empty() {
        for script in &paid {
            watches.note(script);
            for place in outputs.get(&script.output_key).into_iter().flatten() {
                found
                    .touched
                    .entry(place.transaction)
                    .or_default()
                    .insert(script.wallet);
                found.coins.push(Coin {
                    wallet: script.wallet,
                    outpoint: place.outpoint,
                    value: place.value,
                    keychain: script.keychain,
                    index: script.index,
                });
            }
        }
        let added = watches.extend(store, config).await?;
        paid = added
            .iter()
            .filter(|script| outputs.contains_key(&script.output_key))
            .cloned()
            .collect();
        found.scripts.extend(added);
    }

    let mut spent = Vec::new();
    for (place, transaction) in transactions.iter().enumerate().filter(|(_, each)| !each.is_coinbase()) {
        spent.extend(
            transaction
                .input
                .iter()
                .map(|input| (outpoint(input.previous_output), place)),
        );
    }
    let spenders: HashMap<[u8; 36], usize> = spent.iter().copied().collect();
    let mut coins = found.coins.clone();
    for chunk in spent.chunks(AT_ONCE) {
        coins.append(
            &mut store
                .coins(chunk.iter().map(|(outpoint, _)| *outpoint).collect())
                .await?,
        );
        let_others_run().await;
    }
    for coin in coins.into_iter().filter(|coin| concerns(coin.wallet)) {
        if let Some(place) = spenders.get(&coin.outpoint) {
            found.touched.entry(*place).or_default().insert(coin.wallet);
        }
    }
    Ok(found)
}

/// An output that may be ours.
struct Place {
    transaction: usize,
    outpoint: [u8; 36],
    value: u64,
}

/// All taproot outputs, by the key they pay.
fn outputs(transactions: &[Transaction]) -> HashMap<[u8; 32], Vec<Place>> {
    let mut outputs: HashMap<_, Vec<_>> = HashMap::new();
    for (place, transaction) in transactions.iter().enumerate() {
        let mut txid = None;
        for (vout, output) in (0..).zip(&transaction.output) {
            let Some(key) = output_key(&output.script_pubkey) else {
                continue;
            };
            let txid = *txid.get_or_insert_with(|| transaction.compute_txid());
            outputs.entry(key).or_default().push(Place {
                transaction: place,
                outpoint: outpoint(OutPoint { txid, vout }),
                value: output.value.to_sat(),
            });
        }
    }
    outputs
}

/// How far wallets are used and watched, as far as that changes here.
#[derive(Default)]
struct Watches {
    /// One past the highest index paid, by wallet, external and internal.
    used: BTreeMap<WalletId, [u32; 2]>,
    watched: BTreeMap<WalletId, [u32; 2]>,
}

impl Watches {
    fn note(&mut self, script: &Script) {
        let used = self.used.entry(script.wallet).or_default();
        if let Some(used) = used.get_mut(usize::from(script.keychain)) {
            *used = (*used).max(script.index.saturating_add(1));
        }
    }

    /// The scripts that must be watched beside those that are.
    async fn extend(&mut self, store: &impl Store, config: &Config) -> Result<Vec<Script>, FollowFault> {
        let mut added = Vec::new();
        for (wallet, used) in &self.used {
            let watched = match self.watched.get(wallet) {
                Some(watched) => *watched,
                None => store.watched(*wallet).await?,
            };
            let wanted = used.map(|used| {
                if used == 0 {
                    0
                } else {
                    used.saturating_add(config.gap_limit)
                }
            });
            if (0..2).all(|place| wanted[place] <= watched[place]) {
                continue;
            }
            for (place, keychain) in Keychain::ALL.into_iter().enumerate() {
                let indexes = watched[place]..wanted[place];
                added.extend(scripts(store, config, *wallet, keychain, indexes).await?);
            }
            let watched = [0, 1].map(|place: usize| watched[place].max(wanted[place]));
            self.watched.insert(*wallet, watched);
        }
        Ok(added)
    }
}

/// Scripts of a wallet. One whose row can't be used has none: it is locked, and the others go on.
async fn scripts(
    store: &impl Store,
    config: &Config,
    wallet: WalletId,
    keychain: Keychain,
    indexes: Range<u32>,
) -> Result<Vec<Script>, FollowFault> {
    let public = match store.wallet(wallet).await {
        Ok(row) => row.and_then(|row| row.public),
        Err(StoreFault::Damaged(_)) => None,
        Err(fault) => return Err(fault.into()),
    };
    let derived = public
        .and_then(|public| PublicShares::try_from(public.as_slice()).ok())
        .and_then(|public| WalletKeys::new(public, config).ok())
        .and_then(|keys| keys.scripts(wallet, keychain, indexes).ok());
    if derived.is_none() {
        tracing::error!(%wallet, "a wallet's public shares can't be used: its scripts are not watched any further");
    }
    Ok(derived.unwrap_or_default())
}

/// The scripts of a wallet that are watched and were not paid yet.
pub(super) async fn unused_scripts(
    store: &impl Store,
    config: &Config,
    wallet: WalletId,
) -> Result<Vec<Script>, FollowFault> {
    let (used, watched) = (store.used(wallet).await?, store.watched(wallet).await?);
    let mut unused = Vec::new();
    for (place, keychain) in Keychain::ALL.into_iter().enumerate() {
        unused.extend(scripts(store, config, wallet, keychain, used[place]..watched[place]).await?);
    }
    Ok(unused)
}

/// An outpoint as it is stored: txid in internal byte order, then the index.
pub(super) fn outpoint(outpoint: OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..32].copy_from_slice(AsRef::<[u8]>::as_ref(&outpoint.txid));
    bytes[32..].copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Lets whatever else this thread has to do go first: reads of the store may not wait for anything.
async fn let_others_run() {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
