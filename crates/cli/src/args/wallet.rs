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

/// Arguments of `wallet move`.
#[derive(Debug, Args)]
pub(crate) struct MoveTo {
    /// What to call the new wallet
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Write its recovery words to this new file (mode 0600) instead of showing them; move it off this machine
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
    /// Write its recovery kit, a page to print, to this new file (HTML, mode 0600)
    #[arg(long, value_name = "FILE")]
    pub kit: Option<PathBuf>,
    /// Fee rate in sat per virtual byte
    #[arg(long, value_name = "SAT/VB", conflicts_with = "target_blocks", value_parser = crate::command::parse_rate)]
    pub fee_rate: Option<bitcoin::FeeRate>,
    /// Pay enough to be mined within this many blocks
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1008))]
    pub target_blocks: u16,
    /// Show what would be sent, and about what fee; make and sign nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The words are safe: do not ask, nor before sending
    #[arg(long, short)]
    pub yes: bool,
}

impl MoveTo {
    /// As `create` has it for the new wallet.
    pub(crate) fn create(&self) -> Create {
        Create {
            name: self.name.clone(),
            words_file: self.words_file.clone(),
            kit: self.kit.clone(),
            with_words: false,
            recovery: None,
            out: None,
            yes: self.yes,
        }
    }
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
    /// Make a new wallet, with new keys and words, and send everything there: what to do after a theft
    #[command(after_help = "\
Examples:
  twofold wallet move anew --wallet savings --kit anew.html
  twofold wallet move anew --wallet savings --fee-rate 20 --dry-run
  twofold wallet move anew --wallet savings --words-file words.txt --yes --json
Frozen coins go along. Interrupted, or when more came to the old wallet, run it again: the new wallet is taken as it is.")]
    Move(MoveTo),
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
