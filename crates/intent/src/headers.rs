//! What each network asks of a header. Devices hold their server to it, and a server whoever tells it of blocks.

use crate::ChainName;
use bitcoin::block::Header;
use bitcoin::consensus::Params;
use bitcoin::{CompactTarget, Network, Target};

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderFault {
    /// It does not name the one before it.
    #[error("it does not follow the block before it")]
    Unlinked,
    /// Its hash does not meet its own target.
    #[error("it has no proof of work")]
    NoWork,
    /// Its difficulty is not what the rules ask for there.
    #[error("it has the wrong difficulty")]
    WrongDifficulty,
    /// It is no newer than the median of the eleven before it.
    #[error("it is older than those before it")]
    WrongTime,
}

/// A test network's block this much later than the one before may be of minimum difficulty.
const TWENTY_MINUTES: u32 = 20 * 60;
/// The easiest target, in compact form, believed for a first header on the main network: about a sixteenth of the work
/// of 2025. A birthday is never older than the wallet, so a server can't start a chain of its own at the difficulty of
/// 2009.
const MAINNET_FLOOR: u32 = 0x1722_0000;
/// Headers whose median time a new one must exceed.
const MEDIAN_SPAN: u32 = 11;

/// Checks one header against those before it; `at` gives the known header at a height.
pub fn check<'a>(
    name: ChainName,
    at: impl Fn(u32) -> Option<&'a Header>,
    height: u32,
    header: &Header,
) -> Result<(), HeaderFault> {
    let parent = height.checked_sub(1).and_then(&at);
    if parent.is_some_and(|parent| parent.block_hash() != header.prev_blockhash) {
        return Err(HeaderFault::Unlinked);
    }
    if !difficulty_fits(name, &at, height, header, parent) {
        return Err(HeaderFault::WrongDifficulty);
    }
    if !header.target().is_met_by(header.block_hash()) {
        return Err(HeaderFault::NoWork);
    }
    if median_time(&at, height).is_some_and(|median| header.time <= median) {
        return Err(HeaderFault::WrongTime);
    }
    Ok(())
}

fn difficulty_fits<'a>(
    name: ChainName,
    at: impl Fn(u32) -> Option<&'a Header>,
    height: u32,
    header: &Header,
    parent: Option<&Header>,
) -> bool {
    let network = name.network();
    let mut params = Params::new(network);
    params.pow_target_spacing = name.block_seconds().into();
    let period = name.period();
    let easiest = params.max_attainable_target;
    if header.bits.to_consensus() & 0x0080_0000 != 0 || header.target() == Target::ZERO || header.target() > easiest {
        return false;
    }
    if params.no_pow_retargeting {
        return header.bits == easiest.to_compact_lossy();
    }
    let Some(parent) = parent else {
        let floor = match network {
            Network::Bitcoin => Target::from_compact(CompactTarget::from_consensus(MAINNET_FLOOR)),
            _ => easiest,
        };
        return header.target() <= floor;
    };
    if height.is_multiple_of(period) {
        return match at(height - period) {
            Some(first) => header.bits == next_bits(network, &params, first, parent),
            // The period began before the birthday: only the factor of four is known.
            None => within_four(&params, parent.target(), header.target()) || params.allow_min_difficulty_blocks,
        };
    }
    if !params.allow_min_difficulty_blocks {
        return header.bits == parent.bits;
    }
    // A late block may be of minimum difficulty; the next one returns to the period's own.
    let minimum = easiest.to_compact_lossy();
    if header.time > parent.time.saturating_add(TWENTY_MINUTES) {
        return header.bits == minimum;
    }
    match period_bits(&at, height, period, minimum) {
        Some(bits) => header.bits == bits,
        None => true,
    }
}

/// The bits after a full period (BIP-94 takes the first header's instead of the last's on testnet4).
fn next_bits(network: Network, params: &Params, first: &Header, last: &Header) -> CompactTarget {
    let from = if network == Network::Testnet4 {
        first.bits
    } else {
        last.bits
    };
    let span = u64::from(last.time.saturating_sub(first.time));
    CompactTarget::from_next_work_required(from, span, params)
}

fn within_four(params: &Params, before: Target, after: Target) -> bool {
    after >= before.min_transition_threshold() && after <= before.max_transition_threshold(params)
}

/// The difficulty of the period itself: that of its newest header which is not of minimum difficulty, or of its first.
/// None where the birthday hides it.
fn period_bits<'a>(
    at: impl Fn(u32) -> Option<&'a Header>,
    height: u32,
    period: u32,
    minimum: CompactTarget,
) -> Option<CompactTarget> {
    let first = height - height % period;
    for height in (first..height).rev() {
        let bits = at(height)?.bits;
        if bits != minimum || height == first {
            return Some(bits);
        }
    }
    None
}

/// The median time of the eleven headers before `height`, where all are known.
fn median_time<'a>(at: impl Fn(u32) -> Option<&'a Header>, height: u32) -> Option<u32> {
    let lowest = height.checked_sub(MEDIAN_SPAN)?;
    let mut times = (lowest..height)
        .map(|height| at(height).map(|header| header.time))
        .collect::<Option<Vec<_>>>()?;
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
