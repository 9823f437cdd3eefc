//! Arguments of what keeps this machine's keystore open or changes its passphrase.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the passphrase.
#[derive(Debug, Subcommand)]
pub(crate) enum Passphrase {
    /// Seal this machine's keystore under another passphrase
    #[command(
        after_help = "Examples:\n  twofold passphrase change\n  twofold passphrase change --passphrase-file old --new-passphrase-file new"
    )]
    Change {
        /// Read the new passphrase from the first line of this file, which no other user may read (or set
        /// `TWOFOLD_NEW_PASSPHRASE`); otherwise it is asked for
        #[arg(long, env = "TWOFOLD_NEW_PASSPHRASE_FILE", value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
}

/// Arguments of `unlock`.
#[derive(Debug, Args)]
pub(crate) struct Unlock {
    /// For how long, such as 90s, 15m or 2h; at most 24h
    #[arg(long = "for", value_name = "SPAN", default_value = "15m", value_parser = crate::agent::parse_span)]
    pub span: std::time::Duration,
}

/// Arguments of `agent`. The key comes on standard input.
#[derive(Debug, Args)]
pub(crate) struct Agent {
    /// For how many seconds
    #[arg(long)]
    pub seconds: u64,
}
