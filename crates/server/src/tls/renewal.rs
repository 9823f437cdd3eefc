//! A new certificate is taken while the server runs: when its files change, or when SIGHUP says to look.
//!
//! One that no device would take is left alone: the old one stays, and log, health and `status` say so. Two files can't
//! change at once, so a pair that does not fit is looked at again when one of them changes again.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
    time::Instant,
};
use twofold_cosigner::port::Clock as _;

use super::{
    Chain, Shown,
    judge::{self, Flaw},
    pair, pin,
};
use crate::{
    clock::SystemClock,
    config::{Config, Tls, Trust},
    fault::Fault,
    health::Health,
};

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(1);
/// Before a certificate that was no good is looked at again, though its files are as they were: its time may have come.
const AGAIN: Duration = Duration::from_secs(60);

/// Between two looks at how long the one that is shown is good. One that is good for years is looked at a year ahead.
const LENGTH: Duration = Duration::from_secs(3600);

/// What it takes to show another certificate.
#[derive(Debug, Clone)]
pub(crate) struct Renewal {
    shown: Arc<Shown>,
    pin: Option<[u8; 32]>,
    tls: Tls,
    host: String,
    /// Devices see a proxy's, and this one is between the two alone.
    behind: bool,
}

/// By what a file that was written anew is told from the one before: the last two change with its rights as well.
type Stamp = [Option<(u64, u64, i64, i64, i64, i64)>; 2];

impl Renewal {
    /// Of what this chain shows.
    pub(crate) fn of(chain: &Chain, config: &Config) -> Self {
        Self {
            shown: Arc::clone(&chain.shown),
            pin: chain.pin,
            tls: config.tls.clone(),
            host: config.public_url.host().to_owned(),
            behind: config.tls.trust == Trust::Web && config.ingress.is_proxied(),
        }
    }

    /// Looks until dropped.
    pub(crate) async fn watch(self, health: Arc<Health>) {
        let mut told = told();
        let mut seen = self.stamp();
        let mut trouble: Option<(String, Instant)> = None;
        let mut measured: Option<Instant> = None;
        loop {
            if !self.behind && measured.is_none_or(|at| at.elapsed() >= LENGTH) {
                measured = Some(Instant::now());
                let (this, now) = (self.clone(), SystemClock.now());
                if let Ok(end) = spawn_blocking(move || this.end(now)).await {
                    health.certificate_ends(end);
                }
            }
            tokio::select! {
                () = hung_up(&mut told) => {}
                () = tokio::time::sleep(LOOK) => {
                    let again = trouble.as_ref().is_some_and(|(_, since)| since.elapsed() >= AGAIN);
                    if self.stamp() == seen && !again {
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
                    trouble = None;
                    if new {
                        measured = None;
                        tracing::info!("a new certificate is shown from now on");
                    }
                }
                Ok(Err(fault)) => {
                    let why = fault.to_string();
                    if trouble.as_ref().is_none_or(|(told, _)| *told != why) {
                        tracing::error!(why, "the new certificate is not used; the old one stays");
                    }
                    health.certificate_trouble(Some(why.clone()));
                    trouble = Some((why, Instant::now()));
                }
                Err(_) => tracing::error!("looking at the certificate broke off"),
            }
        }
    }

    fn stamp(&self) -> Stamp {
        let of = |path: &Path| {
            let found = fs::metadata(path).ok()?;
            let (written, changed) = ((found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec()));
            Some((found.ino(), found.size(), written.0, written.1, changed.0, changed.1))
        };
        [of(&self.tls.certificate), of(&self.tls.key)]
    }

    /// Until when the one that is shown is valid, in seconds since 1970; 0 where it is not.
    fn end(&self, now: u64) -> u64 {
        judge::life(&self.shown.now().cert, &self.host, now).map_or(0, |(_, until)| until)
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
        let judged = |chain: &[_]| judge::judged_chain(chain, self.tls.trust, &self.host, now);
        if let Err(flaw) = taken(judged(&new.cert), || judged(&self.shown.now().cert)) {
            let file = self.tls.certificate.display();
            return Err(Fault::Tls(format!(
                "no device would take the certificate in {file}: {flaw}"
            )));
        }
        self.shown.show(new);
        Ok(true)
    }
}

/// Whether a certificate takes another's place, by what a device thinks of either. One that nobody vouches for does where
/// the old one is no better: where a server of one's own is to look like the web. It takes no good one's place, as a chain
/// of which half is written would.
fn taken(new: Result<(), Flaw>, old: impl FnOnce() -> Result<(), Flaw>) -> Result<(), Flaw> {
    match new {
        Err(Flaw::Issuer) if old().is_err() => Ok(()),
        judged => judged,
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
