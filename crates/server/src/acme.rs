//! Certificates by ACME (RFC 8555), each proved by TLS-ALPN-01 (RFC 8737) on the server's own port: no other port is
//! opened, and nothing but the proof is answered before there is a certificate.
//!
//! What was got is written where `tls` names its files, and the watch over those shows it. Until it is got the old one
//! stays; a try that failed is told by `status` and `doctor`, and made again later each time.

mod account;
mod proof;
mod renew;
mod site;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use instant_acme::{
    AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use twofold_cosigner::port::Clock as _;
use zeroize::Zeroizing;

pub(crate) use proof::{PROTOCOL, Proof, is_proof};

use crate::{
    clock::SystemClock,
    config::{Acme, Config, Tls, Trust},
    fault::Fault,
    health::Health,
    kek, private_file,
    tls::{
        self,
        judge::{self, Flaw},
    },
};

/// How long an order may take from its first request to the certificate.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long the authority may take for a step of it.
const STEP: Duration = Duration::from_secs(60);
/// What is shown of an authority's words.
const SHOWN: usize = 300;

/// Orders certificates.
pub(crate) struct Orders {
    acme: Acme,
    tls: Tls,
    host: String,
    account: PathBuf,
    kek: kek::Files,
    proof: Arc<Proof>,
}

impl Orders {
    /// As the configuration has it, if it does.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let acme = config.acme.clone()?;
        Some(Self {
            account: acme.account_file(&config.tls.key),
            acme,
            tls: config.tls.clone(),
            host: config.public_url.host().to_owned(),
            kek: kek::Files::of(config),
            proof: Arc::default(),
        })
    }

    /// What is shown to an authority that asks for a proof.
    pub(crate) fn proof(&self) -> Arc<Proof> {
        Arc::clone(&self.proof)
    }

    /// Gets the first certificate where there is none that devices would take. No server starts without.
    pub(crate) async fn first(&self, listener: &TcpListener) -> Result<(), Fault> {
        let now = SystemClock.now();
        let valid = judge::judged(&self.tls, &self.host, now);
        if matches!(valid, Ok(()) | Err(Flaw::Issuer)) && tls::Chain::load(&self.tls).is_ok() {
            return Ok(());
        }
        tracing::warn!(
            directory = self.acme.directory,
            "there is no certificate; one is ordered"
        );
        let acceptor = self.proof.acceptor()?;
        let ordered = tokio::select! {
            ordered = self.ordered() => ordered,
            never = proof::answer_alone(listener, acceptor) => match never {},
        };
        ordered.map_err(|why| {
            Fault::Tls(format!(
                "there is no certificate, and {why}. The server starts once there is one: let port 443 of {} lead to it",
                self.host
            ))
        })
    }

    /// Renews it whenever a third of its life is left, until dropped.
    pub(crate) async fn run(self: Arc<Self>, health: Arc<Health>) {
        let now = || SystemClock.now();
        renew::keep(&health, now, sleep, || self.life(now()), || self.ordered()).await;
    }

    /// From when and until when the certificate is valid that is there; none where it is not.
    async fn life(&self, now: u64) -> Option<(u64, u64)> {
        let (file, host) = (self.tls.certificate.clone(), self.host.clone());
        let life = tokio::task::spawn_blocking(move || {
            let chain = CertificateDer::pem_file_iter(&file)
                .ok()?
                .collect::<Result<Vec<_>, _>>()
                .ok()?;
            judge::life(&chain, &host, now)
        });
        life.await.ok().flatten()
    }

    async fn ordered(&self) -> Result<(), String> {
        let ordered = timeout(PATIENCE, Box::pin(self.order())).await;
        self.proof.show(None);
        ordered
            .unwrap_or_else(|_| Err(format!("did not come to an end within {} s", PATIENCE.as_secs())))
            .map_err(|why| format!("{} gave none: {why}", self.acme.directory))
    }

    async fn order(&self) -> Result<(), String> {
        let account = account::opened(&self.acme, &self.account, &self.kek).await?;
        let names = [Identifier::Dns(self.host.clone())];
        let mut order = account.new_order(&NewOrder::new(&names)).await.map_err(told)?;
        self.prove(&mut order).await?;
        let steps = RetryPolicy::default().timeout(STEP);
        if order.poll_ready(&steps).await.map_err(told)? != OrderStatus::Ready {
            return Err(refusal(&mut order).await);
        }
        let drawn = |error: rcgen::Error| format!("no certificate can be asked for: {error}");
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(drawn)?;
        let mut wanted = CertificateParams::new(vec![self.host.clone()]).map_err(drawn)?;
        wanted.distinguished_name = DistinguishedName::new();
        let request = wanted.serialize_request(&key).map_err(drawn)?;
        order.finalize_csr(request.der()).await.map_err(told)?;
        let chain = order.poll_certificate(&steps).await.map_err(told)?;
        let key = Zeroizing::new(key.serialize_pem());
        let now = SystemClock.now();
        fits(&chain, &key, &self.host, now, || {
            judge::judged(&self.tls, &self.host, now)
        })?;
        // The key first: a chain without its key would serve nobody after a crash.
        write(&self.tls.key, key.as_bytes())
            .and_then(|()| write(&self.tls.certificate, chain.as_bytes()))
            .map_err(|fault| fault.to_string())
    }

    /// Shows the authority what only the holder of the account and of this port can show.
    async fn prove(&self, order: &mut Order) -> Result<(), String> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(told)?;
            match authorization.status {
                AuthorizationStatus::Valid => continue,
                AuthorizationStatus::Pending => {}
                status => return Err(format!("it says that the name is {status:?}")),
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or("it takes no proof by TLS-ALPN-01")?;
            let digest = challenge.key_authorization().digest();
            self.proof.show(Some(proof::certificate(&self.host, digest.as_ref())?));
            challenge.set_ready().await.map_err(told)?;
        }
        Ok(())
    }
}

/// Why the authority did not take the proof.
async fn refusal(order: &mut Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        let error = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = error {
            return format!("it did not take the proof: {}", shown(&words(problem)));
        }
    }
    "it did not take the proof".into()
}

fn words(problem: &Problem) -> String {
    problem.detail.clone().unwrap_or_else(|| problem.to_string())
}

/// Refuses what this server could not show. One that nobody vouches for is written over no good one: it would be all that
/// there is after the next start.
fn fits(chain: &str, key: &str, host: &str, now: u64, old: impl FnOnce() -> Result<(), Flaw>) -> Result<(), String> {
    let wrong = |error: &dyn core::fmt::Display| format!("what it gave can't be shown: {error}");
    let list = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let list = list.map_err(|error| wrong(&error))?;
    let judged = match judge::judged_chain(&list, Trust::Web, host, now) {
        // An authority of one's own, or one that only tries itself out: name and time are to be right all the same.
        Err(Flaw::Issuer) if old().is_err() => judge::judged_chain(&list, Trust::Pinned, host, now),
        judged => judged,
    };
    judged.map_err(|flaw| wrong(&flaw))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| wrong(&error))?;
    CertifiedKey::from_der(list, key, &aws_lc_rs::default_provider()).map_err(|error| wrong(&error))?;
    Ok(())
}

/// Puts a file with mode 0600 in the place of another, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Fault::writing(&new)(error)),
        _ => {}
    }
    private_file::create(&new, bytes)?;
    fs::rename(&new, path).map_err(Fault::writing(path))?;
    let folder = path.parent().unwrap_or(path);
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(Fault::writing(folder))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn told(error: instant_acme::Error) -> String {
    shown(&match &error {
        instant_acme::Error::Api(problem) => words(problem),
        error => error.to_string(),
    })
}

/// Somebody else's words, for a log.
fn shown(words: &str) -> String {
    let plain = words
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
