//! The keystore's passphrase: from a prompt, a file or the environment; never from the command line, where other
//! users of the machine could read it.

use std::{env, io::IsTerminal as _, path::Path};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

/// Names the variable that holds the passphrase itself.
pub(crate) const VARIABLE: &str = "TWOFOLD_PASSPHRASE";

/// Reads the passphrase of an existing keystore.
pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None => prompt("Passphrase: "),
    }
}

/// Reads the passphrase for a new keystore; asks twice where it is typed.
pub(crate) fn choose(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    if let Some(passphrase) = given(file)? {
        return Ok(passphrase);
    }
    let first = prompt("Choose a passphrase for this machine: ")?;
    if first.chars().count() < 8 {
        bail!("a passphrase needs at least 8 characters; four random words are a good one");
    }
    let second = prompt("The same once more: ")?;
    if *first != *second {
        bail!("the two differ; run the command again");
    }
    Ok(first)
}

fn given(file: Option<&Path>) -> anyhow::Result<Option<Zeroizing<String>>> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the passphrase file {} can't be read", path.display()))?;
        let text = Zeroizing::new(text);
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            bail!(
                "the first line of {} is empty; it should be the passphrase",
                path.display()
            );
        }
        return Ok(Some(Zeroizing::new(line.to_owned())));
    }
    match env::var(VARIABLE) {
        Ok(text) if !text.is_empty() => Ok(Some(Zeroizing::new(text))),
        Ok(_) => bail!("{VARIABLE} is set but empty"),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => bail!("{VARIABLE} is not valid UTF-8"),
    }
}

fn prompt(question: &str) -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!("no terminal to ask for the passphrase: give --passphrase-file FILE or set {VARIABLE}");
    }
    Ok(Zeroizing::new(
        rpassword::prompt_password(question).context("the passphrase could not be read")?,
    ))
}
