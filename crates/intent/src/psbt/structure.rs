//! The shape of the transaction, before anything in it is believed.

use std::collections::BTreeSet;

use bitcoin::absolute::LockTime;
use bitcoin::relative;
use bitcoin::{NetworkKind, Psbt, Transaction};

use super::{Limits, Refused, WalletView};
use crate::{Account, message};

/// Counts, versions, duplicates, leftovers and relative locks.
pub(super) fn check(psbt: &Psbt, account: &Account, limits: &Limits) -> Result<(), Refused> {
    let tx = &psbt.unsigned_tx;
    if tx.input.is_empty() || tx.output.is_empty() {
        return Err(Refused::EmptyTransaction);
    }
    if psbt.version != 0 || psbt.inputs.len() != tx.input.len() || psbt.outputs.len() != tx.output.len() {
        return Err(Refused::Malformed);
    }
    if message::is_proof(tx) {
        return Err(Refused::MessageProof);
    }
    if tx.input.len() > limits.max_inputs {
        return Err(Refused::TooManyInputs {
            count: tx.input.len(),
            limit: limits.max_inputs,
        });
    }
    if tx.output.len() > limits.max_outputs {
        return Err(Refused::TooManyOutputs {
            count: tx.output.len(),
            limit: limits.max_outputs,
        });
    }
    if !(1..=3).contains(&tx.version.0) {
        return Err(Refused::Version(tx.version.0));
    }
    if psbt
        .xpub
        .keys()
        .any(|xpub| xpub.network != NetworkKind::from(account.network()))
    {
        return Err(Refused::OtherNetwork(account.network()));
    }
    let mut seen = BTreeSet::new();
    for (index, txin) in tx.input.iter().enumerate() {
        if txin.previous_output.is_null() {
            return Err(Refused::CoinbaseInput { input: index });
        }
        if !seen.insert(txin.previous_output) {
            return Err(Refused::DuplicateInput {
                outpoint: txin.previous_output,
            });
        }
        if !txin.script_sig.is_empty() || !txin.witness.is_empty() {
            return Err(Refused::HasScripts { input: index });
        }
        if tx.version.0 >= 2 && txin.sequence.to_relative_lock_time().is_some_and(waits) {
            return Err(Refused::RelativeLock { input: index });
        }
    }
    Ok(())
}

/// The absolute lock that binds, if it is one that a wallet would set today.
pub(super) fn lock_time(tx: &Transaction, view: &impl WalletView, limits: &Limits) -> Result<LockTime, Refused> {
    if !tx.is_lock_time_enabled() {
        return Ok(LockTime::ZERO);
    }
    // A reader that has no tip cannot judge. The lock delays and never steals, so it is shown rather than refused.
    let bound = match tx.lock_time {
        LockTime::Blocks(_) => view.tip_height().map(|tip| tip.saturating_add(limits.max_lock_blocks)),
        LockTime::Seconds(_) => view
            .median_time()
            .map(|time| time.saturating_add(limits.max_lock_seconds)),
    };
    let asked = tx.lock_time.to_consensus_u32();
    match bound {
        Some(latest) if asked > latest => Err(Refused::LockTimeTooFar { asked, latest }),
        _ => Ok(tx.lock_time),
    }
}

fn waits(lock: relative::LockTime) -> bool {
    match lock {
        relative::LockTime::Blocks(blocks) => blocks.value() > 0,
        relative::LockTime::Time(time) => time.value() > 0,
    }
}
