//! Arguments of what is done about a wallet's machines, and about what waits for a second one.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `join`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The invitation, or what another of your machines shows, or with --token-file the server's link; with `-` it is read from
    /// standard input, and without it asked for
    pub invitation: Option<String>,
    /// Join as the person of a sign-in: a file with the token that your app's provider gave, `-` for standard input. Instead of
    /// an invitation goes the server's link (`twofoldserver1…`)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["finish", "code"])]
    pub token_file: Option<PathBuf>,
    /// Compare six digits with the other machine instead of carrying a card back; there: `twofold device add --code`
    #[arg(long, conflicts_with = "finish")]
    pub code: bool,
    /// Look whether the other machine has added this one, and take the wallet in
    #[arg(long, conflicts_with_all = ["invitation", "name", "risk_real_money"])]
    pub finish: bool,
    /// What to call this machine
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Join a server on the main network, although nobody outside has reviewed Twofold: coins may be lost
    #[arg(long)]
    pub risk_real_money: bool,
}

/// What to do with devices.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// List the machines that have this wallet
    #[command(after_help = "Example:\n  twofold device list --json | jq -r '.devices[].name'")]
    List,
    /// Add a machine: without CARD, show what to type there; with the card that it answers, add it
    #[command(after_help = "\
Examples:
  twofold device add                                  here: shows a text for the new machine
  twofold join 'twofoldadd1…'                         there: shows its card
  twofold device add 'twofoldkey1…' --with-words      here: adds exactly the machine of that card
  twofold join --finish                               there: takes the wallet in
Carry both texts yourself, by QR code or any way that nobody else can write to: the share is sealed to the keys on the card.
  twofold device add --code --with-words              or so: here, and leave it running
  twofold join --code 'twofoldadd1…'                  there; this text may go any way
Then both show six digits. Say yes on both if they are the same, and on neither if they are not.
With the recovery words or a second approver's yes (`twofold pending approve` there) it is done at once; alone, this machine
asks and waits, and the others can cancel it.")]
    Add {
        /// The card that the new machine shows; `-` is standard input
        card: Option<String>,
        /// Compare six digits on both machines instead of carrying a card back
        #[arg(long, conflicts_with = "card")]
        code: bool,
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
        /// Do not draw the QR code
        #[arg(long)]
        no_qr: bool,
    },
    /// Give a machine another name
    #[command(after_help = "Example:\n  twofold device rename 'this machine' laptop")]
    Rename {
        /// Its name, or the beginning of its id
        device: String,
        /// Its new name
        name: String,
    },
    /// Strike a machine off: the server refuses it from then on
    #[command(after_help = "\
Examples:
  twofold device revoke phone --with-words            at once: with the words, or a second approver's yes
  twofold device revoke laptop                        this machine itself, at once; another one: asked for, and waits
What it alone had added goes with it. Its copy of the share is dead once the shares were dealt anew, which a refresh does;
signatures that were given out and that no block holds are listed then, with how to make them void.")]
    Revoke {
        /// Its name, or the beginning of its id
        device: String,
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Let a machine's voice count toward two
    #[command(after_help = "Example:\n  twofold device approver phone --with-words")]
    Approver {
        /// Its name, or the beginning of its id
        device: String,
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
    },
}

/// What to do with what waits.
#[derive(Debug, Subcommand)]
pub(crate) enum Pending {
    /// List what waits
    List,
    /// It shall not be; any machine of the wallet can say so
    #[command(after_help = "Examples:\n  twofold pending               shows the numbers\n  twofold pending cancel 3")]
    Cancel {
        /// Its number
        change: u64,
    },
    /// Agree, as the second approver: it is done at once
    #[command(
        after_help = "Examples:\n  twofold pending approve 3                  on another approver than the one that asked\n  twofold pending approve 3 --with-words     on any machine of the wallet"
    )]
    Approve {
        /// Its number
        change: u64,
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
    },
    /// Say yes as the owner, in place of the operator, to what this machine has asked for: by signing in anew with a second factor.
    /// The wait goes on
    #[command(
        after_help = "Example:\n  twofold pending confirm 3 --token-file token.txt\nThe server takes it where its operator has set people.step_up_seconds, and only from a sign-in as fresh as that."
    )]
    Confirm {
        /// Its number
        change: u64,
        /// A file with the token that your app's provider gave, `-` for standard input
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
}

/// The recovery words as a second voice.
#[derive(Debug, Args)]
pub(crate) struct Voice {
    /// Take the 25 words as the second voice: they are asked for
    #[arg(long, conflicts_with = "words_file")]
    pub with_words: bool,
    /// Take the words as the second voice, out of this file, which no other user may read, or from standard input with `-`
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
}
