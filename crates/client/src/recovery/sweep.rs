//! The server is gone: everything moves by the device's share and recovery's.

use bitcoin::absolute::LockTime;
use bitcoin::psbt::Input;
use bitcoin::transaction::Version;
use bitcoin::{Address, Amount, FeeRate, Psbt, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Weight, Witness};
use twofold_api::limits::INPUTS;
use twofold_intent::{Account, Limits};

use super::package::RecoveryPackage;
use super::request::{self, Asking};
use super::{Coin, RecoveryFault};
use crate::client::Client;
use crate::fault::Fault;
use crate::ledger::{Draft, DraftFault};
use crate::port::Platform;
use crate::wallet::Wallet;

/// Weight of spending one taproot coin by its key: outpoint, empty script, sequence, one 64-byte signature (BIP-341).
const COIN: Weight = Weight::from_wu(4 * 41 + 66);
/// Version, lock time, two counts of one byte each; segwit's marker and flag.
const FRAME: Weight = Weight::from_wu(4 * 10 + 2);

/// Everything, in as many transactions as it takes.
#[derive(Debug)]
#[must_use]
pub struct Sweep {
    /// One after the other, the most valuable first.
    pub drafts: Vec<Draft>,
    /// Coins that cost more than they bring.
    pub left: Vec<Coin>,
}

impl<P: Platform> Client<P> {
    /// The recovery package of a wallet, to be written to a file.
    pub fn recovery_package(&self, wallet: &Wallet) -> Result<RecoveryPackage, Fault> {
        Ok(RecoveryPackage::of(&wallet.record, self.session.device())?)
    }

    /// Drafts transactions that move all of `coins` to one address. The fee comes out of them.
    pub fn draft_sweep(
        &self,
        wallet: &Wallet,
        mut coins: Vec<Coin>,
        to: &Address,
        fee_rate: FeeRate,
    ) -> Result<Sweep, Fault> {
        let ledger = wallet.ledger();
        let network = ledger.network();
        if !to.as_unchecked().is_valid_for_network(network) {
            let address = to.to_string();
            return Err(DraftFault::Network { address, network }.into());
        }
        let (least, most) = (crate::fees::LEAST, Limits::default().max_fee_rate);
        if fee_rate < least {
            return Err(DraftFault::FeeTooLow { least }.into());
        }
        if fee_rate > most {
            return Err(DraftFault::FeeTooHigh { most }.into());
        }
        let cost = fee_rate.fee_wu(COIN).unwrap_or(Amount::MAX_MONEY);
        coins.sort_by(|a, b| b.value.cmp(&a.value).then(a.outpoint.cmp(&b.outpoint)));
        coins.dedup_by_key(|coin| coin.outpoint);
        let worth = coins.partition_point(|coin| coin.value > cost);
        let mut left = coins.split_off(worth);
        let mut drafts = Vec::new();
        for batch in coins.chunks(INPUTS) {
            match pay_all(ledger.account(), batch, to, fee_rate)? {
                Some(psbt) => drafts.push(ledger.examine(psbt)?),
                None => left.extend_from_slice(batch),
            }
        }
        if drafts.is_empty() {
            return Err(RecoveryFault::Nothing.into());
        }
        // An address of the wallet's own would look like change: nothing would have moved.
        if drafts.iter().any(|draft| {
            !draft.facts().change.is_empty() || draft.facts().payments.iter().any(|payment| payment.to_self)
        }) {
            let address = to.to_string();
            return Err(RecoveryFault::ToItself { address }.into());
        }
        Ok(Sweep { drafts, left })
    }

    /// Makes nonces for a draft and the request that asks recovery for its half. What is returned first waits in memory
    /// for the one reply; there is no way to keep it.
    pub fn ask_recovery(&mut self, wallet: &Wallet, draft: Draft) -> Result<(Asking, String), Fault> {
        request::ask(wallet, draft, self.session.device(), &mut self.random)
    }
}

/// One transaction of these coins to one address; none where the fee leaves too little to send.
fn pay_all(account: &Account, coins: &[Coin], to: &Address, rate: FeeRate) -> Result<Option<Psbt>, Fault> {
    let script = to.script_pubkey();
    let output = Weight::from_non_witness_data_size(8 + 1 + script.len() as u64);
    let weight = FRAME + output + COIN * coins.len() as u64;
    let sum: Amount = coins.iter().map(|coin| coin.value).sum();
    let fee = rate.fee_wu(weight).unwrap_or(Amount::MAX_MONEY);
    let Some(value) = sum.checked_sub(fee).filter(|value| *value >= script.minimal_non_dust()) else {
        return Ok(None);
    };
    let input = |coin: &Coin| TxIn {
        previous_output: coin.outpoint,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: coins.iter().map(input).collect(),
        output: vec![TxOut {
            value,
            script_pubkey: script,
        }],
    };
    let built = |fault: &dyn core::fmt::Display| DraftFault::Builder(fault.to_string());
    let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(|fault| built(&fault))?;
    psbt.inputs = coins
        .iter()
        .map(|coin| {
            let internal = account.internal_key(coin.keychain, coin.index)?;
            let origin = account.origin(coin.keychain, coin.index)?;
            Ok(Input {
                witness_utxo: Some(TxOut {
                    value: coin.value,
                    script_pubkey: coin.script(account)?,
                }),
                tap_internal_key: Some(internal),
                tap_key_origins: [(internal, (Vec::new(), origin))].into(),
                ..Input::default()
            })
        })
        .collect::<Result<_, twofold_intent::AccountError>>()
        .map_err(|fault| built(&fault))?;
    Ok(Some(psbt))
}
