//! An `OpenID` Connect provider that others wrote, npm's `oidc-provider`, in a process of its own. `./dev` fetches it at pinned
//! versions.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use bitcoin::{
    hashes::{Hash as _, sha256},
    hex::DisplayHex as _,
};

use crate::node_process::cache;

/// The provider. It ends when dropped.
#[derive(Debug)]
pub struct OidcProvider {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    issuer: String,
}

/// Where its script is.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../identity/tests/oidc-provider"))
}

/// Where `./dev` put the module, by the lock file's hash.
fn module() -> Option<PathBuf> {
    let lock = fs::read(folder().join("package-lock.json")).ok()?;
    let hash = sha256::Hash::hash(&lock).to_byte_array();
    let module = cache()?.join(format!("oidc-provider-{}", hash[..8].to_lower_hex_string()));
    module.join("node_modules").is_dir().then_some(module)
}

impl OidcProvider {
    /// None where it was not fetched, which CI does not let pass.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(module) = module() else {
            if env::var_os("CI").is_some() {
                return Err(io::Error::other(
                    "./dev test fetches npm's oidc-provider, and CI must try it",
                ));
            }
            eprintln!("not run: ./dev test fetches npm's oidc-provider where node and npm are");
            return Ok(None);
        };
        let mut process = Command::new("node")
            .arg(folder().join("provider.mjs"))
            .arg(module)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = (process.stdin.take(), process.stdout.take());
        let (Some(asks), Some(answers)) = pipes else {
            return Err(io::Error::other("no pipes"));
        };
        let mut provider = Self {
            process,
            asks,
            answers: BufReader::new(answers),
            issuer: String::new(),
        };
        provider.issuer = provider.line()?;
        Ok(Some(provider))
    }

    /// Its URL, as its tokens name it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Asks for one of what `provider.mjs` says at its top, such as `id alice ES256`.
    pub fn ask(&mut self, what: &str) -> io::Result<String> {
        writeln!(self.asks, "{what}")?;
        self.line()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(io::Error::other("the provider ended: its fault stands above"));
        }
        Ok(line.trim().to_owned())
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
