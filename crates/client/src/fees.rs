//! What to pay miners: the server's estimate, within bounds of our own.

use bitcoin::FeeRate;
use twofold_api::reply::Fees;

/// What nodes relay at least, 1 sat/vB.
pub const LEAST: FeeRate = FeeRate::from_sat_per_vb_u32(1);
/// The most that an estimate is followed to, 500 sat/vB; a person may ask for more by name.
pub const MOST: FeeRate = FeeRate::from_sat_per_vb_u32(500);

/// A fee rate and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The rate.
    pub rate: FeeRate,
    /// The target it is for, in blocks: the nearest one the server has that is no slower than what was asked.
    pub target: u16,
    /// Where it comes from: `node`, or `fallback` where the server's node has none.
    pub source: String,
    /// The server's figure was outside the bounds and was not followed to the end.
    pub clamped: bool,
}

/// The estimate for a target in blocks; none where the server has none at all.
#[must_use]
pub fn choose(fees: &Fees, target: u16) -> Option<Estimate> {
    let fast_enough = fees
        .estimates
        .iter()
        .filter(|(blocks, _)| *blocks <= target)
        .max_by_key(|(blocks, _)| *blocks);
    let (blocks, rate) = fast_enough.or_else(|| fees.estimates.iter().min_by_key(|(blocks, _)| *blocks))?;
    // Sat per 1000 virtual bytes are four times sat per 1000 weight units.
    let said = FeeRate::from_sat_per_kwu(rate.div_ceil(4));
    let rate = said.clamp(LEAST, MOST);
    Some(Estimate {
        rate,
        target: *blocks,
        source: fees.source.clone(),
        clamped: rate != said,
    })
}

#[cfg(test)]
mod tests;
