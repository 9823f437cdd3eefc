//! Which certificates of a server count.

use std::sync::Arc;

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};

/// How a server's certificate is known.
#[derive(Debug, Clone)]
pub enum Trust {
    /// By the roots that browsers trust.
    Web,
    /// By these roots alone, DER.
    Roots(Vec<CertificateDer<'static>>),
    /// It is this one: the SHA-256 of its DER bytes. Name, dates and who vouches do not matter then, for servers of this
    /// kind mostly sign their own.
    Pin([u8; 32]),
}

/// TLS 1.3 alone, trusting what `trust` names.
pub(super) fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let roots = match trust {
        Trust::Web => RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        },
        Trust::Roots(certificates) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate.clone())?;
            }
            roots
        }
        Trust::Pin(pin) => {
            let pinned = Arc::new(Pinned { pin: *pin, provider });
            let config = builder.dangerous().with_custom_certificate_verifier(pinned);
            return Ok(Arc::new(config.with_no_client_auth()));
        }
    };
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Takes one certificate and no other. Its key's signature is checked as always: a certificate is public.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if Sha256::digest(end_entity.as_ref())[..] != self.pin {
            return Err(Error::General("its certificate is not the pinned one".into()));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken here".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
