//! A new transaction: which coins, what fee, what change; and what it does, worked out anew from the finished draft.

use bdk_wallet::coin_selection::{InsufficientFunds, LargestFirstCoinSelection};
use bdk_wallet::error::CreateTxError;
use bitcoin::{Address, Amount, FeeRate, OutPoint, Psbt, Weight};
use rand_core::{CryptoRng, RngCore};
use twofold_api::limits::INPUTS;
use twofold_intent::{Facts, Limits, Refused};

use super::Ledger;

/// Weight of spending one taproot coin by its key: outpoint, empty script, sequence, one 64-byte signature (BIP-341).
const COIN_WEIGHT: Weight = Weight::from_wu(4 * 41 + 66);
/// Weight of what every transaction has, and of two taproot outputs.
const FRAME_WEIGHT: Weight = Weight::from_wu(4 * (10 + 2 * 43) + 2);

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whom to pay.
    pub pay: Pay,
    /// What miners get for each unit of weight.
    pub fee_rate: FeeRate,
}

/// Whom to pay, and how much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pay {
    /// Each of these, each as much.
    Each(Vec<(Address, Amount)>),
    /// Everything that can be spent, to one address; the fee comes out of it.
    All(Address),
}

/// A transaction that is not signed yet, and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Draft {
    pub(crate) psbt: Psbt,
    pub(crate) facts: Facts,
    left: Option<Left>,
}

/// What one transaction could not carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Coins that stay behind.
    pub coins: usize,
    /// Their worth.
    pub value: Amount,
    /// Further sends that take them along.
    pub sends: usize,
}

impl Draft {
    /// The PSBT (BIP-174).
    #[must_use]
    pub const fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    /// What it does, worked out from the PSBT alone by the same lines that the server runs. Show this before signing.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// With [`Pay::All`] and more coins than one transaction takes: what stays behind.
    #[must_use]
    pub const fn left(&self) -> Option<Left> {
        self.left
    }
}

/// Why there is no such transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DraftFault {
    /// Nobody to pay.
    #[error("say whom to pay: --to ADDRESS --amount AMOUNT")]
    Nobody,
    /// Not enough money.
    #[error("{needed} are needed with the fee, and {spendable} can be spent; {}", waiting(*.pending))]
    TooLittle {
        /// What it takes, fee included.
        needed: Amount,
        /// What there is.
        spendable: Amount,
        /// What is on its way.
        pending: Amount,
    },
    /// Enough money, in too many coins.
    #[error(
        "one transaction takes at most {INPUTS} coins, which come to {most} after the fee; {}",
        split(*.sends, *.most)
    )]
    TooManyCoins {
        /// The most that one send can pay.
        most: Amount,
        /// How many sends it takes.
        sends: usize,
    },
    /// An output that nodes don't relay.
    #[error("payment {place} is so small that it costs more to spend than it is worth; nodes refuse it. Send more")]
    Dust {
        /// Which, counting from 1.
        place: usize,
    },
    /// Below what nodes relay.
    #[error("the fee rate is below what nodes relay; use at least {} sat/vB", .least.to_sat_per_vb_ceil())]
    FeeTooLow {
        /// The least.
        least: FeeRate,
    },
    /// Above what anyone wants to pay.
    #[error("the fee rate is above {} sat/vB, which is surely a mistake; use less", .most.to_sat_per_vb_floor())]
    FeeTooHigh {
        /// The most.
        most: FeeRate,
    },
    /// An address of another network.
    #[error("{address} is not an address of {network}; ask the payee for one that is")]
    Network {
        /// The address.
        address: String,
        /// This wallet's network.
        network: bitcoin::Network,
    },
    /// The finished draft does something it should not.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The builder failed in a way of its own.
    #[error("the transaction can't be built: {0}")]
    Builder(String),
}

fn waiting(pending: Amount) -> String {
    if pending == Amount::ZERO {
        "send less, or receive more first".into()
    } else {
        format!("{pending} more can be spent once it is in a block: send less, or wait for that")
    }
}

fn split(sends: usize, most: Amount) -> String {
    if sends == 0 {
        format!("send at most {most}")
    } else {
        format!("this sum takes {sends} sends: begin with {most}")
    }
}

impl Ledger {
    /// Drafts a transaction. It reveals a change address, but promises nothing: the same coins may be drafted again until
    /// one draft is signed.
    pub fn draft(&mut self, order: &Order, random: &mut (impl RngCore + CryptoRng)) -> Result<Draft, DraftFault> {
        let (least, most) = (crate::fees::LEAST, Limits::default().max_fee_rate);
        if order.fee_rate < least {
            return Err(DraftFault::FeeTooLow { least });
        }
        if order.fee_rate > most {
            return Err(DraftFault::FeeTooHigh { most });
        }
        let (psbt, left) = match &order.pay {
            Pay::Each(payments) if payments.is_empty() => return Err(DraftFault::Nobody),
            Pay::Each(payments) => {
                self.check_addresses(payments.iter().map(|(address, _)| address))?;
                (self.pay_each(payments, order.fee_rate, random)?, None)
            }
            Pay::All(address) => {
                self.check_addresses(core::iter::once(address))?;
                self.pay_all(address, order.fee_rate, random)?
            }
        };
        self.drafted(psbt, left)
    }

    /// Works out what a PSBT from elsewhere does to this wallet.
    pub fn examine(&self, psbt: Psbt) -> Result<Draft, DraftFault> {
        self.drafted(psbt, None)
    }

    fn drafted(&self, psbt: Psbt, left: Option<Left>) -> Result<Draft, DraftFault> {
        let facts = twofold_intent::facts(&psbt, &self.account, self)?;
        Ok(Draft { psbt, facts, left })
    }

    fn check_addresses<'a>(&self, addresses: impl Iterator<Item = &'a Address>) -> Result<(), DraftFault> {
        let network = self.network();
        for address in addresses {
            if !address.as_unchecked().is_valid_for_network(network) {
                return Err(DraftFault::Network {
                    address: address.to_string(),
                    network,
                });
            }
        }
        Ok(())
    }

    fn pay_each(
        &mut self,
        payments: &[(Address, Amount)],
        rate: FeeRate,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Psbt, DraftFault> {
        let unspendable = self.unspendable_coins();
        let recipients = || {
            payments
                .iter()
                .map(|(address, value)| (address.script_pubkey(), *value))
                .collect()
        };
        let mut builder = self.books.build_tx();
        builder
            .set_recipients(recipients())
            .fee_rate(rate)
            .unspendable(unspendable.clone())
            .only_witness_utxo();
        let psbt = builder
            .finish_with_aux_rand(random)
            .map_err(|fault| self.draft_fault(fault))?;
        if psbt.inputs.len() <= INPUTS {
            return Ok(psbt);
        }
        let mut builder = self.books.build_tx().coin_selection(LargestFirstCoinSelection);
        builder
            .set_recipients(recipients())
            .fee_rate(rate)
            .unspendable(unspendable)
            .only_witness_utxo();
        let psbt = builder
            .finish_with_aux_rand(random)
            .map_err(|fault| self.draft_fault(fault))?;
        if psbt.inputs.len() <= INPUTS {
            return Ok(psbt);
        }
        let wanted = payments.iter().map(|(_, value)| *value).sum();
        let (most, sends) = self.in_sends(wanted, rate);
        Err(DraftFault::TooManyCoins { most, sends })
    }

    fn pay_all(
        &mut self,
        address: &Address,
        rate: FeeRate,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Psbt, Option<Left>), DraftFault> {
        // A coin that costs more than it brings stays where it is.
        let worth_it = self.coins_worth_spending(rate);
        let (taken, left) = worth_it.split_at(worth_it.len().min(INPUTS));
        if taken.is_empty() {
            return Err(self.too_little(fee(rate, 1)));
        }
        let outpoints: Vec<OutPoint> = taken.iter().map(|(outpoint, _)| *outpoint).collect();
        let mut builder = self.books.build_tx();
        builder
            .add_utxos(&outpoints)
            .map_err(|fault| DraftFault::Builder(fault.to_string()))?
            .manually_selected_only()
            .drain_to(address.script_pubkey())
            .fee_rate(rate)
            .only_witness_utxo();
        let psbt = builder
            .finish_with_aux_rand(random)
            .map_err(|fault| self.draft_fault(fault))?;
        let left = (!left.is_empty()).then(|| Left {
            coins: left.len(),
            value: left.iter().map(|(_, value)| *value).sum(),
            sends: left.len().div_ceil(INPUTS),
        });
        Ok((psbt, left))
    }

    fn coins_worth_spending(&self, rate: FeeRate) -> Vec<(OutPoint, Amount)> {
        let cost = rate.fee_wu(COIN_WEIGHT).unwrap_or(Amount::MAX_MONEY);
        let mut coins = self.spendable_coins();
        coins.retain(|(_, value)| *value > cost);
        coins
    }

    /// The most that one send can pay, and how many sends, each of the largest coins left, pay `wanted`; 0 where all
    /// coins together don't.
    fn in_sends(&self, wanted: Amount, rate: FeeRate) -> (Amount, usize) {
        let coins = self.coins_worth_spending(rate);
        let payable = |chunk: &[(OutPoint, Amount)]| {
            let sum: Amount = chunk.iter().map(|(_, value)| *value).sum();
            sum.checked_sub(fee(rate, chunk.len())).unwrap_or(Amount::ZERO)
        };
        let mut sum = Amount::ZERO;
        for (sends, chunk) in coins.chunks(INPUTS).enumerate() {
            sum += payable(chunk);
            if sum >= wanted {
                return (coins.chunks(INPUTS).next().map_or(Amount::ZERO, payable), sends + 1);
            }
        }
        (coins.chunks(INPUTS).next().map_or(Amount::ZERO, payable), 0)
    }

    fn too_little(&self, needed: Amount) -> DraftFault {
        let balance = self.balance();
        DraftFault::TooLittle {
            needed,
            spendable: balance.spendable(),
            pending: balance.pending.checked_add(balance.immature).unwrap_or(Amount::MAX),
        }
    }

    fn draft_fault(&self, fault: CreateTxError) -> DraftFault {
        match fault {
            CreateTxError::CoinSelection(InsufficientFunds { needed, .. }) => self.too_little(needed),
            CreateTxError::OutputBelowDustLimit(place) => DraftFault::Dust { place: place + 1 },
            CreateTxError::NoRecipients => DraftFault::Nobody,
            other => DraftFault::Builder(other.to_string()),
        }
    }
}

fn fee(rate: FeeRate, coins: usize) -> Amount {
    let weight = COIN_WEIGHT * u64::try_from(coins).unwrap_or(u64::MAX) + FRAME_WEIGHT;
    rate.fee_wu(weight).unwrap_or(Amount::MAX_MONEY)
}
