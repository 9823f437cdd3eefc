//! A waiting transaction of ours, replaced by one that pays more to miners (BIP-125): the same payments, or none at all.
//!
//! A replacement spends every coin that the first one spends, so at most one of the two ever confirms.

use bdk_wallet::KeychainKind;
use bdk_wallet::error::{BuildFeeBumpError, CreateTxError};
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Transaction, Txid};
use rand_core::{CryptoRng, RngCore};
use twofold_api::limits::INPUTS;

use super::{Draft, DraftFault, Ledger};

/// What nodes ask a replacement to pay above the rate of the first: they relay nothing again for free.
const STEP: FeeRate = FeeRate::from_sat_per_vb_u32(1);

/// How often a replacement is drafted anew because more coins made it larger.
const TRIES: usize = 4;

/// What a replacement pays miners.
#[derive(Debug, Clone, Copy)]
enum Price {
    Rate(FeeRate),
    Fee(Amount),
}

/// A waiting transaction of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaceable {
    /// What it pays miners.
    pub fee: Amount,
    /// The same by its weight.
    pub fee_rate: FeeRate,
    /// The least that a replacement has to pay.
    pub least: FeeRate,
}

impl Ledger {
    /// Whether a transaction can be replaced, and from which rate on.
    pub fn replaceable(&self, txid: Txid) -> Result<Replaceable, DraftFault> {
        let transaction = self.waiting(txid)?;
        let fee = self.books.calculate_fee(&transaction);
        let fee = fee.map_err(|fault| DraftFault::Builder(fault.to_string()))?;
        let fee_rate = fee / transaction.weight();
        let least = fee_rate.to_sat_per_kwu().saturating_add(STEP.to_sat_per_kwu());
        Ok(Replaceable {
            fee,
            fee_rate,
            least: FeeRate::from_sat_per_kwu(least),
        })
    }

    /// Drafts a transaction with the same payments as a waiting one and a higher fee, out of its change or out of more
    /// coins.
    pub fn bump(
        &mut self,
        txid: Txid,
        rate: FeeRate,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Draft, DraftFault> {
        let first = self.replacing(txid, rate)?;
        let ours = |script: &ScriptBuf| self.books.is_mine(script.clone());
        if first.output.iter().all(|output| ours(&output.script_pubkey)) {
            // It pays nobody: what comes back is what the fee comes out of.
            return self.take_back(txid, rate, random);
        }
        self.replace(txid, rate, None, random)
    }

    /// Drafts a transaction that takes every coin of a waiting one back to this wallet: once it confirms, the other
    /// never can.
    pub fn take_back(
        &mut self,
        txid: Txid,
        rate: FeeRate,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Draft, DraftFault> {
        self.replacing(txid, rate)?;
        let home = self.books.next_unused_address(KeychainKind::Internal).script_pubkey();
        self.replace(txid, rate, Some(&home), random)
    }

    /// Drafts at a rate, and where that is less than nodes ask for, at what they ask for: the first's whole fee, and the
    /// step for each byte of the replacement. A replacement that is smaller than the first has to pay a higher rate.
    fn replace(
        &mut self,
        txid: Txid,
        rate: FeeRate,
        home: Option<&ScriptBuf>,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Draft, DraftFault> {
        let first = self.replaceable(txid)?.fee;
        let mut draft = self.replace_for(txid, Price::Rate(rate), home, random)?;
        for _ in 0..TRIES {
            let asked = STEP
                .fee_vb(draft.facts.vsize())
                .and_then(|step| step.checked_add(first));
            let asked = asked.ok_or(DraftFault::NothingToPayWith)?;
            if draft.facts.fee >= asked {
                return Ok(draft);
            }
            // More coins make it larger again.
            draft = self.replace_for(txid, Price::Fee(asked), home, random)?;
        }
        Err(DraftFault::NothingToPayWith)
    }

    fn replace_for(
        &mut self,
        txid: Txid,
        price: Price,
        home: Option<&ScriptBuf>,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Draft, DraftFault> {
        let unspendable = self.unspendable_coins();
        let mut builder = self
            .books
            .build_fee_bump(txid)
            .map_err(|fault| replace_fault(txid, fault))?;
        builder.unspendable(unspendable).only_witness_utxo();
        match price {
            Price::Rate(rate) => builder.fee_rate(rate),
            Price::Fee(fee) => builder.fee_absolute(fee),
        };
        if let Some(home) = home {
            builder
                .set_recipients(Vec::new())
                .drain_to(home.clone())
                .manually_selected_only();
        }
        let psbt = builder
            .finish_with_aux_rand(random)
            .map_err(|fault| self.bump_fault(fault))?;
        if psbt.inputs.len() > INPUTS {
            return Err(DraftFault::NothingToPayWith);
        }
        self.drafted(psbt, None)
    }

    /// The transaction, if it may be replaced at this rate.
    fn replacing(&self, txid: Txid, rate: FeeRate) -> Result<Transaction, DraftFault> {
        self.check_rate(rate)?;
        let Replaceable { least, .. } = self.replaceable(txid)?;
        if rate < least {
            return Err(DraftFault::BumpTooLow { least });
        }
        self.waiting(txid)
    }

    /// A transaction that we alone paid for and that no block holds, if replacing it does no harm.
    fn waiting(&self, txid: Txid) -> Result<Transaction, DraftFault> {
        let known = self.books.get_tx(txid);
        let known = known.ok_or(DraftFault::NotWaiting { txid })?;
        if known.chain_position.is_confirmed() {
            return Err(DraftFault::InBlock { txid });
        }
        let transaction = &known.tx_node.tx;
        if !self.is_ours_alone(transaction) {
            return Err(DraftFault::NotOurs { txid });
        }
        if !transaction.is_explicitly_rbf() {
            return Err(DraftFault::Final { txid });
        }
        // What spends its change would go with it, payments and all.
        if let Some(by) = self.spender(txid, transaction.output.len()) {
            return Err(DraftFault::SpentOn { txid, by });
        }
        Ok(Transaction::clone(transaction))
    }

    /// The transaction of ours that spends an output of this one.
    fn spender(&self, txid: Txid, outputs: usize) -> Option<Txid> {
        let graph = self.books.tx_graph();
        (0..u32::try_from(outputs).unwrap_or(u32::MAX))
            .flat_map(|vout| graph.outspends(OutPoint { txid, vout }))
            .copied()
            .find(|by| self.books.get_tx(*by).is_some())
    }

    /// Transactions of ours that this one took the place of.
    pub(super) fn replaced_transactions(&self, transaction: &Transaction) -> Vec<Txid> {
        if !self.is_ours_alone(transaction) {
            return Vec::new();
        }
        let graph = self.books.tx_graph();
        let mut replaced: Vec<Txid> = graph
            .direct_conflicts(transaction)
            .map(|(_, txid)| txid)
            .filter(|txid| graph.get_tx(*txid).is_some_and(|other| self.is_ours_alone(&other)))
            .collect();
        replaced.sort_unstable();
        replaced.dedup();
        replaced
    }

    fn bump_fault(&self, fault: CreateTxError) -> DraftFault {
        match fault {
            CreateTxError::CoinSelection(_) => DraftFault::NothingToPayWith,
            CreateTxError::FeeRateTooLow { required } => DraftFault::BumpTooLow { least: required },
            other => self.draft_fault(other),
        }
    }
}

fn replace_fault(txid: Txid, fault: BuildFeeBumpError) -> DraftFault {
    match fault {
        BuildFeeBumpError::TransactionNotFound(_) => DraftFault::NotWaiting { txid },
        BuildFeeBumpError::TransactionConfirmed(_) => DraftFault::InBlock { txid },
        BuildFeeBumpError::IrreplaceableTransaction(_) => DraftFault::Final { txid },
        other => DraftFault::Builder(other.to_string()),
    }
}
