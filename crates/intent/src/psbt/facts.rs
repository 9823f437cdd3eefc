//! The facts of a transaction, as policy judges them and a person reads them.

use bitcoin::absolute::LockTime;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, TapSighashType, Txid, Weight};

use crate::Keychain;

/// What a transaction does to one account. Made only by [`facts`](crate::psbt::facts), so every field has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The transaction's id; signatures do not change it unless a foreign input is of the kind before segwit.
    pub txid: Txid,
    /// The inputs that are ours to sign, in transaction order. Never empty.
    pub inputs: Vec<OwnInput>,
    /// The inputs of others, left alone.
    pub foreign_inputs: Vec<ForeignInput>,
    /// The outputs that are not proved to be change.
    pub payments: Vec<Payment>,
    /// The outputs proved to come back to this account.
    pub change: Vec<Change>,
    /// What the miner gets from all inputs together.
    pub fee: Amount,
    /// Weight of the finished transaction; a lower bound where inputs are foreign.
    pub weight: Weight,
    /// The lock that binds; [`LockTime::ZERO`] where none does.
    pub lock_time: LockTime,
    /// Signals replaceability (BIP-125).
    pub replaceable: bool,
}

/// An input of ours, with the digest that its signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnInput {
    /// Position in the transaction.
    pub index: usize,
    /// The coin spent.
    pub outpoint: OutPoint,
    /// Its value, committed to by `sighash`.
    pub value: Amount,
    /// The keychain of the child key that signs.
    pub keychain: Keychain,
    /// The index of the child key that signs.
    pub child: u32,
    /// The BIP-341 key-path digest over all inputs' outputs.
    pub sighash: [u8; 32],
    /// DEFAULT or ALL.
    pub sighash_type: TapSighashType,
}

/// Somebody else's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignInput {
    /// Position in the transaction.
    pub index: usize,
    /// The coin spent.
    pub outpoint: OutPoint,
    /// Its value as the PSBT claims it; our signatures are void if it is false.
    pub value: Amount,
    /// Its script as the PSBT claims it; our signatures are void if it is false.
    pub script: ScriptBuf,
}

/// An output that leaves, or that cannot be proved to stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Position in the transaction.
    pub index: usize,
    /// Who can spend it.
    pub script: ScriptBuf,
    /// The same as an address of the account's network; `None` for data.
    pub address: Option<Address>,
    /// How much.
    pub value: Amount,
    /// The script is ours but lies past the horizon, so a restored wallet would not see it. Charged all the same.
    pub to_self: bool,
}

/// An output proved to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Position in the transaction.
    pub index: usize,
    /// The script, derived by us.
    pub script: ScriptBuf,
    /// How much.
    pub value: Amount,
    /// The keychain it returns to.
    pub keychain: Keychain,
    /// The index it returns to.
    pub child: u32,
}

impl Facts {
    /// What policy counts: the outputs not proved to be change, plus the fee.
    ///
    /// It does not depend on which inputs the PSBT shows to be ours. Were only our share counted, a thief could ask
    /// twice for one transaction, hide half of our inputs each time (past the look-ahead only a path finds them) and be
    /// charged for half. So a transaction with true foreign inputs is charged for their payments as well.
    #[must_use]
    pub fn charge(&self) -> Amount {
        total([self.payment_value(), self.fee].into_iter())
    }

    /// What the account is poorer by if this confirms: its own inputs less proven change, zero where others give it
    /// more than it puts in. For people; policy counts [`charge`](Self::charge), which is the same where no input is
    /// foreign and never less.
    #[must_use]
    pub fn share(&self) -> Amount {
        Amount::from_sat(self.own_value().to_sat().saturating_sub(self.change_value().to_sat()))
    }

    /// The coins of ours that this spends, in transaction order.
    pub fn outpoints(&self) -> impl Iterator<Item = OutPoint> + '_ {
        self.inputs.iter().map(|input| input.outpoint)
    }

    /// The sum of our inputs.
    #[must_use]
    pub fn own_value(&self) -> Amount {
        total(self.inputs.iter().map(|input| input.value))
    }

    /// The sum of others' inputs.
    #[must_use]
    pub fn foreign_value(&self) -> Amount {
        total(self.foreign_inputs.iter().map(|input| input.value))
    }

    /// The sum of the outputs not proved to be change.
    #[must_use]
    pub fn payment_value(&self) -> Amount {
        total(self.payments.iter().map(|payment| payment.value))
    }

    /// The sum of proven change.
    #[must_use]
    pub fn change_value(&self) -> Amount {
        total(self.change.iter().map(|change| change.value))
    }

    /// Virtual size of the finished transaction in vB; a lower bound where inputs are foreign.
    #[must_use]
    pub const fn vsize(&self) -> u64 {
        self.weight.to_vbytes_ceil()
    }

    /// The fee against the weight, rounded down; an upper bound where inputs are foreign.
    #[must_use]
    pub fn fee_rate(&self) -> FeeRate {
        self.fee.div_by_weight_floor(self.weight).unwrap_or(FeeRate::MAX)
    }
}

/// Facts hold sums that were bounded by 21 million bitcoin, so saturation is never reached.
fn total(values: impl Iterator<Item = Amount>) -> Amount {
    Amount::from_sat(values.fold(0, |sum: u64, value| sum.saturating_add(value.to_sat())))
}
