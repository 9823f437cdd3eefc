//! A command that wraps and unwraps the KEK, in front of a key service.
//!
//! It is run without a shell, from `/`, with no variables but those that the configuration names, and has so long. The
//! key goes through its pipes alone: what it prints is bounded, wiped, and never logged. What it complains of is shown
//! to the operator, with whatever could be a key left out.

use std::{
    env,
    io::{ErrorKind, Read, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use super::form::{WRAPPED, digits_of, digits_read};
use crate::{clock::SystemClock, config::Hook, fault::Fault};

/// What is read of a complaint, in bytes.
const COMPLAINT: usize = 1024;
/// What is shown of it, in characters.
const SHOWN: usize = 200;
/// A word this long may be a key, a token or a password, and is left out.
const LONG_WORD: usize = 24;
/// How long what has ended may take to go.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// Has a key wrapped.
pub(super) fn wrap(hook: &Hook, key: &Secret32) -> Result<Vec<u8>, Fault> {
    if hook.wrap.is_empty() {
        let told = "a new KEK is to be wrapped, and no command is named for it: set kek.command.wrap";
        return Err(Fault::Config(told.into()));
    }
    let digits = digits_of(key);
    let wrapped = answer("wrap", &hook.wrap, hook, digits.as_bytes())?;
    let has = |what: &[u8]| wrapped.windows(what.len()).any(|part| part.eq_ignore_ascii_case(what));
    let refuse = |why: &str| Err(complaint("wrap", &hook.wrap, why));
    if has(digits.as_bytes()) || has(key.expose()) {
        return refuse("gave the key itself back: it must encrypt what it reads, to a key that only the service has");
    }
    if wrapped.is_empty() {
        return refuse("gave nothing back: it must print the wrapped key");
    }
    Ok(wrapped.to_vec())
}

/// Has a key unwrapped.
pub(super) fn unwrap(hook: &Hook, wrapped: &[u8]) -> Result<Secret32, Fault> {
    let answer = answer("unwrap", &hook.unwrap, hook, wrapped)?;
    digits_read(answer.trim_ascii()).ok_or_else(|| {
        let why = "did not give a key back: it must print the 64 hex digits that `wrap` was given, and nothing else";
        complaint("unwrap", &hook.unwrap, why)
    })
}

fn complaint(which: &str, words: &[String], why: &str) -> Fault {
    let program = words.first().map_or("", String::as_str);
    Fault::Kek(format!("kek.command.{which} ({program}) {why}"))
}

fn answer(which: &str, words: &[String], hook: &Hook, given: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    run(words, hook, given).map_err(|why| {
        let why = format!("{why}. Run it by hand as the server's user; nothing opens without it");
        complaint(which, words, &why)
    })
}

fn run(words: &[String], hook: &Hook, given: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let (program, arguments) = words.split_first().ok_or("is not named")?;
    let until = SystemClock::fine().saturating_add(hook.patience());
    let named = hook.environment.iter();
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(named.filter_map(|name| Some((name, env::var_os(name)?))))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // What it starts ends with it.
        .process_group(0)
        .spawn()
        .map_err(|why| format!("can't be run: {why}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        let given = Zeroizing::new(given.to_vec());
        // One that reads nothing holds up this thread alone, until it ends.
        thread::spawn(move || pipe.write_all(&given));
    }
    let told = child.stdout.take().map(|pipe| read(pipe, WRAPPED));
    let complained = child.stderr.take().map(|pipe| read(pipe, COMPLAINT));
    let (Some(told), Some(complained)) = (told, complained) else {
        return Err("has no pipes".into());
    };
    // It is reaped only after its output ended or it was stopped: until then its number is its own.
    let answered = told.recv_timeout(left(until));
    let ended = answered.ok().zip(ended(&mut child, until));
    let Some((answer, status)) = ended else {
        stop(&mut child);
        let seconds = hook.seconds;
        return Err(format!(
            "did not end within {seconds} s and was stopped (kek.command.seconds says how long it may take)"
        ));
    };
    if answer.len() > WRAPPED {
        return Err(format!("printed more than {WRAPPED} bytes"));
    }
    if !status.success() {
        let said = complained.recv_timeout(LAST_WORDS).unwrap_or_default();
        return Err(format!("failed ({status}){}", shown(&said)));
    }
    Ok(answer)
}

fn left(until: Duration) -> Duration {
    until.saturating_sub(SystemClock::fine())
}

/// Reads a pipe to its end, or one byte further than `most`, into memory that is wiped.
fn read(mut pipe: impl Read + Send + 'static, most: usize) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (tell, told) = mpsc::sync_channel(1);
    thread::spawn(move || {
        // It never grows: what a growing one leaves behind is not wiped.
        let mut bytes = Zeroizing::new(vec![0; most.saturating_add(1)]);
        let mut held = 0;
        while let Some(room) = bytes.get_mut(held..).filter(|room| !room.is_empty()) {
            match pipe.read(room) {
                Ok(0) => break,
                Ok(more) => held = held.saturating_add(more),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        bytes.truncate(held);
        let _ = tell.send(bytes);
    });
    told
}

/// Waits until it has ended, if it does so in time.
fn ended(child: &mut Child, until: Duration) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if !left(until).is_zero() => thread::sleep(LOOK),
            _ => return None,
        }
    }
}

/// Ends it and what it started.
fn stop(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = ended(child, SystemClock::fine().saturating_add(LAST_WORDS));
}

/// The first line of what it complained of, without anything that could be a key.
fn shown(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) else {
        return String::new();
    };
    let of_key = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-".contains(letter);
    let mut shown = String::from(": ");
    let mut word = String::new();
    for letter in line.chars().chain([' ']) {
        if of_key(letter) {
            word.push(letter);
            continue;
        }
        if word.len() >= LONG_WORD {
            shown.push('…');
        } else {
            shown.push_str(&word);
        }
        word.clear();
        shown.push(if letter.is_control() { ' ' } else { letter });
    }
    shown.chars().take(SHOWN).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests;
