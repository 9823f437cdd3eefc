//! What the wallet holds, by how sure it is.

use std::collections::HashMap;

use bitcoin::{Amount, OutPoint, Txid};

use super::Ledger;

/// Blocks before a mined coin may be spent (consensus).
const MATURITY: u32 = 100;

/// The wallet's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// In blocks, and spendable.
    pub confirmed: Amount,
    /// Change of our own transactions that are not in a block yet; spendable.
    pub change: Amount,
    /// From others, not in a block yet; not counted on and not spent.
    pub pending: Amount,
    /// Mined by us less than 100 blocks ago; not spendable yet.
    pub immature: Amount,
}

impl Balance {
    /// What can be spent now.
    #[must_use]
    pub fn spendable(&self) -> Amount {
        self.confirmed.checked_add(self.change).unwrap_or(Amount::MAX)
    }

    /// Everything.
    #[must_use]
    pub fn total(&self) -> Amount {
        [self.pending, self.immature]
            .into_iter()
            .fold(self.spendable(), |sum, part| {
                sum.checked_add(part).unwrap_or(Amount::MAX)
            })
    }
}

/// How far a coin can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Confirmed,
    Change,
    Pending,
    Immature,
}

impl Ledger {
    /// What the wallet holds.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let mut balance = Balance::default();
        for (_, value, standing) in self.coins() {
            let place = match standing {
                Standing::Confirmed => &mut balance.confirmed,
                Standing::Change => &mut balance.change,
                Standing::Pending => &mut balance.pending,
                Standing::Immature => &mut balance.immature,
            };
            // A server may invent any number of payments that wait; they must not overflow.
            *place = place.checked_add(value).unwrap_or(Amount::MAX);
        }
        balance
    }

    /// The coins that may be spent now, largest first.
    pub(super) fn spendable_coins(&self) -> Vec<(OutPoint, Amount)> {
        let mut coins: Vec<_> = self
            .coins()
            .filter(|(_, _, standing)| matches!(standing, Standing::Confirmed | Standing::Change))
            .map(|(outpoint, value, _)| (outpoint, value))
            .collect();
        coins.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        coins
    }

    /// The coins that may not.
    pub(super) fn unspendable_coins(&self) -> Vec<OutPoint> {
        self.coins()
            .filter(|(_, _, standing)| matches!(standing, Standing::Pending | Standing::Immature))
            .map(|(outpoint, _, _)| outpoint)
            .collect()
    }

    fn coins(&self) -> impl Iterator<Item = (OutPoint, Amount, Standing)> + '_ {
        let tip = self.tip_height().unwrap_or(0);
        let mut own: HashMap<Txid, bool> = HashMap::new();
        self.books.list_unspent().map(move |coin| {
            let txid = coin.outpoint.txid;
            let transaction = self.books.tx_graph().get_tx(txid);
            let standing = match coin.chain_position.confirmation_height_upper_bound() {
                Some(height) => {
                    let mined = transaction.is_some_and(|transaction| transaction.is_coinbase());
                    if mined && tip.saturating_add(1) < height.saturating_add(MATURITY) {
                        Standing::Immature
                    } else {
                        Standing::Confirmed
                    }
                }
                // Only what we alone paid for can't be taken back by someone else.
                None if *own
                    .entry(txid)
                    .or_insert_with(|| transaction.is_some_and(|transaction| self.is_ours_alone(&transaction))) =>
                {
                    Standing::Change
                }
                None => Standing::Pending,
            };
            (coin.outpoint, coin.txout.value, standing)
        })
    }
}
