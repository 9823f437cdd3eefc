//! What this machine lends the client: sockets, a folder, a clock, randomness.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, bail};
use rand_core::OsRng;
use twofold_api::{invitation::Trust, public_url::PublicUrl};
use twofold_cli::transport::Https;
use twofold_client::{
    Client, home,
    keystore::{self, Loan, Passphrase, Unlocked, file::Folder},
    port::{Clock, KeystoreFault, Platform},
};

use crate::{agent, args::Common, passphrase};

/// This machine.
#[derive(Debug)]
pub(crate) enum Native {}

impl Platform for Native {
    type Transport = Https;
    type Keystore = Folder;
    type Clock = SystemClock;
    type Random = OsRng;
}

/// The machine's clock. The server notices if it is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the rim: time enters here")]
    fn now(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// A folder and passphrase, and what can be done with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Home<'a>(pub &'a Common);

impl Home<'_> {
    pub(crate) fn path(self) -> Result<PathBuf> {
        if let Some(path) = &self.0.home {
            return Ok(path.clone());
        }
        let home = std::env::var_os("HOME").context("HOME is not set: give --home DIR or set TWOFOLD_HOME")?;
        Ok(PathBuf::from(home).join(".twofold"))
    }

    fn way(url: PublicUrl, trust: &Trust) -> Result<Https> {
        Https::new(url, trust)
    }

    /// The unlocked keystore, made where there is none.
    pub(crate) async fn unlock_or_make(self) -> Result<Unlocked<Folder>> {
        let folder = Folder::open(&self.path()?)?;
        if keystore::exists(&folder).await? {
            return self.unlock_in(folder).await;
        }
        let text = passphrase::choose(self.0.passphrase_file.as_deref())?;
        let passphrase = Passphrase::new(text.as_str().to_owned())?;
        Ok(Unlocked::create(folder, &passphrase, keystore::Cost::default(), &mut OsRng).await?)
    }

    /// Opens with the key that an agent holds; otherwise, or where a passphrase was given, with the passphrase.
    async fn unlock_in(self, folder: Folder) -> Result<Unlocked<Folder>> {
        match self.unlock_lent(&folder).await? {
            Some(keys) => Ok(keys),
            None => self.unlock_with_passphrase(folder).await,
        }
    }

    /// Opens with the key that an agent holds; none where there is no agent, or a passphrase was given.
    async fn unlock_lent(self, folder: &Folder) -> Result<Option<Unlocked<Folder>>> {
        if passphrase::is_given(self.0.passphrase_file.as_deref()) {
            return Ok(None);
        }
        let lent = patiently(async || match agent::borrow(folder).await {
            Some(loan) => Unlocked::unlock_lent(folder.clone(), loan).await.map(Some),
            None => Ok(None),
        });
        Ok(lent.await?)
    }

    /// The keystore of this machine, opened by the passphrase.
    pub(crate) async fn unlock_by_passphrase(self) -> Result<Unlocked<Folder>> {
        self.unlock_with_passphrase(self.folder()?).await
    }

    async fn unlock_with_passphrase(self, folder: Folder) -> Result<Unlocked<Folder>> {
        let text = passphrase::read(self.0.passphrase_file.as_deref())?;
        let passphrase = Passphrase::new(text.as_str().to_owned())?;
        Ok(patiently(async || Unlocked::unlock(folder.clone(), &passphrase).await).await?)
    }

    /// The client of a machine that has joined.
    pub(crate) async fn client(self) -> Result<Client<Native>> {
        Self::over(self.unlock_in(self.folder()?).await?).await
    }

    /// The same with the key of an agent, where there is one.
    pub(crate) async fn client_of_agent(self) -> Result<Option<Client<Native>>> {
        match self.unlock_lent(&self.folder()?).await? {
            Some(keys) => Ok(Some(Self::over(keys).await?)),
            None => Ok(None),
        }
    }

    /// The same with the passphrase, whoever else holds the key.
    pub(crate) async fn client_by_passphrase(self) -> Result<Client<Native>> {
        Self::over(self.unlock_by_passphrase().await?).await
    }

    /// The same with a data key that was lent before: for a command that lets others at the keystore meanwhile.
    pub(crate) async fn client_lent(self, loan: Loan) -> Result<Client<Native>> {
        Self::over(Unlocked::unlock_lent(self.folder()?, loan).await?).await
    }

    /// The keystore's folder, which is there.
    fn folder(self) -> Result<Folder> {
        let path = self.path()?;
        if !path.exists() {
            bail!(twofold_client::Fault::from(KeystoreFault::Absent));
        }
        Ok(Folder::open(&path)?)
    }

    async fn over(keys: Unlocked<Folder>) -> Result<Client<Native>> {
        let server = home::server(&keys)
            .await?
            .ok_or(twofold_client::fault::Usage::NotJoined)?;
        let transport = Self::way(server.url, &server.trust)?;
        Ok(Client::open(keys, transport, SystemClock, OsRng).await?)
    }
}

/// How often, and after which pause, a keystore is tried that another command has: `watch` has it for a moment now and then.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

async fn patiently<T>(attempt: impl AsyncFn() -> Result<T, KeystoreFault>) -> Result<T, KeystoreFault> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(KeystoreFault::Busy { .. }) => tokio::time::sleep(PAUSE).await,
            outcome => return outcome,
        }
    }
    attempt().await
}
