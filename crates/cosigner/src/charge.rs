//! What a spend is charged, once, however often it is retried or replaced.
//!
//! Transactions that spend a common outpoint exclude each other, but that relation is not transitive: {A} and {A,B}
//! conflict, {A,B} and {B} conflict, yet {A} and {B} both confirm. So transactions are put into groups by *one chosen
//! outpoint* that every transaction of the group spends. At most one transaction of a group confirms, so charging each
//! group its maximum covers whatever can confirm together; and a transaction that joins a group costs only what it
//! exceeds that maximum by.
//!
//! A transaction joins the highest group whose outpoint it spends; where there is none, its smallest outpoint opens a
//! group. Choosing the highest makes a retry free: the group that the transaction was charged in before is still among
//! those its inputs name, and at least as high as it was then. Groups never shrink and never go: a signature that was
//! given out stays good for as long as its inputs are unspent.

use crate::{keys::MacKey, port::record::ChargeGroup, state::Tampered};
use twofold_threshold::id::WalletId;

const LABEL: &str = "twofold/charge/1";

/// An outpoint: txid in internal byte order and index in little endian.
pub(crate) type Outpoint = [u8; 36];

/// What charging a transaction comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    /// The group as it stands now; none where nothing had to be added.
    pub(crate) group: Option<ChargeGroup>,
    /// What was not charged before, in the asset's smallest unit.
    pub(crate) added: u64,
}

/// Charges `amount` for a transaction that spends `inputs` of the wallet. `known` are the groups whose chosen outpoint
/// is one of the inputs; a row that authenticates under neither the key nor `earlier`, the one that the wallet still stands
/// under, is refused.
pub(crate) fn charge(
    key: &MacKey,
    earlier: Option<&MacKey>,
    wallet: WalletId,
    asset: &str,
    inputs: &[Outpoint],
    known: &[ChargeGroup],
    amount: u64,
) -> Result<Charge, Tampered> {
    let mut highest: Option<&ChargeGroup> = None;
    for group in known {
        let authentic = authentic(key, group) || earlier.is_some_and(|earlier| authentic(earlier, group));
        if group.wallet != wallet || !inputs.contains(&group.outpoint) || !authentic {
            return Err(Tampered);
        }
        let higher = highest.is_none_or(|highest| (group.amount, highest.outpoint) > (highest.amount, group.outpoint));
        if group.asset == asset && higher {
            highest = Some(group);
        }
    }
    let (outpoint, charged) = match highest {
        Some(group) => (group.outpoint, Some(group.amount)),
        None => (*inputs.iter().min().ok_or(Tampered)?, None),
    };
    if charged.is_some_and(|charged| charged >= amount) {
        return Ok(Charge { group: None, added: 0 });
    }
    let mut group = ChargeGroup {
        wallet,
        asset: asset.to_owned(),
        outpoint,
        amount,
        mac: [0; 32],
    };
    group.mac = mac(key, &group);
    Ok(Charge {
        group: Some(group),
        added: amount - charged.unwrap_or(0),
    })
}

/// A charge under another key; none where it is under that already, or under neither, which is for the next spend to see.
pub(crate) fn renew(old: &MacKey, new: &MacKey, mut group: ChargeGroup) -> Option<ChargeGroup> {
    authentic(old, &group).then(|| {
        group.mac = mac(new, &group);
        group
    })
}

fn parts<R>(group: &ChargeGroup, run: impl FnOnce(&[&[u8]]) -> R) -> R {
    run(&[
        &group.wallet.0,
        group.asset.as_bytes(),
        &group.outpoint,
        &group.amount.to_be_bytes(),
    ])
}

fn mac(key: &MacKey, group: &ChargeGroup) -> [u8; 32] {
    parts(group, |parts| key.mac(LABEL, parts))
}

fn authentic(key: &MacKey, group: &ChargeGroup) -> bool {
    parts(group, |parts| key.verify(LABEL, parts, &group.mac))
}

#[cfg(test)]
mod tests;
