//! What the wallet holds, by how sure it is.

use bitcoin::Amount;

use super::{Ledger, Standing};

/// The wallet's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// In blocks, and spendable.
    pub confirmed: Amount,
    /// Change of our own transactions that are not in a block yet; spendable.
    pub change: Amount,
    /// Not in a block yet, and from others or of a transaction that the network does not have; not counted on and not
    /// spent.
    pub pending: Amount,
    /// Mined by us less than 100 blocks ago; not spendable yet.
    pub immature: Amount,
    /// The part of `confirmed` and `change` that the person froze: not spendable until unfrozen.
    pub frozen: Amount,
}

impl Balance {
    /// What can be spent now.
    #[must_use]
    pub fn spendable(&self) -> Amount {
        self.settled().checked_sub(self.frozen).unwrap_or(Amount::ZERO)
    }

    fn settled(&self) -> Amount {
        self.confirmed.checked_add(self.change).unwrap_or(Amount::MAX)
    }

    /// Everything.
    #[must_use]
    pub fn total(&self) -> Amount {
        [self.pending, self.immature]
            .into_iter()
            .fold(self.settled(), |sum, part| sum.checked_add(part).unwrap_or(Amount::MAX))
    }
}

impl Ledger {
    /// What the wallet holds.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let mut balance = Balance::default();
        // A server may invent any number of payments that wait; they must not overflow.
        let add = |place: &mut Amount, value| *place = place.checked_add(value).unwrap_or(Amount::MAX);
        for coin in self.coins() {
            let place = match coin.standing {
                Standing::Confirmed => &mut balance.confirmed,
                Standing::Change => &mut balance.change,
                Standing::Pending => &mut balance.pending,
                Standing::Immature => &mut balance.immature,
            };
            add(place, coin.value);
            if coin.frozen && matches!(coin.standing, Standing::Confirmed | Standing::Change) {
                add(&mut balance.frozen, coin.value);
            }
        }
        balance
    }
}
