//! What came into the mempool and what left it.

use std::collections::{HashMap, HashSet, VecDeque};

use bitcoin::{Transaction, Txid, hashes::Hash};
use twofold_threshold::id::WalletId;

use super::{
    FollowFault,
    block::{Placed, writes},
    commit,
    find::{Found, find, outpoint},
};
use crate::{
    Config,
    port::{
        chain::{Blocks, Chain, ChainFault},
        record::{Block, Script},
        store::{Store, Write},
    },
    wallet::output_key,
};

/// New transactions fetched in one step.
const FETCHED: usize = 200;
/// Waiting transactions compared with the mempool at a time.
const COMPARED: u32 = 1_000;
/// Transactions in the mempool for each second of rest between two looks.
const LISTED_A_SECOND: u64 = 20_000;
/// Transactions sent again in one step.
const SENT_AGAIN: usize = 20;

/// What is known of the mempool. Its size follows the node's mempool, not the number of wallets.
#[derive(Debug, Default)]
pub(super) struct Mempool {
    /// Transactions that were looked at.
    known: HashSet<Txid>,
    /// Which of them pays a taproot key, by the key's first half: for scripts that are watched only later.
    payers: HashMap<[u8; 16], Txid>,
    /// When it was last looked at, and for how many seconds it then rests: the list of a large mempool takes the node a
    /// while.
    rests: (u64, u64),
    /// The wallet whose transaction was sent again last.
    offered: Option<WalletId>,
    /// Something known has to be looked at again.
    due: bool,
}

impl Mempool {
    /// Has transactions looked at again that pay scripts which were not watched before.
    pub(super) fn reconsider<'a>(&mut self, scripts: impl IntoIterator<Item = &'a Script>) {
        for script in scripts {
            if let Some(txid) = self.payers.get(half(&script.output_key)) {
                self.known.remove(txid);
                self.due = true;
            }
        }
    }

    /// Whether there is something to look at again at once.
    pub(super) const fn is_due(&self) -> bool {
        self.due
    }

    /// Takes note of what came and what left, at the chain's tip; whether there is more that came.
    pub(super) async fn step(
        &mut self,
        store: &impl Store,
        chain: &impl Blocks,
        config: &Config,
        tip: &Block,
        now: u64,
    ) -> Result<bool, FollowFault> {
        let (since, rest) = self.rests;
        // A clock that went back ends the rest.
        if now.checked_sub(since).is_some_and(|passed| passed < rest) && !self.due {
            return Ok(false);
        }
        self.due = false;
        let mempool: HashSet<Txid> = chain.mempool().await?.into_iter().collect();
        if self.known.iter().any(|txid| !mempool.contains(txid)) {
            self.known.retain(|txid| mempool.contains(txid));
            self.payers.retain(|_, txid| mempool.contains(txid));
        }
        self.note_gone(store, chain, &mempool, tip).await?;
        let more = self.note_new(store, chain, config, &mempool, now).await?;
        if !more {
            let rest = u64::try_from(mempool.len()).unwrap_or(u64::MAX) / LISTED_A_SECOND;
            self.rests = (now, rest);
        }
        Ok(more)
    }

    async fn note_new(
        &mut self,
        store: &impl Store,
        chain: &impl Blocks,
        config: &Config,
        mempool: &HashSet<Txid>,
        now: u64,
    ) -> Result<bool, FollowFault> {
        let fresh: HashSet<Txid> = mempool.difference(&self.known).copied().collect();
        let mut queue: VecDeque<Txid> = fresh.iter().copied().collect();
        let (mut asked, mut awaited) = (HashSet::new(), HashSet::new());
        let mut fetched: Vec<Transaction> = Vec::new();
        while let Some(txid) = queue.pop_front() {
            if fetched.len() >= FETCHED && !awaited.contains(&txid) {
                break;
            }
            if !asked.insert(txid) {
                continue;
            }
            let Some(transaction) = chain.mempool_transaction(txid).await? else {
                continue;
            };
            // Whose coins it spends is known once its parents were looked at: before it, or with it.
            for input in &transaction.input {
                let parent = input.previous_output.txid;
                if fresh.contains(&parent) && !asked.contains(&parent) && awaited.insert(parent) {
                    queue.push_front(parent);
                }
            }
            fetched.push(transaction);
        }
        let found = find(store, config, &fetched, None).await?;
        self.write_new(store, &fetched, found, now).await?;
        Ok(queue.iter().any(|txid| !asked.contains(txid)))
    }

    async fn write_new(
        &mut self,
        store: &impl Store,
        fetched: &[Transaction],
        found: Found,
        now: u64,
    ) -> Result<(), FollowFault> {
        let scripts = found.scripts.clone();
        let waiting = |transaction: &Transaction| Placed {
            transaction: transaction.clone(),
            mined: None,
            seen: now,
        };
        let writes = writes(fetched.iter().map(waiting).collect(), found);
        if !writes.is_empty() {
            commit(store, writes).await?;
        }
        for transaction in fetched {
            let txid = transaction.compute_txid();
            self.known.insert(txid);
            let keys = transaction
                .output
                .iter()
                .filter_map(|output| output_key(&output.script_pubkey));
            self.payers.extend(keys.map(|key| (*half(&key), txid)));
        }
        self.reconsider(&scripts);
        Ok(())
    }

    /// Marks what left without being mined. What spends a wallet's coins is offered to the node again first, since a
    /// full mempool may have dropped it; a transaction that another one replaced is refused then. Wallets take turns, so
    /// that one which lost many holds up no other; what had no turn is left for the next look.
    pub(super) async fn note_gone(
        &mut self,
        store: &impl Store,
        chain: &impl Chain,
        mempool: &HashSet<Txid>,
        tip: &Block,
    ) -> Result<(), FollowFault> {
        let mut after = None;
        let mut left = Vec::new();
        loop {
            let waiting = store.unconfirmed(after, COMPARED).await?;
            let last = waiting.last().copied();
            left.extend(
                waiting
                    .into_iter()
                    .filter(|(txid, _)| !mempool.contains(&Txid::from_byte_array(*txid))),
            );
            if last.is_none() {
                break;
            }
            after = last;
        }
        if left.is_empty() {
            return Ok(());
        }
        // Were they mined meanwhile, the next step reads that block.
        if chain.best().await?.1.to_byte_array() != tip.hash {
            return Ok(());
        }
        let mut writes = Vec::new();
        let mut offers = SENT_AGAIN;
        for (txid, wallet) in in_turns(left, self.offered) {
            if let Some(transaction) = spending(store, wallet, txid).await? {
                if offers == 0 {
                    continue;
                }
                offers -= 1;
                self.offered = Some(wallet);
                match chain.broadcast(&transaction).await {
                    Ok(_) => continue,
                    Err(ChainFault::Refused(why)) => tracing::info!(%wallet, why, "a transaction left the mempool"),
                    Err(fault) => return Err(fault.into()),
                }
            }
            writes.push(Write::MarkGone { wallet, txid });
        }
        if writes.is_empty() {
            return Ok(());
        }
        commit(store, writes).await
    }
}

/// One of each wallet in turn, from the wallet after `last` on, then a second one of each, and so on.
pub(super) fn in_turns(left: Vec<([u8; 32], WalletId)>, last: Option<WalletId>) -> Vec<([u8; 32], WalletId)> {
    let mut rounds = HashMap::<WalletId, usize>::new();
    let mut turns: Vec<_> = left
        .into_iter()
        .map(|(txid, wallet)| {
            let round = rounds.entry(wallet).or_default();
            let turn = (*round, last.is_some_and(|last| wallet <= last), wallet, txid);
            *round += 1;
            turn
        })
        .collect();
    turns.sort_unstable();
    turns.into_iter().map(|(_, _, wallet, txid)| (txid, wallet)).collect()
}

/// A transaction, if it spends the wallet's coins.
async fn spending(store: &impl Store, wallet: WalletId, txid: [u8; 32]) -> Result<Option<Transaction>, FollowFault> {
    let Some(row) = store.transaction(wallet, txid).await? else {
        return Ok(None);
    };
    let Ok(transaction) = bitcoin::consensus::deserialize::<Transaction>(&row.transaction) else {
        return Ok(None);
    };
    let spent = transaction
        .input
        .iter()
        .map(|input| outpoint(input.previous_output))
        .collect();
    let ours = store.coins(spent).await?.iter().any(|coin| coin.wallet == wallet);
    Ok(ours.then_some(transaction))
}

fn half(key: &[u8; 32]) -> &[u8; 16] {
    let (half, _) = key.split_first_chunk().unwrap_or((&[0; 16], &[]));
    half
}
