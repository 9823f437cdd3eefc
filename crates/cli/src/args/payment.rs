//! Arguments of what takes money in and sends it out.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `receive`.
#[derive(Debug, Args)]
pub(crate) struct Receive {
    /// Ask for this much, such as 0.001btc or 50000sat
    #[arg(long)]
    pub amount: Option<String>,
    /// Say what for
    #[arg(long)]
    pub label: Option<String>,
    /// An address that was never shown before, even where the last one was not paid to
    #[arg(long)]
    pub new: bool,
    /// Have the server derive the address too, from its own record, and compare
    #[arg(long)]
    pub verify: bool,
    /// Do not draw the QR code
    #[arg(long)]
    pub no_qr: bool,
}

/// What miners are paid.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Fee {
    /// Fee rate in sat per virtual byte; without it, the server's estimate
    #[arg(long = "fee-rate", value_name = "SAT/VB", conflicts_with = "target_blocks", value_parser = crate::command::parse_rate)]
    pub rate: Option<bitcoin::FeeRate>,
    /// Pay enough to be mined within this many blocks
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1008))]
    pub target_blocks: u16,
}

/// Arguments of `send`.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Whom to pay: an address, or a BIP-21 URI that may hold the amount; may be repeated
    #[arg(long, required = true, value_name = "ADDRESS|URI")]
    pub to: Vec<String>,
    /// How much, such as 0.001btc or 50000sat: one for each --to that does not say it itself, in order
    #[arg(long, conflicts_with = "max")]
    pub amount: Vec<String>,
    /// Send all there is to the one recipient, less the fee
    #[arg(long)]
    pub max: bool,
    /// Pay with this coin (see `twofold coins`); may be repeated, and then all of them are spent and no others
    #[arg(long, value_name = "TXID:NUMBER", value_parser = crate::command::parse_outpoint)]
    pub from: Vec<bitcoin::OutPoint>,
    /// The fee.
    #[command(flatten)]
    pub fee: Fee,
    /// Show what would be sent; sign nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Arguments of `bump-fee` and `abandon`.
#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// The transaction that waits
    #[arg(value_parser = crate::command::parse_txid)]
    pub txid: bitcoin::Txid,
    /// The fee; a replacement never pays less than nodes take for one.
    #[command(flatten)]
    pub fee: Fee,
    /// Show what would be sent; sign nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// What to do with coins.
#[derive(Debug, Subcommand)]
pub(crate) enum Coins {
    /// Never choose these coins, and never sign for them
    #[command(after_help = "Example:\n  twofold coins freeze 5a3f…:1")]
    Freeze {
        /// The coins
        #[arg(required = true, value_name = "TXID:NUMBER", value_parser = crate::command::parse_outpoint)]
        outpoints: Vec<bitcoin::OutPoint>,
    },
    /// Let these coins be spent again
    #[command(after_help = "Example:\n  twofold coins unfreeze 5a3f…:1")]
    Unfreeze {
        /// The coins
        #[arg(required = true, value_name = "TXID:NUMBER", value_parser = crate::command::parse_outpoint)]
        outpoints: Vec<bitcoin::OutPoint>,
    },
}

/// What to do with a PSBT.
#[derive(Debug, Subcommand)]
pub(crate) enum Psbt {
    /// Say what it does: who is paid, the fee, what is change
    #[command(after_help = "Example:\n  twofold psbt show draft.psbt")]
    Show {
        /// The file, base64 or binary
        file: PathBuf,
    },
    /// Co-sign our inputs with the server
    #[command(after_help = "Example:\n  twofold psbt sign draft.psbt --out signed.psbt")]
    Sign {
        /// The file, base64 or binary
        file: PathBuf,
        /// Where to write the signed PSBT (base64); without it, to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Turn a fully signed PSBT into a transaction
    #[command(after_help = "Example:\n  twofold psbt finalize signed.psbt --broadcast")]
    Finalize {
        /// The file, base64 or binary
        file: PathBuf,
        /// Send it to the network as well
        #[arg(long)]
        broadcast: bool,
    },
}
