//! Every way in which a PSBT is refused.

use bitcoin::{Amount, Network, OutPoint};

use crate::AccountError;

/// Why no facts come of a PSBT. Positions count from zero, as in the transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// No bytes.
    #[error("the PSBT is empty; export it again from the wallet that made it")]
    Empty,
    /// More bytes than are read.
    #[error("the PSBT is larger than {limit} bytes; spend fewer coins at once")]
    TooLarge {
        /// Bytes read at most.
        limit: usize,
    },
    /// Neither binary nor base64.
    #[error("this is neither a binary PSBT nor one in base64; export it again from the wallet that made it")]
    NotBase64,
    /// The decoder's complaint, cut short.
    #[error("this is not a PSBT of version 0 ({0}); export it again from the wallet that made it")]
    Unparseable(String),
    /// Bytes after the end.
    #[error("{0} bytes follow the end of the PSBT; export it again from the wallet that made it")]
    TrailingBytes(usize),
    /// Parts of the PSBT do not fit together.
    #[error("the PSBT's maps do not match its transaction, or its version is not 0; build it again")]
    Malformed,
    /// No inputs or no outputs.
    #[error("the transaction has no inputs or no outputs; build it again with at least one of each")]
    EmptyTransaction,
    /// More inputs than [`Limits`](crate::Limits) allows.
    #[error("the transaction spends {count} coins and at most {limit} are signed at once; split it into several")]
    TooManyInputs {
        /// Inputs found.
        count: usize,
        /// Inputs allowed.
        limit: usize,
    },
    /// More outputs than [`Limits`](crate::Limits) allows.
    #[error("the transaction makes {count} outputs and at most {limit} are signed at once; split it into several")]
    TooManyOutputs {
        /// Outputs found.
        count: usize,
        /// Outputs allowed.
        limit: usize,
    },
    /// Heavier than nodes relay.
    #[error("the transaction weighs {weight} units and nodes relay at most {limit}; split it into several")]
    TooHeavy {
        /// Weight units when finished.
        weight: u64,
        /// Weight units allowed.
        limit: u64,
    },
    /// A transaction version that nodes do not relay.
    #[error("transaction version {0} is not relayed; build it again with version 2")]
    Version(i32),
    /// Keys of another network.
    #[error("the PSBT names keys of another network than {0}; build it again for that network")]
    OtherNetwork(Network),
    /// Not a payment but a signed text (BIP-322), or a proof of funds.
    #[error("the transaction pays nobody: it is a proof for a text (BIP-322); sign the text itself, not a PSBT")]
    MessageProof,
    /// An input that spends no coin.
    #[error("input {input} spends no coin; remove it")]
    CoinbaseInput {
        /// The input's position.
        input: usize,
    },
    /// One coin spent twice.
    #[error("coin {outpoint} is spent twice; name each coin once")]
    DuplicateInput {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The transaction inside the PSBT is not unsigned.
    #[error("input {input} of the unsigned transaction carries a script or witness; export it unsigned")]
    HasScripts {
        /// The input's position.
        input: usize,
    },
    /// A wait that starts when the coin confirms (BIP-68).
    #[error("input {input} sets a relative lock, which this wallet's coins have no use for; build it without")]
    RelativeLock {
        /// The input's position.
        input: usize,
    },
    /// A lock so late that it must be a mistake.
    #[error("the transaction is locked until {asked}, and {latest} is the latest accepted now; set an earlier lock")]
    LockTimeTooFar {
        /// Height, or seconds since 1970.
        asked: u32,
        /// The latest accepted, in the same measure.
        latest: u32,
    },
    /// The spent output is not in the PSBT.
    #[error("input {input} does not say what it spends; add the spent output (witness_utxo) for every input")]
    AmountMissing {
        /// The input's position.
        input: usize,
    },
    /// Two places in the PSBT name different outputs.
    #[error("input {input} names two different outputs for its coin; build the PSBT again from the chain")]
    AmountMismatch {
        /// The input's position.
        input: usize,
    },
    /// The previous transaction is another one, or too short.
    #[error("input {input} carries a previous transaction that does not hold its coin; build the PSBT again")]
    PreviousTransaction {
        /// The input's position.
        input: usize,
    },
    /// The chain index knows better.
    #[error("input {input} names another amount or script than the chain does; build the PSBT again from the chain")]
    ChainDisagrees {
        /// The input's position.
        input: usize,
    },
    /// More money than can exist.
    #[error("amounts add up to more than 21 million bitcoin; build the PSBT again")]
    AmountOutOfRange,
    /// Money from nowhere.
    #[error("outputs of {outputs} exceed inputs of {inputs}; add coins or pay less")]
    OutputsExceedInputs {
        /// Sum of inputs.
        inputs: Amount,
        /// Sum of outputs.
        outputs: Amount,
    },
    /// Nothing here is ours to sign.
    #[error("no input belongs to this wallet; choose the wallet that holds the coins")]
    NoOwnInput,
    /// A path of ours on a foreign script.
    #[error("input {input} claims a path of this wallet, but its script is not the one found there; do not sign it")]
    FalsePath {
        /// The input's position.
        input: usize,
    },
    /// A path of ours on a foreign script: change that would not come back.
    #[error(
        "output {output} claims to be change of this wallet, but its script is not; do not sign it, and find out who \
         changed it"
    )]
    FalseChange {
        /// The output's position.
        output: usize,
    },
    /// A merkle root for an input without a script tree.
    #[error("input {input} names a merkle root, and this wallet's coins have none; build the PSBT again")]
    MerkleRoot {
        /// The input's position.
        input: usize,
    },
    /// An internal key that is not the derived one.
    #[error("input {input} names an internal key that is not this wallet's; build the PSBT again")]
    InternalKey {
        /// The input's position.
        input: usize,
    },
    /// Scripts for an input that has only a key path.
    #[error("input {input} carries scripts, and this wallet's coins are spent by key alone; build the PSBT again")]
    ScriptPath {
        /// The input's position.
        input: usize,
    },
    /// Anything but DEFAULT and ALL.
    #[error("input {input} asks for sighash type {asked:#04x}; only DEFAULT and ALL, which sign everything, are given")]
    SighashType {
        /// The input's position.
        input: usize,
        /// The type as written.
        asked: u32,
    },
    /// There is a signature already.
    #[error("input {input} is signed already; finalize and broadcast it, or start again from the unsigned PSBT")]
    AlreadySigned {
        /// The input's position.
        input: usize,
    },
    /// The digest could not be made.
    #[error("the digest of input {input} cannot be made; build the PSBT again")]
    Sighash {
        /// The input's position.
        input: usize,
    },
    /// Too small to be relayed.
    #[error("output {output} of {value} is dust, the least is {minimum}; pay more or leave it to the fee")]
    Dust {
        /// The output's position.
        output: usize,
        /// Its value.
        value: Amount,
        /// The least that nodes relay.
        minimum: Amount,
    },
    /// Money in a data output.
    #[error("output {output} would burn money with its data; give it the value zero")]
    BurnedValue {
        /// The output's position.
        output: usize,
    },
    /// A data output longer than nodes relay.
    #[error("output {output} carries more than {limit} bytes of data script; shorten it")]
    DataTooLong {
        /// The output's position.
        output: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More than one data output.
    #[error("more than one output carries data, which not every node relays; keep one")]
    ManyDataOutputs,
    /// A taproot output whose key is no point of the curve.
    #[error("output {output} pays to a key that nobody can own; check the address with the payee")]
    UnspendableOutput {
        /// The output's position.
        output: usize,
    },
    /// A script without an address, or one that anybody may spend.
    #[error("output {output} has a script that nodes do not relay or that anybody may spend; pay to an address")]
    NonStandardOutput {
        /// The output's position.
        output: usize,
    },
    /// Fee in all.
    #[error("the fee of {fee} is above the limit of {limit}; lower it")]
    FeeTooHigh {
        /// The fee.
        fee: Amount,
        /// The most accepted.
        limit: Amount,
    },
    /// Fee for the weight.
    #[error("the fee rate is above the limit of {limit} sat/vB; lower it")]
    FeeRateTooHigh {
        /// The most accepted, in sat/vB.
        limit: u64,
    },
    /// Fee against the amount.
    #[error("the fee of {fee} is more than {percent}% of the {paid} paid; lower it, or pay more at once")]
    FeeShareTooHigh {
        /// The fee.
        fee: Amount,
        /// What it is measured against.
        paid: Amount,
        /// The most accepted, in percent.
        percent: u64,
    },
    /// A child of the account cannot be derived.
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl Refused {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Empty => "PSBT_EMPTY",
            Self::TooLarge { .. } => "PSBT_TOO_LARGE",
            Self::NotBase64 => "PSBT_NOT_BASE64",
            Self::Unparseable(_) => "PSBT_UNPARSEABLE",
            Self::TrailingBytes(_) => "PSBT_TRAILING_BYTES",
            Self::Malformed => "PSBT_MALFORMED",
            Self::EmptyTransaction => "EMPTY_TRANSACTION",
            Self::TooManyInputs { .. } => "TOO_MANY_INPUTS",
            Self::TooManyOutputs { .. } => "TOO_MANY_OUTPUTS",
            Self::TooHeavy { .. } => "TRANSACTION_TOO_HEAVY",
            Self::Version(_) => "TRANSACTION_VERSION",
            Self::OtherNetwork(_) => "NETWORK_MISMATCH",
            Self::MessageProof => "MESSAGE_PROOF",
            Self::CoinbaseInput { .. } => "COINBASE_INPUT",
            Self::DuplicateInput { .. } => "DUPLICATE_INPUT",
            Self::HasScripts { .. } => "NOT_UNSIGNED",
            Self::RelativeLock { .. } => "RELATIVE_LOCK",
            Self::LockTimeTooFar { .. } => "LOCK_TIME_TOO_FAR",
            Self::AmountMissing { .. } => "AMOUNT_MISSING",
            Self::AmountMismatch { .. } => "AMOUNT_MISMATCH",
            Self::PreviousTransaction { .. } => "PREVIOUS_TRANSACTION",
            Self::ChainDisagrees { .. } => "CHAIN_DISAGREES",
            Self::AmountOutOfRange => "AMOUNT_OUT_OF_RANGE",
            Self::OutputsExceedInputs { .. } => "OUTPUTS_EXCEED_INPUTS",
            Self::NoOwnInput => "NO_OWN_INPUT",
            Self::FalsePath { .. } => "FALSE_PATH",
            Self::FalseChange { .. } => "FALSE_CHANGE",
            Self::MerkleRoot { .. } => "FOREIGN_MERKLE_ROOT",
            Self::InternalKey { .. } => "FOREIGN_INTERNAL_KEY",
            Self::ScriptPath { .. } => "SCRIPT_PATH",
            Self::SighashType { .. } => "SIGHASH_TYPE",
            Self::AlreadySigned { .. } => "ALREADY_SIGNED",
            Self::Sighash { .. } => "SIGHASH_FAILED",
            Self::Dust { .. } => "DUST_OUTPUT",
            Self::BurnedValue { .. } => "BURNED_VALUE",
            Self::DataTooLong { .. } => "DATA_TOO_LONG",
            Self::ManyDataOutputs => "MANY_DATA_OUTPUTS",
            Self::UnspendableOutput { .. } => "UNSPENDABLE_OUTPUT",
            Self::NonStandardOutput { .. } => "NONSTANDARD_OUTPUT",
            Self::FeeTooHigh { .. } => "FEE_TOO_HIGH",
            Self::FeeRateTooHigh { .. } => "FEE_RATE_TOO_HIGH",
            Self::FeeShareTooHigh { .. } => "FEE_SHARE_TOO_HIGH",
            Self::Account(_) => "ACCOUNT_KEY",
        }
    }
}
