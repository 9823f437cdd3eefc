//! A keystore that is kept open: where its key is meanwhile, where it is not, and when it is gone.

use std::{
    fs,
    io::BufReader,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::hashes::{Hash as _, sha256};
use serde_json::Value;
use tokio::runtime::Runtime;
use twofold_client::keystore::{Cost, Passphrase, Unlocked, file::Folder};
use twofold_e2e::{
    Deployment, Person,
    process::{Leashed, binary},
};
use twofold_threshold::rand_core::{OsRng, RngCore as _};

use crate::{disk::strace, memory::Memory};

/// How often a process is looked at that is to end.
const LOOKS: usize = 500;

/// A command of a person who gives no passphrase.
fn silent(person: &Person, arguments: &[&str]) -> Result<Command> {
    let mut command = person.command(arguments)?;
    command.env_remove("TWOFOLD_PASSPHRASE");
    Ok(command)
}

/// The address that `receive` tells without a passphrase; none where it is asked for one.
fn received(person: &Person) -> Result<Option<String>> {
    let output = silent(person, &["receive"])?.output()?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    if output.status.success() {
        return Ok(answer["address"].as_str().map(ToOwned::to_owned));
    }
    ensure!(output.status.code() == Some(2), "{answer}");
    Ok(None)
}

/// Unlocks with the passphrase on standard input, so that it stands in no file and no environment; the agent's process.
fn unlock(person: &Person, span: &str) -> Result<u32> {
    use std::io::Write as _;
    let arguments = ["unlock", "--for", span, "--passphrase-file", "/dev/stdin"];
    let mut child = silent(person, &arguments)?.stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("an input")?;
    writeln!(input, "{}", person.passphrase())?;
    drop(input);
    let output = child.wait_with_output()?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let pid = answer["pid"].as_u64().with_context(|| answer.to_string())?;
    Ok(u32::try_from(pid)?)
}

fn gone(pid: u32) -> Result<()> {
    for _ in 0..LOOKS {
        match fs::read_to_string(format!("/proc/{pid}/status")) {
            // Nobody has to fetch its end for it to hold nothing.
            Ok(status) if !status.contains("State:\tZ") => std::thread::sleep(Duration::from_millis(20)),
            _ => return Ok(()),
        }
    }
    anyhow::bail!("the agent lives on")
}

fn settled() -> Result<(Deployment, Person)> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.settle(&deployment.invitation)?;
    Ok((deployment, owner))
}

/// All that must lie nowhere: the passphrase, the data key, what is inside of every item, and the share.
fn secrets(person: &Person) -> Result<Vec<Vec<u8>>> {
    Runtime::new()?.block_on(async {
        let folder = Folder::open(person.home())?;
        let passphrase = Passphrase::new(person.passphrase().into())?;
        let keys = Unlocked::unlock(folder, &passphrase).await?;
        let loan = keys.lend().await?;
        let share_key = [b"twofold/keystore/share-key".as_slice(), loan.expose()].concat();
        let mut secrets = vec![
            person.passphrase().as_bytes().to_vec(),
            loan.expose().to_vec(),
            sha256::Hash::hash(&share_key).to_byte_array().to_vec(),
        ];
        let home = keys.load(&"home".parse()?).await?.context("a home")?;
        // The device's identity, after the format's version.
        secrets.push(home[1..33].to_vec());
        for name in keys.names("wallet-").await? {
            let record = keys.load(&name).await?.context("a record")?;
            let (share, unlock) = inside(&record, &sha256::Hash::hash(&share_key).to_byte_array())?;
            secrets.extend([share, unlock]);
        }
        ensure!(secrets.len() >= 6, "a wallet's share among them");
        Ok(secrets)
    })
}

/// Share and unlock key out of a wallet's record, as `client` writes it.
fn inside(record: &[u8], share_key: &[u8; 32]) -> Result<(Vec<u8>, Vec<u8>)> {
    use twofold_threshold::{
        id::{Party, WalletId},
        secret::Secret32,
        share::{PublicShares, Share},
    };
    let fixed = |rest: &mut &[u8], count: usize| {
        let (taken, left) = rest.split_at_checked(count).context("a record that goes on")?;
        *rest = left;
        anyhow::Ok(taken.to_vec())
    };
    let var = |rest: &mut &[u8]| {
        let length = fixed(rest, 4)?;
        fixed(rest, u32::from_be_bytes(length.as_slice().try_into()?) as usize)
    };
    let mut rest = &record[1..];
    let wallet = WalletId(fixed(&mut rest, 16)?.as_slice().try_into()?);
    let (_name, _network) = (var(&mut rest)?, var(&mut rest)?);
    fixed(&mut rest, 4 + 1)?;
    let public = var(&mut rest)?;
    let public = PublicShares::try_from(public.as_slice()).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let sealed = var(&mut rest)?;
    let key = Secret32::new(*share_key);
    let share =
        Share::open(&key, wallet, Party::Device, &public, &sealed).map_err(|fault| anyhow::anyhow!("{fault}"))?;
    // Its last 32 bytes are the scalar.
    let share = share.to_secret_bytes();
    let scalar = share.last_chunk::<32>().context("a share")?.to_vec();
    Ok((scalar, fixed(&mut rest, 32)?))
}

/// Files below a folder that were written since, of a size that a leak could have.
fn written(folder: &Path, since: SystemTime, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() && depth > 0 {
            written(&entry.path(), since, depth - 1, found);
        } else if about.is_file() && about.len() < 1 << 18 && about.modified().is_ok_and(|time| time >= since) {
            found.push(entry.path());
        }
    }
}

#[test]
fn an_open_keystore_needs_no_passphrase_and_a_search_of_the_disk_finds_no_secret() -> Result<()> {
    let (_deployment, owner) = settled()?;
    let secrets = secrets(&owner)?;
    // What was written since then, anywhere, was written with the keystore open.
    let began = fs::metadata(owner.home().with_extension("words"))?.modified()?;
    assert_eq!(received(&owner)?, None, "a passphrase is asked for");
    let pid = unlock(&owner, "2m")?;
    let address = received(&owner)?.context("no passphrase is asked for")?;
    assert!(address.starts_with("bcrt1p"), "{address}");

    // The process: its memory is its own, and nothing was said to it aloud.
    let proc = |name: &str| fs::read(format!("/proc/{pid}/{name}"));
    let status = String::from_utf8(proc("status")?)?;
    let locked = status
        .lines()
        .find_map(|line| line.strip_prefix("VmLck:"))
        .context("a line")?;
    assert_ne!(locked.trim(), "0 kB", "a locked page");
    let limits = String::from_utf8(proc("limits")?)?;
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    assert_eq!(core.context("a line")?.split_whitespace().nth(4), Some("0"));
    assert_eq!(
        fs::metadata(format!("/proc/{pid}/maps"))?.uid(),
        0,
        "not dumpable: nobody's but root's"
    );
    assert!(proc("environ")?.is_empty());
    let socket = fs::symlink_metadata(owner.home().join("agent.sock"))?;
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.mode() & 0o777, 0o600);

    let mut searched = vec![PathBuf::from(format!("/proc/{pid}/cmdline"))];
    written(owner.home(), SystemTime::UNIX_EPOCH, 8, &mut searched);
    assert!(searched.len() > 4, "{searched:?}");
    written(&std::env::temp_dir(), began, 2, &mut searched);
    for path in searched {
        let Ok(bytes) = fs::read(&path) else { continue };
        for secret in &secrets {
            let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == secret[0]);
            let found = starts.map(|(at, _)| &bytes[at..]).any(|rest| rest.starts_with(secret));
            assert!(!found, "{} holds a secret of {} bytes", path.display(), secret.len());
        }
    }

    let ended = owner.run(&["lock"])?;
    assert_eq!(ended["was_unlocked"], Value::Bool(true));
    gone(pid)?;
    assert!(!owner.home().join("agent.sock").exists());
    assert_eq!(received(&owner)?, None);
    assert_eq!(owner.run(&["lock"])?["was_unlocked"], Value::Bool(false));
    Ok(())
}

/// Makes the end of a process last, so that its memory can be searched when it has done all that it does.
const LAST_MOMENT: &str = "--inject=exit_group:delay_enter=10000000";

#[test]
fn o06_the_agents_memory_holds_its_key_in_one_place_and_once_it_is_locked_in_none() -> Result<()> {
    use std::io::{Read as _, Write as _};
    let Some(strace) = strace()? else {
        eprintln!("not run: strace is not installed; ./dev test brings it where it may install packages");
        return Ok(());
    };
    let home = tempfile::tempdir()?;
    std::fs::write(home.path().join("keystore.twofold"), b"sealed")?;
    let file = sha256::Hash::hash(b"sealed").to_byte_array();
    let mut key = [0; 32];
    OsRng.fill_bytes(&mut key);
    let mut command = Command::new(strace);
    // The tracer stands beside: the child is the agent itself.
    command
        .args([
            "--daemonize",
            "--quiet=all",
            "--trace=exit_group",
            LAST_MOMENT,
            "--output=/dev/null",
            "--",
        ])
        .arg(binary("twofold")?)
        .args(["agent", "--seconds", "60", "--home"])
        .arg(home.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut agent = Leashed::spawn(&mut command)?;
    let mut input = agent.child().stdin.take().context("an input")?;
    input.write_all(&[key, file].concat())?;
    drop(input);
    let mut ready = String::new();
    std::io::BufRead::read_line(
        &mut BufReader::new(agent.child().stdout.take().context("an output")?),
        &mut ready,
    )?;
    ensure!(ready == "ready\n", "{ready}");
    let ask = |question: &[u8], length: usize| -> Result<Vec<u8>> {
        let mut stream = UnixStream::connect(home.path().join("agent.sock"))?;
        stream.write_all(question)?;
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    for _ in 0..3 {
        ensure!(ask(&[b"K", &file[..]].concat(), 33)?[1..] == key, "the key is lent");
    }
    let pid = agent.child().id();
    if fs::File::open(format!("/proc/{pid}/mem")).is_err() {
        eprintln!("not run to its end: only root can read the agent's memory, which is as it should be");
        return Ok(());
    }
    let places = Memory::of(pid)?.places_of_secret(&key);
    ensure!(places.len() == 1, "the locked page alone: {places:#?}");
    ensure!(ask(b"L", 1)? == b"+", "it ends");
    // It has said that it is over, and is held just before its end.
    let places = Memory::of(pid)?.places_of_secret(&key);
    ensure!(places.is_empty(), "{places:#?}");
    agent.kill()
}

#[test]
fn an_open_keystore_closes_when_its_time_is_over_when_it_changes_and_when_it_is_opened_anew() -> Result<()> {
    let (_deployment, owner) = settled()?;
    gone(unlock(&owner, "1s")?)?;
    assert_eq!(received(&owner)?, None);

    let first = unlock(&owner, "2m")?;
    let second = unlock(&owner, "2m")?;
    gone(first)?;
    assert!(received(&owner)?.is_some());

    Runtime::new()?.block_on(async {
        let folder = Folder::open(owner.home())?;
        let passphrase = Passphrase::new(owner.passphrase().into())?;
        let keys = Unlocked::unlock(folder, &passphrase).await?;
        keys.change_passphrase(&passphrase, Cost::new(64, 1, 1)?, &mut OsRng)
            .await?;
        anyhow::Ok(())
    })?;
    assert_eq!(received(&owner)?, None, "at once, whatever the agent has noticed");
    gone(second)?;

    // A wrong passphrase opens nothing, and one too long is refused.
    let wrong = owner.guessing("not the passphrase").refused(&["unlock"])?;
    assert_eq!(wrong.code, 6, "{wrong:?}");
    assert_eq!(owner.refused(&["unlock", "--for", "25h"])?.code, 2);
    assert_eq!(received(&owner)?, None);
    Ok(())
}

#[test]
fn who_watches_with_the_agents_key_ends_when_the_keystore_is_locked() -> Result<()> {
    use std::io::BufRead as _;
    let (deployment, owner) = settled()?;
    let agent = unlock(&owner, "2m")?;
    let mut watch = Leashed::spawn(silent(&owner, &["watch"])?.stderr(Stdio::null()))?;
    let mut lines = BufReader::new(watch.child().stdout.take().context("an output")?);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    ensure!(line.contains("\"watching\""), "{line}");
    assert_eq!(owner.run(&["lock"])?["was_unlocked"], Value::Bool(true));
    gone(agent)?;
    // Something to be told of, for which there is no key any more.
    deployment.node.mine(1)?;
    gone(watch.child().id())?;
    assert_eq!(watch.child().wait()?.code(), Some(2));
    Ok(())
}
