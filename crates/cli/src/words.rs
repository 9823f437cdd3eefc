//! The recovery words: from a prompt, a file or standard input; never from the command line or the environment.

use std::{
    fs::File,
    io::{IsTerminal as _, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use twofold_client::{Fault, recovery::RecoveryFault};
use twofold_threshold::words::{RecoverySecret, RecoveryWords, WordsError};
use zeroize::Zeroizing;

use crate::{args::Voice, exit::Wrong};

/// More than 25 words and the white space around them take.
const MOST_BYTES: u64 = 4096;

/// Reads the words and what they encode.
pub(crate) fn read(file: Option<&Path>) -> Result<RecoverySecret> {
    let text = match file {
        Some(path) if path == Path::new("-") => bounded(&mut std::io::stdin().lock())?,
        Some(path) => from_file(path)?,
        None => prompt()?,
    };
    Ok(parse(&text).map_err(|fault| Fault::from(RecoveryFault::from(fault)))?)
}

/// Reads the words where they are given as a second voice.
pub(crate) fn second_voice(voice: &Voice) -> Result<Option<RecoverySecret>> {
    if voice.with_words || voice.words_file.is_some() {
        read(voice.words_file.as_deref()).map(Some)
    } else {
        Ok(None)
    }
}

fn parse(text: &str) -> Result<RecoverySecret, WordsError> {
    RecoveryWords::parse(text)?.secret()
}

fn bounded(source: &mut impl std::io::Read) -> Result<Zeroizing<String>> {
    let unreadable = || Wrong("the words can't be read".into());
    // Room for all of it at once: a text that grows leaves its beginnings behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST_BYTES)? + 1));
    source
        .take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        bail!(Wrong("that is far more than 25 words".into()));
    }
    let text = std::str::from_utf8(&bytes).with_context(unreadable)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// A file that its owner alone can read.
fn from_file(path: &Path) -> Result<Zeroizing<String>> {
    let unreadable = || {
        Wrong(format!(
            "the words file {} can't be read; name the one that has them",
            path.display()
        ))
    };
    let mut file = File::open(path).with_context(unreadable)?;
    // Asked of the open file, so that it is the one read.
    let about = file.metadata().with_context(unreadable)?;
    if about.is_file() && about.mode() & 0o077 != 0 {
        bail!(Wrong(format!(
            "other users of this machine can get at the words file {0}; run: chmod 600 {0}",
            path.display()
        )));
    }
    bounded(&mut file)
}

fn prompt() -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        bail!(Wrong(
            "no terminal to ask for the words: give --words-file FILE, or --words-file - for standard input".into()
        ));
    }
    Ok(Zeroizing::new(
        rpassword::prompt_password("The 25 recovery words, in order (they are not shown): ")
            .context("the words could not be read")?,
    ))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::{bounded, from_file};

    #[test]
    fn a_words_file_that_others_can_read_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let path = place.path().join("words");
        fs::write(&path, "some words\n").expect("writes");
        for (mode, accepted) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
            match from_file(&path) {
                Ok(text) => assert!(accepted && *text == "some words\n", "{mode:o}"),
                Err(refusal) => assert!(!accepted && refusal.to_string().contains("chmod 600"), "{refusal}"),
            }
        }
    }

    #[test]
    fn more_than_any_words_take_is_refused_before_it_is_read() {
        let endless = &mut std::io::repeat(b'a');
        let refusal = bounded(endless).expect_err("has an end");
        assert!(refusal.to_string().contains("25 words"), "{refusal}");
    }
}
