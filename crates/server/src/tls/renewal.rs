//! A new certificate is taken while the server runs: when its files change, or when SIGHUP says to look.
//!
//! One that no device would take is left alone: the old one stays, and log, health and `status` say so. Two files can't
//! change at once, so a pair that does not fit is looked at again when one of them changes again.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
};
use twofold_cosigner::port::Clock as _;

use super::{
    Chain, Shown,
    judge::{self, Flaw},
    pair, pin,
};
use crate::{clock::SystemClock, config::Config, config::Tls, fault::Fault, health::Health};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);

/// What it takes to show another certificate.
#[derive(Debug, Clone)]
pub(crate) struct Renewal {
    shown: Arc<Shown>,
    pin: Option<[u8; 32]>,
    tls: Tls,
    host: String,
}

/// By what a file that was written anew is told from the one before.
type Stamp = [Option<(u64, u64, i64, i64)>; 2];

impl Renewal {
    /// Of what this chain shows.
    pub(crate) fn of(chain: &Chain, config: &Config) -> Self {
        Self {
            shown: Arc::clone(&chain.shown),
            pin: chain.pin,
            tls: config.tls.clone(),
            host: config.public_url.host().to_owned(),
        }
    }

    /// Looks until dropped.
    pub(crate) async fn watch(self, health: Arc<Health>) {
        let mut told = told();
        let mut seen = self.stamp();
        loop {
            tokio::select! {
                () = hung_up(&mut told) => {}
                () = tokio::time::sleep(LOOK) => {
                    if self.stamp() == seen {
                        continue;
                    }
                }
            }
            seen = self.stamp();
            let (this, now) = (self.clone(), SystemClock.now());
            let renewed = spawn_blocking(move || this.renew(now)).await;
            match renewed {
                Ok(Ok(new)) => {
                    health.certificate_trouble(None);
                    if new {
                        tracing::info!("a new certificate is shown from now on");
                    }
                }
                Ok(Err(fault)) => {
                    let why = fault.to_string();
                    tracing::error!(why, "the new certificate is not used; the old one stays");
                    health.certificate_trouble(Some(why));
                }
                Err(_) => tracing::error!("looking at the certificate broke off"),
            }
        }
    }

    fn stamp(&self) -> Stamp {
        let of = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
        };
        [of(&self.tls.certificate), of(&self.tls.key)]
    }

    /// Takes what the files hold, and says whether it is another than before.
    pub(super) fn renew(&self, now: u64) -> Result<bool, Fault> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let new = pair(&self.tls, &provider)?;
        if new.cert == self.shown.now().cert {
            return Ok(false);
        }
        if pin(&self.tls, &new.cert)? != self.pin {
            return Err(Fault::Tls(format!(
                "the certificate in {} is of another authority than the one that invitations name; put one of the old \
                 authority there, or start the server anew with new invitations",
                self.tls.certificate.display()
            )));
        }
        match judge::judged_chain(&new.cert, self.tls.trust, &self.host, now) {
            // Nobody vouched for the old one either, where one server of one's own is to look like the web.
            Ok(()) | Err(Flaw::Issuer) => {}
            Err(flaw) => {
                let file = self.tls.certificate.display();
                return Err(Fault::Tls(format!(
                    "no device would take the certificate in {file}: {flaw}"
                )));
            }
        }
        self.shown.show(new);
        Ok(true)
    }
}

fn told() -> Option<Signal> {
    match signal(SignalKind::hangup()) {
        Ok(told) => Some(told),
        Err(error) => {
            tracing::warn!(%error, "SIGHUP can't be heard: a new certificate is found by its files alone");
            None
        }
    }
}

async fn hung_up(told: &mut Option<Signal>) {
    match told {
        Some(told) => {
            told.recv().await;
        }
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
