//! A new transaction: which coins, what fee, what change; and what it does, worked out anew from the finished draft.

use bdk_wallet::coin_selection::{InsufficientFunds, LargestFirstCoinSelection};
use bdk_wallet::error::CreateTxError;
use bitcoin::{Address, Amount, FeeRate, OutPoint, Psbt, Txid, Weight};
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
    /// The coins to pay with, all of them; where none is named, as many as it takes are chosen.
    pub from: Vec<OutPoint>,
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
    #[error("{needed} are needed with the fee, and {spendable} can be spent; {}", waiting(*.pending, *.frozen))]
    TooLittle {
        /// What it takes, fee included.
        needed: Amount,
        /// What there is.
        spendable: Amount,
        /// What is on its way.
        pending: Amount,
        /// What the person froze.
        frozen: Amount,
    },
    /// Not enough money in the coins that were named.
    #[error("{needed} are needed with the fee, and the coins that were named come to {named}; name more of them")]
    NamedTooLittle {
        /// What it takes, fee included.
        needed: Amount,
        /// What the coins come to.
        named: Amount,
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
    /// Not a coin of this wallet, or spent.
    #[error("{coin} is no coin of this wallet, or it is spent already; twofold coins shows what there is")]
    NoSuchCoin {
        /// The coin that was named.
        coin: OutPoint,
    },
    /// A coin that must not be spent.
    #[error("{coin} is frozen; to spend it: twofold coins unfreeze {coin}")]
    Frozen {
        /// The coin that was named.
        coin: OutPoint,
    },
    /// A coin that can't be relied on yet.
    #[error("{coin} can't be spent yet: it waits for a block, or was mined less than 100 blocks ago")]
    Unripe {
        /// The coin that was named.
        coin: OutPoint,
    },
    /// No transaction of that id waits.
    #[error("no transaction {txid} of this wallet waits for a block; twofold history shows those that do")]
    NotWaiting {
        /// The transaction.
        txid: Txid,
    },
    /// It is final.
    #[error("transaction {txid} is in a block already and can't be replaced")]
    InBlock {
        /// The transaction.
        txid: Txid,
    },
    /// Somebody else paid for it.
    #[error("transaction {txid} was not paid by this wallet alone, so this wallet alone can't replace it")]
    NotOurs {
        /// The transaction.
        txid: Txid,
    },
    /// It says that it is never replaced.
    #[error("transaction {txid} does not signal that it may be replaced (BIP-125)")]
    Final {
        /// The transaction.
        txid: Txid,
    },
    /// Another one stands on it.
    #[error(
        "transaction {by} spends the change of {txid} and would be lost with it; bump {by} instead: its fee pays for both"
    )]
    SpentOn {
        /// The transaction.
        txid: Txid,
        /// The one that spends its change.
        by: Txid,
    },
    /// Not more than the first.
    #[error("nodes take a replacement only if it pays more: use at least {} sat/vB", two_places(*.least))]
    BumpTooLow {
        /// The least.
        least: FeeRate,
    },
    /// Neither change nor another coin.
    #[error(
        "there is no change and no confirmed coin to take a higher fee from; use a lower rate, receive more first, or take \
         the coins back: twofold abandon"
    )]
    NothingToPayWith,
    /// The finished draft does something it should not.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The builder failed in a way of its own.
    #[error("the transaction can't be built: {0}")]
    Builder(String),
}

/// A rate in sat/vB, rounded up to two places, so that what is told suffices.
fn two_places(rate: FeeRate) -> String {
    let hundredths = rate.to_sat_per_kwu().saturating_mul(100).div_ceil(250);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn waiting(pending: Amount, frozen: Amount) -> String {
    if frozen > Amount::ZERO {
        let more = format!("{frozen} more is frozen");
        return if pending == Amount::ZERO {
            format!("{more}: send less, or unfreeze coins")
        } else {
            format!("{more}, and {pending} waits for a block: send less, unfreeze coins, or wait")
        };
    }

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
        self.check_rate(order.fee_rate)?;
        self.check_named(&order.from)?;
        let (psbt, left) = match &order.pay {
            Pay::Each(payments) if payments.is_empty() => return Err(DraftFault::Nobody),
            Pay::Each(payments) => {
                self.check_addresses(payments.iter().map(|(address, _)| address))?;
                (self.pay_each(payments, order, random)?, None)
            }
            Pay::All(address) => {
                self.check_addresses(core::iter::once(address))?;
                self.pay_all(address, order, random)?
            }
        };
        self.drafted(psbt, left)
    }

    /// Works out what a PSBT from elsewhere does to this wallet.
    pub fn examine(&self, psbt: Psbt) -> Result<Draft, DraftFault> {
        self.drafted(psbt, None)
    }

    #[expect(clippy::unused_self, reason = "a rule of the books, like those beside it")]
    pub(super) fn check_rate(&self, rate: FeeRate) -> Result<(), DraftFault> {
        let (least, most) = (crate::fees::LEAST, Limits::default().max_fee_rate);
        if rate < least {
            return Err(DraftFault::FeeTooLow { least });
        }
        if rate > most {
            return Err(DraftFault::FeeTooHigh { most });
        }
        Ok(())
    }

    pub(super) fn drafted(&self, psbt: Psbt, left: Option<Left>) -> Result<Draft, DraftFault> {
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
        Order { fee_rate, from, .. }: &Order,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<Psbt, DraftFault> {
        let unspendable = self.unspendable_coins();
        let recipients = || {
            payments
                .iter()
                .map(|(address, value)| (address.script_pubkey(), *value))
                .collect()
        };
        let rate = *fee_rate;
        let mut builder = self.books.build_tx();
        builder
            .set_recipients(recipients())
            .fee_rate(rate)
            .unspendable(unspendable.clone())
            .only_witness_utxo();
        if !from.is_empty() {
            builder.add_utxos(from).map_err(of_builder)?.manually_selected_only();
        }
        let psbt = builder
            .finish_with_aux_rand(random)
            .map_err(|fault| self.named_fault(fault, from))?;
        if psbt.inputs.len() <= INPUTS {
            return Ok(psbt);
        }
        if !from.is_empty() {
            let (most, sends) = self.in_sends(Amount::MAX_MONEY, rate, from);
            return Err(DraftFault::TooManyCoins { most, sends });
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
        let (most, sends) = self.in_sends(wanted, rate, from);
        Err(DraftFault::TooManyCoins { most, sends })
    }

    fn pay_all(
        &mut self,
        address: &Address,
        Order { fee_rate, from, .. }: &Order,
        random: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Psbt, Option<Left>), DraftFault> {
        // A coin that costs more than it brings stays where it is.
        let rate = *fee_rate;
        let worth_it = self.coins_worth_spending(rate, from);
        let (taken, left) = worth_it.split_at(worth_it.len().min(INPUTS));
        if taken.is_empty() {
            let needed = fee(rate, 1);
            return Err(if from.is_empty() {
                self.too_little(needed)
            } else {
                let named = self.spendable_coins(from);
                DraftFault::NamedTooLittle {
                    needed,
                    named: named.iter().map(|(_, value)| *value).sum(),
                }
            });
        }
        let outpoints: Vec<OutPoint> = taken.iter().map(|(outpoint, _)| *outpoint).collect();
        let mut builder = self.books.build_tx();
        builder
            .add_utxos(&outpoints)
            .map_err(of_builder)?
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

    fn coins_worth_spending(&self, rate: FeeRate, from: &[OutPoint]) -> Vec<(OutPoint, Amount)> {
        let cost = rate.fee_wu(COIN_WEIGHT).unwrap_or(Amount::MAX_MONEY);
        let mut coins = self.spendable_coins(from);
        coins.retain(|(_, value)| *value > cost);
        coins
    }

    /// The most that one send can pay, and how many sends, each of the largest coins left, pay `wanted`; 0 where all
    /// coins together don't.
    fn in_sends(&self, wanted: Amount, rate: FeeRate, from: &[OutPoint]) -> (Amount, usize) {
        let coins = self.coins_worth_spending(rate, from);
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
            frozen: balance.frozen,
        }
    }

    fn named_fault(&self, fault: CreateTxError, from: &[OutPoint]) -> DraftFault {
        match fault {
            CreateTxError::CoinSelection(InsufficientFunds { needed, .. }) if !from.is_empty() => {
                let named = self.spendable_coins(from);
                DraftFault::NamedTooLittle {
                    needed,
                    named: named.iter().map(|(_, value)| *value).sum(),
                }
            }
            other => self.draft_fault(other),
        }
    }

    pub(super) fn draft_fault(&self, fault: CreateTxError) -> DraftFault {
        match fault {
            CreateTxError::CoinSelection(InsufficientFunds { needed, .. }) => self.too_little(needed),
            CreateTxError::OutputBelowDustLimit(place) => DraftFault::Dust { place: place + 1 },
            CreateTxError::NoRecipients => DraftFault::Nobody,
            other => DraftFault::Builder(other.to_string()),
        }
    }
}

fn of_builder(fault: impl core::fmt::Display) -> DraftFault {
    DraftFault::Builder(fault.to_string())
}

fn fee(rate: FeeRate, coins: usize) -> Amount {
    let weight = COIN_WEIGHT * u64::try_from(coins).unwrap_or(u64::MAX) + FRAME_WEIGHT;
    rate.fee_wu(weight).unwrap_or(Amount::MAX_MONEY)
}
