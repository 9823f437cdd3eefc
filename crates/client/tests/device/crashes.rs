//! Commands that are killed, and run again.
//!
//! A kill is a keystore that keeps no more and a line that carries no more from some moment on: what the next command
//! finds is exactly what was durable then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;
use twofold_client::keystore::file::Folder;
use twofold_client::keystore::memory::Memory;
use twofold_client::keystore::{Cost, Unlocked};
use twofold_client::port::{
    BlobName, HttpCall, HttpReply, Keystore, KeystoreFault, Platform, Transport, TransportFault,
};
use twofold_client::{Client, Fault};

use crate::line::{DeviceClock, Fate, Line};
use crate::world::{World, create, named, paying, phrase, sats};

/// Moments left to live; each save, removal, request and reply is one.
#[derive(Debug, Clone)]
pub(crate) struct Life(Arc<AtomicUsize>);

impl Life {
    pub(crate) fn of(moments: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(moments)))
    }

    /// One moment passes; nothing may happen any more where none is left.
    fn goes_on(&self) -> bool {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }
}

#[derive(Debug)]
pub(crate) struct MortalStore(Memory, Life);

impl Keystore for MortalStore {
    type Guard = <Memory as Keystore>::Guard;

    async fn lock(&self) -> Result<Self::Guard, KeystoreFault> {
        self.0.lock().await
    }

    async fn load(&self, name: &BlobName) -> Result<Option<Vec<u8>>, KeystoreFault> {
        self.0.load(name).await
    }

    async fn save(&self, name: &BlobName, bytes: &[u8]) -> Result<(), KeystoreFault> {
        if self.1.goes_on() {
            self.0.save(name, bytes).await
        } else {
            Err(dead())
        }
    }

    async fn remove(&self, name: &BlobName) -> Result<(), KeystoreFault> {
        if self.1.goes_on() {
            self.0.remove(name).await
        } else {
            Err(dead())
        }
    }

    async fn names(&self) -> Result<Vec<BlobName>, KeystoreFault> {
        self.0.names().await
    }
}

fn dead() -> KeystoreFault {
    KeystoreFault::Broken {
        doing: "writing",
        place: "here".into(),
        why: "killed".into(),
    }
}

pub(crate) struct MortalLine(Line, Life);

impl Transport for MortalLine {
    async fn send(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        let cut = TransportFault::TimedOut { after: call.deadline };
        if !self.1.goes_on() {
            return Err(cut);
        }
        let reply = self.0.send(call).await;
        // Dead between the server's answer and reading it.
        if self.1.goes_on() { reply } else { Err(cut) }
    }
}

pub(crate) struct Mortal;

impl Platform for Mortal {
    type Transport = MortalLine;
    type Keystore = MortalStore;
    type Clock = DeviceClock;
    type Random = rand_chacha::ChaCha20Rng;
}

pub(crate) async fn mortal(world: &mut World, life: &Life) -> Client<Mortal> {
    let keys = MortalStore(world.keys.clone(), life.clone());
    let keys = Unlocked::unlock(keys, &phrase()).await.expect("unlocks");
    let (wire, random) = (MortalLine(world.line.clone(), life.clone()), world.random());
    Client::open(keys, wire, DeviceClock(world.clock.clone()), random)
        .await
        .expect("opens")
}

#[test]
fn f24_creation_killed_at_any_moment_finishes_or_starts_clean() {
    block_on(async {
        let mut finished_with_the_first_wallet = 0;
        for moments in 0.. {
            let mut world = World::new().await;
            drop(world.join().await.expect("joins"));
            let life = Life::of(moments);
            let mut client = mortal(&mut world, &life).await;
            let outcome = client.create(&named("savings"), &mut |_| {}).await;
            drop(client);
            let survived = outcome.is_ok() && !life.is_over();

            let mut client = world.open().await;
            let made = create(&mut client)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            let wallets = client.wallets().await.expect("lists");
            assert_eq!(wallets.len(), 1, "after {moments} moments");
            // What the server keeps for good is a wallet that this device can use, and no other.
            let kept: Vec<_> = world.server.store.with(|tables| {
                let made = tables.wallets.values().filter(|wallet| wallet.public.is_some());
                made.map(|wallet| wallet.id).collect()
            });
            assert_eq!(kept, [made.wallet.id()], "after {moments} moments");
            if let Ok(first) = outcome {
                assert_eq!(first.wallet.id(), made.wallet.id());
                assert_eq!(*first.words.expose_line(), *made.words.expose_line());
                finished_with_the_first_wallet += 1;
            }
            // It is no husk: it can be paid and spends.
            let mut wallet = made.wallet;
            client.confirm_words(&mut wallet).await.expect("confirms");
            client.sync(&mut wallet).await.expect("syncs");
            world.server.fund(&made.first_address, sats(50_000)).await;
            client.sync(&mut wallet).await.expect("syncs");
            let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
            client
                .send(&mut wallet, draft)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            assert!(
                client.keystore().0.names("create-").await.expect("lists").is_empty(),
                "a husk stays"
            );
            if survived {
                break;
            }
        }
        assert!(finished_with_the_first_wallet > 0);
    });
}

#[test]
fn f24_joining_killed_at_any_moment_can_be_done_again() {
    block_on(async {
        for moments in 0.. {
            let mut world = World::new().await;
            let invitation = world.server.invite().await;
            let cost = Cost::new(64, 1, 1).expect("within bounds");
            let mut random = world.random();
            drop(
                Unlocked::create(world.keys.clone(), &phrase(), cost, &mut random)
                    .await
                    .expect("makes"),
            );
            let life = Life::of(moments);
            let keys = MortalStore(world.keys.clone(), life.clone());
            let keys = Unlocked::unlock(keys, &phrase()).await.expect("unlocks");
            let wire = MortalLine(world.line.clone(), life.clone());
            let clock = DeviceClock(world.clock.clone());
            let joined = Client::<Mortal>::join(keys, wire, clock, random, &invitation, &named("laptop")).await;
            let survived = joined.is_ok() && !life.is_over();
            drop(joined);
            drop(
                world
                    .join_with(&invitation)
                    .await
                    .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}")),
            );
            if survived {
                break;
            }
        }
    });
}

#[test]
fn a_send_killed_at_any_moment_can_be_done_again_and_pays_once() {
    block_on(async {
        for moments in 0.. {
            let (mut world, client, wallet) = World::with_money(100_000).await;
            drop((client, wallet));
            let life = Life::of(moments);
            let mut client = mortal(&mut world, &life).await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let draft = client.draft(&mut wallet, &paying(60_000)).expect("drafts");
            let outcome = client.send(&mut wallet, draft).await;
            drop((client, wallet));
            let survived = outcome.is_ok() && !life.is_over();

            // The person looks, and pays only if the payment is not under way.
            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client
                .sync(&mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            if wallet.ledger().history().iter().all(|entry| entry.paid.is_empty()) {
                let draft = client.draft(&mut wallet, &paying(60_000)).expect("drafts");
                client
                    .send(&mut wallet, draft)
                    .await
                    .unwrap_or_else(|fault| panic!("after {moments}: {fault}"));
            }
            world.server.mine().await;
            client.sync(&mut wallet).await.expect("syncs");
            let paid: Vec<_> = wallet
                .ledger()
                .history()
                .into_iter()
                .flat_map(|entry| entry.paid)
                .collect();
            assert_eq!(
                paid.iter().map(|paid| paid.value).collect::<Vec<_>>(),
                [sats(60_000)],
                "after {moments}"
            );
            if survived {
                break;
            }
        }
    });
}

#[test]
fn p21_a_lost_reply_to_the_closing_is_made_good_by_a_fresh_test_share() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        // BeginCreate arrives; FinishCreate does, three times, and its reply never.
        world
            .line
            .fates([Fate::Deliver, Fate::LoseReply, Fate::LoseReply, Fate::LoseReply]);
        let fault = create(&mut client).await.expect_err("must fail");
        assert!(matches!(fault, Fault::Transport(_)), "{fault}");
        drop(client);
        world.line.forget();
        let mut client = world.open().await;
        create(&mut client).await.expect("finishes");
        assert_eq!(world.line.asked(), ["Hello", "TestSign", "Activate"]);
        assert!(client.wallets().await.expect("lists")[0].words_unconfirmed);
    });
}

#[test]
fn p08_a_ceremony_that_ran_out_is_told_so_and_starts_clean_with_other_words() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let unreachable = [Fate::Deliver, Fate::Unreachable, Fate::Unreachable, Fate::Unreachable];
        world.line.fates(unreachable);
        create(&mut client).await.expect_err("must fail");
        let waiting = client.keystore().0.names("create-").await.expect("lists");
        assert_eq!(waiting.len(), 1);
        drop(client);
        world.server.clock.pass(3600);
        world.clock.set(twofold_cosigner::port::Clock::now(&world.server.clock));
        let mut client = world.open().await;
        world.line.forget();
        let made = create(&mut client).await.expect("starts clean");
        let late = world
            .line
            .seen()
            .into_iter()
            .find(|(call, _)| call.path.ends_with("/FinishCreate"));
        let late = late
            .and_then(|(_, reply)| reply)
            .expect("the round that came too late was answered");
        let refusal = twofold_wire::client::decode_error(late.status, &late.body).expect("by the server");
        assert_eq!(
            (late.status, refusal.reason),
            (504, twofold_api::Reason::CeremonyExpired)
        );
        assert!(
            !waiting[0].as_str().contains(&made.wallet.id().to_string()),
            "another wallet"
        );
        assert_eq!(client.wallets().await.expect("lists").len(), 1);
    });
}

/// A keystore on a real disk.
struct OnDisk;

impl Platform for OnDisk {
    type Transport = Line;
    type Keystore = Folder;
    type Clock = DeviceClock;
    type Random = rand_chacha::ChaCha20Rng;
}

#[test]
fn f10_nothing_of_the_keystore_lies_open_on_the_disk() {
    block_on(async {
        let mut world = World::new().await;
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&place.path().join("home")).expect("opens");
        let (invitation, mut random) = (world.server.invite().await, world.random());
        let cost = Cost::new(64, 1, 1).expect("within bounds");
        let keys = Unlocked::create(folder.clone(), &phrase(), cost, &mut random)
            .await
            .expect("makes");
        let clock = DeviceClock(world.clock.clone());
        let laptop = named("laptop");
        let joined = Client::<OnDisk>::join(keys, world.line.clone(), clock, random, &invitation, &laptop);
        let mut client = joined.await.expect("joins");
        let made = client.create(&named("savings"), &mut |_| {}).await.expect("creates");

        // Every item as it is inside: the identity, the unlock key, the words, names, the books.
        let mut inside = vec![made.words.expose_line().to_string().into_bytes()];
        let secret = made.words.secret().expect("words carry a secret");
        inside.push(secret.age_identity().to_string().into_bytes());
        inside.push(secret.age_secret().expose().to_vec());
        let items = client.keystore().0.names("").await.expect("lists");
        for name in items.iter().filter(|name| name.as_str() != "keystore") {
            inside.push(
                client
                    .keystore()
                    .0
                    .load(name)
                    .await
                    .expect("opens")
                    .expect("is there")
                    .to_vec(),
            );
        }
        assert!(
            inside.len() >= 6,
            "home, wallet, checkpoint and books at least: {items:?}"
        );

        let mut open = std::collections::HashSet::new();
        for entry in std::fs::read_dir(folder.path()).expect("reads") {
            let bytes = std::fs::read(entry.expect("reads").path()).expect("reads");
            open.extend(bytes.windows(12).map(<[u8]>::to_vec));
        }
        for item in inside {
            for window in item.windows(12) {
                assert!(
                    !open.contains(window),
                    "{:?} lies open",
                    String::from_utf8_lossy(window)
                );
            }
        }
        drop(client);
        let fault = Unlocked::unlock(folder, &other_phrase())
            .await
            .expect_err("a stolen folder must not open");
        assert_eq!(fault, KeystoreFault::WrongPassphrase);
    });
}

fn other_phrase() -> twofold_client::keystore::Passphrase {
    twofold_client::keystore::Passphrase::new("correct horse battery stapler".into()).expect("not empty")
}
