//! Arguments of what is written about payments, and of texts that are signed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `label`.
#[derive(Debug, Args)]
pub(crate) struct Label {
    /// A transaction id, a coin (TXID:NUMBER) or an address
    #[arg(value_name = "REF")]
    pub reference: String,
    /// What to write; empty removes what is there
    pub text: String,
}

/// What to do with labels.
#[derive(Debug, Subcommand)]
pub(crate) enum Labels {
    /// Write all labels, and which coins are frozen, to a new file or to standard output
    #[command(after_help = "Examples:\n  twofold labels export labels.jsonl\n  twofold labels export | less")]
    Export {
        /// The new file (mode 0600); without it, standard output
        file: Option<PathBuf>,
    },
    /// Take a file in: what it says replaces what is there, and the rest stays
    #[command(after_help = "Examples:\n  twofold labels import labels.jsonl\n  twofold labels import - < labels.jsonl")]
    Import {
        /// The file, or `-` for standard input
        file: PathBuf,
    },
}

/// Arguments of `sign-message`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("place").required(true).args(["index", "address"]))]
pub(crate) struct SignMessage {
    /// The text; without it and without --file it is read from standard input
    #[arg(conflicts_with = "file")]
    pub text: Option<String>,
    /// Read the text from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Sign for the receiving address with this number, from 0
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..0x8000_0000))]
    pub index: Option<u32>,
    /// Sign for this address of the wallet
    #[arg(long)]
    pub address: Option<String>,
}

/// Arguments of `verify-message`.
#[derive(Debug, Args)]
pub(crate) struct VerifyMessage {
    /// For whom it was signed
    pub address: String,
    /// The signature
    pub signature: String,
    /// The text; without it and without --file it is read from standard input
    #[arg(conflicts_with = "file")]
    pub text: Option<String>,
    /// Read the text from this file
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}
