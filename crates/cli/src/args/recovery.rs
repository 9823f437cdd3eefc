//! Arguments of what is done with the recovery words.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `recover`.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The operator's invitation for this wallet, or with --token-file the server's link; not needed again once this machine has joined
    pub invitation: Option<String>,
    /// Recover as the owner who signed in: a file with the token that your app's provider gave, `-` for standard input. Instead of
    /// an invitation goes the server's link (`twofoldserver1…`)
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// What to call this machine
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A device of the wallet that is not lost, by its name or the beginning of its id (with --ask: its id); all others are revoked. May be repeated
    #[arg(long, value_name = "DEVICE")]
    pub keep: Vec<String>,
    /// The words.
    #[command(flatten)]
    pub words: Words,
    /// Do not take the words here: write a request to this new file, for the machine where the words are (there: twofold recovery continue)
    #[arg(long, value_name = "FILE", conflicts_with = "words_file")]
    pub ask: Option<PathBuf>,
    /// Join a server on the main network, although nobody outside has reviewed Twofold: coins may be lost
    #[arg(long)]
    pub risk_real_money: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// What to do with recovery.
#[derive(Debug, Subcommand)]
pub(crate) enum Recovery {
    /// Write the recovery package to a file: what recovery needs beside its words
    #[command(after_help = "Example:\n  twofold recovery export --out savings.package")]
    Export {
        /// Where to write it; without it, to standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Prove that words and package are good: that recovery's share is the right one. Rebuilds no key
    #[command(
        after_help = "Examples:\n  twofold recovery check\n  twofold recovery check --package savings.package --words-file -"
    )]
    Check {
        /// The package's file; without it, the one in this machine's keystore
        #[arg(long, value_name = "FILE")]
        package: Option<PathBuf>,
        /// The words.
        #[command(flatten)]
        words: Words,
    },
    /// Write the recovery kit: a page to print that says what this wallet is and what to do on the bad day
    #[command(after_help = "\
Examples:
  twofold recovery kit --out kit.html                the words are written in by hand
  twofold recovery kit --out kit.html --with-words   asks for the words and prints them; then delete the file
  twofold recovery kit --package savings.package --out kit.html   on a machine without the wallet")]
    Kit {
        /// The new file (HTML, mode 0600)
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The package's file; without it, the one in this machine's keystore
        #[arg(long, value_name = "FILE")]
        package: Option<PathBuf>,
        /// Print the words too: the file is then as secret as they are, and so is what the printer remembers
        #[arg(long)]
        with_words: bool,
        /// Read the words from this file, which no other user may read, or from standard input with `-`; otherwise they are asked for
        #[arg(long, value_name = "FILE", requires = "with_words")]
        words_file: Option<PathBuf>,
    },
    /// Make other recovery words, for words that were lost or may have been seen
    #[command(after_help = "\
Examples:
  twofold recovery replace --with-words          asks for the old words: done at once
  twofold recovery replace                       the old words are lost: waits seven days, and takes the operator's yes
  twofold recovery replace --recovery opening.txt --out message.txt
      the new words are on another machine, which ran twofold recovery new --replace
  twofold recovery replace --new-words-file new.words --ask ask.txt
  twofold recovery replace --new-words-file new.words --voice answer.txt
      the old words are on another machine: carry ask.txt there, run twofold recovery continue, carry answer.txt back")]
    Replace(Replacing),
    /// The server was restored from before a refresh, and has no share: device and words give it back
    #[command(after_help = "\
Example:
  twofold recovery repair-server
      and then, as for any restored server: twofold wallet lift-fence, twofold refresh")]
    RepairServer {
        /// The words.
        #[command(flatten)]
        words: Words,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// The server is gone: move everything to an address of another wallet, with this device and the words
    #[command(after_help = "\
Examples:
  twofold recovery sweep --to bc1q… --node http://127.0.0.1:8332 --node-auth ~/.bitcoin/.cookie
  twofold recovery sweep --to bc1q… --fee-rate 5 --out sweep.hex     coins as this machine knew them
  twofold recovery sweep --to bc1q… --fee-rate 5 --request ask.txt --reply answer.txt
      the words stay on another machine: carry ask.txt there, run twofold recovery sign, carry answer.txt back")]
    Sweep(Sweep),
    /// Practise the bad day: sign, with the real shares, a transaction that spends a coin which does not exist. Nothing is sent or kept
    #[command(after_help = "\
Examples:
  twofold recovery rehearse
  twofold recovery rehearse --request ask.txt --reply answer.txt   the words stay on another machine, as for sweep")]
    Rehearse {
        /// Where recovery signs.
        #[command(flatten)]
        signing: Signing,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// On a machine of its own, offline too: become the recovery of a wallet that is about to be made, or of one that is there
    #[command(after_help = "\
Examples:
  twofold recovery new --invitation invitation.txt --out opening.txt --state recovery.state
      then opening.txt goes to the device: twofold create --name savings --recovery opening.txt --out message.txt
  twofold recovery new --invitation invitation.txt --qr --state recovery.state
      where the device has a camera and no drive
  twofold recovery new --replace --invitation invitation.txt --out opening.txt --state recovery.state
      then opening.txt goes to the device: twofold recovery replace --recovery opening.txt --out message.txt")]
    New {
        /// A file with the operator's invitation: only the server's identity is read from it, so a used one will do; `-` is standard input
        #[arg(long, value_name = "FILE")]
        invitation: PathBuf,
        /// Where to write the opening, for the device
        #[arg(long, value_name = "FILE", required_unless_present = "qr")]
        out: Option<PathBuf>,
        /// Show the opening as a QR code: whatever scans it hands the text to `create --recovery -`
        #[arg(long)]
        qr: bool,
        /// Where to keep this machine's state until the wallet is made
        #[arg(long, value_name = "FILE")]
        state: PathBuf,
        /// Write the new words to this new file (mode 0600) instead of showing them
        #[arg(long, value_name = "FILE")]
        words_file: Option<PathBuf>,
        /// For a wallet that is there: take its words' place
        #[arg(long)]
        replace: bool,
    },
    /// Go on with making a wallet, replacing its words, or recovering it: where the words are with the device's file, at the device with theirs
    #[command(after_help = "\
Examples:
  twofold recovery continue message.txt --state recovery.state --out answer.txt    at the recovery holder
  twofold recovery continue ask.txt --out answer.txt                               where the words are, after recover --ask
  twofold recovery continue answer.txt                                             at the device
Both show a fingerprint: compare them.")]
    Continue {
        /// The message
        file: PathBuf,
        /// At the holder: the state that `recovery new` wrote; a request of recover --ask is held to the wallet that it tells of
        #[arg(long, value_name = "FILE", requires = "out")]
        state: Option<PathBuf>,
        /// Where the words are: where to write the answer
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// The words.
        #[command(flatten)]
        words: Words,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Answer a device's signing request with the words, on a machine of their own
    #[command(after_help = "Example:\n  twofold recovery sign ask.txt --out answer.txt")]
    Sign {
        /// The request's file
        request: PathBuf,
        /// Where to write the reply
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The words.
        #[command(flatten)]
        words: Words,
        /// The network that you know the wallet to be on (bitcoin, testnet4, signet, regtest); the request's is the device's word alone
        #[arg(long, value_name = "NETWORK")]
        network: Option<twofold_intent::ChainName>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// Arguments of `recovery replace`.
#[derive(Debug, Args)]
pub(crate) struct Replacing {
    /// The old words.
    #[command(flatten)]
    pub voice: super::Voice,
    /// Write the new words to this file (mode 0600) instead of showing them; words that are there already are taken
    #[arg(long, value_name = "FILE")]
    pub new_words_file: Option<PathBuf>,
    /// The new words are on another machine: the opening that it wrote with recovery new --replace, or `-`
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with = "new_words_file")]
    pub recovery: Option<PathBuf>,
    /// Where to write the message for that machine
    #[arg(long, value_name = "FILE", requires = "recovery")]
    pub out: Option<PathBuf>,
    /// The old words are on another machine: write a request to this new file, for them to speak for the new ones (there: twofold recovery continue)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["with_words", "words_file", "spoken"])]
    pub ask: Option<PathBuf>,
    /// The old words' answer to that
    #[arg(long = "voice", value_name = "FILE", conflicts_with_all = ["with_words", "words_file"])]
    pub spoken: Option<PathBuf>,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Arguments of `recovery sweep`.
#[derive(Debug, Args)]
pub(crate) struct Sweep {
    /// Where everything goes: an address that is not this wallet's
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// A Bitcoin node: it finds the coins and sends the transactions. Without it the coins are those that this machine knew last, and the transactions are written out
    #[arg(long, value_name = "http://HOST:PORT", requires = "node_auth")]
    pub node: Option<String>,
    /// The node's cookie file, or a file whose first line is user:password
    #[arg(long, value_name = "FILE", requires = "node")]
    pub node_auth: Option<PathBuf>,
    /// The node is on another machine: send its password and the wallet's addresses there unencrypted
    #[arg(long, requires = "node")]
    pub node_in_clear: bool,
    /// Fee rate in sat per virtual byte; without it the node is asked
    #[arg(long, value_name = "SAT/VB", required_unless_present = "node", value_parser = crate::command::parse_rate)]
    pub fee_rate: Option<bitcoin::FeeRate>,
    /// Where recovery signs.
    #[command(flatten)]
    pub signing: Signing,
    /// Write the signed transactions to this new file, in hex, a line each
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Show what would be moved; sign nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Where recovery signs: here, or by files on another machine.
#[derive(Debug, Args)]
pub(crate) struct Signing {
    /// The words.
    #[command(flatten)]
    pub words: Words,
    /// Do not take the words here: write a signing request to this new file, for the machine where the words are
    #[arg(long, value_name = "FILE", requires = "reply", conflicts_with = "words_file")]
    pub request: Option<PathBuf>,
    /// Wait for the reply to appear under this name
    #[arg(long, value_name = "FILE", requires = "request")]
    pub reply: Option<PathBuf>,
    /// How many minutes to wait for the reply
    #[arg(long, value_name = "MINUTES", default_value_t = 1440, value_parser = clap::value_parser!(u64).range(1..=43_200))]
    pub wait: u64,
}

/// Where the recovery words come from; never the command line, where other users of the machine could read them.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Read the 25 words from this file, which no other user may read, or from standard input with `-`; otherwise they are asked for
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
}
