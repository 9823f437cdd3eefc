//! TLS 1.3 and nothing older, by aws-lc, with the hybrid X25519MLKEM768 preferred.

pub(crate) mod judge;
mod renewal;
mod shown;

use std::{path::Path, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::ResolvesServerCert,
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};

use crate::{
    acme::{self, Proof},
    config::{Tls, Trust},
    fault::Fault,
    private_file,
};

use shown::{Either, Shown};

pub(crate) use renewal::Renewal;

/// A certificate chain with its key, checked to fit each other.
#[derive(Debug)]
pub(crate) struct Chain {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    pin: Option<[u8; 32]>,
}

impl Chain {
    /// Reads and checks the files that the configuration names.
    pub(crate) fn load(tls: &Tls) -> Result<Self, Fault> {
        let provider = aws_lc_rs::default_provider();
        let pair = pair(tls, &provider)?;
        let pin = pin(tls, &pair.cert)?;
        let shown = Arc::new(Shown::new(pair));
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&shown) as _;
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Fault::Tls(format!("can't speak TLS 1.3: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            shown,
            pin,
        })
    }

    /// Shows this proof as well, to an authority that asks for it.
    pub(crate) fn proving(mut self, proof: Arc<Proof>) -> Self {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols.push(acme::PROTOCOL.to_vec());
        config.cert_resolver = Arc::new(Either::new(proof, Arc::clone(&self.shown)));
        self.config = Arc::new(config);
        self
    }

    /// For the acceptor.
    #[must_use]
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// SHA-256 of the CA's DER, which invitations pin; none where the web's roots vouch.
    #[must_use]
    pub(crate) fn pin(&self) -> Option<[u8; 32]> {
        self.pin
    }
}

/// Certificate and key, checked to fit each other.
fn pair(tls: &Tls, provider: &CryptoProvider) -> Result<CertifiedKey, Fault> {
    private_file::require_private(&tls.key)?;
    let chain = certificates(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| Fault::Tls(format!("can't read the private key {}: {error}", tls.key.display())))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| {
        Fault::Tls(format!(
            "the certificate {} and the key {} don't go together: {error}",
            tls.certificate.display(),
            tls.key.display()
        ))
    })
}

fn pin(tls: &Tls, chain: &[CertificateDer<'_>]) -> Result<Option<[u8; 32]>, Fault> {
    match (tls.trust, chain) {
        (Trust::Web, _) => Ok(None),
        (Trust::Pinned, [_, .., ca]) => Ok(Some(Sha256::digest(ca).into())),
        (Trust::Pinned, _) => Err(Fault::Tls(format!(
            "the certificate chain {} must end with the CA that tls.trust = \"pinned\" pins",
            tls.certificate.display()
        ))),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        Fault::Tls(format!("can't read the certificate {}: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if chain.is_empty() {
        return Err(Fault::Tls(format!("there is no certificate in {}", path.display())));
    }
    Ok(chain)
}
