//! Puts the parts together and runs them.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use twofold_api::{invitation::Invitation, public_url::PublicUrl};
use twofold_cosigner::{
    Cosigner, Keks, Settled, StartFault,
    port::{Clock, chain::Chain},
};
use twofold_store::{AnchorFile, Database};

use crate::{
    acme, admin, background,
    clock::SystemClock,
    config::{Config, Trust},
    copies::Copies,
    database,
    fault::Fault,
    gate::Gate,
    health::Health,
    kek,
    links::{ChainLinks, Links},
    listen::{self, Phase},
    log::LevelHandle,
    metric,
    office::Office,
    rate::Rates,
    recovery_seal::Age,
    rotation::Rotations,
    tls,
};

/// A server that answers.
pub struct Running<C, K> {
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    url: PublicUrl,
    admin_socket: PathBuf,
    socket: Option<PathBuf>,
    phase: watch::Sender<Phase>,
    accepting: JoinHandle<()>,
    background: JoinSet<()>,
    office: Arc<Office<Database, C, K>>,
}

/// Tells a server to stop.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<Phase>);

impl Stopper {
    /// It is not ready from now on, accepts nothing, and finishes what is open. Told again, it drops what is open.
    pub fn stop(&self) {
        self.0.send_modify(|phase| {
            *phase = if *phase == Phase::Running {
                Phase::Draining
            } else {
                Phase::Forced
            };
        });
    }
}

/// Listens on the configured address.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Fault::listening(address, &error))
}

/// Opens the store and the server's identity under the configured KEK.
pub(crate) async fn open<C: Chain, K: Clock>(
    config: &Config,
    chain: C,
    clock: K,
) -> Result<Cosigner<Database, C, K>, Fault> {
    let (kek, next) = kek::Files::of(config).read()?;
    let keks = Keks {
        kek: &kek,
        next: next.as_ref(),
    };
    let anchor_file = config.anchor_file()?;
    let store = database::open(config).await?;
    let anchor =
        AnchorFile::open(anchor_file).map_err(|fault| Fault::Data(format!("can't open the anchor: {fault}")))?;
    let cosigner = Cosigner::open(store, chain, clock, Age, keks, config.cosigner()?)
        .await
        .map_err(|fault| match fault {
            StartFault::Sealed | StartFault::Rotating => Fault::Kek(format!("{fault} ({})", config.kek_file.display())),
            fault => Fault::Data(fault.to_string()),
        })?;
    let beside = |fault: StartFault| Fault::Data(format!("{fault} ({})", anchor_file.display()));
    let mut cosigner = cosigner.anchored(anchor, config.new_anchor).await.map_err(beside)?;
    let settled = cosigner.settle_restore().await.map_err(beside)?;
    if settled != Settled::default() {
        tracing::warn!(
            fenced = settled.fenced,
            lifted = settled.lifted,
            tampered = settled.tampered,
            "restored from a backup: fenced wallets sign nothing until that is lifted; twofold-server fence list"
        );
    }
    Ok(cosigner)
}

/// Starts everything. When this returns, requests are answered. `links` tells how the links of `chain` are.
pub async fn start<C: Chain, K: Clock>(
    config: &Config,
    listener: TcpListener,
    chain: C,
    links: ChainLinks,
    clock: K,
    level: Option<LevelHandle>,
) -> Result<Running<C, K>, Fault> {
    let orders = acme::Orders::of(config).map(Arc::new);
    let chain_of_trust = match &orders {
        None => tls::Chain::load(&config.tls)?,
        Some(orders) => {
            Box::pin(orders.first(&listener)).await?;
            tls::Chain::load(&config.tls)?.proving(orders.proof())
        }
    };
    let address = listener
        .local_addr()
        .map_err(|error| Fault::listening(config.listen, &error))?;
    let cosigner = Arc::new(open(config, chain, clock).await?);
    let (phase, watched) = watch::channel(Phase::Running);
    let health = Arc::new(Health::new(watched.clone()));
    let rates = Arc::new(Rates::new(&config.limits));
    let handle = metric::start()?;

    let identity = Arc::new(config.identity()?);
    let mut background = background::start(&cosigner, &health, &rates);
    let office = Arc::new(Office {
        cosigner: Arc::clone(&cosigner),
        url: config.public_url.clone(),
        pin: chain_of_trust.pin(),
        health: Arc::clone(&health),
        level,
        copies: Copies::new(config),
        rotations: Arc::new(Rotations::new(config)),
        links: Links {
            chain: links,
            identity: Arc::clone(&identity),
        },
        patience: Duration::from_secs(config.limits.drain_seconds),
    });
    let metrics = match config.metrics.listen {
        Some(listen) => {
            // A scraper that is slow to go keeps no store open.
            let watched = Arc::downgrade(&office);
            let look = move || {
                if let Some(office) = watched.upgrade() {
                    office.gauge();
                }
            };
            let (bound, serving) = metric::listen(listen, handle, look).await?;
            background.spawn(serving);
            Some(bound)
        }
        None => None,
    };
    let admin_socket = config.admin_socket();
    background.spawn(admin::serve(admin::bind(&admin_socket)?, Arc::clone(&office)));

    let (rotations, mind) = (Arc::clone(&office.rotations), Arc::clone(&cosigner));
    let rotate = move || Arc::clone(&rotations).run(Arc::clone(&mind));
    background.spawn(background::supervised("rotate", Arc::clone(&health), rotate));
    background.spawn(background::stop_when_sealed(Arc::clone(&cosigner), phase.clone()));

    let gate = Arc::new(Gate::new(
        cosigner,
        identity,
        config.public_url.clone(),
        &config.allowed_origins,
        config.limits.clone(),
        Arc::clone(&rates),
        health,
    ));
    let (renewal, told) = (tls::Renewal::of(&chain_of_trust, config), Arc::clone(&office.health));
    let renew = move || renewal.clone().watch(Arc::clone(&told));
    background.spawn(background::supervised("renew", Arc::clone(&office.health), renew));
    if let Some(orders) = orders {
        let told = Arc::clone(&office.health);
        let begin = move || Arc::clone(&orders).run(Arc::clone(&told));
        background.spawn(background::supervised("acme", Arc::clone(&office.health), begin));
    }
    let acceptor = TlsAcceptor::from(chain_of_trust.config());
    let socket = config.ingress.socket.as_deref().map(listen::bind_socket).transpose()?;
    let accepting = tokio::spawn(listen::serve(
        listen::Ways::new(listener, socket, config.ingress.clone()).strict(config.tls.trust == Trust::Web),
        acceptor,
        config.limits.clone(),
        gate,
        rates,
        watched,
    ));
    tracing::info!(url = %config.public_url, %address, network = %config.bitcoin.chain()?, "listening");
    Ok(Running {
        address,
        metrics,
        url: config.public_url.clone(),
        admin_socket,
        socket: config.ingress.socket.clone(),
        phase,
        accepting,
        background,
        office,
    })
}

/// Makes the server's identity where there is none, and mints an invitation without serving.
pub(crate) async fn first_invitation<C: Chain>(config: &Config, chain: C, seconds: u64) -> Result<Invitation, Fault> {
    let (_phase, watched) = watch::channel(Phase::Running);
    let office = Office {
        cosigner: Arc::new(open(config, chain, SystemClock).await?),
        url: config.public_url.clone(),
        pin: tls::Chain::load(&config.tls)?.pin(),
        health: Arc::new(Health::new(watched)),
        level: None,
        copies: Copies::new(config),
        rotations: Arc::new(Rotations::new(config)),
        links: Links {
            chain: ChainLinks::default(),
            identity: Arc::new(config.identity()?),
        },
        patience: Duration::from_secs(config.limits.drain_seconds),
    };
    office.invite(seconds).await
}

impl<C: Chain, K: Clock> Running<C, K> {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where Prometheus reads.
    #[must_use]
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Where devices reach it.
    #[must_use]
    pub fn url(&self) -> &PublicUrl {
        &self.url
    }

    /// Its admin socket.
    #[must_use]
    pub fn admin_socket(&self) -> &PathBuf {
        &self.admin_socket
    }

    /// A new one-time invitation, good for some seconds.
    pub async fn invite(&self, seconds: u64) -> Result<Invitation, Fault> {
        self.office.invite(seconds).await
    }

    /// Whether store and node answer and it is not stopping.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.office.health.ready()
    }

    /// What tells it to stop.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.phase.clone())
    }

    /// Waits until it has stopped and the store is closed. It is a fault if it stopped because a write failed.
    pub async fn stopped(mut self) -> Result<(), Fault> {
        // A panic of the accept loop would be a defect; stopping goes on all the same.
        let _ = self.accepting.await;
        self.background.shutdown().await;
        let sealed = self.office.cosigner.store().sealed();
        let office = Arc::downgrade(&self.office);
        drop(self.office);
        // The last request may still hold the store for a moment.
        for _ in 0..100 {
            if office.strong_count() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for socket in [Some(self.admin_socket), self.socket].into_iter().flatten() {
            let _ = std::fs::remove_file(socket);
        }
        tracing::info!("stopped");
        if let Some(why) = sealed {
            return Err(Fault::Data(why.into()));
        }
        Ok(())
    }
}
