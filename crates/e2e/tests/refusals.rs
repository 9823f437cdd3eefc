//! Every command refuses politely what it can't do now, and says what would make it possible. `crates/cli/tests/commands.txt` has
//! each command, and what becomes of it in each state of wallet and server.

mod states;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use rand_core::OsRng;
use serde_json::Value;
use tempfile::TempDir;
use twofold_client::keystore::{Cost, Passphrase, Unlocked, file::Folder};
use twofold_e2e::process::{Leashed, binary};
use twofold_threshold::words::RecoverySecret;

use crate::kills::runtime;

const COMMANDS: &str = include_str!("../../cli/tests/commands.txt");
const PHRASE: &str = "correct horse battery staple";
/// How long a command that stays may take to say its first line, on a busy machine.
const SAYS_WITHIN: Duration = Duration::from_secs(60);

/// What a sentence that helps has in it.
const HELP: [&str; 17] = [
    "check ",
    "twofold ",
    "send ",
    "export ",
    "--",
    "run ",
    "run:",
    "give ",
    "ask ",
    "set ",
    "name ",
    "choose ",
    "copy ",
    "try ",
    "say ",
    "is needed",
    "start ",
];

/// A line of the list.
struct Row {
    /// Needs neither keystore nor server.
    needs_none: bool,
    command: &'static str,
    /// What becomes of it, a word a state.
    cells: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let rows = COMMANDS.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| {
        let mut parts = line.split('|').map(str::trim);
        let first = parts.next().unwrap_or_default();
        Row {
            needs_none: first.starts_with("* "),
            command: first.trim_start_matches("* "),
            cells: parts.collect(),
        }
    });
    rows.collect()
}

/// Makes a keystore that costs little to open.
fn make_keystore(home: &Path) -> Result<()> {
    let folder = Folder::open(home)?;
    let passphrase = Passphrase::new(PHRASE.to_owned())?;
    let cost = Cost::new(64, 1, 1)?;
    drop(runtime()?.block_on(Unlocked::create(folder, &passphrase, cost, &mut OsRng))?);
    Ok(())
}

/// Writes a file that nobody else reads.
fn write_private(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

/// A machine in some state, and what is put in the place of the braces.
struct Machine {
    home: PathBuf,
    passphrase: Option<&'static str>,
    /// Where new files go.
    place: PathBuf,
    said: Vec<(&'static str, String)>,
}

impl Machine {
    fn typed(&self, number: usize, row: &str) -> String {
        let new = self.place.join(format!("new-{number}")).to_string_lossy().into_owned();
        let said = self.said.iter().map(|(name, value)| (*name, value.as_str()));
        let said = said.chain([("{new}", new.as_str())]);
        said.fold(row.to_owned(), |row, (name, value)| row.replace(name, value))
    }

    fn command(&self, typed: &str) -> Result<Command> {
        let mut command = Command::new(binary("twofold")?);
        command
            .args(typed.split(' '))
            .arg("--home")
            .arg(&self.home)
            .env_clear()
            .env("HOME", &self.place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(passphrase) = self.passphrase {
            command.env("TWOFOLD_PASSPHRASE", passphrase);
        }
        Ok(command)
    }

    fn run(&self, typed: &str) -> Result<Output> {
        Ok(self.command(typed)?.arg("--json").output()?)
    }

    /// Whether it says a line and goes on; how it ended otherwise.
    fn stays(&self, typed: &str) -> Result<Option<Output>> {
        let mut child = Leashed::spawn(&mut self.command(typed)?)?;
        let (out, err) = (child.child().stdout.take(), child.child().stderr.take());
        let (tell, said) = mpsc::channel();
        let readers: Vec<_> = [boxed(out)?, boxed(err)?]
            .into_iter()
            .map(|pipe| {
                let tell = tell.clone();
                thread::spawn(move || {
                    let mut line = String::new();
                    // Whoever waits has its line already, or the command ended without one.
                    drop(BufReader::new(pipe).read_line(&mut line));
                    drop(tell.send(line));
                })
            })
            .collect();
        let first = said.recv_timeout(SAYS_WITHIN).context("it says nothing")?;
        let first = if first.is_empty() {
            said.recv_timeout(SAYS_WITHIN)?
        } else {
            first
        };
        let stays = child.child().try_wait()?.is_none() && !first.starts_with("twofold: ");
        child.kill()?;
        for reader in readers {
            drop(reader.join());
        }
        if stays { Ok(None) } else { self.run(typed).map(Some) }
    }
}

fn boxed(pipe: Option<impl Read + Send + 'static>) -> Result<Box<dyn Read + Send>> {
    Ok(Box::new(pipe.context("a pipe")?))
}

/// What a refusal says, where it is one that a person can use.
fn politely(output: &Output) -> Result<(i32, Option<String>, String)> {
    let code = output.status.code().context("a signal ended it")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !told.contains("panicked") && !told.contains("RUST_BACKTRACE"),
        "it panicked"
    );
    if code == 0 {
        return Ok((0, None, String::new()));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let answer: Value = serde_json::from_str(&said).context("it answers no object")?;
    let message = answer["error"]["message"].as_str().context("no message")?;
    let raw = ["Some(", "None", "Err(", "Ok(", " { ", "Os {", "os error", "::"];
    if let Some(raw) = raw.iter().find(|raw| message.contains(**raw)) {
        bail!("{raw:?} is no word for people");
    }
    ensure!(
        !message.contains('\n') && !message.is_empty() && message.len() <= 400,
        "it is no sentence"
    );
    let reason = answer["error"]["reason"].as_str().map(str::to_owned);
    Ok((code, reason, message.to_lowercase()))
}

fn helps(message: &str) -> Result<()> {
    ensure!(HELP.iter().any(|help| message.contains(help)), "it names no next step");
    Ok(())
}

/// What there is to say against how a row ended, as a person sees it.
fn complaint(state: &str, typed: &str, output: &Output, judged: Result<()>) -> Option<String> {
    let fault = judged.err()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    Some(format!("{state}: twofold {typed}: {fault:#}\n  {said}{told}"))
}

fn none(complaints: &[String]) -> Result<()> {
    ensure!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    Ok(())
}

/// A machine on which nothing goes: why, whether a keystore is there, and what opens it.
const LOCAL: [(&str, bool, Option<&str>); 4] = [
    ("no keystore", false, Some(PHRASE)),
    ("no passphrase", true, None),
    ("a wrong passphrase", true, Some("four other random words")),
    ("not joined", true, Some(PHRASE)),
];

fn try_all((state, keystore, passphrase): (&str, bool, Option<&'static str>)) -> Result<Vec<String>> {
    let place = TempDir::new()?;
    let file = |name: &str| place.path().join(name);
    if keystore {
        make_keystore(&file("home"))?;
    }
    write_private(&file("note"), "some text\n")?;
    let words = RecoverySecret::generate(&mut OsRng).words().expose_line();
    write_private(&file("words"), &words)?;
    let text = |name: &str| file(name).to_string_lossy().into_owned();
    let note = text("note");
    let machine = Machine {
        home: file("home"),
        passphrase,
        place: place.path().to_owned(),
        said: vec![
            ("{words}", text("words")),
            ("{note}", note.clone()),
            ("{invitation}", note.clone()),
            ("{psbt}", note),
            ("{id}", "5f".repeat(16)),
            ("{txid}", "5a".repeat(32)),
            ("{coin}", format!("{}:0", "5a".repeat(32))),
            ("{machine}", "laptop".to_owned()),
        ],
    };
    let mut complaints = Vec::new();
    for (number, row) in rows().iter().enumerate() {
        let typed = machine.typed(number, row.command);
        let output = machine.run(&typed)?;
        let judged = politely(&output).and_then(|(code, _, message)| {
            // Usage, a keystore that is not there or does not open, or a signature that is none.
            if row.needs_none {
                ensure!([0, 2, 6, 9].contains(&code), "it ends with {code}");
                return Ok(());
            }
            ensure!([2, 6].contains(&code), "it ends with {code}");
            helps(&message)
        });
        complaints.extend(complaint(state, &typed, &output, judged));
    }
    Ok(complaints)
}

#[test]
fn every_command_says_what_is_missing_where_there_is_no_keystore_it_does_not_open_or_no_server_was_joined() -> Result<()>
{
    let tried = LOCAL.map(|state| thread::spawn(move || try_all(state)));
    let mut complaints = Vec::new();
    for tried in tried {
        complaints.extend(tried.join().ok().context("ends")??);
    }
    none(&complaints)
}
