//! The keystore's passphrase: from a prompt, a file or the environment; never from the command line, where other
//! users of the machine could read it.

use std::{env, fs::File, io::Read as _, os::unix::fs::MetadataExt as _, path::Path};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::{exit::Wrong, terminal};

/// Names the variable that holds the passphrase itself.
pub(crate) const VARIABLE: &str = "TWOFOLD_PASSPHRASE";

/// Names the variable that holds the one that takes its place.
pub(crate) const NEW_VARIABLE: &str = "TWOFOLD_NEW_PASSPHRASE";
/// Least characters of a passphrase that is typed.
const LEAST: usize = 8;

/// Whether a passphrase was given, so that nobody need be asked for it.
pub(crate) fn is_given(file: Option<&Path>) -> bool {
    file.is_some() || env::var_os(VARIABLE).is_some()
}

/// Reads the passphrase of an existing keystore.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match given(file, VARIABLE)? {
        Some(passphrase) => Ok(passphrase),
        None => prompt(
            "Passphrase: ",
            &format!("give --passphrase-file FILE or set {VARIABLE}"),
        ),
    }
}

/// Reads the passphrase for a new keystore; asks twice where it is typed.
pub(crate) fn choose(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match given(file, VARIABLE)? {
        Some(passphrase) => Ok(passphrase),
        None => typed_twice(
            "Choose a passphrase for this machine: ",
            &format!("give --passphrase-file FILE or set {VARIABLE}"),
        ),
    }
}

/// Reads the passphrase that takes an old one's place; asks twice where it is typed.
pub(crate) fn choose_another(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match given(file, NEW_VARIABLE)? {
        Some(passphrase) => Ok(passphrase),
        None => typed_twice(
            "Choose the new passphrase: ",
            &format!("give --new-passphrase-file FILE or set {NEW_VARIABLE}"),
        ),
    }
}

fn typed_twice(question: &str, otherwise: &str) -> anyhow::Result<Zeroizing<String>> {
    let first = prompt(question, otherwise)?;
    if first.chars().count() < LEAST {
        bail!(Wrong(format!(
            "a passphrase needs at least {LEAST} characters; four random words are a good one"
        )));
    }
    let second = prompt("The same once more: ", otherwise)?;
    if *first != *second {
        bail!(Wrong("the two differ; run the command again".into()));
    }
    Ok(first)
}

fn given(file: Option<&Path>, variable: &str) -> anyhow::Result<Option<Zeroizing<String>>> {
    if let Some(path) = file {
        return first_line(path).map(Some);
    }
    match env::var(variable) {
        Ok(text) if !text.is_empty() => Ok(Some(Zeroizing::new(text))),
        Ok(_) => bail!(Wrong(format!("{variable} is set but empty"))),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!(Wrong(format!("{variable} is not valid UTF-8"))),
    }
}

/// The first line of a passphrase file that its owner alone can read.
fn first_line(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let unreadable = || Wrong(format!("the passphrase file {} can't be read", path.display()));
    let mut file = File::open(path).with_context(unreadable)?;
    // Asked of the open file, so that it is the one read.
    let about = file.metadata().with_context(unreadable)?;
    if about.is_file() && about.mode() & 0o077 != 0 {
        bail!(Wrong(format!(
            "other users of this machine can get at the passphrase file {0}; run: chmod 600 {0}",
            path.display()
        )));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).with_context(unreadable)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!(Wrong(format!(
            "the first line of {} is empty; it should be the passphrase",
            path.display()
        )));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

fn prompt(question: &str, otherwise: &str) -> anyhow::Result<Zeroizing<String>> {
    if !terminal::is_watched() {
        bail!(Wrong(format!("no terminal to ask for the passphrase: {otherwise}")));
    }
    Ok(Zeroizing::new(
        rpassword::prompt_password(question).context("the passphrase could not be read")?,
    ))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::first_line;

    #[test]
    fn a_passphrase_file_that_others_can_read_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("passphrase");
        fs::write(&path, "four random words here\nmore\n").expect("writes");
        for (mode, accepted) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
            let read = first_line(&path);
            match read {
                Ok(line) => assert!(accepted && *line == "four random words here", "{mode:o}"),
                Err(refusal) => assert!(
                    !accepted && refusal.to_string().contains("chmod 600"),
                    "{mode:o}: {refusal}"
                ),
            }
        }
    }
}
