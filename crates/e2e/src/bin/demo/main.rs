//! `./dev demo`: a wallet made by three parties, funded, spent from by co-signing, and attacked, on a Bitcoin network of
//! its own. Every command shown is one that a person can type. With `--sign-in` it is the story of an app's user.

mod sign_in;

use std::{
    io::IsTerminal as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use bitcoin::{Address, Amount};
use twofold_e2e::{Deployment, Person, person::payment};
use twofold_intent::psbt;

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("demo: {fault:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let keep = match arguments.as_slice() {
        [] => false,
        [only] if only == "--keep" => true,
        [only] if only == "--sign-in" => return sign_in::tell(),
        _ => bail!("the demo knows --keep, or --sign-in"),
    };
    Demo::start(keep)?.tell()
}

/// How a heading begins and ends.
fn bold() -> (&'static str, &'static str) {
    if std::io::stdout().is_terminal() {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("", "")
    }
}

struct Demo {
    keep: bool,
    step: u32,
    bold: (&'static str, &'static str),
    deployment: Deployment,
    owner: Person,
}

impl Demo {
    fn start(keep: bool) -> Result<Self> {
        let bold = bold();
        println!(
            "{}1. A Bitcoin network of our own and a cosigner server start.{}",
            bold.0, bold.1
        );
        Self::start_with(keep, &[])
    }

    fn start_with(keep: bool, settings: &[(&str, &str)]) -> Result<Self> {
        let bold = bold();
        let deployment = Deployment::start_with(settings)?;
        println!("   bitcoind on regtest: {}", deployment.node.url());
        println!("   twofold-server, TLS 1.3, embedded SQLite: {}", deployment.url);
        let owner = deployment.person("laptop");
        Ok(Self {
            keep,
            step: 1,
            bold,
            deployment,
            owner,
        })
    }

    fn explain(&mut self, what: &str) {
        self.step += 1;
        println!("\n{}{}. {what}{}", self.bold.0, self.step, self.bold.1);
    }

    /// Runs a command as the owner would and shows what they would see.
    fn show(&self, arguments: &[&str]) -> Result<()> {
        let shown: Vec<_> = arguments.iter().map(|word| shell_word(word)).collect();
        println!("   $ twofold {}", shown.join(" "));
        let mut command = self.owner.plain_command(arguments)?;
        let output = command.stderr(Stdio::piped()).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        for line in text.lines() {
            println!("     {line}");
        }
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn refusal(arguments: &[&str], who: &Person, wanted: &str) -> Result<()> {
        let failure = who.refused(arguments)?;
        let said = format!("{}{}", failure.stdout, failure.stderr);
        ensure!(said.contains(wanted), "the refusal should say {wanted}: {said}");
        let message = serde_json::from_str::<serde_json::Value>(&failure.stdout)
            .ok()
            .and_then(|answer| Some(answer["error"]["message"].as_str()?.to_owned()))
            .unwrap_or(said);
        println!("     refused: {}", message.trim_start_matches("twofold: ").trim());
        Ok(())
    }

    fn tell(mut self) -> Result<()> {
        self.make()?;
        let address = self.fund()?;
        self.compare(&address)?;
        self.spend()?;
        self.steal()?;
        self.explain("The log of the server is a hash chain; this machine checks it against what it has seen.");
        self.show(&["audit", "verify"])?;
        // Who keeps it running wants laptop and server.
        if !self.keep {
            self.lose_the_laptop()?;
            self.lose_the_server()?;
        }
        self.end()
    }

    fn make(&mut self) -> Result<()> {
        self.explain(
            "This machine joins the server by the operator's one-time invitation, which names the server's keys.",
        );
        let invitation = self.deployment.invitation.clone();
        self.show(&["join", &invitation, "--name", "laptop"])?;
        self.explain("Three parties make one key, and none of them ever has it: server, this device, recovery words.");
        let words = self.deployment.folder().join("recovery-words.txt");
        let words = words.to_str().context("a path in UTF-8")?.to_owned();
        self.show(&["create", "--name", "savings", "--words-file", &words, "--yes"])
    }

    fn fund(&mut self) -> Result<Address> {
        self.explain("An address to be paid at. Someone pays 1 BTC, and a block confirms it.");
        self.show(&["receive", "--no-qr"])?;
        let address = self.owner.run(&["receive"])?["address"]
            .as_str()
            .context("an address")?
            .to_owned();
        let address = self.deployment.pay(&self.owner, &address, Amount::ONE_BTC)?;
        self.show(&["balance"])?;
        Ok(address)
    }

    fn compare(&mut self, address: &Address) -> Result<()> {
        self.explain(
            "The wallet is an ordinary descriptor: the node itself, given it, sees the same addresses and coins.",
        );
        self.show(&["descriptor"])?;
        let descriptor = self.owner.run(&["descriptor"])?["descriptor"]
            .as_str()
            .context("a descriptor")?
            .to_owned();
        let watcher = self.deployment.node.core_wallet(&descriptor)?;
        ensure!(
            watcher.receive_addresses(1)?.first() == Some(address),
            "the node derives another address"
        );
        let coins = watcher.balance()?;
        ensure!(coins == Amount::ONE_BTC, "the node sees {coins}");
        println!("   the node's own watch-only wallet: first address {address}, {coins}");
        Ok(())
    }

    fn spend(&mut self) -> Result<()> {
        self.explain(
            "Paying takes device and server: each works out for itself what the transaction does, and signs its half.",
        );
        self.pay_a_quarter()?;
        self.show(&["history"])
    }

    /// Pays, and a block confirms it.
    fn pay_a_quarter(&self) -> Result<()> {
        let payee = self.deployment.node.miner_address()?.to_string();
        self.show(&payment(&payee, "0.25btc", "5"))?;
        self.deployment.node.mine(1)?;
        self.deployment.settle(&self.owner)?;
        self.show(&["balance"])
    }

    fn steal(&mut self) -> Result<()> {
        self.explain("A thief tries three things.");
        println!("   a) replays a recorded request as another one:");
        let call = self.deployment.folder().join("recorded.json");
        let path = call.to_str().context("a path in UTF-8")?;
        self.owner.run(&["rpc", "ListWallets", "--save", path])?;
        let recorded = std::fs::read_to_string(&call)?;
        std::fs::write(&call, recorded.replace("/ListWallets", "/Hello"))?;
        Self::refusal(&["rpc", "--replay", path], &self.owner, "SIGNATURE_INVALID")?;

        println!("   b) swaps the change of a PSBT for an address of their own, and keeps calling it change:");
        let swapped = self.swap_change()?;
        let swapped = swapped.to_str().context("a path in UTF-8")?.to_owned();
        Self::refusal(&["psbt", "sign", &swapped, "--yes"], &self.owner, "claims to be change")?;

        println!("   c) steals the keystore and guesses its passphrase:");
        let stolen = self.deployment.person("stolen");
        copy_folder(self.owner.home(), stolen.home())?;
        Self::refusal(&["balance"], &stolen.guessing("letmein123"), "passphrase")
    }

    fn lose_the_laptop(&mut self) -> Result<()> {
        self.explain(
            "The laptop is stolen. Words and server are two of three: a new machine takes its place, and new shares are dealt.",
        );
        let wallet = self.owner.run(&["wallet", "list"])?["wallets"][0]["wallet"]
            .as_str()
            .context("a wallet")?
            .to_owned();
        println!("   $ twofold-server invite --recover {} --wait 0s", shell_word(&wallet));
        println!("     The operator knows the owner, and waives the wait of two days.");
        let socket = self.deployment.data().join("admin.sock");
        let socket = socket.to_str().context("a path in UTF-8")?;
        let invite = [
            "invite",
            "--json",
            "--socket",
            socket,
            "--recover",
            &wallet,
            "--wait",
            "0s",
        ];
        let minted = self.deployment.operator(&invite)?["invitation"]
            .as_str()
            .context("an invitation")?
            .to_owned();
        let stolen = std::mem::replace(&mut self.owner, self.deployment.person("desktop"));
        let words = self.deployment.folder().join("recovery-words.txt");
        let words = words.to_str().context("a path in UTF-8")?.to_owned();
        let recover = ["recover", &minted, "--wallet", &wallet, "--words-file", &words];
        self.show(&[&recover[..], &["--name", "desktop", "--yes"]].concat())?;
        self.show(&["balance"])?;
        println!("   the thief, who even has the passphrase, asks the server for a signature:");
        let payee = self.deployment.node.miner_address()?.to_string();
        let steal = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "5", "--yes"];
        Self::refusal(&steal, &stolen, "DEVICE_NOT_LISTED")
    }

    fn lose_the_server(&mut self) -> Result<()> {
        self.explain(
            "The server is deleted, with all its data. Words and device are two of three: the coins move to another wallet.",
        );
        self.deployment.kill()?;
        std::fs::remove_dir_all(self.deployment.data())?;
        let words = self.deployment.folder().join("recovery-words.txt");
        let words = words.to_str().context("a path in UTF-8")?.to_owned();
        self.show(&["recovery", "check", "--words-file", &words])?;
        let elsewhere = self.deployment.node.miner_address()?.to_string();
        let (node, cookie) = (self.deployment.node.url(), self.deployment.node.cookie_file());
        let cookie = cookie.to_str().context("a path in UTF-8")?.to_owned();
        let sweep = ["recovery", "sweep", "--to", &elsewhere, "--fee-rate", "5"];
        let with = ["--node", &node, "--node-auth", &cookie, "--words-file", &words, "--yes"];
        self.show(&[&sweep[..], &with[..]].concat())?;
        let sent = self.deployment.node.mempool()?.len();
        ensure!(sent == 1, "the node should have the sweep, and has {sent} transactions");
        self.deployment.node.mine(1)?;
        println!("   a block confirms it: no server took part");
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        self.explain("That was Twofold.");
        let twofold = twofold_e2e::process::binary("twofold")?;
        if !self.keep {
            println!("   Next: ./dev demo --keep leaves all this running for you to try. The commands are here:");
            println!("     {} --help", twofold.display());
            return Ok(());
        }
        println!("   Server and node run on. In this shell:");
        println!(
            "     export TWOFOLD_HOME={} TWOFOLD_PASSPHRASE='{}'",
            self.owner.home().display(),
            self.owner.passphrase()
        );
        let folder = twofold.parent().context("the binaries' folder")?;
        println!("     export PATH={}:\"$PATH\"", folder.display());
        println!("     twofold balance; twofold --help");
        println!(
            "   The recovery words: {}",
            self.deployment.folder().join("recovery-words.txt").display()
        );
        println!(
            "   The node: {}, its cookie {}",
            self.deployment.node.url(),
            self.deployment.node.cookie_file().display()
        );
        println!(
            "   Mine a block: kill -USR1 {0}. Stop all and remove it: kill {0}",
            std::process::id()
        );
        self.stay()
    }

    /// Lets go of the terminal and holds server and node until told to end; then everything is removed.
    fn stay(self) -> Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let nowhere = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(async {
                let mut end = signal(SignalKind::terminate())?;
                let mut interrupt = signal(SignalKind::interrupt())?;
                let mut mine = signal(SignalKind::user_defined1())?;
                rustix::stdio::dup2_stdout(&nowhere)?;
                rustix::stdio::dup2_stderr(&nowhere)?;
                loop {
                    tokio::select! {
                        _ = end.recv() => return Ok(()),
                        _ = interrupt.recv() => return Ok(()),
                        _ = mine.recv() => drop(self.deployment.node.mine(1)),
                    }
                }
            })
    }
}

/// A PSBT whose change goes elsewhere although it is still labelled as ours.
impl Demo {
    fn swap_change(&self) -> Result<PathBuf> {
        let payee = self.deployment.node.miner_address()?.to_string();
        let draft = self.owner.run(&[
            "send",
            "--to",
            &payee,
            "--amount",
            "0.1btc",
            "--fee-rate",
            "5",
            "--dry-run",
        ])?;
        let drafted = draft["psbt"].as_str().context("a PSBT")?;
        let mut psbt = psbt::from_base64(drafted)?;
        let labelled = psbt
            .outputs
            .iter()
            .position(|output| !output.tap_key_origins.is_empty())
            .context("change")?;
        let thief = self.deployment.node.miner_address()?;
        psbt.unsigned_tx.output[labelled].script_pubkey = thief.script_pubkey();
        let path = self.deployment.folder().join("swapped.psbt");
        std::fs::write(&path, psbt::to_base64(&psbt))?;
        Ok(path)
    }
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@".contains(c);
    if word.chars().count() > 60 {
        return format!("'{}…'", word.chars().take(40).collect::<String>());
    }
    if word.chars().all(plain) {
        word.into()
    } else {
        format!("'{word}'")
    }
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    ensure!(status.success(), "cp failed");
    Ok(())
}
