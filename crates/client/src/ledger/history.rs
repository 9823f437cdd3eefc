//! What happened in the wallet, newest first.

use bdk_wallet::chain::ChainPosition;
use bitcoin::{Address, Amount, SignedAmount, Txid};

use super::Ledger;

/// One transaction of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The transaction.
    pub txid: Txid,
    /// What it did to the balance, fee included.
    pub net: SignedAmount,
    /// The fee, where all inputs are ours.
    pub fee: Option<Amount>,
    /// Height of its block; none while it waits for one.
    pub height: Option<u32>,
    /// Blocks that bury it, its own included.
    pub confirmations: u32,
    /// The time of its block, or when it was first seen, in seconds since 1970.
    pub time: Option<u64>,
    /// Whom it pays besides ourselves, where we paid.
    pub paid: Vec<Paid>,
    /// Addresses of ours that others paid, where we did not pay.
    pub received_at: Vec<Address>,
    /// Transactions of ours whose place this one took: they spend a coin that it spends.
    pub replaces: Vec<Txid>,
    /// We signed it, and the server's node does not have it (any more): it is handed over again at each sync.
    pub unsent: bool,
}

/// An output to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// The address; none where the script has no address.
    pub address: Option<Address>,
    /// How much.
    pub value: Amount,
}

impl Ledger {
    /// Every transaction of the wallet that counts, those without a block first, then newest block first.
    #[must_use]
    pub fn history(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.books.transactions().map(|known| self.entry(&known)).collect();
        entries.sort_by(|a, b| {
            let place = |entry: &Entry| (entry.height.unwrap_or(u32::MAX), entry.time, entry.txid);
            place(b).cmp(&place(a))
        });
        entries
    }

    fn entry(&self, known: &bdk_wallet::WalletTx<'_>) -> Entry {
        let transaction = &known.tx_node.tx;
        let (sent, received) = self.books.sent_and_received(transaction);
        let signed = |amount: Amount| amount.to_signed().unwrap_or(SignedAmount::MAX);
        let ours = self.is_ours_alone(transaction);
        let (height, time) = match &known.chain_position {
            ChainPosition::Confirmed { anchor, .. } => (Some(anchor.block_id.height), Some(anchor.confirmation_time)),
            // The books forget this when they are read back; what was kept does not.
            ChainPosition::Unconfirmed { .. } => {
                (None, self.changes.tx_graph.first_seen.get(&known.tx_node.txid).copied())
            }
        };
        let at = |output: &bitcoin::TxOut| Address::from_script(&output.script_pubkey, self.network()).ok();
        let received_at = transaction
            .output
            .iter()
            .filter(|output| self.books.is_mine(output.script_pubkey.clone()))
            .filter_map(at);
        let others = transaction
            .output
            .iter()
            .filter(|output| !self.books.is_mine(output.script_pubkey.clone()));
        let paid = others.map(|output| Paid {
            address: at(output),
            value: output.value,
        });
        Entry {
            txid: known.tx_node.txid,
            net: signed(received) - signed(sent),
            fee: if ours {
                self.books.calculate_fee(transaction).ok()
            } else {
                None
            },
            height,
            confirmations: height
                .zip(self.tip_height())
                .map_or(0, |(height, tip)| tip.saturating_sub(height).saturating_add(1)),
            time,
            paid: if sent > Amount::ZERO {
                paid.collect()
            } else {
                Vec::new()
            },
            received_at: if sent > Amount::ZERO {
                Vec::new()
            } else {
                received_at.collect()
            },
            replaces: self.replaced_transactions(transaction),
            unsent: self
                .outgoing
                .get(&known.tx_node.txid)
                .is_some_and(|outgoing| !outgoing.seen),
        }
    }
}
