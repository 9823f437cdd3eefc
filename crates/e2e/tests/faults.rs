//! Making a wallet, signing, renaming, broadcasting, refreshing and what is done to a wallet's devices ([`shape`]), each with something going wrong at each place where it can: on the
//! line, in the client, in the server. Afterwards it is done, once, and the wallet works.

mod copies;
mod fences;
mod shape;

use std::{
    cell::Cell,
    os::unix::process::ExitStatusExt as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network, OutPoint, Psbt, Transaction, hashes::Hash as _};
use twofold_api::audit::Event;
use twofold_client::Client;
use twofold_e2e::Deployment;
use twofold_intent::Keychain;
use twofold_testkit::bitcoincore_rpc::RpcApi as _;

use crate::{
    device::{COIN, Device, Enrolled, Lab},
    kills::{failpoints_in, require_failpoints, runtime, taken_up_once},
    line::{Mischief, Trick},
    oracle::{Oracle, verify},
    races::NO_RATE,
};

const WALLET: &str = "savings";
const MADE: &str = "made";
/// In which an honest signature must be had after each.
const SOON: Duration = Duration::from_secs(20);

/// What a person wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    Sign,
    Rename,
    Broadcast,
    Refresh,
    Shape(shape::Deed),
}

impl Deed {
    const ALL: [Self; 5] = [Self::Create, Self::Sign, Self::Rename, Self::Broadcast, Self::Refresh];

    /// The requests that it takes.
    const fn requests(self) -> &'static [&'static str] {
        match self {
            Self::Create => &["/BeginCreate", "/FinishCreate", "/Activate"],
            Self::Sign => &["/Sign"],
            Self::Rename => &["/RenameWallet"],
            Self::Broadcast => &["/Broadcast"],
            Self::Refresh => &["/BeginRefresh", "/FinishRefresh"],
            Self::Shape(deed) => deed.requests(),
        }
    }

    /// The cosigner's source with its failpoints.
    const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Create => &["begin_create", "finish_create", "test_sign", "activate"],
            Self::Sign => &["sign"],
            Self::Rename => &["rename_wallet"],
            Self::Broadcast => &["broadcast"],
            Self::Refresh => &["begin_refresh", "finish_refresh"],
            Self::Shape(deed) => deed.sources(),
        }
    }

    fn failpoints(self) -> Result<Vec<String>> {
        let mut places = Vec::new();
        for name in self.sources() {
            let found = failpoints_in(&format!("crates/cosigner/src/rpc/{name}.rs"))?;
            ensure!(!found.is_empty(), "{name} has no failpoint");
            places.extend(found);
        }
        if let Self::Shape(deed) = self {
            places.retain(|place| place.starts_with(deed.passes()));
            ensure!(!places.is_empty(), "{deed:?} passes none of them");
        }
        Ok(places)
    }
}

/// One deed, prepared: doing it again after a crash is doing the same.
enum Prepared {
    Create(String),
    Sign(Psbt),
    Rename(String),
    Broadcast(Transaction),
    /// From this epoch.
    Refresh(u32),
    Shape(Box<shape::Prepared>),
}

/// A deployment, a device with a wallet, and everything that was ever answered.
struct Scene {
    deployment: Arc<Mutex<Deployment>>,
    device: Enrolled,
    oracle: Arc<Oracle>,
    /// Counts what was prepared.
    number: Cell<u32>,
}

impl Scene {
    async fn new() -> Result<Self> {
        let deployment = Deployment::start_with(&NO_RATE)?;
        let device = Box::pin(Enrolled::new(&deployment.invitation, &[WALLET])).await?;
        Ok(Self {
            deployment: Arc::new(Mutex::new(deployment)),
            device,
            oracle: Arc::default(),
            number: Cell::new(0),
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Deployment) -> T) -> T {
        look(&mut self.deployment.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the wallet is called by now. Wallets that are made on the way have names that say so.
    async fn name(&self) -> Result<String> {
        let client = self.device.client(&self.oracle, Mischief::None).await?;
        let wallets = client.wallets().await?;
        let first = wallets.into_iter().find(|listed| !listed.name.starts_with(MADE));
        Ok(first.context("the first wallet")?.name)
    }

    /// A wallet by its name, over a line on which nothing goes wrong.
    async fn open(&self, name: &str) -> Result<Device> {
        Device::of(self.device.client(&self.oracle, Mischief::None).await?, name).await
    }

    async fn prepare(&self, deed: Deed) -> Result<Prepared> {
        let number = self.number.get() + 1;
        self.number.set(number);
        Ok(match deed {
            Deed::Create => Prepared::Create(format!("{MADE} {number}")),
            Deed::Rename => Prepared::Rename(format!("savings {number}")),
            Deed::Refresh => Prepared::Refresh(Box::pin(self.open(&self.name().await?)).await?.wallet.epoch().number),
            Deed::Shape(deed) => Prepared::Shape(Box::new(Box::pin(self.prepare_shape(deed)).await?)),
            Deed::Sign => Prepared::Sign(Box::pin(self.open(&self.name().await?)).await?.spend()),
            Deed::Broadcast => {
                let mut device = Box::pin(self.open(&self.name().await?)).await?;
                let psbt = device.spend_at(self.coin(&device)?);
                let signed = device.sign(psbt).await?;
                Prepared::Broadcast(device.client.finalize(&mut device.wallet, &signed).await?)
            }
        })
    }

    /// A real coin of the wallet's, on its way.
    fn coin(&self, device: &Device) -> Result<OutPoint> {
        let script = device.wallet.ledger().account().script(Keychain::External, 0)?;
        let address = Address::from_script(&script, Network::Regtest)?;
        self.with(|deployment| {
            let txid = deployment.node.fund(&address, Amount::from_sat(COIN))?;
            let paying = deployment.node.rpc()?.get_raw_transaction(&txid, None)?;
            let place = paying.output.iter().position(|output| output.script_pubkey == script);
            Ok(OutPoint::new(txid, u32::try_from(place.context("the output")?)?))
        })
    }

    /// Does it by a client that may meet something; nothing, if the client died of it.
    async fn run(&self, prepared: &Prepared, mischief: Mischief) -> Result<Option<Client<Lab>>> {
        let name = self.name().await?;
        let actor = match prepared {
            Prepared::Shape(prepared) => prepared.actor(),
            _ => &self.device,
        };
        let client = actor.client(&self.oracle, mischief).await?;
        let death = client.transport().death();
        tokio::select! {
            biased;
            done = Box::pin(act(client, &name, prepared)) => done.map(Some),
            () = death.notified() => Ok(None),
        }
    }

    /// What must hold afterwards: it is done and counted once, nothing else has changed, and the wallet works.
    async fn check(&self, prepared: &Prepared, before: &str) -> Result<()> {
        if let Prepared::Shape(prepared) = prepared {
            Box::pin(self.check_shape(prepared)).await?;
            return self.oracle.verdict().map(drop);
        }
        let name = self.name().await?;
        let mut device = Box::pin(self.open(&name)).await?;
        let now = device.public().await?;
        let refreshed = matches!(prepared, Prepared::Refresh(_));
        ensure!((now != before) == refreshed, "epoch and shares: {before} and {now}");
        let audited = device.client.audit(&mut device.wallet).await?;
        let events: Vec<_> = audited.entries.iter().map(|entry| &entry.event).collect();
        match prepared {
            Prepared::Create(made) => {
                let there = device.client.wallets_at_server().await?;
                let there = there.iter().filter(|line| line.name.as_str() == made).count();
                ensure!(there == 1, "{there} wallets are called {made}");
                drop(device);
                device = Box::pin(self.open(made)).await?;
            }
            Prepared::Sign(psbt) => {
                let txid = psbt.unsigned_tx.compute_txid().to_byte_array();
                let signed = events.iter().filter_map(|event| match event {
                    Event::Signed(signed) if signed.txid == txid => Some(signed),
                    _ => None,
                });
                let (charges, added): (Vec<_>, Vec<_>) = signed.map(|signed| (signed.charge, signed.added)).unzip();
                let added: u64 = added.iter().sum();
                ensure!(charges.first() == Some(&added), "{added} added for {charges:?}");
            }
            Prepared::Rename(to) => {
                ensure!(name == *to, "{name} instead of {to}");
                let renamed = |event: &&&Event| matches!(event, Event::Renamed { name, .. } if name == to);
                let renamed = events.iter().filter(renamed).count();
                // A client that died knew nothing of the first.
                ensure!((1..=2).contains(&renamed), "renamed {renamed} times");
            }
            // Above, and below for the wallet of the first deed.
            Prepared::Shape(_) | Prepared::Refresh(_) => {}
            Prepared::Broadcast(transaction) => {
                let txid = transaction.compute_txid();
                let there = self.with(|deployment| deployment.node.mempool())?;
                ensure!(there.contains(&txid), "the node does not have {txid}");
                let sent =
                    |event: &&&Event| matches!(event, Event::Broadcast { txid: of, .. } if *of == txid.to_byte_array());
                let sent = events.iter().filter(sent).count();
                ensure!((1..=2).contains(&sent), "sent {sent} times");
            }
        }
        if let Prepared::Refresh(from) = prepared {
            // Once, though it was asked for more often, and both sides are there.
            let epochs = events.iter().filter_map(|event| match event {
                Event::Refreshed { epoch, .. } if epoch.number > *from => Some(epoch.number),
                _ => None,
            });
            let (epochs, here) = (epochs.collect::<Vec<_>>(), device.wallet.epoch().number);
            ensure!(
                epochs == [from + 1] && here == from + 1,
                "{epochs:?} at the server, {here} here"
            );
            let package = device.client.recovery_package(&device.wallet)?;
            ensure!(package.public().epoch().number == here, "recovery's package is behind");
        }
        let psbt = device.spend();
        verify(&tokio::time::timeout(SOON, device.sign(psbt)).await??)?;
        self.oracle.verdict().map(drop)
    }

    async fn public(&self) -> Result<String> {
        Box::pin(self.open(&self.name().await?)).await?.public().await
    }

    /// A deed of which one request meets a trick.
    async fn tricked(&self, deed: Deed, path: &'static str, trick: Trick) -> Result<()> {
        let before = Box::pin(self.public()).await?;
        let prepared = Box::pin(self.prepare(deed)).await?;
        match self.run(&prepared, Mischief::once(path, trick)).await? {
            Some(client) => {
                let late = client.transport().late().await;
                ensure!(late.is_some() == (trick == Trick::Late), "the trick was not met");
            }
            None => {
                ensure!(
                    self.run(&prepared, Mischief::None).await?.is_some(),
                    "nobody dies twice"
                );
            }
        }
        Box::pin(self.check(&prepared, &before)).await
    }

    /// A deed in the middle of which the server is killed; with `both` the client dies of it, too, and is run again.
    async fn killed(&self, deed: Deed, place: &str, both: bool) -> Result<()> {
        let before = Box::pin(self.public()).await?;
        let prepared = Box::pin(self.prepare(deed)).await?;
        self.with(|deployment| {
            deployment.kill()?;
            deployment.set_environment(&[NO_RATE.as_slice(), &[("TWOFOLD_KILL_AT", place)]].concat());
            deployment.resume()
        })?;
        if place.starts_with("test_sign") {
            // Only a device that missed the first test share asks for another.
            let alive = self
                .run(&prepared, Mischief::once("/FinishCreate", Trick::DieAfter))
                .await?;
            ensure!(alive.is_none(), "it should have died");
        }
        let gone = taken_up_once(&self.deployment);
        let at_fault = gone.clone();
        let hook = move || {
            at_fault();
        };
        let mischief = if both {
            Mischief::DieAtFault
        } else {
            Mischief::at_fault(hook)
        };
        let done = self.run(&prepared, mischief).await;
        let end = gone();
        ensure!(
            end.and_then(|end| end.signal()) == Some(9),
            "the server was not killed: {end:?}"
        );
        // Past the commit the reply may have won the race against the kill.
        if done?.is_none() {
            ensure!(both, "the client lives");
            let again = self.run(&prepared, Mischief::None).await?;
            ensure!(again.is_some(), "nobody dies twice");
        }
        Box::pin(self.check(&prepared, &before)).await
    }
}

/// Does what was prepared.
async fn act(mut client: Client<Lab>, name: &str, prepared: &Prepared) -> Result<Client<Lab>> {
    if let Prepared::Shape(prepared) = prepared {
        return Box::pin(shape::act(client, prepared)).await;
    }
    if let Prepared::Create(made) = prepared {
        let mut made = client.create(&made.parse()?, &mut |_| ()).await?;
        client.confirm_words(&mut made.wallet).await?;
        return Ok(client);
    }
    let mut device = Device::of(client, name).await?;
    match prepared {
        Prepared::Create(_) | Prepared::Shape(_) => {}
        Prepared::Sign(psbt) => verify(&device.sign(psbt.clone()).await?)?,
        Prepared::Rename(to) => device.client.rename(&mut device.wallet, &to.parse()?).await?,
        Prepared::Refresh(from) => {
            // Killed and run again, a person looks first: whatever waits is finished by looking.
            device.client.sync(&mut device.wallet).await?;
            if device.wallet.epoch().number == *from {
                device.client.refresh(&mut device.wallet, &mut |_| ()).await?;
            }
        }
        Prepared::Broadcast(transaction) => {
            device.client.broadcast(&mut device.wallet, transaction).await?;
        }
    }
    Ok(device.client)
}

#[test]
fn f24_a32_every_deed_is_done_once_though_messages_are_lost_doubled_late_or_overtaken_and_the_client_dies() -> Result<()>
{
    runtime()?.block_on(async {
        let scene = Scene::new().await?;
        for deed in Deed::ALL {
            for path in deed.requests() {
                for trick in Trick::ALL {
                    let tried = Box::pin(scene.tricked(deed, path, trick)).await;
                    tried.with_context(|| format!("{deed:?}, {path}, {trick:?}"))?;
                }
            }
        }
        Ok(())
    })
}

/// Kills the server at each of these places of each deed.
fn killed_everywhere(deeds: &[Deed], places: impl Fn(Deed) -> Result<Vec<String>>, both: bool) -> Result<()> {
    require_failpoints()?;
    runtime()?.block_on(async {
        let scene = Scene::new().await?;
        for deed in deeds {
            for place in places(*deed)? {
                let tried = Box::pin(scene.killed(*deed, &place, both)).await;
                tried.with_context(|| format!("{deed:?}, {place}"))?;
            }
        }
        Ok(())
    })
}

/// The store's own places, behind the one where the cosigner is about to commit.
fn in_the_store(deed: Deed) -> Result<Vec<String>> {
    let before = deed
        .failpoints()?
        .into_iter()
        .filter(|place| place.ends_with("before_commit"));
    let store = failpoints_in("crates/store/src/sqlite/writer.rs")?;
    let store: Vec<_> = store.into_iter().filter(|place| place != "store-checkpoint").collect();
    Ok(before
        .flat_map(|first| {
            store
                .iter()
                .map(move |place| format!("{first}>{place}"))
                .collect::<Vec<_>>()
        })
        .collect())
}

#[test]
fn p21_s01_kill_9_at_every_failpoint_of_making_renaming_broadcasting_and_refreshing_leaves_the_deed_done_once()
-> Result<()> {
    // Signing has a test of its own.
    killed_everywhere(
        &[Deed::Create, Deed::Rename, Deed::Broadcast, Deed::Refresh],
        Deed::failpoints,
        false,
    )
}

#[test]
fn p21_s13_kill_9_of_both_sides_at_once_leaves_the_deed_done_once() -> Result<()> {
    let deeds = [
        Deed::Create,
        Deed::Sign,
        Deed::Refresh,
        Deed::Shape(shape::Deed::Recover),
    ];
    // Where something is about to be kept, and where it just was.
    let kept = |deed: Deed| {
        let mut places = deed.failpoints()?;
        places.retain(|place| place.ends_with("_commit"));
        Ok(places)
    };
    killed_everywhere(&deeds, kept, true)
}

#[test]
#[ignore = "nightly: a hundred kills"]
fn p21_s01_kill_9_at_every_failpoint_of_the_store_behind_every_deed_leaves_it_done_once() -> Result<()> {
    killed_everywhere(&Deed::ALL, in_the_store, false)
}
