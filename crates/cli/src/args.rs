//! The command line's grammar, and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A Bitcoin wallet whose key never exists in one place: this machine, your server and recovery words hold a share
/// each, and any two sign.
#[derive(Debug, Parser)]
#[command(name = "twofold", version, propagate_version = true, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// Settings every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Folder of this machine's keystore
    #[arg(long, global = true, env = "TWOFOLD_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Read the passphrase from the first line of this file, which no other user may read (or set `TWOFOLD_PASSPHRASE`); otherwise it is asked for
    #[arg(long, global = true, env = "TWOFOLD_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Which wallet, by its name or id; not needed where there is one
    #[arg(long, short, global = true, value_name = "NAME|ID")]
    pub wallet: Option<String>,
    /// Answer with one JSON object on standard output
    #[arg(long, global = true)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  twofold join 'twofold1…'                       enrol this machine at your server
  twofold create --name savings                  make a wallet and its recovery words
  twofold receive                                an address to be paid at
  twofold send --to bcrt1q… --amount 50000sat    pay someone

Exit codes: 0 done, 1 a fault of our own, 2 wrong usage, 3 refused by the server or by you, 4 network, 5 server trouble, \
6 keystore, 7 not enough money, 8 a party broke the protocol, 9 a signature does not hold.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Enrol this machine at a server, by the operator's invitation or by what another of your machines shows
    #[command(
        after_help = "Examples:\n  twofold join 'twofold1…'\n  twofold join --name laptop < invitation.txt\n  twofold join 'twofoldadd1…'     as `twofold device add` shows it on a machine that has the wallet\n  twofold join --finish           once that machine has added this one"
    )]
    Join(Join),
    /// Make a wallet; run it again after any interruption to finish it
    #[command(
        after_help = "Examples:\n  twofold create --name savings\n  twofold create --name savings --words-file words.txt --yes   (unattended)\n  twofold create --name savings --kit kit.html   (a page to print)\n  twofold create --name savings --recovery opening.txt --out message.txt   (words elsewhere)"
    )]
    Create(Create),
    /// Show an address to be paid at
    #[command(
        after_help = "Examples:\n  twofold receive\n  twofold receive --amount 0.001btc --label 'from Ana'\n  twofold receive --new\n  twofold receive --verify                       the server derives it too\n  twofold receive --json | jq -r .address"
    )]
    Receive(Receive),
    /// Show what the wallet holds
    #[command(after_help = "Example:\n  twofold balance --json | jq .confirmed_sat")]
    Balance,
    /// Pay someone
    #[command(after_help = "\
Examples:
  twofold send --to bcrt1q… --amount 0.001btc
  twofold send --to bcrt1q… --amount 20000sat --to bcrt1p… --amount 30000sat --fee-rate 5
  twofold send --to 'bitcoin:bcrt1q…?amount=0.002' --target-blocks 3 --yes
  twofold send --to bcrt1q… --amount 20000sat --from 5a3f…:1
  twofold send --to bcrt1q… --max --dry-run")]
    Send(Send),
    /// Tell what happens to the wallet as it happens, until Ctrl-C
    #[command(after_help = "\
Each line is one thing that happened and that this machine has checked: a transaction that is new, mined, moved to another \
block or gone, a new block, a new entry in the server's log. With --json, one object a line.

Examples:
  twofold watch
  twofold watch --json | jq -c 'select(.event == \"transaction\")'")]
    Watch,
    /// Deal new shares of the same key: what was stolen before is worth nothing afterwards
    #[command(after_help = "\
The addresses stay, the recovery words stay good, and recovery need not be there. Run it after a machine was out of your hands,
and now and then. Interrupted, it goes on when it is run again. Export recovery packages that you keep elsewhere anew.

Examples:
  twofold refresh
  twofold refresh --json | jq .epoch
  twofold refresh && twofold recovery export --out savings.package")]
    Refresh,
    /// Replace a payment that waits for a block by the same one with a higher fee (BIP-125)
    #[command(
        after_help = "Examples:\n  twofold bump-fee 5a3f…                         pay what the next blocks ask for\n  twofold bump-fee 5a3f… --fee-rate 20 --dry-run\n  twofold bump-fee 5a3f… --fee-rate 20 --yes --json | jq -r .txid"
    )]
    BumpFee(Replace),
    /// Take the coins of a payment that waits, or that the node refused, back into the wallet
    #[command(
        after_help = "The payment is undone once a block holds the transaction that takes its place, and not before.\n\nExamples:\n  twofold abandon 5a3f… --dry-run\n  twofold abandon 5a3f… --fee-rate 20 --yes"
    )]
    Abandon(Replace),
    /// List the wallet's coins; freeze some so that they are never spent
    #[command(
        after_help = "Examples:\n  twofold coins\n  twofold coins freeze 5a3f…:1\n  twofold send --from 5a3f…:0 --to bcrt1q… --max\n  twofold coins --json | jq '.coins[] | select(.frozen)'"
    )]
    Coins {
        /// What to do; without it, list them.
        #[command(subcommand)]
        command: Option<Coins>,
    },
    /// Write something about a transaction, an address or a coin
    #[command(
        after_help = "Examples:\n  twofold label 5a3f… 'rent for May'\n  twofold label bcrt1q… 'from Ana'\n  twofold label 5a3f…:1 'keep for tax'\n  twofold label 5a3f… ''                         removes it"
    )]
    Label(Label),
    /// Take labels out, or in from another wallet (BIP-329)
    Labels {
        /// What to do.
        #[command(subcommand)]
        command: Labels,
    },
    /// Change the passphrase of this machine's keystore
    Passphrase {
        /// What to do.
        #[command(subcommand)]
        command: Passphrase,
    },
    /// List what came and went
    #[command(after_help = "Example:\n  twofold history --json | jq '.transactions[0].txid'")]
    History,
    /// Print the wallet's descriptor, for a watch-only copy in Bitcoin Core or Sparrow
    #[command(after_help = "Example:\n  twofold descriptor --json | jq -r .descriptor")]
    Descriptor,
    /// Sign a text for one of the wallet's addresses (BIP-322)
    #[command(after_help = "\
Every byte of the text counts, a line feed at its end too.

Examples:
  twofold sign-message --index 0 'I was here'
  twofold sign-message --address bcrt1p… --file letter.txt
  printf %s 'I was here' | twofold sign-message --index 0 --json | jq -r .signature

Programs that know BIP-322 from before 2026 take the signature without its first three letters.")]
    SignMessage(SignMessage),
    /// Check a signature of a text for any address; needs no keystore and no network
    #[command(after_help = "\
Examples:
  twofold verify-message bc1p… smpAU… 'I was here'
  twofold verify-message bc1q… smpAk… --file letter.txt

Understood are P2TR by its key path, P2WPKH, P2SH-P2WPKH, P2PKH (the legacy form too) and plain multisig in P2WSH and \
P2SH. Not understood are other scripts, and proofs of funds. Exit code 9: it does not hold, or that can't be told.")]
    VerifyMessage(VerifyMessage),
    /// Look at, co-sign or finish a PSBT file
    Psbt {
        /// What to do with it.
        #[command(subcommand)]
        command: Psbt,
    },
    /// List or rename wallets
    Wallet {
        /// What to do.
        #[command(subcommand)]
        command: Wallet,
    },
    /// List, add, rename or strike off the machines that have this wallet
    Device {
        /// What to do.
        #[command(subcommand)]
        command: Device,
    },
    /// Stop all signing of this wallet, at once; any of its machines can
    #[command(after_help = "Example:\n  twofold freeze")]
    Freeze,
    /// Let a frozen wallet sign again: a second approver or the recovery words do it at once, one machine alone asks and waits
    #[command(
        after_help = "Examples:\n  twofold unfreeze\n  twofold unfreeze --words-file words.txt\n  twofold unfreeze --with-words"
    )]
    Unfreeze(Voice),
    /// List what machines have asked for and that waits; cancel it, or agree to it
    #[command(
        after_help = "Examples:\n  twofold pending\n  twofold pending cancel 3\n  twofold pending approve 3\n  twofold pending --json | jq '.waiting[].what'"
    )]
    Pending {
        /// What to do; without it, list.
        #[command(subcommand)]
        command: Option<Pending>,
    },
    /// A device was lost: this machine takes its place, with the recovery words and an invitation for that wallet
    #[command(after_help = "\
The operator mints the invitation: twofold-server invite --recover WALLET. The wallet's long name is on its kit.

Examples:
  twofold recover 'twofold1…' --wallet 5f0c6a…     asks; the wallet is frozen, its other devices are told
  twofold recover --wallet 5f0c6a…                 again, when the wait is over")]
    Recover(Recover),
    /// Check the recovery words, or move everything with them where the server is gone
    Recovery {
        /// What to do.
        #[command(subcommand)]
        command: Recovery,
    },
    /// Check the server's log of this wallet against what this machine has seen
    Audit {
        /// What to do.
        #[command(subcommand)]
        command: Audit,
    },
    /// Keep the keystore open for a while, so that commands need no passphrase
    #[command(after_help = "\
The keystore's key is kept in the locked memory of a process of its own. It ends by itself when the time is over, when the \
machine has slept, or when the keystore changes; `twofold lock` ends it at once. Meanwhile, whatever runs as your user can \
do what you can do here without the passphrase. Before hibernating, which writes all memory to disk: twofold lock.

Example:
  twofold unlock --for 15m")]
    Unlock(Unlock),
    /// End what `unlock` began
    Lock,
    /// What `unlock` starts; not to be called by hand
    #[command(hide = true)]
    Agent(Agent),
    /// Send one signed call, for the curious
    #[command(
        after_help = "Examples:\n  twofold rpc Hello '{}'\n  twofold rpc EstimateFees --wallet savings\n  twofold rpc Hello --save call.json && twofold rpc --replay call.json"
    )]
    Rpc(Rpc),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  twofold completions bash > ~/.local/share/bash-completion/completions/twofold")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Arguments of `join`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The invitation, or what another of your machines shows; with `-` it is read from standard input, and without it asked for
    pub invitation: Option<String>,
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

/// Arguments of `recover`.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// The operator's invitation for this wallet; not needed again once this machine has joined
    pub invitation: Option<String>,
    /// What to call this machine
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// A device of the wallet that is not lost, by its id; all others are revoked. May be repeated
    #[arg(long, value_name = "DEVICE")]
    pub keep: Vec<String>,
    /// The words.
    #[command(flatten)]
    pub words: Words,
    /// Join a server on the main network, although nobody outside has reviewed Twofold: coins may be lost
    #[arg(long)]
    pub risk_real_money: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

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
    /// Fee rate in sat per virtual byte
    #[arg(long, value_name = "SAT/VB", conflicts_with = "target_blocks", value_parser = crate::command::parse_rate)]
    pub fee_rate: Option<bitcoin::FeeRate>,
    /// Pay enough to be mined within this many blocks
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1008))]
    pub target_blocks: u16,
    /// Show what would be sent; sign nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
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

/// Arguments of `bump-fee` and `abandon`.
#[derive(Debug, Args)]
pub(crate) struct Replace {
    /// The transaction that waits
    #[arg(value_parser = crate::command::parse_txid)]
    pub txid: bitcoin::Txid,
    /// Fee rate in sat per virtual byte; without it, the estimate or the least that nodes take, whichever is more
    #[arg(long, value_name = "SAT/VB", conflicts_with = "target_blocks", value_parser = crate::command::parse_rate)]
    pub fee_rate: Option<bitcoin::FeeRate>,
    /// Pay enough to be mined within this many blocks
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1008))]
    pub target_blocks: u16,
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
    #[command(
        after_help = "Example:\n  twofold wallet lift-fence --wallet savings\n  twofold wallet lift-fence --words-file words.txt --yes"
    )]
    LiftFence {
        /// Sign with the recovery words in this file, or in standard input with `-`: then the operator need not agree
        #[arg(long, value_name = "FILE")]
        words_file: Option<PathBuf>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Where the recovery words come from; never the command line, where other users of the machine could read them.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// Read the 25 words from this file, which no other user may read, or from standard input with `-`; otherwise they are asked for
    #[arg(long, value_name = "FILE")]
    pub words_file: Option<PathBuf>,
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
With the recovery words or a second approver's yes (`twofold pending approve` there) it is done at once; alone, this machine
asks and waits, and the others can cancel it.")]
    Add {
        /// The card that the new machine shows; `-` is standard input
        card: Option<String>,
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
    Cancel {
        /// Its number
        change: u64,
    },
    /// Agree, as the second approver: it is done at once
    Approve {
        /// Its number
        change: u64,
        /// The second voice.
        #[command(flatten)]
        voice: Voice,
    },
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
    /// On a machine of its own, offline too: become the recovery of a wallet that is about to be made
    #[command(after_help = "\
Examples:
  twofold recovery new --invitation invitation.txt --out opening.txt --state recovery.state
      then opening.txt goes to the device: twofold create --name savings --recovery opening.txt --out message.txt
  twofold recovery new --invitation invitation.txt --qr --state recovery.state
      where the device has a camera and no drive")]
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
    },
    /// Go on with making a wallet: at the recovery holder with the device's message, at the device with the holder's
    #[command(after_help = "\
Examples:
  twofold recovery continue message.txt --state recovery.state --out answer.txt    at the recovery holder
  twofold recovery continue answer.txt                                             at the device
Both show a fingerprint: compare them.")]
    Continue {
        /// The message
        file: PathBuf,
        /// At the holder: the state that `recovery new` wrote
        #[arg(long, value_name = "FILE", requires = "out")]
        state: Option<PathBuf>,
        /// At the holder: where to write the answer
        #[arg(long, value_name = "FILE", requires = "state")]
        out: Option<PathBuf>,
        /// The words.
        #[command(flatten)]
        words: Words,
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

/// What to do with the audit chain.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Fetch the whole chain and check every hash, and that it holds all this machine has seen
    Verify,
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

/// Arguments of `rpc`.
#[derive(Debug, Args)]
pub(crate) struct Rpc {
    /// The method, such as `Hello`
    #[arg(required_unless_present = "replay")]
    pub method: Option<String>,
    /// The request as protobuf JSON
    #[arg(default_value = "{}")]
    pub body: String,
    /// Keep the signed request, as it was sent, in this new file
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Send the request kept in this file again, byte for byte: what someone who recorded it could do
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "body", "save"])]
    pub replay: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound_and_no_argument_takes_a_passphrase() {
        let command = super::Cli::command();
        command.clone().debug_assert();
        let mut all = vec![&command];
        while let Some(next) = all.pop() {
            for argument in next.get_arguments() {
                let name = argument.get_id().as_str();
                assert!(
                    name.ends_with("passphrase_file") || !name.contains("pass"),
                    "{name} could put a secret on argv"
                );
            }
            all.extend(next.get_subcommands());
        }
    }
}
