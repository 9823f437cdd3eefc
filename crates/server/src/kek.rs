//! The key-encryption key: 32 random bytes as 64 hex digits in a file of their own, outside the data directory.
//!
//! Database and KEK together open nothing, but a thief of the database alone should not even have this much.
//!
//! While it is changed the new one lies beside it, and afterwards the old one, which no server reads. A new one is whole
//! and durable before the database hears of it; the old one has its second name for good before the first is taken from
//! it, and that happens after all is sealed under the new one. So at any moment the keys that the database needs are in the
//! file and in the one that ends in `.next`.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use twofold_cosigner::{Kek, KekName};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use crate::{failpoint::failpoint, fault::Fault, private_file};

/// The KEK's file and those beside it.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    kek: PathBuf,
    /// The one that is to take its place.
    next: PathBuf,
    /// The one whose place it has taken.
    old: PathBuf,
}

impl Files {
    pub(crate) fn of(kek: &Path) -> Self {
        Self {
            kek: kek.to_path_buf(),
            next: kek.with_extension("next"),
            old: kek.with_extension("old"),
        }
    }

    /// What a server starts with.
    pub(crate) fn read(&self) -> Result<(Kek, Option<Kek>), Fault> {
        let next = if self.next.exists() {
            Some(Kek::new(read(&self.next)?))
        } else {
            None
        };
        Ok((Kek::new(read(&self.kek)?), next))
    }

    /// Where the old one lies, if it is there.
    pub(crate) fn old(&self) -> Option<&Path> {
        self.old.exists().then_some(&*self.old)
    }

    /// Draws the next one, or takes the one that was drawn, for a server that runs under `under`.
    pub(crate) fn draw(&self, under: KekName) -> Result<Kek, Fault> {
        if let Some(old) = self.old() {
            return Err(Fault::Kek(format!(
                "{} is there still: destroy it first, and the backups that need it",
                old.display()
            )));
        }
        if Kek::new(read(&self.kek)?).name() != under {
            return Err(Fault::Kek(format!(
                "{} is not the KEK that the server runs under; put that one back first",
                self.kek.display()
            )));
        }
        if !self.next.exists() {
            // It gets its name once it is whole: a server that starts would stumble over half of it.
            let draft = self.kek.with_extension("draft");
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Fault::writing(&draft)(error)),
                _ => {}
            }
            generate(&draft)?;
            fs::rename(&draft, &self.next).map_err(Fault::writing(&self.next))?;
            self.sync()?;
        }
        failpoint!("kek::drawn");
        read(&self.next).map(Kek::new)
    }

    /// Has the files follow once all is sealed under `under`; whether there was something to do. Cut short anywhere it is
    /// done by doing it again.
    pub(crate) fn follow(&self, under: KekName) -> Result<bool, Fault> {
        let named = |path: &Path| read(path).map(|key| Kek::new(key).name());
        let kek = named(&self.kek)?;
        if kek == under {
            return Ok(false);
        }
        if named(&self.next)? != under {
            return Err(Fault::Kek(format!(
                "all is sealed under a KEK that is neither {} nor {}; put it back, or nothing opens after the next start",
                self.kek.display(),
                self.next.display()
            )));
        }
        match fs::hard_link(&self.kek, &self.old) {
            // From a try that was cut short.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && named(&self.old)? == kek => {}
            Err(error) => return Err(Fault::writing(&self.old)(error)),
            Ok(()) => {}
        }
        self.sync()?;
        failpoint!("kek::kept");
        fs::rename(&self.next, &self.kek).map_err(Fault::writing(&self.kek))?;
        self.sync()?;
        failpoint!("kek::moved");
        Ok(true)
    }

    fn sync(&self) -> Result<(), Fault> {
        let folder = match self.kek.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Fault::writing(folder))
    }
}

/// Reads the key from its file, which must be private to its owner.
pub(crate) fn read(path: &Path) -> Result<Secret32, Fault> {
    let text = fs::read(path).map(Zeroizing::new).map_err(|why| {
        Fault::Kek(format!(
            "can't read the KEK file {}: {why}; the data can't be opened without it",
            path.display()
        ))
    })?;
    private_file::require_private(path)?;
    let mut key = Zeroizing::new([0; 32]);
    let digits = text.trim_ascii();
    if hex::decode_to_slice(digits, key.as_mut_slice()).is_err() {
        return Err(Fault::Kek(format!(
            "the KEK file {} must hold 64 hex digits and nothing else",
            path.display()
        )));
    }
    Ok(Secret32::new(*key))
}

/// Draws a new key and writes it to a new file with mode 0600.
pub(crate) fn generate(path: &Path) -> Result<(), Fault> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::getrandom(key.as_mut_slice()).map_err(|error| Fault::System(format!("no randomness: {error}")))?;
    let mut text = Zeroizing::new(hex::encode(key.as_slice()));
    text.push('\n');
    private_file::create(path, text.as_bytes())
}

#[cfg(test)]
mod tests;
