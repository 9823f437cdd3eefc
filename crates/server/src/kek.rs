//! The key-encryption key: 32 random bytes, kept outside the data directory, in a file of their own as 64 hex digits, or
//! in one that holds them wrapped by somebody else (`config::Keeper`).
//!
//! Database and KEK together open nothing, but a thief of the database alone should not even have this much.
//!
//! Each file says itself how it is opened, so the KEK moves from one keeper to another as it is changed: the new one lies
//! beside it meanwhile, and afterwards the old one, which no server reads. A new one is whole, durable and was opened once
//! before the database hears of it; the old one has its second name for good before the first is taken from it, and that
//! happens after all is sealed under the new one. So at any moment the keys that the database needs are in the file and
//! in the one that ends in `.next`.

mod form;
mod hook;
mod token;

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use twofold_cosigner::{Kek, KekName};
use twofold_threshold::secret::Secret32;
use zeroize::Zeroizing;

use self::form::{Form, digits_read};
use crate::{
    config::{Config, Keeper, Keeping},
    failpoint::failpoint,
    fault::Fault,
    private_file,
};

/// Where `Keeper::Environment` finds it.
const VARIABLE: &str = "TWOFOLD_KEK";

/// The KEK's file and those beside it.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    kek: PathBuf,
    /// The one that is to take its place.
    next: PathBuf,
    /// The one whose place it has taken.
    old: PathBuf,
    keeping: Keeping,
}

/// What is known of the KEK without asking its keeper.
#[derive(Debug)]
pub(crate) struct Look {
    /// What keeps it.
    pub(crate) keeper: Keeper,
    /// The key, where whoever reads the file has it.
    pub(crate) plain: Option<Secret32>,
}

impl Files {
    /// Those of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self::at(&config.kek_file, &config.kek)
    }

    pub(crate) fn at(kek: &Path, keeping: &Keeping) -> Self {
        Self {
            kek: kek.to_path_buf(),
            next: kek.with_extension("next"),
            old: kek.with_extension("old"),
            keeping: keeping.clone(),
        }
    }

    /// What a server starts with.
    pub(crate) fn read(&self) -> Result<(Kek, Option<Kek>), Fault> {
        let next = if self.next.exists() {
            Some(self.opened(&self.next)?)
        } else {
            None
        };
        Ok((self.current()?, next))
    }

    /// The one before, as long as its file is there and opens.
    pub(crate) fn read_old(&self) -> Option<Kek> {
        self.old().and_then(|old| self.opened(old).ok())
    }

    /// Reads the file, and asks nobody to open it.
    pub(crate) fn look(&self) -> Result<Look, Fault> {
        if self.in_the_environment() {
            return Ok(Look {
                keeper: Keeper::Environment,
                plain: Some(of_environment()?),
            });
        }
        let form = Form::read(&self.kek)?;
        Ok(Look {
            keeper: form.keeper(),
            plain: match form {
                Form::Plain(key) => Some(key),
                Form::Command(_) | Form::Token { .. } => None,
            },
        })
    }

    /// Draws the first one, where there is none.
    pub(crate) fn ensure(&self) -> Result<(), Fault> {
        if self.keeping.kind == Keeper::Environment || self.kek.exists() {
            return Ok(());
        }
        self.keep(&self.kek)
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
        if self.current()?.name() != under {
            return Err(Fault::Kek(format!(
                "{} is not the KEK that the server runs under; put that one back first",
                self.kek.display()
            )));
        }
        if !self.next.exists() {
            self.keep(&self.next)?;
        } else if Form::read(&self.next)?.keeper() != self.next_keeper() {
            // Nobody gets the KEK out of its keeper by laying a file there.
            return Err(Fault::Kek(format!(
                "{} is not kept as kek.kind says. Start the server anew: where it goes on with a change of the KEK, wait for \
                 its end; otherwise remove that file",
                self.next.display()
            )));
        }
        failpoint!("kek::drawn");
        self.opened(&self.next)
    }

    /// Has the files follow once all is sealed under `under`; whether there was something to do. Cut short anywhere it is
    /// done by doing it again.
    pub(crate) fn follow(&self, under: KekName) -> Result<bool, Fault> {
        let named = |path: &Path| self.opened(path).map(|kek| kek.name());
        let kek = self.current()?.name();
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
        // One from the environment has no file to keep.
        if !self.in_the_environment() {
            match fs::hard_link(&self.kek, &self.old) {
                // From a try that was cut short.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && named(&self.old)? == kek => {}
                Err(error) => return Err(Fault::writing(&self.old)(error)),
                Ok(()) => {}
            }
        }
        self.sync()?;
        failpoint!("kek::kept");
        fs::rename(&self.next, &self.kek).map_err(Fault::writing(&self.kek))?;
        self.sync()?;
        failpoint!("kek::moved");
        Ok(true)
    }

    /// Whether the environment has the KEK: only as long as no file does, so that a change moves it into one.
    fn in_the_environment(&self) -> bool {
        self.keeping.kind == Keeper::Environment && !self.kek.exists()
    }

    /// What keeps the next one.
    fn next_keeper(&self) -> Keeper {
        match self.keeping.kind {
            // Nobody writes to it.
            Keeper::Environment => Keeper::File,
            kind => kind,
        }
    }

    fn current(&self) -> Result<Kek, Fault> {
        if self.in_the_environment() {
            return of_environment().map(Kek::new);
        }
        self.opened(&self.kek)
    }

    /// Opens the KEK in this file by whoever keeps it.
    fn opened(&self, path: &Path) -> Result<Kek, Fault> {
        let key = match Form::read(path)? {
            Form::Plain(key) => key,
            Form::Command(wrapped) => hook::unwrap(self.keeping.command()?, &wrapped)?,
            Form::Token { name, sealed } => token::open(self.keeping.token()?, &name, &sealed)?,
        };
        Ok(Kek::new(key))
    }

    /// Draws a KEK and has it kept in this file, which gets its name once it is whole: a server that starts would stumble
    /// over half of it.
    fn keep(&self, path: &Path) -> Result<(), Fault> {
        let draft = self.kek.with_extension("draft");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Fault::writing(&draft)(error)),
            _ => {}
        }
        let key = drawn()?;
        let form = match self.keeping.kind {
            Keeper::Command => Form::Command(hook::wrap(self.keeping.command()?, &key)?),
            Keeper::Pkcs11 => {
                let token = self.keeping.token()?;
                Form::Token {
                    name: token.key.clone(),
                    sealed: token::seal(token, &key)?,
                }
            }
            Keeper::File | Keeper::Environment => Form::Plain(Secret32::new(*key.expose())),
        };
        private_file::create(&draft, form.text().as_bytes())?;
        // Nothing is sealed under a key that has not come back once.
        if self.opened(&draft)?.name() != Kek::new(key).name() {
            return Err(Fault::Kek(
                "another key came back than was given to be kept, so it is not used; look at [kek] in the configuration".into(),
            ));
        }
        fs::rename(&draft, path).map_err(Fault::writing(path))?;
        self.sync()
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

fn of_environment() -> Result<Secret32, Fault> {
    let digits = env::var_os(VARIABLE).map(|digits| Zeroizing::new(digits.into_vec()));
    digits
        .and_then(|digits| digits_read(digits.trim_ascii()))
        .ok_or_else(|| {
            Fault::Kek(format!(
                "kek.kind = \"environment\" takes the KEK from {VARIABLE}, which must hold 64 hex digits (openssl rand -hex 32)"
            ))
        })
}

fn drawn() -> Result<Secret32, Fault> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::getrandom(key.as_mut_slice()).map_err(|error| Fault::System(format!("no randomness: {error}")))?;
    Ok(Secret32::new(*key))
}

#[cfg(test)]
mod tests;
