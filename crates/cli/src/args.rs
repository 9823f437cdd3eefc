//! The command line's grammar, and nothing else.

mod device;
mod keystore;
mod payment;
mod recovery;
mod text;
mod wallet;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use self::{
    device::{Device, Join, Pending, Voice},
    keystore::{Agent, Passphrase, Unlock},
    payment::{Coins, Fee, Psbt, Receive, Replace, Send},
    recovery::{Recover, Recovery, Replacing, Signing, Sweep},
    text::{Label, Labels, SignMessage, VerifyMessage},
    wallet::{Audit, Create, MoveTo, Wallet},
};

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
        after_help = "Examples:\n  twofold join 'twofold1…'\n  twofold join --name laptop < invitation.txt\n  twofold join 'twofoldadd1…'     as `twofold device add` shows it on a machine that has the wallet\n  twofold join --code 'twofoldadd1…'     as `twofold device add --code` shows it there\n  twofold join --finish           once that machine has added this one"
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
  twofold recover --wallet 5f0c6a…                 again, when the wait is over
  twofold recover 'twofold1…' --wallet 5f0c6a… --ask ask.txt
      the words stay on another machine: carry ask.txt there, run twofold recovery continue, and here with what it answers")]
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
    use clap::{CommandFactory as _, Parser as _};

    /// The path of each command that does something by itself.
    fn leaves(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        let visible: Vec<_> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .collect();
        if !path.is_empty() && (visible.is_empty() || !command.is_subcommand_required_set()) {
            all.push(path.to_owned());
        }
        for command in visible {
            leaves(command, format!("{path} {}", command.get_name()).trim_start(), all);
        }
    }

    #[test]
    fn every_command_has_a_row_in_the_list_that_refusals_are_tried_by_and_every_row_is_one() {
        let rows = include_str!("../tests/commands.txt").lines();
        let rows = rows.filter(|row| !row.starts_with('#'));
        let rows: Vec<_> = rows
            .map(|row| row.trim_start_matches("* ").split(" | ").next().unwrap_or_default())
            .collect();
        let mut all = Vec::new();
        leaves(&super::Cli::command(), "", &mut all);
        assert!(all.len() > 40, "{all:?}");
        // `pending` alone is not `pending list`: a row is of the longest that it begins with.
        let of = |row: &str| {
            let begins = all
                .iter()
                .filter(|leaf| format!("{row} ").starts_with(&format!("{leaf} ")));
            begins.max_by_key(|leaf| leaf.len()).cloned()
        };
        let typed: Vec<_> = rows.iter().filter_map(|row| of(row)).collect();
        for leaf in &all {
            assert!(typed.contains(leaf), "no row for: twofold {leaf}");
        }
        for row in rows {
            let typed = row
                .replace("{id}", &"5f".repeat(16))
                .replace("{txid}", &"5a".repeat(32))
                .replace("{coin}", &format!("{}:0", "5a".repeat(32)));
            let words = ["twofold"].into_iter().chain(typed.split(' '));
            let parsed = super::Cli::try_parse_from(words);
            assert!(parsed.is_ok(), "{row}: {}", parsed.expect_err("is none"));
        }
    }

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
