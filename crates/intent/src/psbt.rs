//! A PSBT (BIP-174, BIP-371) into facts.
//!
//! What a PSBT says about itself is a claim. A path tells where to look, and the script that we derive there decides;
//! an amount is held against every other place that names it; internal key and merkle root are ours alone to say.
//! Whatever is not understood is refused, with a reason that does not change between versions.

mod coins;
mod facts;
mod finish;
mod limits;
mod outputs;
mod ownership;
mod parse;
mod refused;
mod render;
mod structure;
mod weight;

use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{Amount, OutPoint, Psbt, Script, ScriptBuf, TapSighashType, TxOut};

pub use facts::{Change, Facts, ForeignInput, OwnInput, Payment};
pub use finish::{Unfinished, attach, finalize, is_key_spend};
pub use limits::Limits;
pub use parse::{MAX_BYTES, from_base64, from_bytes, read, to_base64};
pub use refused::Refused;

use crate::{Account, ChildKeys, Keychain};
use coins::Coins;
use ownership::Owner;

/// What the reader of a PSBT knows of the chain and of the wallet's scripts.
///
/// Absence is always an answer: a reader that knows nothing still gets facts, only with fewer cross-checks.
pub trait WalletView {
    /// The output that the chain index holds for this outpoint, spent or not.
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut>;

    /// The last index at which this keychain is watched: last used index plus gap limit. An output of ours beyond it
    /// would be lost to a wallet restored from its descriptor, so it counts as a payment.
    fn change_horizon(&self, keychain: Keychain) -> u32;

    /// Where an output script of ours stands, if the index knows it. Held against the derived script before it counts.
    fn script(&self, script: &Script) -> Option<(Keychain, u32)>;

    /// The keys of a child, where the reader derived them before and kept them: exactly what
    /// [`Account::child_keys`] would give. What was read from a database or came from outside has no place here.
    fn kept(&self, _keychain: Keychain, _index: u32) -> Option<ChildKeys> {
        None
    }

    /// The height of the best block.
    fn tip_height(&self) -> Option<u32>;

    /// The median time past of the best block, in seconds since 1970 (BIP-113).
    fn median_time(&self) -> Option<u32>;
}

impl<V: WalletView + ?Sized> WalletView for &V {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        (**self).coin(outpoint)
    }

    fn change_horizon(&self, keychain: Keychain) -> u32 {
        (**self).change_horizon(keychain)
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        (**self).script(script)
    }

    fn kept(&self, keychain: Keychain, index: u32) -> Option<ChildKeys> {
        (**self).kept(keychain, index)
    }

    fn tip_height(&self) -> Option<u32> {
        (**self).tip_height()
    }

    fn median_time(&self) -> Option<u32> {
        (**self).median_time()
    }
}

/// What this PSBT does to this account, under the default [`Limits`].
pub fn facts(psbt: &Psbt, account: &Account, view: &impl WalletView) -> Result<Facts, Refused> {
    facts_within(psbt, account, view, &Limits::default())
}

/// What this PSBT does to this account, under limits of the caller's choosing.
pub fn facts_within(psbt: &Psbt, account: &Account, view: &impl WalletView, limits: &Limits) -> Result<Facts, Refused> {
    structure::check(psbt, account, limits)?;
    let lock_time = structure::lock_time(&psbt.unsigned_tx, view, limits)?;
    let coins = Coins::read(psbt, view)?;
    let fee = coins.fee(&psbt.unsigned_tx)?;

    let (inputs, foreign_inputs) = sort_inputs(psbt, account, view, &coins)?;
    let (payments, change) = sort_outputs(psbt, account, view)?;
    let sighash_types: Vec<_> = inputs.iter().map(|own| (own.index, own.sighash_type)).collect();
    let weight = weight::estimate(&psbt.unsigned_tx, coins.outputs(), &sighash_types);
    limits.check_weight(weight, psbt.unsigned_tx.version)?;
    limits.check_fee(fee, weight, spent_on(&payments, &change))?;

    Ok(Facts {
        txid: psbt.unsigned_tx.compute_txid(),
        inputs,
        foreign_inputs,
        payments,
        change,
        fee,
        weight,
        lock_time,
        replaceable: psbt.unsigned_tx.is_explicitly_rbf(),
    })
}

/// Inputs whose script we derive are ours, each with its digest; all others are named and left alone.
fn sort_inputs(
    psbt: &Psbt,
    account: &Account,
    view: &impl WalletView,
    coins: &Coins,
) -> Result<(Vec<OwnInput>, Vec<ForeignInput>), Refused> {
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    let (mut own, mut foreign) = (Vec::new(), Vec::new());
    let rows = psbt
        .unsigned_tx
        .input
        .iter()
        .zip(&psbt.inputs)
        .zip(coins.outputs())
        .enumerate();
    for (index, ((txin, map), coin)) in rows {
        let outpoint = txin.previous_output;
        let Some(Owner {
            keychain,
            child,
            internal,
        }) = ownership::of_input(index, map, &coin.script_pubkey, account, view)?
        else {
            foreign.push(ForeignInput {
                index,
                outpoint,
                value: coin.value,
                script: coin.script_pubkey.clone(),
            });
            continue;
        };
        ownership::check_own_input(index, map, &internal)?;
        let sighash_type = sighash_type(index, map)?;
        let sighash = cache
            .taproot_key_spend_signature_hash(index, &Prevouts::All(coins.outputs()), sighash_type)
            .map_err(|_| Refused::Sighash { input: index })?;
        own.push(OwnInput {
            index,
            outpoint,
            value: coin.value,
            keychain,
            child,
            sighash: *AsRef::<[u8; 32]>::as_ref(&sighash),
            sighash_type,
        });
    }
    if own.is_empty() {
        return Err(Refused::NoOwnInput);
    }
    Ok((own, foreign))
}

/// Outputs to scripts that we derive within the horizon are change; all others are paid away.
fn sort_outputs(
    psbt: &Psbt,
    account: &Account,
    view: &impl WalletView,
) -> Result<(Vec<Payment>, Vec<Change>), Refused> {
    let (mut payments, mut change) = (Vec::new(), Vec::new());
    let mut data_outputs = 0_usize;
    for (index, (txout, map)) in psbt.unsigned_tx.output.iter().zip(&psbt.outputs).enumerate() {
        let address = outputs::check(index, txout, account.network())?;
        data_outputs += usize::from(txout.script_pubkey.is_op_return());
        if data_outputs > 1 {
            return Err(Refused::ManyDataOutputs);
        }
        let script: ScriptBuf = txout.script_pubkey.clone();
        let value = txout.value;
        match ownership::of_output(index, map, &script, account, view)? {
            Some(Owner { keychain, child, .. }) if child <= view.change_horizon(keychain) => {
                change.push(Change {
                    index,
                    script,
                    value,
                    keychain,
                    child,
                });
            }
            owner => payments.push(Payment {
                index,
                script,
                address,
                value,
                to_self: owner.is_some(),
            }),
        }
    }
    Ok((payments, change))
}

/// DEFAULT and ALL sign the whole transaction; nothing else does.
fn sighash_type(index: usize, map: &bitcoin::psbt::Input) -> Result<TapSighashType, Refused> {
    let Some(asked) = map.sighash_type else {
        return Ok(TapSighashType::Default);
    };
    match asked.taproot_hash_ty() {
        Ok(kind @ (TapSighashType::Default | TapSighashType::All)) => Ok(kind),
        _ => Err(Refused::SighashType {
            input: index,
            asked: asked.to_u32(),
        }),
    }
}

/// What the fee is measured against: what is paid away, or, where all stays here, what is moved.
fn spent_on(payments: &[Payment], change: &[Change]) -> Amount {
    // `Coins::fee` has bounded the sum of all outputs already.
    let paid = payments
        .iter()
        .fold(0, |sum: u64, payment| sum.saturating_add(payment.value.to_sat()));
    let kept = change
        .iter()
        .fold(0, |sum: u64, change| sum.saturating_add(change.value.to_sat()));
    Amount::from_sat(if paid == 0 { kept } else { paid })
}

#[cfg(test)]
mod tests;
