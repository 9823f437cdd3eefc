//! The wallet's coins, one by one.

use std::collections::HashMap;

use bitcoin::{Address, Amount, OutPoint, Transaction, TxOut, Txid};
use twofold_intent::psbt::is_key_spend;

use super::{DraftFault, Ledger};

/// Blocks before a mined coin may be spent (consensus).
const MATURITY: u32 = 100;

/// How far a coin can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In a block, and spendable.
    Confirmed,
    /// Change of a transaction of our own that is not in a block yet; spendable.
    Change,
    /// Not in a block yet, and from others or of a transaction that the network does not have; not counted on and not
    /// spent.
    Pending,
    /// Mined by us less than 100 blocks ago; not spendable yet.
    Immature,
}

impl Standing {
    const fn may_be_spent(self) -> bool {
        matches!(self, Self::Confirmed | Self::Change)
    }
}

/// A coin of the wallet that nothing spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// Which.
    pub outpoint: OutPoint,
    /// Its worth.
    pub value: Amount,
    /// The address it was paid to.
    pub address: Option<Address>,
    /// Blocks that bury it, its own included.
    pub confirmations: u32,
    /// How far it can be relied on.
    pub standing: Standing,
    /// The person froze it: it is never chosen.
    pub frozen: bool,
}

impl Coin {
    /// Whether a draft may choose it.
    #[must_use]
    pub const fn is_spendable(&self) -> bool {
        self.standing.may_be_spent() && !self.frozen
    }
}

impl Ledger {
    /// Every coin that nothing spends, largest first.
    #[must_use]
    pub fn coins(&self) -> Vec<Coin> {
        let tip = self.tip_height().unwrap_or(0);
        let mut own: HashMap<Txid, bool> = HashMap::new();
        let coins = self.books.list_unspent().map(|coin| {
            let txid = coin.outpoint.txid;
            let transaction = self.books.tx_graph().get_tx(txid);
            let height = coin.chain_position.confirmation_height_upper_bound();
            let standing = match height {
                Some(height) => {
                    let mined = transaction.is_some_and(|transaction| transaction.is_coinbase());
                    if mined && tip.saturating_add(1) < height.saturating_add(MATURITY) {
                        Standing::Immature
                    } else {
                        Standing::Confirmed
                    }
                }
                // What the network does not have can't be spent on it.
                None if self.outgoing.get(&txid).is_some_and(|outgoing| !outgoing.seen) => Standing::Pending,
                // Only what we alone paid for can't be taken back by someone else.
                None if *own
                    .entry(txid)
                    .or_insert_with(|| transaction.is_some_and(|transaction| self.is_ours_alone(&transaction))) =>
                {
                    Standing::Change
                }
                None => Standing::Pending,
            };
            Coin {
                outpoint: coin.outpoint,
                value: coin.txout.value,
                address: Address::from_script(&coin.txout.script_pubkey, self.network()).ok(),
                confirmations: height.map_or(0, |height| tip.saturating_sub(height).saturating_add(1)),
                standing,
                frozen: self.frozen.contains(&coin.outpoint),
            }
        });
        let mut coins: Vec<Coin> = coins.collect();
        coins.sort_unstable_by(|a, b| b.value.cmp(&a.value).then(a.outpoint.cmp(&b.outpoint)));
        coins
    }

    /// The coins that may be spent now, largest first: of those in `from`, or of all where it names none.
    pub(super) fn spendable_coins(&self, from: &[OutPoint]) -> Vec<(OutPoint, Amount)> {
        let mut coins = self.coins();
        coins.retain(|coin| coin.is_spendable() && (from.is_empty() || from.contains(&coin.outpoint)));
        coins.into_iter().map(|coin| (coin.outpoint, coin.value)).collect()
    }

    /// The coins that may not.
    pub(super) fn unspendable_coins(&self) -> Vec<OutPoint> {
        let mut coins = self.coins();
        coins.retain(|coin| !coin.is_spendable());
        coins.into_iter().map(|coin| coin.outpoint).collect()
    }

    /// Checks that coins named by a person may be spent.
    pub(super) fn check_named(&self, named: &[OutPoint]) -> Result<(), DraftFault> {
        let coins = self.coins();
        for outpoint in named {
            let coin = coins.iter().find(|coin| coin.outpoint == *outpoint);
            let coin = coin.ok_or(DraftFault::NoSuchCoin { coin: *outpoint })?;
            if coin.frozen {
                return Err(DraftFault::Frozen { coin: *outpoint });
            }
            if !coin.standing.may_be_spent() {
                return Err(DraftFault::Unripe { coin: *outpoint });
            }
        }
        Ok(())
    }

    /// The first input that spends a coin of ours without this wallet's signature over all of the transaction. `claimed`
    /// are the coins that it spends, in order, as whoever hands it over says: of ours, nothing is believed.
    pub(crate) fn unsigned(&self, transaction: &Transaction, claimed: &[TxOut]) -> Option<usize> {
        let ours: Vec<Option<&TxOut>> = transaction
            .input
            .iter()
            .map(|input| self.own_output(input.previous_output))
            .collect();
        let coins: Vec<TxOut> = ours
            .iter()
            .zip(claimed)
            .map(|(own, claimed)| own.unwrap_or(claimed).clone())
            .collect();
        let signed = |input: usize| is_key_spend(transaction, input, &coins);
        (0..ours.len()).find(|input| ours[*input].is_some() && !signed(*input))
    }

    /// Checks that a coin is, or was, this wallet's.
    pub(crate) fn known_coin(&self, outpoint: OutPoint) -> Result<(), DraftFault> {
        match self.own_output(outpoint) {
            Some(_) => Ok(()),
            None => Err(DraftFault::NoSuchCoin { coin: outpoint }),
        }
    }

    /// Whether the person froze a coin.
    pub(crate) fn is_frozen(&self, outpoint: OutPoint) -> bool {
        self.frozen.contains(&outpoint)
    }

    /// Takes over which coins are frozen.
    pub(crate) fn set_frozen(&mut self, frozen: impl Iterator<Item = OutPoint>) {
        self.frozen = frozen.collect();
    }
}
