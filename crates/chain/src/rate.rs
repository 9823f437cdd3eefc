//! Fee rates as nodes and servers tell them.

use bitcoin::Amount;

/// A node's "BTC per 1000 virtual bytes" in satoshi; none where that is negative or no amount at all.
pub(crate) fn rate(btc: f64) -> Option<u64> {
    Amount::from_btc(btc).ok().map(Amount::to_sat)
}
