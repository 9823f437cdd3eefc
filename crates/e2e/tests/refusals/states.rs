//! The wallet is there, and wallet or server are in a state that forbids something.

use std::{collections::VecDeque, fs, path::Path, str::FromStr as _, sync::Mutex, thread};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network};
use serde_json::Value;
use twofold_e2e::{Deployment, Person};

use super::{Machine, PHRASE, Row, complaint, helps, make_keystore, none, politely, rows, write_private};
use crate::backups::{back_up, restore};

/// Runs at once where nothing is answered: each waits most of its time for a server that is not there.
const AT_ONCE: usize = 6;

/// A person whose wallet has a coin and a payment that waits for a block.
struct Scene {
    deployment: Deployment,
    laptop: Person,
    machine: Machine,
}

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("{value} is no text"))?
        .to_owned())
}

/// A person whose keystore opens at once.
fn person(deployment: &Deployment, name: &str) -> Result<Person> {
    let person = deployment.person(name);
    ensure!(person.passphrase() == PHRASE);
    make_keystore(person.home())?;
    Ok(person)
}

impl Scene {
    fn new() -> Result<Self> {
        let deployment = Deployment::start()?;
        let laptop = person(&deployment, "laptop")?;
        let first = laptop.settle(&deployment.invitation)?;
        let first = Address::from_str(&first)?.require_network(Network::Regtest)?;
        for _ in 0..2 {
            deployment.node.fund(&first, Amount::ONE_BTC)?;
        }
        deployment.node.mine(1)?;
        deployment.settle(&laptop)?;
        let miner = deployment.node.miner_address()?.to_string();
        let pay = ["send", "--to", &miner, "--amount", "0.1btc", "--fee-rate", "3"];
        let draft = laptop.run(&[&pay[..], &["--dry-run"]].concat())?;
        let sent = laptop.run(&[&pay[..], &["--yes"]].concat())?;
        let coins = laptop.run(&["coins"])?;

        let place = deployment.folder().join("typed");
        fs::create_dir(&place)?;
        let txid = text(&sent["txid"])?;
        let label = format!("{{\"type\":\"tx\",\"ref\":\"{txid}\",\"label\":\"rent\"}}\n");
        write_private(&place.join("note"), &label)?;
        write_private(&place.join("psbt"), &text(&draft["psbt"])?)?;
        write_private(&place.join("invitation"), &deployment.invitation)?;
        let file = |path: &Path| path.to_string_lossy().into_owned();
        let said = vec![
            ("{words}", file(&laptop.home().with_extension("words"))),
            ("{note}", file(&place.join("note"))),
            ("{invitation}", file(&place.join("invitation"))),
            ("{psbt}", file(&place.join("psbt"))),
            ("{id}", "5f".repeat(16)),
            ("{txid}", txid),
            ("{coin}", text(&coins["coins"][0]["outpoint"])?),
            ("{machine}", "laptop".to_owned()),
        ];
        let machine = Machine {
            home: laptop.home().to_owned(),
            passphrase: Some(PHRASE),
            place,
            said,
        };
        Ok(Self {
            deployment,
            laptop,
            machine,
        })
    }

    fn words(&self) -> String {
        self.laptop
            .home()
            .with_extension("words")
            .to_string_lossy()
            .into_owned()
    }

    /// A second machine of the person's.
    fn add(&self, name: &str) -> Result<Person> {
        let new = person(&self.deployment, name)?;
        let shown = self.laptop.run(&["device", "add"])?;
        let joined = new.run(&["join", &text(&shown["introduction"])?, "--name", name])?;
        let card = text(&joined["card"])?;
        self.laptop
            .run(&["device", "add", &card, "--words-file", &self.words()])?;
        new.run(&["join", "--finish"])?;
        self.deployment.settle(&new)?;
        Ok(new)
    }

    /// Types one row; what there is to say against it.
    fn types(machine: &Machine, state: (&str, usize), number: usize, row: &Row) -> Result<Option<String>> {
        let typed = machine.typed(number, row.command);
        let expected = *row
            .cells
            .get(state.1)
            .with_context(|| format!("no cell: {}", row.command))?;
        let output = if expected == "stays" {
            match machine.stays(&typed)? {
                None => return Ok(None),
                Some(output) => output,
            }
        } else {
            machine.run(&typed)?
        };
        let judged = politely(&output).and_then(|(code, reason, message)| {
            let reason = reason.map(|reason| format!(" {reason}")).unwrap_or_default();
            let ended = if code == 0 {
                "ok".to_owned()
            } else {
                format!("{code}{reason}")
            };
            ensure!(ended == expected, "{ended} and not {expected}");
            if code == 0 || row.needs_none {
                Ok(())
            } else {
                helps(&message)
            }
        });
        Ok(complaint(state.0, &typed, &output, judged))
    }

    fn types_all(&self, state: (&str, usize)) -> Result<()> {
        let mut complaints = Vec::new();
        for (number, row) in rows().iter().enumerate() {
            complaints.extend(Self::types(&self.machine, state, number, row)?);
        }
        none(&complaints)
    }

    /// The same, each on a copy of the keystore and several at once: for where nobody is there to be told anything.
    fn types_all_apart(&self, state: (&str, usize)) -> Result<()> {
        let rows = rows();
        let left = Mutex::new(rows.iter().enumerate().collect::<VecDeque<_>>());
        let work = || -> Result<Vec<String>> {
            let mut complaints = Vec::new();
            loop {
                let next = left.lock().map(|mut left| left.pop_front());
                let Ok(Some((number, row))) = next else {
                    return Ok(complaints);
                };
                let home = self.machine.place.join(format!("home-{number}"));
                copy(&self.machine.home, &home)?;
                let machine = Machine {
                    home,
                    passphrase: self.machine.passphrase,
                    place: self.machine.place.clone(),
                    said: self.machine.said.clone(),
                };
                complaints.extend(Self::types(&machine, state, number, row)?);
            }
        };
        let mut complaints = Vec::new();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                complaints.extend(worker.join().ok().context("ends")??);
            }
            anyhow::Ok(())
        })?;
        none(&complaints)
    }
}

/// Copies a folder of files, with who may read them.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for file in fs::read_dir(from)? {
        let file = file?;
        if file.file_type()?.is_file() {
            fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_the_server_does_not_answer() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.deployment.kill()?;
    scene.types_all_apart(("gone", 0))
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_the_wallet_is_frozen() -> Result<()> {
    let scene = Scene::new()?;
    scene.laptop.run(&["freeze"])?;
    scene.types_all(("frozen", 1))
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_the_wallet_is_fenced() -> Result<()> {
    let mut scene = Scene::new()?;
    back_up(&scene.deployment)?;
    scene.deployment.kill()?;
    fs::remove_dir_all(scene.deployment.data().join("data"))?;
    fs::remove_file(scene.deployment.data().join("anchor"))?;
    restore(&scene.deployment)?;
    scene.deployment.resume_with(&["--new-anchor"])?;
    scene.deployment.settle(&scene.laptop)?;
    scene.types_all(("fenced", 2))
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_the_machine_was_struck_off() -> Result<()> {
    let mut scene = Scene::new()?;
    let phone = scene.add("phone")?;
    let words = scene.words();
    let revoked = scene
        .laptop
        .run(&["device", "revoke", "phone", "--words-file", &words, "--yes"])?;
    ensure!(revoked["done"] == true, "{revoked}");
    phone.home().clone_into(&mut scene.machine.home);
    scene.types_all(("struck", 3))
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_a_change_waits() -> Result<()> {
    let scene = Scene::new()?;
    let new = scene.machine.place.join("asked.words").to_string_lossy().into_owned();
    let asked = scene
        .laptop
        .run(&["recovery", "replace", "--new-words-file", &new, "--yes"])?;
    ensure!(asked["done"] == false, "{asked}");
    scene.types_all(("waits", 4))
}

#[test]
fn every_command_says_what_goes_on_and_what_not_where_a_recovery_was_asked_for() -> Result<()> {
    let scene = Scene::new()?;
    let wallet = text(&scene.laptop.run(&["wallet", "list"])?["wallets"][0]["wallet"])?;
    let socket = scene
        .deployment
        .data()
        .join("admin.sock")
        .to_string_lossy()
        .into_owned();
    let invited = ["invite", "--json", "--recover", &wallet, "--socket", &socket];
    let invitation = text(&scene.deployment.operator(&invited)?["invitation"])?;
    let other = person(&scene.deployment, "other")?;
    let words = scene.words();
    let recover = [
        "recover",
        &invitation,
        "--wallet",
        &wallet,
        "--words-file",
        &words,
        "--yes",
    ];
    let asked = other.run(&recover)?;
    ensure!(asked["recovered"] == false, "{asked}");
    scene.types_all(("recovers", 5))
}
