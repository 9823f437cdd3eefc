//! What is shown to an authority that asks whether this server has the name: a certificate for that purpose alone, to who
//! speaks `acme-tls/1` and nothing else.

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rcgen::{CertificateParams, CustomExtension, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::PrivateKeyDer,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::fault::Fault;

/// The protocol's name in the handshake (RFC 8737).
pub(crate) const PROTOCOL: &[u8] = b"acme-tls/1";
/// How many may ask at once before the server starts, and how long a handshake may take.
const AT_ONCE: usize = 32;
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The proof of the order that is under way.
#[derive(Debug, Default)]
pub(crate) struct Proof(RwLock<Option<Arc<CertifiedKey>>>);

impl Proof {
    pub(super) fn show(&self, proof: Option<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = proof.map(Arc::new);
    }

    /// Whether this handshake asks for a proof, and for nothing else.
    pub(crate) fn is_asked(hello: &ClientHello<'_>) -> bool {
        let offered = hello.alpn().map(|mut offered| (offered.next(), offered.next()));
        matches!(offered, Some((Some(PROTOCOL), None)))
    }

    /// For a port on which nothing else is answered yet.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Fault> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Fault::Tls(format!("can't speak TLS 1.3: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Proof {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Self::is_asked(&hello)
            .then(|| self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
            .flatten()
    }
}

/// Whether this handshake was about a proof: nothing is said after it.
pub(crate) fn is_proof(agreed: Option<&[u8]>) -> bool {
    agreed == Some(PROTOCOL)
}

/// A certificate that says nothing but this digest.
pub(super) fn certificate(host: &str, digest: &[u8]) -> Result<CertifiedKey, String> {
    let drawn = |error: rcgen::Error| format!("no proof can be made: {error}");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(drawn)?;
    let mut shown = CertificateParams::new(vec![host.to_owned()]).map_err(drawn)?;
    shown.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let shown = shown.self_signed(&key).map_err(drawn)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    // Not looked at as a certificate: its one extension is critical, and known to authorities alone.
    aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(key)
        .map(|key| CertifiedKey::new(vec![shown.der().clone()], key))
        .map_err(|error| format!("no proof can be made: {error}"))
}

/// Shows the proof to whoever asks for one, until dropped.
pub(super) async fn answer_alone(listener: &TcpListener, acceptor: TlsAcceptor) -> Infallible {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            came = listener.accept(), if open.len() < AT_ONCE => {
                if let Ok((stream, _)) = came {
                    let handshake = acceptor.accept(stream);
                    open.spawn(async move { timeout(HANDSHAKE, handshake).await.is_ok() });
                } else {
                    // Out of descriptors, most likely.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}
