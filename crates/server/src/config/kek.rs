//! Where the KEK comes from.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use figment::{
    Figment,
    providers::{Env, Serialized},
};
use serde::{Deserialize, Serialize};

use super::check::within;
use crate::fault::Fault;

/// What keeps the KEKs that are drawn from now on. One that was drawn before says itself how its file is opened.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keeping {
    /// What keeps them.
    pub kind: Keeper,
    /// The hook for a key service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Hook>,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11: Option<Token>,
}

/// What keeps a KEK.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keeper {
    /// `kek_file` holds the key itself.
    #[default]
    File,
    /// The variable `TWOFOLD_KEK`, as long as there is no `kek_file`. For trying.
    Environment,
    /// `kek_file` holds what a command unwraps.
    Command,
    /// `kek_file` holds what a key of a PKCS#11 token sealed.
    Pkcs11,
}

/// Two commands that a key service's own tool, or a script around it, answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Is given what `wrap` gave, and gives the key back: the program's whole path, and its arguments.
    pub unwrap: Vec<String>,
    /// Is given a key, 64 hex digits, and gives it wrapped. Only `init` and `kek rotate` ask for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrap: Vec<String>,
    /// Variables of the server's environment that both get; no other is handed on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub seconds: u64,
}

/// A hardware security module, or whatever else has a PKCS#11 module.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its module, a library that comes with it.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The label of an AES key on it that can't be read out. The file of a KEK names the one that sealed it.
    pub key: String,
    /// File with the PIN of the token's user.
    pub pin_file: PathBuf,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub seconds: u64,
}

const fn ten() -> u64 {
    10
}

impl Keeping {
    /// What the environment says, for `init`, `run --dev` and the commands beside it.
    pub(crate) fn of_environment() -> Result<Self, Fault> {
        let keeping: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(Env::prefixed("TWOFOLD__KEK__").split("__"))
            .extract()
            .map_err(|error| super::fault::explain(Path::new("[kek]"), error))?;
        keeping.check()?;
        Ok(keeping)
    }

    /// The key is in its file, and nothing else is named.
    pub(super) fn is_usual(&self) -> bool {
        self.kind == Keeper::File && self.command.is_none() && self.pkcs11.is_none()
    }

    /// Checks what can be checked without asking anybody.
    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.kind {
            Keeper::File | Keeper::Environment => {}
            Keeper::Command => self.command().map(|_| ())?,
            Keeper::Pkcs11 => self.token().map(|_| ())?,
        }
        self.command.as_ref().map_or(Ok(()), Hook::check)?;
        self.pkcs11.as_ref().map_or(Ok(()), Token::check)
    }

    /// The hook, where a key needs one.
    pub(crate) fn command(&self) -> Result<&Hook, Fault> {
        self.command.as_ref().ok_or_else(|| {
            Fault::Config(
                "the KEK is kept by a command, and none is named: set kek.command.unwrap = [\"/path/of/program\", …]"
                    .into(),
            )
        })
    }

    /// The token, where a key needs it.
    pub(crate) fn token(&self) -> Result<&Token, Fault> {
        self.pkcs11.as_ref().ok_or_else(|| {
            let told =
                "the KEK is sealed by a token, and none is named: set kek.pkcs11.module, token, key and pin_file";
            Fault::Config(told.into())
        })
    }

    /// What is run with a key in hand, and what lets one in.
    pub(crate) fn programs(&self) -> Vec<PathBuf> {
        let hook = self.command.iter();
        let programs = hook.flat_map(|hook| [&hook.unwrap, &hook.wrap]);
        let programs = programs.filter_map(|words| words.first()).map(PathBuf::from);
        let of_token = self.pkcs11.iter().flat_map(|token| [&token.module, &token.pin_file]);
        let mut programs: Vec<_> = programs.chain(of_token.cloned()).collect();
        programs.sort_unstable();
        programs.dedup();
        programs
    }
}

impl Hook {
    /// How long an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn check(&self) -> Result<(), Fault> {
        const WORDS: usize = 64;
        for (key, words) in [("unwrap", &self.unwrap), ("wrap", &self.wrap)] {
            let refuse = |why: &str| Err(Fault::Config(format!("kek.command.{key}: {why}")));
            match words.first() {
                None if key == "unwrap" => return refuse("name a program and its arguments, as a list of words"),
                Some(program) if !Path::new(program).is_absolute() => {
                    return refuse("name the program by its whole path: no shell and no PATH is asked");
                }
                _ => {}
            }
            if words.len() > WORDS || words.iter().any(|word| word.contains('\0')) {
                return refuse("these are no words for a command line");
            }
        }
        for name in &self.environment {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if name.is_empty() || !name.bytes().all(fits) || name.starts_with("TWOFOLD") {
                return Err(Fault::Config(format!(
                    "kek.command.environment: `{name}` is no variable that may be handed on"
                )));
            }
        }
        within(&[("kek.command.seconds", self.seconds, 1, 60)])
    }
}

impl Token {
    /// How long an answer may take.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn check(&self) -> Result<(), Fault> {
        for (key, path) in [("module", &self.module), ("pin_file", &self.pin_file)] {
            if !path.is_absolute() {
                return Err(Fault::Config(format!("kek.pkcs11.{key}: name it by its whole path")));
            }
        }
        for (key, label, most) in [("token", &self.token, 32), ("key", &self.key, 64)] {
            if !(1..=most).contains(&label.len()) {
                return Err(Fault::Config(format!(
                    "kek.pkcs11.{key}: a label has 1 to {most} letters"
                )));
            }
        }
        within(&[("kek.pkcs11.seconds", self.seconds, 1, 60)])
    }
}

#[cfg(test)]
mod tests;
