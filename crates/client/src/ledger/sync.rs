//! Bringing the books up to date with what the server says, none of it on its word.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bdk_wallet::Update;
use bdk_wallet::chain::{BlockId, ConfirmationBlockTime, TxUpdate};
use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, BlockHash, OutPoint, Transaction, TxOut, Txid};
use twofold_api::reply::{Anchor, ChainTransaction, Synced};
use twofold_intent::psbt::is_key_spend;

use super::{Ledger, LedgerFault};
use crate::headers::{Adopted, Candidate, ChainLie, merkle};

/// Most bytes of transactions that one sync takes in. Books that hold more could hardly be kept, and whoever tells of
/// payments that wait need prove none of them.
const MOST_BYTES: usize = 96 * 1024 * 1024;

/// What a sync brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncReport {
    /// Height of the best block.
    pub tip_height: u32,
    /// Transactions that are new or changed their place.
    pub changed: usize,
    /// The server is still reading old blocks for this wallet; so far up to this height. None when it is done.
    pub scanning: Option<u32>,
    /// The server's node is behind blocks that were already seen here, at this height.
    pub behind: Option<u32>,
    /// Transactions of ours handed to the network again.
    pub sent_again: usize,
}

/// One sync, over as many pages as the server needs.
#[derive(Debug)]
pub(crate) struct SyncRun<'a> {
    ledger: &'a Ledger,
    candidate: Candidate<'a>,
    told: BTreeMap<Txid, Told>,
    bytes: usize,
    cursor: u64,
    timeline: u64,
    time: u64,
    tip_height: u32,
    scanned_height: u32,
}

/// What the server says of one transaction; a later page replaces an earlier one.
#[derive(Debug)]
struct Told {
    transaction: Arc<Transaction>,
    block: Option<Anchor>,
    seen: u64,
    gone: bool,
}

/// Whether to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// There is more.
    Ask,
    /// That was all.
    Finish,
}

/// What a sync found, checked.
#[derive(Debug)]
pub(crate) struct Verified {
    adopted: Option<Adopted>,
    placed: Vec<(Told, Option<ConfirmationBlockTime>)>,
    /// What waits in the books, and a server that was restored knows nothing of.
    forgotten: Vec<Txid>,
    cursor: u64,
    timeline: u64,
    /// The server counts otherwise than it did when it was asked last.
    pub(crate) restored: bool,
    time: u64,
    tip_height: u32,
    scanned_height: u32,
}

impl<'a> SyncRun<'a> {
    /// Starts where the books stand.
    pub(crate) fn new(ledger: &'a Ledger) -> Self {
        Self {
            ledger,
            candidate: ledger.chain.candidate(),
            told: BTreeMap::new(),
            bytes: 0,
            cursor: ledger.cursor,
            timeline: ledger.timeline,
            time: ledger.heard,
            tip_height: 0,
            scanned_height: 0,
        }
    }

    /// Blocks to show the server.
    pub(crate) fn locator(&self) -> Vec<(u32, [u8; 32])> {
        self.candidate.locator()
    }

    /// The server's change counter to ask from.
    pub(crate) const fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Which of the server's histories the counter is of.
    pub(crate) const fn timeline(&self) -> u64 {
        self.timeline
    }

    /// Takes a page in.
    pub(crate) fn page(&mut self, page: Synced) -> Result<NextPage, ChainLie> {
        let headers = self.candidate.extend(page.from_height, &page.headers)?;
        let restored = page.timeline != self.timeline;
        if restored {
            // It was restored, and tells everything from the beginning, with numbers of its own.
            self.told.clear();
            (self.timeline, self.cursor) = (page.timeline, 0);
        }
        let moved = restored || page.cursor > self.cursor;
        let lengths = page.transactions.iter().map(|told| told.transaction.len());
        self.bytes = lengths.fold(self.bytes, usize::saturating_add);
        if self.bytes > MOST_BYTES {
            return Err(ChainLie::TooMuch);
        }
        for told in page.transactions {
            let ChainTransaction {
                transaction,
                block,
                seen,
                gone,
            } = told;
            let transaction = read(&transaction)?;
            let told = Told {
                transaction: Arc::new(transaction),
                block,
                seen,
                gone,
            };
            self.told.insert(told.transaction.compute_txid(), told);
        }
        self.cursor = self.cursor.max(page.cursor);
        self.time = self.time.max(page.head.time);
        self.tip_height = page.tip_height;
        self.scanned_height = page.scanned_height;
        if !page.more {
            return Ok(NextPage::Finish);
        }
        if headers == 0 && !moved {
            Err(ChainLie::Stalled)
        } else {
            Ok(NextPage::Ask)
        }
    }

    /// Checks everything against everything else.
    pub(crate) fn finish(self) -> Result<Verified, ChainLie> {
        let unproved = self.unproved()?;
        let forgotten = self.forgotten();
        let told = self.told.into_iter().filter(|(txid, _)| !unproved.contains(txid));
        let placed = told.map(|(_, told)| {
            let place = told
                .block
                .as_ref()
                .map(|anchor| place(&self.candidate, &told.transaction, anchor))
                .transpose()?;
            Ok((told, place))
        });
        Ok(Verified {
            placed: placed.collect::<Result<_, _>>()?,
            forgotten,
            adopted: self.candidate.finish()?,
            cursor: self.cursor,
            timeline: self.timeline,
            restored: self.timeline != self.ledger.timeline,
            time: self.time,
            tip_height: self.tip_height,
            scanned_height: self.scanned_height,
        })
    }
}

impl SyncRun<'_> {
    /// What waits and spends coins of ours must carry our signatures: else a server could put a payment of its own in
    /// the place of ours, and have it signed when the fee is bumped. A signature is over all coins that are spent, so
    /// where others' coins are unknown it can't be checked: such a transaction counts once a block holds it.
    fn unproved(&self) -> Result<BTreeSet<Txid>, ChainLie> {
        let waits = |(txid, told): &(&Txid, &Told)| {
            told.block.is_none() && !told.gone && !self.ledger.outgoing.contains_key(*txid)
        };
        let mut unproved = BTreeSet::new();
        for (txid, told) in self.told.iter().filter(waits) {
            let spent = told.transaction.input.iter().map(|input| input.previous_output);
            let coins: Vec<Option<&TxOut>> = spent.map(|outpoint| self.coin(outpoint)).collect();
            let ours = |coin: &TxOut| self.ledger.books.is_mine(coin.script_pubkey.clone());
            let own: Vec<usize> = coins
                .iter()
                .enumerate()
                .filter_map(|(input, coin)| coin.is_some_and(ours).then_some(input))
                .collect();
            if own.is_empty() {
                continue;
            }
            let Some(coins) = coins
                .into_iter()
                .map(Option::<&TxOut>::cloned)
                .collect::<Option<Vec<_>>>()
            else {
                unproved.insert(*txid);
                continue;
            };
            if !own.iter().all(|input| is_key_spend(&told.transaction, *input, &coins)) {
                return Err(ChainLie::Unsigned { txid: *txid });
            }
        }
        Ok(unproved)
    }

    /// What waits in the books, where the server begins anew and does not speak of it: it is told of once it is seen again.
    fn forgotten(&self) -> Vec<Txid> {
        if self.timeline == self.ledger.timeline {
            return Vec::new();
        }
        let waiting = self.ledger.books.transactions();
        waiting
            .filter(|known| !known.chain_position.is_confirmed())
            .map(|known| known.tx_node.txid)
            .filter(|txid| !self.told.contains_key(txid))
            .collect()
    }

    /// An output of a transaction that is known or was told just now.
    fn coin(&self, outpoint: OutPoint) -> Option<&TxOut> {
        let known = self.ledger.books.tx_graph().get_txout(outpoint);
        known.or_else(|| {
            let output = usize::try_from(outpoint.vout).ok()?;
            self.told.get(&outpoint.txid)?.transaction.output.get(output)
        })
    }
}

/// Reads a transaction and checks what needs no context (consensus asks for it): inputs, outputs, and no more money than
/// there can be. Nothing downstream adds up impossible sums.
fn read(bytes: &[u8]) -> Result<Transaction, ChainLie> {
    let transaction: Transaction = deserialize(bytes).map_err(|_| ChainLie::NoTransaction)?;
    let paid = transaction.output.iter().try_fold(Amount::ZERO, |sum, output| {
        sum.checked_add(output.value).filter(|sum| *sum <= Amount::MAX_MONEY)
    });
    if transaction.input.is_empty() || transaction.output.is_empty() || paid.is_none() {
        return Err(ChainLie::NoTransaction);
    }
    Ok(transaction)
}

/// Checks that a transaction is in the block that it is said to be in, and that the block is on the chain.
fn place(chain: &Candidate<'_>, transaction: &Transaction, anchor: &Anchor) -> Result<ConfirmationBlockTime, ChainLie> {
    let (height, txid) = (anchor.height, transaction.compute_txid());
    let hash = BlockHash::from_byte_array(anchor.hash);
    let header = chain.get(height).filter(|header| header.block_hash() == hash);
    let header = header.ok_or(ChainLie::UnknownBlock { txid, height })?;
    if !merkle::proves(transaction, anchor.position, &anchor.branch, header.merkle_root) {
        return Err(ChainLie::FalseBranch { txid, height });
    }
    Ok(ConfirmationBlockTime {
        block_id: BlockId { height, hash },
        confirmation_time: header.time.into(),
    })
}

impl Ledger {
    /// Enters what a sync found. Gives the lowest height whose header changed, and a report.
    pub(crate) fn enter(&mut self, found: Verified) -> Result<(Option<u32>, SyncReport), LedgerFault> {
        let behind = self
            .tip_height()
            .filter(|known| found.tip_height < *known && found.adopted.is_none());
        let changed_from = found.adopted.map(|adopted| self.chain.adopt(adopted));
        // Each sync's word on what waits and what is gone must count as later than the last one's.
        self.heard = found.time.max(self.heard.saturating_add(1));

        let mut update = TxUpdate::<ConfirmationBlockTime>::default();
        let mut heights = Vec::new();
        let changed = found.placed.len();
        for (told, place) in found.placed {
            let txid = told.transaction.compute_txid();
            match place {
                Some(place) => {
                    heights.push(place.block_id.height);
                    update.anchors.insert((place, txid));
                    self.outgoing.remove(&txid);
                }
                // Mined money whose block is gone is gone with it; it never waits.
                None if told.transaction.is_coinbase() => {}
                None if told.gone => self.let_go(txid, &mut update),
                None => {
                    update.seen_ats.insert((txid, told.seen.min(self.heard)));
                    update.seen_ats.insert((txid, self.heard));
                    self.note_sent(txid);
                }
            }
            update.txs.push(told.transaction);
        }
        for txid in found.forgotten {
            self.let_go(txid, &mut update);
        }
        let chain = self.book_chain(heights.into_iter());
        self.books
            .apply_update(Update {
                tx_update: update,
                chain,
                ..Update::default()
            })
            .map_err(|fault| LedgerFault(fault.to_string()))?;
        self.drop_replaced();
        (self.cursor, self.timeline) = (found.cursor, found.timeline);
        self.collect_changes();
        let tip_height = self.tip_height().unwrap_or(found.tip_height);
        let report = SyncReport {
            tip_height,
            changed,
            scanning: (found.scanned_height < found.tip_height).then_some(found.scanned_height),
            behind,
            sent_again: 0,
        };
        Ok((changed_from, report))
    }

    /// The server's node does not have it any more. What we signed stays ours to push until a block holds it or something
    /// else spends its coins.
    fn let_go(&mut self, txid: Txid, update: &mut TxUpdate<ConfirmationBlockTime>) {
        match self.outgoing.get_mut(&txid) {
            Some(outgoing) => outgoing.seen = false,
            None => {
                update.evicted_ats.insert((txid, self.heard));
            }
        }
    }

    /// Lets go of transactions of ours that can't confirm any more, since a block spends their coins otherwise.
    fn drop_replaced(&mut self) {
        let books = &self.books;
        self.outgoing.retain(|txid, _| books.get_tx(*txid).is_some());
    }
}
