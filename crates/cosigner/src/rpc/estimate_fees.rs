//! Fee estimates, as the node has them, within what is relayed and what is sane.

use async_lock::Mutex;
use twofold_api::{Refusal, reply::Fees, request::EstimateFees};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

/// The targets told, in blocks.
const TARGETS: [u16; 7] = [1, 2, 3, 6, 12, 24, 144];
/// What a node relays where it does not say, in sat per 1000 virtual bytes.
const RELAYED: u64 = 1_000;

/// How long the node's answer is told to everybody who asks, in seconds. An answer that did not come counts as well, or
/// those who ask would queue up for a node that is down.
const FRESH: u64 = 30;

/// What the node said last. Whoever finds it old asks the node; the others wait for that.
#[derive(Debug, Default)]
pub(crate) struct NodeFees(Mutex<Option<Said>>);

#[derive(Debug, Clone, Copy)]
struct Said {
    at: u64,
    known: [Option<u64>; TARGETS.len()],
    lowest: u64,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Tells fee rates. They never rise with the target; where the node knows none, the operator's fallback stands in
    /// and is named.
    pub async fn estimate_fees(&self, request: Authenticated<EstimateFees>) -> Result<Fees, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        let Said { known, lowest, .. } = self.node_fees().await;
        let estimates = clamped(&known, lowest, self.highest_rate(), self.config.fallback_rate);
        let source = if known.iter().any(Option::is_some) {
            "node"
        } else {
            "fallback"
        };
        Ok(Fees {
            head: self.head(Some((owned.id(), owned.state()))),
            estimates: TARGETS.into_iter().zip(estimates).collect(),
            source: source.to_owned(),
        })
    }

    /// What the node says, at most half a minute old.
    async fn node_fees(&self) -> Said {
        let mut last = self.fees.0.lock().await;
        let now = self.time.shown();
        if let Some(said) = *last
            && now.checked_sub(said.at).is_some_and(|age| age < FRESH)
        {
            return said;
        }
        let mut known = [None; TARGETS.len()];
        for (known, target) in known.iter_mut().zip(TARGETS) {
            // A node that can't tell for one target may for another.
            *known = self.chain.estimate(target).await.ok().flatten();
        }
        let lowest = self.chain.minimum_rate().await.unwrap_or(RELAYED);
        *last.insert(Said { at: now, known, lowest })
    }

    /// The rate past which a transaction is refused, in sat per 1000 virtual bytes.
    fn highest_rate(&self) -> u64 {
        self.config.sanity.max_fee_rate.to_sat_per_kwu().saturating_mul(4)
    }
}

/// Fills gaps from the next nearer target, clamps, and lets no later target cost more than an earlier one.
fn clamped(known: &[Option<u64>], lowest: u64, highest: u64, fallback: u64) -> Vec<u64> {
    let lowest = lowest.min(highest);
    let first = known.iter().flatten().next().copied().unwrap_or(fallback);
    let mut rate = first.clamp(lowest, highest);
    known
        .iter()
        .map(|estimate| {
            if let Some(estimate) = estimate {
                rate = rate.min((*estimate).clamp(lowest, highest));
            }
            rate
        })
        .collect()
}

#[cfg(test)]
mod tests;
