//! The outputs that the inputs spend, held against every place that names them.

use bitcoin::{Amount, OutPoint, Psbt, Transaction, TxOut};

use super::{Refused, WalletView};

/// One spent output for each input, in order. BIP-341 digests commit to all of them, so a false one voids our
/// signatures; still, policy must not judge on false amounts.
pub(super) struct Coins(Vec<TxOut>);

impl Coins {
    pub(super) fn read(psbt: &Psbt, view: &impl WalletView) -> Result<Self, Refused> {
        let rows = psbt.unsigned_tx.input.iter().zip(&psbt.inputs).enumerate();
        rows.map(|(input, (txin, map))| {
            let coin = named(input, txin.previous_output, map)?;
            match view.coin(txin.previous_output) {
                Some(known) if known != coin => Err(Refused::ChainDisagrees { input }),
                _ => Ok(coin),
            }
        })
        .collect::<Result<_, _>>()
        .map(Self)
    }

    pub(super) fn outputs(&self) -> &[TxOut] {
        &self.0
    }

    /// Inputs less outputs, each sum and each value within the money that can exist.
    pub(super) fn fee(&self, tx: &Transaction) -> Result<Amount, Refused> {
        let spent = total(self.0.iter())?;
        let made = total(tx.output.iter())?;
        spent.checked_sub(made).ok_or(Refused::OutputsExceedInputs {
            inputs: spent,
            outputs: made,
        })
    }
}

/// The output that one input says it spends, consistent with itself.
pub(super) fn named(input: usize, spent: OutPoint, map: &bitcoin::psbt::Input) -> Result<TxOut, Refused> {
    let proven = match &map.non_witness_utxo {
        None => None,
        Some(previous) if previous.compute_txid() != spent.txid => return Err(Refused::PreviousTransaction { input }),
        Some(previous) => match usize::try_from(spent.vout)
            .ok()
            .and_then(|vout| previous.output.get(vout))
        {
            None => return Err(Refused::PreviousTransaction { input }),
            output => output,
        },
    };
    match (&map.witness_utxo, proven) {
        (Some(claimed), Some(proven)) if claimed != proven => Err(Refused::AmountMismatch { input }),
        (_, Some(coin)) | (Some(coin), None) => Ok(coin.clone()),
        (None, None) => Err(Refused::AmountMissing { input }),
    }
}

fn total<'a>(mut outputs: impl Iterator<Item = &'a TxOut>) -> Result<Amount, Refused> {
    outputs
        .try_fold(Amount::ZERO, |sum, output| {
            sum.checked_add(output.value).filter(|sum| *sum <= Amount::MAX_MONEY)
        })
        .ok_or(Refused::AmountOutOfRange)
}
