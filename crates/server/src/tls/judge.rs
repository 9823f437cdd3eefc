//! How a device will judge the certificate: by the web's roots, or by the CA that invitations pin.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::certificates;
use crate::config::{Tls, Trust};

/// Why a device will not take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// Its time is over, or has not come.
    #[error("it is not valid at this time")]
    Time,
    /// It names other hosts.
    #[error("it is not for the host of public_url")]
    Name,
    /// Nobody whom a device trusts vouches for it.
    #[error("no root that browsers trust vouches for it")]
    Issuer,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Judges the chain that the files hold as a device would at `at`, in seconds since 1970.
pub(crate) fn judged(tls: &Tls, host: &str, at: u64) -> Result<(), Flaw> {
    let chain = certificates(&tls.certificate).map_err(|fault| Flaw::Other(fault.to_string()))?;
    judged_chain(&chain, tls.trust, host, at)
}

/// The same of a chain at hand.
pub(crate) fn judged_chain(chain: &[CertificateDer<'_>], trust: Trust, host: &str, at: u64) -> Result<(), Flaw> {
    let other = |error: &dyn core::fmt::Display| Flaw::Other(error.to_string());
    let Some((leaf, above)) = chain.split_first() else {
        return Err(Flaw::Other("there is none".into()));
    };
    let mut roots = RootCertStore::empty();
    match (trust, above.last()) {
        (Trust::Web, _) => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        (Trust::Pinned, Some(ca)) => roots.add(ca.clone().into_owned()).map_err(|error| other(&error))?,
        (Trust::Pinned, None) => return Err(Flaw::Issuer),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| other(&error))?;
    let name = ServerName::try_from(host).map_err(|error| other(&error))?;
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at));
    match verifier.verify_server_cert(leaf, above, &name, &[], at) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(match error {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Flaw::Time,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Flaw::Name,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Flaw::Issuer,
            error => Flaw::Other(error.to_string()),
        }),
        Err(error) => Err(other(&error)),
    }
}

/// From when and until when it is valid, in seconds since 1970, looked for a year around `now`, at which it must be. Who
/// vouches for it does not matter.
pub(crate) fn life(chain: &[CertificateDer<'_>], host: &str, now: u64) -> Option<(u64, u64)> {
    const FAR: u64 = 400 * 86_400;
    let valid = |at: u64| judged_chain(chain, Trust::Web, host, at) != Err(Flaw::Time);
    if chain.is_empty() || !valid(now) {
        return None;
    }
    // How far it goes on to be valid, in this direction.
    let reach = |at: &dyn Fn(u64) -> u64| {
        let (mut good, mut bad) = (0, FAR);
        while bad - good > 1 {
            let middle = u64::midpoint(good, bad);
            if valid(at(middle)) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        at(good)
    };
    let from = reach(&|back| now.saturating_sub(back));
    let until = reach(&|on| now.saturating_add(on));
    Some((from, until))
}

/// Days until it is not valid any more, counted no further than `most`. It must be valid at `now`.
pub(crate) fn days_left(tls: &Tls, host: &str, now: u64, most: u64) -> u64 {
    const DAY: u64 = 86_400;
    let valid = |days: u64| judged(tls, host, now.saturating_add(days.saturating_mul(DAY))).is_ok();
    let (mut valid_until, mut over) = (0, most);
    if valid(most) {
        return most;
    }
    while over.saturating_sub(valid_until) > 1 {
        let middle = u64::midpoint(valid_until, over);
        if valid(middle) {
            valid_until = middle;
        } else {
            over = middle;
        }
    }
    valid_until
}

#[cfg(test)]
mod tests;
