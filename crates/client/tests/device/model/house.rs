//! The real thing: the cosigner behind its framework, machines with the real client, and a person with the words.

mod check;
mod forward;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::executor::block_on;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_client::port::{HttpCall, HttpReply};
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault};
use twofold_cosigner::testing::MemoryAnchor;
use twofold_cosigner::testing::memory::Tables;
use twofold_threshold::checkpoint::Head;
use twofold_threshold::device_list::{Act, Change};
use twofold_threshold::id::{DeviceId, EpochId, WalletId};
use twofold_threshold::words::RecoverySecret;

use super::book::{Book, Card, DAY, Key, Link, Mark, Now};
use super::step::Road;
use crate::crashes::{Life, Mortal, mortal};
use crate::line::Fate;
use crate::server::Server;
use crate::world::{World, create, sats};
use check::{Challenge, Ever};

/// Lives that nothing ends.
const LONG: usize = usize::MAX;
/// Old requests that somebody in between has kept.
const RECORDED: usize = 60;

/// How far a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It has the wallet.
    In,
    /// It showed its card to the device that introduced it.
    Waiting { from: DeviceId },
    /// It wants to take a lost one's place.
    Recovering,
}

/// A machine, or a thief's copy of one.
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) card: Card,
    pub(crate) place: Place,
    /// The code that recovery's new machine joined with.
    pub(crate) code: Option<[u8; 16]>,
    /// The epoch of its share.
    pub(crate) epoch: Option<EpochId>,
    /// The sealing keys that it brought by refreshes of its own.
    pub(crate) own: BTreeSet<Key>,
    /// Those that recovery asked for it with.
    pub(crate) wished: BTreeSet<Key>,
    /// It may hold an epoch to come that the server has not taken yet.
    pub(crate) unsure: bool,
    /// Its recovery was cut short when the share was here, and something of the rest is left to do.
    pub(crate) unsettled: bool,
    /// The furthest that the server has signed to it.
    pub(crate) head: Option<Head>,
    /// By how many seconds its clock is off.
    pub(crate) skew: i64,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Told<T> {
    Done(T),
    /// It was refused, here or there.
    Refused(Fault),
    /// Nobody knows.
    Cut,
}

/// A backup, and what was true then.
pub(crate) struct Backup {
    pub(crate) tables: Tables,
    pub(crate) book: Book,
    /// Which anchor and which start of the server it is of, and the time that the server was sure of.
    pub(crate) anchors: u32,
    pub(crate) starts: u32,
    pub(crate) floor: u64,
    /// Under which KEKs.
    pub(crate) keks: (u8, Option<u8>),
}

pub(crate) struct House {
    pub(crate) server: Arc<Server>,
    pub(crate) anchor: MemoryAnchor,
    /// The anchor's last word of the wallet; as it was when the anchor began where it had none.
    pub(crate) mark: Option<Mark>,
    /// How many anchors were begun, and how often a server was started beside this one.
    pub(crate) anchors: u32,
    pub(crate) starts: u32,
    /// The time that the server is sure of.
    pub(crate) floor: u64,
    /// It was, to a moment before some sealing key was replaced perhaps.
    pub(crate) was_restored: bool,
    pub(crate) machines: Vec<Machine>,
    /// All recovery words there ever were.
    pub(crate) sheets: Vec<RecoverySecret>,
    /// The KEK, and the one that takes its place.
    pub(crate) keks: (u8, Option<u8>),
    pub(crate) wallet: WalletId,
    pub(crate) book: Book,
    pub(crate) backups: Vec<Backup>,
    pub(crate) recorded: Vec<(HttpCall, HttpReply)>,
    oracle: BTreeMap<Vec<u8>, Challenge>,
    /// What any server has ever signed for, and the refreshes by the transcripts of their epochs.
    ever: Ever,
    /// Entries of the log when it was looked at last.
    pub(crate) entries: usize,
    links: BTreeMap<[u8; 32], Link>,
    seeds: u64,
    pub(crate) tally: BTreeMap<&'static str, [u32; 3]>,
}

pub(crate) fn told<T>(result: Result<T, Fault>, road: Road) -> Told<T> {
    match result {
        Ok(done) => Told::Done(done),
        Err(Fault::Transport(_) | Fault::Keystore(_)) if road != Road::Smooth => Told::Cut,
        Err(fault) => Told::Refused(fault),
    }
}

impl House {
    pub(crate) fn new() -> Self {
        let (mut house, world, card) = block_on(Self::make());
        house.settle(world, card, Place::In);
        house.look();
        house
    }

    async fn make() -> (Self, World, Card) {
        let anchor = MemoryAnchor::default();
        let first = World::new().await;
        let old = &first.server;
        let parts = (old.store.clone(), old.chain.clone(), old.clock.clone());
        let server = Server::start(parts, Some((&anchor, false))).await.expect("starts");
        let mut world = first;
        world.turn_to(&server);
        let mut client = world.join().await.expect("joins");
        let made = create(&mut client).await.expect("creates");
        let words = made.words.secret().expect("words");
        let mut wallet = made.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");
        for _ in 0..2 {
            let address = client.receive_fresh(&mut wallet).await.expect("receives");
            client.sync(&mut wallet).await.expect("syncs");
            server.fund(&address, sats(1_000_000)).await;
        }
        client.sync(&mut wallet).await.expect("syncs");
        let id = wallet.id();
        let looked = server.cosigner.look(id).await.expect("opens").expect("is there");
        let device = looked.list.devices()[0].clone();
        let card = Card {
            id: device.id(),
            identity: *device.identity(),
            key: *device.sealing().as_bytes(),
        };
        let book = Book::new(card, looked.epoch, *looked.list.head());
        drop((client, wallet));
        let mark = Some(book.mark());
        let house = Self {
            server,
            anchor,
            mark,
            anchors: 0,
            starts: 0,
            floor: 0,
            was_restored: false,
            machines: Vec::new(),
            sheets: vec![words],
            keks: (3, None),
            wallet: id,
            book,
            backups: Vec::new(),
            recorded: Vec::new(),
            oracle: BTreeMap::new(),
            ever: Ever::default(),
            entries: 0,
            links: BTreeMap::new(),
            seeds: 1_000_000,
            tally: BTreeMap::new(),
        };
        (house, world, card)
    }

    /// Takes a machine in.
    pub(crate) fn settle(&mut self, mut world: World, card: Card, place: Place) -> usize {
        self.seeds += 1_000_000;
        world.seed = self.seeds;
        self.machines.push(Machine {
            world,
            card,
            place,
            code: None,
            epoch: None,
            own: BTreeSet::new(),
            wished: BTreeSet::new(),
            unsure: false,
            unsettled: false,
            head: None,
            skew: 0,
        });
        let machine = self.machines.len() - 1;
        self.note(machine);
        machine
    }

    pub(crate) fn random(&mut self) -> ChaCha20Rng {
        self.seeds += 1;
        ChaCha20Rng::seed_from_u64(self.seeds)
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            // Never before what it is sure of.
            shown: twofold_cosigner::port::Clock::now(&self.server.clock).max(self.floor),
            counted: self.floor,
        }
    }

    /// A command begins on a machine.
    pub(crate) async fn open(&mut self, machine: usize, road: Road) -> (Client<Mortal>, Option<Wallet>) {
        let now = self.now().shown;
        let machine = &mut self.machines[machine];
        machine.world.clock.set(now.saturating_add_signed(machine.skew));
        machine.world.line.forget();
        let life = match road {
            Road::Killed(moments) => Life::of(usize::from(moments)),
            _ => Life::of(LONG),
        };
        if let Road::Lossy(after) = road {
            let first = (0..after).map(|_| Fate::Deliver);
            machine
                .world
                .line
                .fates(first.chain([Fate::LoseReply, Fate::Deliver, Fate::Twice]));
        }
        let client = mortal(&mut machine.world, &life).await;
        let wallet = client.open_wallet(None).await.ok();
        (client, wallet)
    }

    /// A command is over: what its machine now holds.
    pub(crate) fn note(&mut self, machine: usize) {
        let server = self.server.cosigner.identity();
        let machine = &mut self.machines[machine];
        machine.world.line.fates([]);
        let seen = machine.world.line.seen();
        machine.world.line.forget();
        let answered = seen.into_iter().filter_map(|(call, reply)| Some((call, reply?)));
        self.recorded.extend(answered.filter(|(_, reply)| reply.status == 200));
        let surplus = self.recorded.len().saturating_sub(RECORDED);
        self.recorded.drain(..surplus);
        let opened = block_on(async {
            let client = machine.world.open().await;
            client.open_wallet(None).await
        });
        if let Ok(wallet) = opened {
            machine.epoch = Some(wallet.epoch());
            let shown = wallet
                .checkpoint()
                .map(|checkpoint| checkpoint.verify(&server).expect("the server's"));
            machine.head = shown.copied();
        }
    }

    /// The server as it is, compared with the first of these that fits, which is what counts from here on.
    pub(crate) fn resolve(&mut self, possible: Vec<Book>, actor: Option<usize>, what: &str) {
        let looked = block_on(self.server.cosigner.look(self.wallet));
        let looked = looked.expect("authentic").expect("is there");
        let mut misses = Vec::new();
        let (resealed, heads) = (self.resealed(actor), self.list_heads());
        for mut book in possible {
            match book.holds(&looked, &heads, &resealed) {
                Ok(()) => {
                    if let Some(actor) = actor {
                        let machine = &mut self.machines[actor];
                        let seat = book.seats.iter().find(|seat| seat.card.id == machine.card.id);
                        machine
                            .own
                            .extend(seat.filter(|_| !resealed.is_empty()).map(|seat| seat.card.key));
                    }
                    if book.mark() != self.book.mark() || book.generation != self.book.generation {
                        self.mark = Some(book.mark());
                    }
                    book.signed.clone_from(&self.book.signed);
                    self.book = book;
                    self.check(&looked);
                    return;
                }
                Err(miss) => misses.push(miss),
            }
        }
        unreachable!("{what}: none of what may be is so:\n{}", misses.join("\n"));
    }

    /// The fresh sealing keys that the list has got since it was looked at last: only the machine that acts gives itself
    /// one.
    fn resealed(&self, actor: Option<usize>) -> Vec<DeviceId> {
        let chains = self.server.store.with(|tables| tables.chains[&self.wallet].clone());
        let new = chains.device_list.iter().skip(self.book.heads.len());
        let entries = new.map(|entry| Change::try_from(entry.as_slice()).expect("an entry"));
        let fresh = entries.filter_map(|entry| match entry.act() {
            Act::Reseal { device, .. } => Some(*device),
            _ => None,
        });
        let fresh: Vec<_> = fresh.collect();
        let actor = actor.map(|actor| self.machines[actor].card.id);
        assert!(
            fresh.iter().all(|device| Some(*device) == actor),
            "somebody else's sealing key was replaced"
        );
        fresh
    }

    pub(crate) fn look(&mut self) {
        self.resolve(vec![self.book.clone()], None, "nothing happened");
    }

    /// Starts the server again over what it stored.
    pub(crate) async fn restart(&mut self, anew: bool) -> Result<(), twofold_cosigner::StartFault> {
        let old = &self.server;
        let parts = (old.store.clone(), old.chain.clone(), old.clock.clone());
        self.server = Server::start_under(parts, Some((&self.anchor, anew)), self.keks).await?;
        for machine in &mut self.machines {
            machine.world.turn_to(&self.server);
        }
        self.starts += 1;
        Ok(())
    }

    /// Hours pass, and the server looks at its clock.
    pub(crate) fn pass(&mut self, hours: u64) {
        for _ in 0..2 {
            self.server.clock.pass(hours * 1800);
            block_on(self.server.cosigner.purge()).expect("purges");
            let shown = self.now().shown;
            // A clock so far past what the server last knew is believed on the operator's word alone.
            if self.floor == 0 || shown <= self.floor + 30 * DAY {
                self.floor = shown;
            }
        }
    }

    /// Whether a machine comes from its epoch to the wallet's: each refresh on the way was sealed to a key that it has, or
    /// may have.
    pub(crate) fn reaches(&self, machine: &Machine) -> bool {
        self.comes_from(machine, machine.epoch)
    }

    /// The same from another epoch.
    pub(crate) fn comes_from(&self, machine: &Machine, epoch: Option<EpochId>) -> bool {
        let Some(at) = self.book.path.iter().position(|known| Some(*known) == epoch) else {
            return false;
        };
        let has = |key: &Key| *key == machine.card.key || machine.own.contains(key);
        self.book.links[at..].iter().all(|link| {
            let own = link.by == machine.card.id && machine.own.contains(&link.key);
            own || link.sealed.get(&machine.card.id).is_some_and(has)
        })
    }

    /// Whether it surely does: no restore may have brought back a sealing key that it has erased.
    pub(crate) fn surely_reaches(&self, machine: &Machine) -> bool {
        self.reaches(machine) && (!self.was_restored || machine.epoch == Some(self.book.epoch()))
    }

    /// Whether a device's newest word is in the chain here, or was given up by a lift.
    pub(crate) fn knows(&self, head: &Head) -> bool {
        let tables = self
            .server
            .store
            .with(|tables| tables.audit.get(&(self.wallet, head.seq)).cloned());
        let contained = tables.is_some_and(|row| row.chain == head.chain) && head.generation <= self.book.generation;
        let lifted = head.generation < self.book.generation && head.epoch.number <= self.book.epoch().number;
        contained || lifted
    }
}
