//! What a KEK's file says: the key itself, or what somebody else opens.

use std::{fs::File, io::Read as _, path::Path};

use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::{config::Keeper, fault::Fault, private_file};

/// The first word of a line that is no key. What follows is for the version that it names.
const MARK: &str = "twofold-kek-1";
/// The longest file, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest that a key may be wrapped, in bytes.
pub(super) const WRAPPED: usize = 4096;

/// A KEK as its file has it.
pub(super) enum Form {
    /// 64 hex digits.
    Plain(Secret32),
    /// What the command gave for it.
    Command(Vec<u8>),
    /// What the token sealed it as.
    Token {
        /// The name of the token's key.
        name: String,
        sealed: Vec<u8>,
    },
}

impl Form {
    /// Reads it from its file, which must be private to its owner.
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let opened = File::open(path);
        let read = opened.and_then(|file| file.take(LONGEST as u64 + 1).read_to_end(&mut text));
        read.map_err(|why| {
            Fault::Kek(format!(
                "can't read the KEK file {}: {why}; the data can't be opened without it",
                path.display()
            ))
        })?;
        private_file::require_private(path)?;
        Self::parse(&text).ok_or_else(|| {
            Fault::Kek(format!(
                "the KEK file {} must hold 64 hex digits, or the line that `init` or `kek rotate` wrote, and nothing else",
                path.display()
            ))
        })
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text.trim_ascii()).ok()?;
        let bytes = |digits: &str| {
            let bytes = hex::decode(digits).ok()?;
            (1..=WRAPPED).contains(&bytes.len()).then_some(bytes)
        };
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            [digits] => digits_read(digits.as_bytes()).map(Self::Plain),
            [MARK, "command", wrapped] => bytes(wrapped).map(Self::Command),
            [MARK, "pkcs11", name, sealed] => Some(Self::Token {
                name: String::from_utf8(bytes(name)?).ok()?,
                sealed: bytes(sealed)?,
            }),
            _ => None,
        }
    }

    /// What its file is to hold.
    pub(super) fn text(&self) -> Zeroizing<String> {
        let mut text = match self {
            Self::Plain(key) => digits_of(key),
            Self::Command(wrapped) => Zeroizing::new(format!("{MARK} command {}", hex::encode(wrapped))),
            Self::Token { name, sealed } => {
                Zeroizing::new(format!("{MARK} pkcs11 {} {}", hex::encode(name), hex::encode(sealed)))
            }
        };
        text.push('\n');
        text
    }

    /// What keeps it.
    pub(super) fn keeper(&self) -> Keeper {
        match self {
            Self::Plain(_) => Keeper::File,
            Self::Command(_) => Keeper::Command,
            Self::Token { .. } => Keeper::Pkcs11,
        }
    }
}

/// A key in 64 hex digits, with room for the end of its line.
pub(super) fn digits_of(key: &Secret32) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(vec![0; 64]);
    // Both lengths are constant.
    let _ = hex::encode_to_slice(key.expose(), &mut digits);
    let mut text = Zeroizing::new(String::with_capacity(65));
    text.extend(digits.iter().map(|digit| char::from(*digit)));
    text
}

/// The key of 64 hex digits.
pub(super) fn digits_read(digits: &[u8]) -> Option<Secret32> {
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, key.as_mut_slice()).ok()?;
    Some(Secret32::new(*key))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Form, LONGEST, WRAPPED};
    use crate::config::Keeper;

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(key in any::<[u8; 32]>(), wrapped in proptest::collection::vec(any::<u8>(), 1..99), name in "[ -~é]{1,32}") {
            let plain = Form::Plain(twofold_threshold::secret::Secret32::new(key));
            let Some(Form::Plain(read)) = Form::parse(plain.text().as_bytes()) else {
                return Err(TestCaseError::fail("no key"));
            };
            prop_assert_eq!(read.expose(), &key);
            let Some(Form::Command(read)) = Form::parse(Form::Command(wrapped.clone()).text().as_bytes()) else {
                return Err(TestCaseError::fail("nothing wrapped"));
            };
            prop_assert_eq!(&read, &wrapped);
            let of_token = Form::Token { name, sealed: wrapped.clone() };
            let Some(Form::Token { name: of, sealed }) = Form::parse(of_token.text().as_bytes()) else {
                return Err(TestCaseError::fail("nothing sealed"));
            };
            let same = sealed == wrapped && matches!(of_token, Form::Token { name, .. } if name == of);
            prop_assert!(same);
        }

        #[test]
        fn no_file_is_misread(text in "(twofold-kek-1)?[ a-f0-9]{0,9}(command|pkcs11)?[ a-z0-9]{0,70}\n?") {
            if let Some(form) = Form::parse(text.as_bytes()) {
                let written = form.text();
                prop_assert_eq!(written.trim(), text.trim());
            }
        }
    }

    #[test]
    fn what_is_wrapped_is_bounded_and_its_file_with_it() {
        let largest = Form::Command(vec![7; WRAPPED]).text();
        assert!(largest.len() <= LONGEST);
        assert_eq!(
            Form::parse(largest.as_bytes()).map(|form| form.keeper()),
            Some(Keeper::Command)
        );
        let more = Form::Command(vec![7; WRAPPED + 1]).text();
        assert!(Form::parse(more.as_bytes()).is_none());
        assert!(Form::parse(b"twofold-kek-1 command ").is_none());
        assert!(Form::parse(b"twofold-kek-2 command 00").is_none());
    }
}
