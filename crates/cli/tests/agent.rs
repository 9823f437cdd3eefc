//! The process that keeps a key, and who ends it: by the real binary.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];
const LOOKS: usize = 500;

fn twofold(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofold"));
    command.args(arguments).arg("--home").arg(home).env_clear();
    command
}

/// A folder with a key file in it, of which an agent reads nothing but the digest.
fn home() -> (TempDir, [u8; 32]) {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::write(home.path().join("keystore.twofold"), b"sealed").expect("writes");
    (home, Sha256::digest(b"sealed").into())
}

/// An agent that was handed its key, and what it said first.
fn agent(home: &Path, digest: [u8; 32]) -> (Child, String) {
    let mut child = twofold(home, &["agent", "--seconds", "60"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("a pipe");
    // One that may not live is gone before it reads.
    let _ = input.write_all(&[KEY, digest].concat());
    drop(input);
    let mut said = String::new();
    let output = child.stdout.take().expect("a pipe");
    BufReader::new(output).read_line(&mut said).expect("reads");
    (child, said)
}

fn lock(home: &Path) -> Output {
    twofold(home, &["lock", "--json"]).output().expect("runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the agent answers to who knows the key file.
fn asked(home: &Path, digest: [u8; 32]) -> Vec<u8> {
    let mut stream = UnixStream::connect(home.join("agent.sock")).expect("somebody listens");
    stream.write_all(&[b"K", &digest[..]].concat()).expect("writes");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("reads");
    answer
}

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).expect("fits");
    kill_process(Pid::from_raw(id).expect("a process"), signal).expect("is ours");
}

#[test]
fn lock_fails_while_the_agent_lives_and_says_which_process_it_is() {
    let (home, digest) = home();
    assert!(said(&lock(home.path())).contains("\"was_unlocked\":false"));
    let (mut child, ready) = agent(home.path(), digest);
    assert_eq!(ready, "ready\n");
    signal(&child, Signal::STOP);
    let refused = lock(home.path());
    assert!(!refused.status.success(), "{}", said(&refused));
    assert!(
        said(&refused).contains(&format!("process {}, does not end", child.id())),
        "{}",
        said(&refused)
    );
    assert!(home.path().join("agent.sock").exists());
    // Going on, it does what it was told.
    signal(&child, Signal::CONT);
    assert!(child.wait().expect("ends").success());
    assert!(!home.path().join("agent.sock").exists());
    assert!(said(&lock(home.path())).contains("\"was_unlocked\":false"));
}

#[test]
fn one_who_connects_and_says_nothing_does_not_keep_the_agent_from_ending() {
    let (home, digest) = home();
    let (mut child, _) = agent(home.path(), digest);
    let silent = UnixStream::connect(home.path().join("agent.sock")).expect("somebody listens");
    let locked = lock(home.path());
    assert!(said(&locked).contains("\"was_unlocked\":true"), "{}", said(&locked));
    assert!(!home.path().join("agent.sock").exists(), "before it is said to be over");
    drop(silent);
    assert!(child.wait().expect("ends").success());
}

#[test]
fn a_second_agent_does_not_take_the_place_of_one_that_lives_and_a_dead_ones_is_free() {
    let (home, digest) = home();
    let (mut first, _) = agent(home.path(), digest);
    let (mut second, ready) = agent(home.path(), digest);
    assert_eq!(ready, "");
    assert!(!second.wait().expect("ends").success());
    assert_eq!(asked(home.path(), digest), [b"+", &KEY[..]].concat());
    first.kill().expect("is ours");
    first.wait().expect("ends");
    assert!(said(&lock(home.path())).contains("\"was_unlocked\":false"));
    let (mut third, ready) = agent(home.path(), digest);
    assert_eq!(ready, "ready\n");
    assert!(said(&lock(home.path())).contains("\"was_unlocked\":true"));
    assert!(third.wait().expect("ends").success());
}

#[test]
fn a_key_is_not_given_once_the_key_file_is_another_however_long_the_question_takes() {
    let (home, digest) = home();
    let (mut child, _) = agent(home.path(), digest);
    let mut stream = UnixStream::connect(home.path().join("agent.sock")).expect("somebody listens");
    stream.write_all(b"K").expect("writes");
    // The agent reads: no look of its own comes between.
    std::fs::write(home.path().join("keystore.twofold"), b"another").expect("writes");
    let _ = stream.write_all(&digest);
    let mut answer = Vec::new();
    // It may hang up with a question unread.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
    assert!(child.wait().expect("ends").success());
}

#[test]
fn o05_a_command_writes_no_core_dump_from_before_it_reads_anything() {
    let (home, _) = home();
    // It waits for an invitation on its standard input.
    let mut child = twofold(home.path(), &["join"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let hardened = (0..LOOKS).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("reads");
        let core = limits.lines().find(|line| line.starts_with("Max core file size"));
        let bounds = core.map(|line| line.split_whitespace().skip(4).take(2).collect::<Vec<_>>());
        bounds == Some(vec!["0", "0"])
    });
    child.kill().expect("is ours");
    child.wait().expect("ends");
    assert!(hardened);
}
