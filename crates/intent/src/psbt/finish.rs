//! Signatures into a PSBT, and a signed PSBT into a transaction.

use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{Psbt, Script, Transaction, TxOut, Witness, XOnlyPublicKey, taproot};

use super::{Facts, coins};
use crate::curve::secp;

/// Why a PSBT cannot be finished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfinished {
    /// The facts were worked out from another transaction.
    #[error("the signatures belong to another transaction; ask for new ones for this PSBT")]
    OtherTransaction,
    /// One signature for each own input is needed.
    #[error("{expected} signatures are needed and {got} came; ask for them again")]
    Count {
        /// Own inputs.
        expected: usize,
        /// Signatures given.
        got: usize,
    },
    /// A signature does not verify under its output key.
    #[error("the signature of input {input} does not verify; ask for it again")]
    BadSignature {
        /// The input's position.
        input: usize,
    },
    /// Some inputs wait for their owners.
    #[error("inputs {inputs:?} are not signed yet; send the PSBT to their owners")]
    Missing {
        /// Positions in the transaction.
        inputs: Vec<usize>,
    },
    /// An input does not say what it spends, so its signature cannot be checked.
    #[error("input {input} does not say what it spends; add the spent output (witness_utxo)")]
    Unnamed {
        /// The input's position.
        input: usize,
    },
}

impl Unfinished {
    /// The stable name of this error, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::OtherTransaction => "OTHER_TRANSACTION",
            Self::Count { .. } => "SIGNATURE_COUNT",
            Self::BadSignature { .. } => "BAD_SIGNATURE",
            Self::Missing { .. } => "SIGNATURE_MISSING",
            Self::Unnamed { .. } => "AMOUNT_MISSING",
        }
    }
}

/// Puts in one BIP-340 signature for each own input, in the order of [`Facts::inputs`]. All are verified before the
/// first is written, so a bad one leaves the PSBT as it was.
pub fn attach(psbt: &mut Psbt, facts: &Facts, signatures: &[[u8; 64]]) -> Result<(), Unfinished> {
    if psbt.unsigned_tx.compute_txid() != facts.txid || psbt.inputs.len() != psbt.unsigned_tx.input.len() {
        return Err(Unfinished::OtherTransaction);
    }
    let (expected, got) = (facts.inputs.len(), signatures.len());
    if expected != got {
        return Err(Unfinished::Count { expected, got });
    }
    let mut verified = Vec::with_capacity(got);
    for (own, bytes) in facts.inputs.iter().zip(signatures) {
        let bad = Unfinished::BadSignature { input: own.index };
        let coin = coin(psbt, own.index)?;
        let signature = schnorr::Signature::from_slice(bytes).map_err(|_| bad.clone())?;
        verify(&signature, own.sighash, &coin.script_pubkey).ok_or(bad)?;
        verified.push((
            own.index,
            taproot::Signature {
                signature,
                sighash_type: own.sighash_type,
            },
        ));
    }
    for (index, signature) in verified {
        psbt.inputs[index].tap_key_sig = Some(signature);
    }
    Ok(())
}

/// The finished transaction, ready to broadcast. Key-path signatures are verified here once more: the file may have
/// been anywhere. What others have finalized is taken as it stands, and the node judges it.
pub fn finalize(psbt: &Psbt) -> Result<Transaction, Unfinished> {
    let mut tx = psbt.unsigned_tx.clone();
    if psbt.inputs.len() != tx.input.len() {
        return Err(Unfinished::OtherTransaction);
    }
    let inputs: Vec<usize> = (0..tx.input.len())
        .filter(|index| !is_signed(&psbt.inputs[*index]))
        .collect();
    if !inputs.is_empty() {
        return Err(Unfinished::Missing { inputs });
    }
    let coins = (0..tx.input.len())
        .map(|index| coin(psbt, index))
        .collect::<Result<Vec<_>, _>>()?;
    let mut cache = SighashCache::new(&psbt.unsigned_tx);
    for (input, map) in psbt.inputs.iter().enumerate() {
        if let Some(script_sig) = &map.final_script_sig {
            tx.input[input].script_sig.clone_from(script_sig);
        }
        if let Some(witness) = &map.final_script_witness {
            tx.input[input].witness.clone_from(witness);
        } else if let Some(signature) = &map.tap_key_sig {
            let digest = cache
                .taproot_key_spend_signature_hash(input, &Prevouts::All(&coins), signature.sighash_type)
                .map_err(|_| Unfinished::BadSignature { input })?;
            verify(
                &signature.signature,
                *AsRef::<[u8; 32]>::as_ref(&digest),
                &coins[input].script_pubkey,
            )
            .ok_or(Unfinished::BadSignature { input })?;
            tx.input[input].witness = Witness::p2tr_key_spend(signature);
        }
    }
    Ok(tx)
}

/// Whether an input of a transaction that came from elsewhere carries a true key-path signature (BIP-341) over all of
/// it. `coins` are the outputs that its inputs spend, in order. An annex, or a script's witness, is not one.
#[must_use]
pub fn is_key_spend(transaction: &Transaction, input: usize, coins: &[TxOut]) -> bool {
    let (Some(spending), Some(coin)) = (transaction.input.get(input), coins.get(input)) else {
        return false;
    };
    let mut witness = spending.witness.iter();
    let (Some(bytes), None) = (witness.next(), witness.next()) else {
        return false;
    };
    let Ok(taproot::Signature {
        signature,
        sighash_type: sighash_type @ (TapSighashType::Default | TapSighashType::All),
    }) = taproot::Signature::from_slice(bytes)
    else {
        return false;
    };
    SighashCache::new(transaction)
        .taproot_key_spend_signature_hash(input, &Prevouts::All(coins), sighash_type)
        .is_ok_and(|digest| verify(&signature, *AsRef::<[u8; 32]>::as_ref(&digest), &coin.script_pubkey).is_some())
}

fn is_signed(map: &bitcoin::psbt::Input) -> bool {
    map.final_script_witness.is_some() || map.final_script_sig.is_some() || map.tap_key_sig.is_some()
}

fn coin(psbt: &Psbt, input: usize) -> Result<TxOut, Unfinished> {
    let spent = psbt.unsigned_tx.input[input].previous_output;
    coins::named(input, spent, &psbt.inputs[input]).map_err(|_| Unfinished::Unnamed { input })
}

/// BIP-340 under the output key of a taproot script; `None` where it fails.
fn verify(signature: &schnorr::Signature, digest: [u8; 32], script: &Script) -> Option<()> {
    if !script.is_p2tr() {
        return None;
    }
    let output_key = XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).ok()?;
    secp()
        .verify_schnorr(signature, &Message::from_digest(digest), &output_key)
        .ok()
}

#[cfg(test)]
mod tests;
