//! Arguments of what makes, names and watches over a wallet.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::device::Voice;

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call the wallet
    #[arg(long, default_value = "wallet")]
    pub name: String,
    /// Write the recovery words to this new file (mode 0600) instead of showing them; move it off this machine
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
    /// Write the recovery kit, a page to print, to this new file (HTML, mode 0600)
    #[arg(long, value_name = "FILE", conflicts_with = "recovery")]
    pub kit: Option<PathBuf>,
    /// Print the words in the kit too: the file is then as secret as they are, and so is what the printer remembers
    #[arg(long, requires = "kit")]
    pub with_words: bool,
    /// Recovery is on another machine: its opening, made there by `twofold recovery new`; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["words_file", "yes"])]
    pub recovery: Option<PathBuf>,
    /// With --recovery: write the message for the recovery holder to this new file
    #[arg(long, value_name = "FILE", requires = "recovery")]
    pub out: Option<PathBuf>,
    /// The words are safe: do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// What to do with wallets.
#[derive(Debug, Subcommand)]
pub(crate) enum Wallet {
    /// List this user's wallets
    List,
    /// Give the wallet another name
    #[command(after_help = "Example:\n  twofold wallet rename --wallet savings holidays")]
    Rename {
        /// Its new name
        name: String,
    },
    /// Say yes to a server that was restored from a backup, after looking at what it forgot
    #[command(after_help = "\
Examples:
  twofold wallet lift-fence --wallet savings
  twofold wallet lift-fence --with-words
  twofold wallet lift-fence --words-file words.txt --yes
With the recovery words nobody else is asked; without them the operator agrees too: twofold-server fence lift.")]
    LiftFence {
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// What to do with the audit chain.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Fetch the whole chain and check every hash, and that it holds all this machine has seen
    Verify,
}
