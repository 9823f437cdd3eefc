//! A proxy that ends TLS, as a balancer does, and reads along: what it never gets to see.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use twofold_e2e::Deployment;

use crate::{
    device::Enrolled,
    kills::runtime,
    line::Mischief,
    oracle::{Oracle, verify},
};

const WALLET: &str = "savings";

/// All that went through, in plain.
#[derive(Clone, Default)]
struct Overheard(Arc<Mutex<Vec<u8>>>);

impl Overheard {
    async fn pass(self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
        let mut piece = vec![0; 16 * 1024];
        loop {
            match from.read(&mut piece).await {
                Ok(0) | Err(_) => break,
                Ok(length) => {
                    self.0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend_from_slice(&piece[..length]);
                    if to.write_all(&piece[..length]).await.is_err() || to.flush().await.is_err() {
                        break;
                    }
                }
            }
        }
        // An end that is gone needs no goodbye.
        let _ = to.shutdown().await;
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The proxy, which shows the server's own certificate. Dropped with its runtime.
struct Wiretap {
    address: SocketAddr,
    overheard: Overheard,
    _runtime: Runtime,
}

impl Wiretap {
    fn start(upstream: SocketAddr, data: &Path) -> Result<Self> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(data.join("chain.pem"))?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(data.join("key.pem"))?;
        let mut roots = RootCertStore::empty();
        roots.add(chain.last().context("an authority")?.clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (acceptor, connector) = (
            TlsAcceptor::from(Arc::new(server)),
            TlsConnector::from(Arc::new(client)),
        );
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let (address, overheard) = (listener.local_addr()?, Overheard::default());
        let ear = overheard.clone();
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (acceptor, connector, ear) = (acceptor.clone(), connector.clone(), ear.clone());
                tokio::spawn(async move {
                    let near = acceptor.accept(near).await?;
                    let far = TcpStream::connect(upstream).await?;
                    let far = connector.connect(ServerName::from(upstream.ip()), far).await?;
                    let (near_in, near_out) = tokio::io::split(near);
                    let (far_in, far_out) = tokio::io::split(far);
                    tokio::join!(ear.clone().pass(near_in, far_out), ear.pass(far_in, near_out));
                    anyhow::Ok(())
                });
            }
        });
        Ok(Self {
            address,
            overheard,
            _runtime: runtime,
        })
    }
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    let mut rest = haystack;
    while let Some(place) = rest.iter().position(|byte| *byte == needle[0]) {
        if rest[place..].starts_with(needle) {
            return true;
        }
        rest = &rest[place + 1..];
    }
    false
}

/// The forms in which 32 bytes could pass: as they are, in hexadecimal, in base64 wherever they begin in it.
fn forms(secret: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
    ];
    for skipped in 0..3 {
        // Whole groups of three bytes look the same whatever stands around them.
        let groups = &secret[skipped..];
        let groups = &groups[..groups.len() / 3 * 3];
        let text = STANDARD_NO_PAD.encode(groups);
        forms.push(text.replace('+', "-").replace('/', "_").into_bytes());
        forms.push(text.into_bytes());
    }
    forms
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn a26_the_unlock_key_is_seen_neither_by_a_proxy_that_ends_tls_nor_in_logs_nor_in_the_database() -> Result<()> {
    // The proxy stands where the public URL leads. Its port is known only once the server's is.
    let mut deployment = Deployment::start()?;
    let upstream = deployment.url.trim_start_matches("https://").parse()?;
    let tap = Wiretap::start(upstream, &deployment.data())?;
    let public = format!("https://{}", tap.address);
    deployment.kill()?;
    deployment.set_environment(&[("TWOFOLD__PUBLIC_URL", &public)]);
    deployment.resume()?;
    deployment.log_level("trace")?;

    let invitation = deployment.invite()?;
    let oracle = Arc::new(Oracle::default());
    let (secrets, psbt) = thread::scope(|scope| {
        let device = scope.spawn(|| {
            runtime()?.block_on(async {
                let enrolled = Box::pin(Enrolled::new(&invitation, &[WALLET])).await?;
                let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
                let psbt = device.spend();
                verify(&device.sign(psbt.clone()).await?)?;
                anyhow::Ok((device.secrets().await?, psbt))
            })
        });
        device.join().expect("a device that does not panic")
    })?;

    let overheard = tap.overheard.bytes();
    // It reads along: bodies as well as headers.
    for seen in [b"/twofold.v1.CosignerService/BeginCreate".to_vec(), psbt.serialize()] {
        ensure!(
            holds(&overheard, &seen),
            "the proxy did not hear {:?}",
            String::from_utf8_lossy(&seen)
        );
    }
    deployment.kill()?;
    let mut searched = vec![deployment.log()];
    files(&deployment.data(), &mut searched)?;
    ensure!(
        searched
            .iter()
            .any(|path| path.extension().is_some_and(|end| end == "db")),
        "{searched:?}"
    );
    for form in forms(&secrets.unlock) {
        ensure!(!holds(&overheard, &form), "the proxy saw the unlock key");
        for path in &searched {
            ensure!(
                !holds(&fs::read(path)?, &form),
                "{} holds the unlock key",
                path.display()
            );
        }
    }
    Ok(())
}
