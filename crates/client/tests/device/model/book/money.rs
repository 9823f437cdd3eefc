//! What spends are charged: once, by groups that share a chosen outpoint, and into the day that is open.

use super::{Book, DAY, Now};

/// What windows count.
pub(crate) const COINS: &str = "coins";
pub(crate) const TEXTS: &str = "texts";

impl Book {
    /// A transaction that spends `inputs` is co-signed, and `amount` leaves the wallet by it; what that adds.
    pub(crate) fn charge(&mut self, inputs: &[[u8; 36]], amount: u64, now: Now) -> u64 {
        let groups = inputs.iter().filter_map(|input| self.charges.get_key_value(input));
        let highest = groups.max_by_key(|(outpoint, charged)| (**charged, core::cmp::Reverse(**outpoint)));
        let (outpoint, charged) = match highest {
            Some((outpoint, charged)) => (*outpoint, *charged),
            None => (*inputs.iter().min().expect("an input"), 0),
        };
        let added = amount.saturating_sub(charged);
        if added > 0 {
            self.charges.insert(outpoint, amount);
        }
        self.spend(COINS, added, now);
        added
    }

    /// Into the window of the day that is surely here; one of an earlier day is over.
    pub(crate) fn spend(&mut self, what: &'static str, amount: u64, now: Now) {
        let day = now.counted - now.counted % DAY;
        let (start, spent) = self.windows.get(what).copied().unwrap_or((day, 0));
        // Before a new server knows the day, what it signs counts for the first one that it does.
        let kept = if start < day && start > 0 { 0 } else { spent };
        self.windows.insert(what, (start.max(day), kept.saturating_add(amount)));
    }

    /// Nothing is left of what is open.
    pub(super) fn exhaust(&mut self, now: Now) {
        // The day of a backup is over.
        let counted = now.shown;
        self.spend(COINS, u64::MAX, Now { counted, ..now });
        for (_, spent) in self.windows.values_mut() {
            *spent = u64::MAX;
        }
    }

    /// What all windows come to.
    pub(crate) fn spent(&self) -> u64 {
        let sums = self.windows.values().map(|(_, spent)| *spent);
        sums.fold(0, u64::saturating_add)
    }
}
