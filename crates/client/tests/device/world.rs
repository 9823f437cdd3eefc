//! A server, a device, and what lies between.

use std::sync::Arc;

use bitcoin::{Address, Amount, FeeRate};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_api::request::Name;
use twofold_client::create::{Made, Step};
use twofold_client::keystore::memory::Memory;
use twofold_client::keystore::{Cost, Passphrase, Unlocked};
use twofold_client::ledger::{Order, Pay};
use twofold_client::port::{Keystore, Platform};
use twofold_client::{Client, Fault};
use twofold_cosigner::testing::{MemoryStore, SetClock};

use crate::line::{DeviceClock, Line};
use crate::server::{NOW, Server};

#[derive(Debug)]
pub(crate) struct Bench;

impl Platform for Bench {
    type Transport = Line;
    type Keystore = Memory;
    type Clock = DeviceClock;
    type Random = ChaCha20Rng;
}

pub(crate) struct World {
    pub(crate) server: Arc<Server>,
    pub(crate) line: Line,
    pub(crate) keys: Memory,
    pub(crate) clock: SetClock,
    pub(crate) seed: u64,
}

pub(crate) fn phrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".into()).expect("not empty")
}

pub(crate) fn named(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) fn sats(sats: u64) -> Amount {
    Amount::from_sat(sats)
}

pub(crate) fn stranger() -> Address {
    "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"
        .parse::<Address<_>>()
        .expect("an address")
        .assume_checked()
}

pub(crate) fn paying(value: u64) -> Order {
    Order {
        pay: Pay::Each(vec![(stranger(), sats(value))]),
        fee_rate: FeeRate::from_sat_per_vb_u32(3),
        from: Vec::new(),
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = Server::new().await;
        for _ in 0..3 {
            server.mine().await;
        }
        Self {
            line: Line::to(&server),
            server,
            keys: Memory::default(),
            clock: SetClock::at(NOW),
            seed: 1,
        }
    }

    /// Another device, with a keystore of its own, at the same server.
    pub(crate) fn another(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            line: Line::to(&self.server),
            keys: Memory::default(),
            clock: SetClock::at(NOW),
            seed: self.seed + 1000,
        }
    }

    /// A copy of this device, at a server restored from a backup.
    pub(crate) async fn fork(&self, backup: MemoryStore) -> Self {
        self.copy_at(Server::over(backup).await).await
    }

    /// A copy of this device as it is now, which knows nothing of what this one does from here on.
    pub(crate) async fn twin(&self) -> Self {
        self.copy_at(Arc::clone(&self.server)).await
    }

    /// From here on this device speaks with another server, such as the same one started again.
    pub(crate) fn turn_to(&mut self, server: &Arc<Server>) {
        (self.server, self.line) = (Arc::clone(server), Line::to(server));
    }

    /// A copy of this device at another server over the same books.
    pub(crate) async fn copy_at(&self, server: Arc<Server>) -> Self {
        let keys = Memory::default();
        for name in self.keys.names().await.expect("lists") {
            let bytes = self.keys.load(&name).await.expect("loads").expect("is there");
            keys.save(&name, &bytes).await.expect("saves");
        }
        Self {
            line: Line::to(&server),
            server,
            keys,
            clock: SetClock::at(NOW),
            seed: self.seed + 2000,
        }
    }

    pub(crate) fn random(&mut self) -> ChaCha20Rng {
        self.seed += 1;
        ChaCha20Rng::seed_from_u64(self.seed)
    }

    async fn unlocked(&mut self) -> Unlocked<Memory> {
        let mut random = self.random();
        let cost = Cost::new(64, 1, 1).expect("within bounds");
        match Unlocked::create(self.keys.clone(), &phrase(), cost, &mut random).await {
            Ok(keys) => keys,
            Err(_) => Unlocked::unlock(self.keys.clone(), &phrase()).await.expect("unlocks"),
        }
    }

    /// Joins, as a command of its own.
    pub(crate) async fn join(&mut self) -> Result<Client<Bench>, Fault> {
        let invitation = self.server.invite().await;
        self.join_with(&invitation).await
    }

    pub(crate) async fn join_with(
        &mut self,
        invitation: &twofold_api::invitation::Invitation,
    ) -> Result<Client<Bench>, Fault> {
        let (keys, random) = (self.unlocked().await, self.random());
        let clock = DeviceClock(self.clock.clone());
        Client::join(keys, self.line.clone(), clock, random, invitation, &named("laptop")).await
    }

    /// Joins by what another machine shows, as a command of its own.
    pub(crate) async fn join_wallet(
        &mut self,
        introduction: &twofold_api::pairing::Introduction,
    ) -> Result<(Client<Bench>, twofold_api::pairing::Card), Fault> {
        let (keys, random) = (self.unlocked().await, self.random());
        let clock = DeviceClock(self.clock.clone());
        let (name, money) = (named("phone"), twofold_client::join::Money::Play);
        Client::join_wallet(keys, self.line.clone(), clock, random, introduction, &name, money).await
    }

    /// Joins by what another machine shows and compares, as a command of its own.
    pub(crate) async fn join_to_compare(
        &mut self,
        introduction: &twofold_api::pairing::Introduction,
    ) -> Result<(Client<Bench>, twofold_client::devices::Compared), Fault> {
        let (keys, random) = (self.unlocked().await, self.random());
        let clock = DeviceClock(self.clock.clone());
        let (name, money) = (named("phone"), twofold_client::join::Money::Play);
        Client::join_to_compare(keys, self.line.clone(), clock, random, introduction, &name, money).await
    }

    /// Opens what was joined, as a command of its own.
    pub(crate) async fn open(&mut self) -> Client<Bench> {
        let (keys, random) = (self.unlocked().await, self.random());
        let clock = DeviceClock(self.clock.clone());
        Client::open(keys, self.line.clone(), clock, random)
            .await
            .expect("opens")
    }

    /// Joined, with a wallet whose words are confirmed.
    pub(crate) async fn with_wallet() -> (Self, Client<Bench>, twofold_client::wallet::Wallet) {
        Box::pin(Self::make_with_wallet()).await
    }

    async fn make_with_wallet() -> (Self, Client<Bench>, twofold_client::wallet::Wallet) {
        let mut world = Self::new().await;
        let mut client = world.join().await.expect("joins");
        let made = create(&mut client).await.expect("creates");
        let mut wallet = made.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");
        (world, client, wallet)
    }

    /// The same, with money.
    pub(crate) async fn with_money(value: u64) -> (Self, Client<Bench>, twofold_client::wallet::Wallet) {
        Box::pin(Self::make_with_money(value)).await
    }

    async fn make_with_money(value: u64) -> (Self, Client<Bench>, twofold_client::wallet::Wallet) {
        let (world, mut client, mut wallet) = Self::with_wallet().await;
        let address = client.receive(&mut wallet).await.expect("receives");
        client.sync(&mut wallet).await.expect("syncs");
        world.server.fund(&address, sats(value)).await;
        client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(wallet.ledger().balance().confirmed, sats(value));
        (world, client, wallet)
    }
}

pub(crate) async fn create(client: &mut Client<Bench>) -> Result<Made, Fault> {
    client.create(&named("savings"), &mut |_| {}).await
}

pub(crate) async fn create_with_steps(client: &mut Client<Bench>) -> (Result<Made, Fault>, Vec<Step>) {
    let mut steps = Vec::new();
    let made = client.create(&named("savings"), &mut |step| steps.push(step)).await;
    (made, steps)
}
