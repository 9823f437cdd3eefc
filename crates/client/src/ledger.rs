//! A wallet's coins, watched: addresses, transactions, balance, history, and drafts of new transactions.
//!
//! No key is here. `bdk_wallet` keeps the books over the descriptors `tr([fp]xpub/0/*)` and `/1/*`; what enters them was
//! checked first, confirmed transactions down to the proof of work ([`crate::headers`]).

mod balance;
mod books;
mod coins;
mod draft;
mod history;
mod replace;
mod saved;
mod sync;

pub use balance::Balance;
pub use coins::{Coin, Standing};
pub use draft::{Draft, DraftFault, Left, Order, Pay};
pub use history::{Entry, Paid};
pub use replace::Replaceable;
pub use sync::SyncReport;
pub(crate) use sync::{NextPage, SyncRun};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bdk_wallet::chain::{CheckPoint, Merge};
use bdk_wallet::{ChangeSet, KeychainKind};
use bitcoin::{Address, Network, OutPoint, Script, Transaction, TxOut, Txid};
use serde::{Deserialize, Serialize};
use twofold_api::limits::GAP_LIMIT;
use twofold_intent::{Account, Keychain, WalletView};

use crate::headers::HeaderChain;
use books::Books;

/// Addresses of each keychain that are recognised beyond the last one handed out. Twice what the server watches, so that
/// nothing it reports is strange here.
const LOOKAHEAD: u32 = 2 * GAP_LIMIT;
/// Blocks of a day: the longest rest of a transaction that the node refuses.
const MOST_BLOCKS: u32 = 144;

/// A wallet's books. Everything here is computed without the network; `Client` (see the crate's front page) fills and
/// keeps it.
#[derive(Debug)]
pub struct Ledger {
    account: Account,
    books: Books,
    changes: ChangeSet,
    chain: HeaderChain,
    /// The server's change counter up to which it was asked, and the history of the server's that it counts in.
    cursor: u64,
    timeline: u64,
    /// The server's clock at the last sync; only ever grows.
    heard: u64,
    /// What this machine signed and has not seen in a block.
    outgoing: BTreeMap<Txid, Outgoing>,
    /// Coins that are never chosen. They are kept with the labels.
    frozen: BTreeSet<OutPoint>,
}

/// A transaction that this machine signed.
#[derive(Debug, Clone)]
struct Outgoing {
    transaction: Arc<Transaction>,
    /// The server's node has it.
    seen: bool,
    /// The server's node would not have it.
    refused: Option<Refused>,
}

/// How often in a row a node refused a transaction, and where the chain was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Refused {
    times: u32,
    height: u32,
}

impl Refused {
    /// Whether to offer it again. What a node refused it may take when blocks have come: each refusal doubles how many
    /// are waited for, up to a day's, since each offer leaves a line in the server's log.
    fn is_over(self, height: u32) -> bool {
        let blocks = 1_u32.checked_shl(self.times.saturating_sub(1)).unwrap_or(MOST_BLOCKS);
        height.saturating_sub(self.height) >= blocks.min(MOST_BLOCKS)
    }
}

/// The books can't be set up for this account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the wallet's books can't be set up ({0}); they can be made anew by syncing")]
pub struct LedgerFault(String);

impl Ledger {
    /// New books for an account none of whose coins is older than the chain's first header.
    pub fn new(account: Account, chain: HeaderChain) -> Result<Self, LedgerFault> {
        Ok(Self {
            books: Books::new(&account)?,
            account,
            // What opening them adds is taken in when they are kept.
            changes: ChangeSet::default(),
            chain,
            cursor: 0,
            timeline: 0,
            heard: 0,
            outgoing: BTreeMap::new(),
            frozen: BTreeSet::new(),
        })
    }

    /// The wallet's public half.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The network it lives on.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.account.network()
    }

    /// Height of the newest block that was checked; none before the first sync.
    #[must_use]
    pub fn tip_height(&self) -> Option<u32> {
        self.chain.tip().map(|(height, _)| height)
    }

    /// The time of the newest block that the books know, in seconds since 1970, as its header has it.
    #[must_use]
    pub fn tip_time(&self) -> Option<u32> {
        let (height, _) = self.chain.tip()?;
        self.chain.get(height).map(|header| header.time)
    }

    /// Height and hash of the newest block that was checked.
    pub(crate) fn tip(&self) -> Option<(u32, bitcoin::BlockHash)> {
        self.chain.tip()
    }

    /// The server's change counter up to which it was asked.
    pub(crate) const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Which of the server's histories that counter is of.
    pub(crate) const fn timeline(&self) -> u64 {
        self.timeline
    }

    /// The first address that was never paid to. It is handed out again until it is.
    pub fn next_address(&mut self) -> (u32, Address) {
        let info = self.books.next_unused_address(KeychainKind::External);
        (info.index, info.address)
    }

    /// The addresses that were handed out and never paid to, oldest first.
    #[must_use]
    pub fn unused_addresses(&self) -> Vec<Address> {
        let unused = self.books.list_unused_addresses(KeychainKind::External);
        unused.map(|info| info.address).collect()
    }

    /// An address that was never handed out before.
    pub fn fresh_address(&mut self) -> (u32, Address) {
        let info = self.books.reveal_next_address(KeychainKind::External);
        (info.index, info.address)
    }

    /// One past the highest index handed out, external and internal: what the server is told to watch from.
    #[must_use]
    pub fn revealed(&self) -> [u32; 2] {
        [KeychainKind::External, KeychainKind::Internal].map(|keychain| {
            self.books
                .derivation_index(keychain)
                .map_or(0, |index| index.saturating_add(1))
        })
    }

    /// What this machine signed and the server's node does not have, to be sent again now.
    pub(crate) fn unseen(&self) -> Vec<Transaction> {
        let height = self.tip_height().unwrap_or(0);
        let waiting = self
            .outgoing
            .values()
            .filter(|outgoing| !outgoing.seen && outgoing.refused.is_none_or(|refused| refused.is_over(height)));
        waiting
            .map(|outgoing| Transaction::clone(&outgoing.transaction))
            .collect()
    }

    /// Notes a transaction of ours, finished but not yet seen on the network: its inputs are spent from here on.
    pub(crate) fn note_outgoing(&mut self, transaction: &Transaction) {
        let shared = Arc::new(transaction.clone());
        let txid = shared.compute_txid();
        self.heard = self.heard.saturating_add(1);
        self.books.apply_unconfirmed_txs([(Arc::clone(&shared), self.heard)]);
        self.outgoing.insert(
            txid,
            Outgoing {
                transaction: shared,
                seen: false,
                refused: None,
            },
        );
        self.collect_changes();
    }

    /// Notes that the server's node took a transaction.
    pub(crate) fn note_sent(&mut self, txid: Txid) {
        if let Some(outgoing) = self.outgoing.get_mut(&txid) {
            outgoing.seen = true;
            outgoing.refused = None;
        }
    }

    /// Notes that the server's node would not have a transaction.
    pub(crate) fn note_refused(&mut self, txid: Txid) {
        let height = self.tip_height().unwrap_or(0);
        if let Some(outgoing) = self.outgoing.get_mut(&txid) {
            let times = outgoing.refused.map_or(0, |refused| refused.times).saturating_add(1);
            outgoing.refused = Some(Refused { times, height });
        }
    }

    /// Moves what changed in the books into what will be saved.
    fn collect_changes(&mut self) {
        if let Some(changes) = self.books.take_staged() {
            self.changes.merge(changes);
        }
    }

    /// Whether every input of a transaction spends a coin of ours.
    fn is_ours_alone(&self, transaction: &Transaction) -> bool {
        transaction
            .input
            .iter()
            .all(|input| self.own_output(input.previous_output).is_some())
    }

    /// Whether any input of a transaction spends a coin of ours.
    pub(crate) fn spends_ours(&self, transaction: &Transaction) -> bool {
        transaction
            .input
            .iter()
            .any(|input| self.own_output(input.previous_output).is_some())
    }

    /// An output of a known transaction, if its script is ours.
    fn own_output(&self, outpoint: OutPoint) -> Option<&TxOut> {
        let output = self.books.tx_graph().get_txout(outpoint)?;
        self.books.is_mine(output.script_pubkey.clone()).then_some(output)
    }

    /// The chain as the books should have it: every height they know, the heights in `also`, and the tip.
    fn book_chain(&self, also: impl Iterator<Item = u32>) -> Option<CheckPoint> {
        let (tip, _) = self.chain.tip()?;
        let mut heights: Vec<u32> = self
            .books
            .checkpoints()
            .map(|point| point.height())
            .chain(also)
            .collect();
        heights.push(tip);
        let blocks = heights
            .into_iter()
            .filter_map(|height| Some((height, self.chain.get(height)?.block_hash())));
        let mut blocks: BTreeMap<u32, _> = blocks.filter(|(height, _)| *height > 0).collect();
        blocks.insert(0, self.books.local_chain().genesis_hash());
        CheckPoint::from_block_ids(blocks.into_iter().map(Into::into)).ok()
    }
}

impl WalletView for Ledger {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        self.books.tx_graph().get_txout(outpoint).cloned()
    }

    fn change_horizon(&self, keychain: Keychain) -> u32 {
        let [external, internal] = self.revealed();
        let next = match keychain {
            Keychain::External => external,
            Keychain::Internal => internal,
        };
        next.saturating_add(GAP_LIMIT)
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        let (keychain, index) = self.books.derivation_of_spk(script.to_owned())?;
        let keychain = match keychain {
            KeychainKind::External => Keychain::External,
            KeychainKind::Internal => Keychain::Internal,
        };
        Some((keychain, index))
    }

    fn tip_height(&self) -> Option<u32> {
        Self::tip_height(self)
    }

    fn median_time(&self) -> Option<u32> {
        let (tip, _) = self.chain.tip()?;
        let mut times: Vec<u32> = (tip.saturating_sub(10)..=tip)
            .filter_map(|height| self.chain.get(height))
            .map(|header| header.time)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }
}

#[cfg(test)]
mod tests;
