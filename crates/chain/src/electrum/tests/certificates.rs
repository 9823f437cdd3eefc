//! Whether it is the right server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use twofold_cosigner::port::chain::{Chain, ChainFault};
use twofold_testkit::FalseElectrum;

use super::config;
use crate::electrum::{Electrum, Trust};

/// An authority, and a certificate of it for a name.
fn certified(name: &str) -> (CertificateDer<'static>, CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    (authority.der().clone(), leaf.der().clone(), key)
}

/// Ends TLS before a server.
async fn front(server: SocketAddr, certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut inside = TcpStream::connect(server).await?;
                let mut outside = acceptor.accept(stream).await?;
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await
            });
        }
    });
    address
}

#[tokio::test]
async fn c14_a_server_with_another_certificate_than_is_trusted_is_unavailable_and_hears_nothing() {
    let (authority, leaf, key) = certified("localhost");
    let (other, _, _) = certified("localhost");
    let pin = |certificate: &CertificateDer<'_>| Sha256::digest(certificate).into();
    let mut wrong: [u8; 32] = pin(&leaf);
    wrong[31] ^= 1;
    let honest = || FalseElectrum::start(|_| None).unwrap();
    for (what, trust, host, good) in [
        ("its pin", Trust::Pin(pin(&leaf)), "localhost", true),
        ("its pin, whatever the name", Trust::Pin(pin(&leaf)), "127.0.0.1", true),
        (
            "its authority",
            Trust::Roots(vec![authority.clone()]),
            "localhost",
            true,
        ),
        ("another pin", Trust::Pin(wrong), "localhost", false),
        (
            "the pin of its authority",
            Trust::Pin(pin(&authority)),
            "localhost",
            false,
        ),
        ("another authority", Trust::Roots(vec![other]), "localhost", false),
        ("another name", Trust::Roots(vec![authority]), "127.0.0.1", false),
        ("the web", Trust::Web, "localhost", false),
    ] {
        let server = honest();
        let address = front(server.address(), leaf.clone(), key.clone_key()).await;
        let answer = asked(address.port(), host, trust, good).await;
        if good {
            assert_eq!(answer, Ok(1_000), "{what}");
        } else {
            assert!(matches!(answer, Err(ChainFault::Unavailable(_))), "{what}: {answer:?}");
            assert!(server.asked().is_empty(), "{what}: it heard something");
        }
    }
    let server = honest();
    let answer = asked(server.address().port(), "localhost", Trust::Pin(pin(&leaf)), false).await;
    assert!(
        matches!(answer, Err(ChainFault::Unavailable(_))),
        "plaintext: {answer:?}"
    );
}

async fn asked(port: u16, host: &str, trust: Trust, good: bool) -> Result<u64, ChainFault> {
    let mut config = config(SocketAddr::from(([127, 0, 0, 1], port)));
    config.address = format!("ssl://{host}:{port}").parse().unwrap();
    config.trust = trust;
    if !good {
        config.pace.patience = Duration::from_millis(400);
    }
    Electrum::new(config).unwrap().minimum_rate().await
}
