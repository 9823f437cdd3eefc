//! A model of one wallet under everything that can happen to it: spends, replacements, retries, lost replies, restarts,
//! clocks, wrong keys. After each step the invariants of the protocol are checked.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::Hash;
use futures::executor::block_on;
use proptest::{prelude::*, test_runner::Config};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use twofold_api::{Reason, audit::Event, reply, request, seal_key::Step};
use twofold_threshold::secret::UnlockKey;

use crate::{
    fixture::{House, Phone, Purse, Spend, SpendCall, name, rng},
    testing::memory::Fate,
};

/// What each coin is worth, in satoshi.
const COIN: u64 = 100_000;

/// What may happen. Numbers that name something are taken modulo how many there are.
#[derive(Debug, Clone)]
enum Move {
    Pay,
    Spend {
        coins: BTreeSet<u8>,
        amount: u64,
        fate: Fate,
    },
    /// The same request again.
    Retry(u8),
    /// The same transaction in a new request.
    Again(u8),
    /// The same coins, and so much more fee.
    Replace(u8, u64),
    /// Another request under the nonce of an earlier one.
    ReuseNonce(u8),
    WrongUnlock(u8),
    WrongEpoch(u8),
    Rename(u8),
    Restart,
    Purge,
    TimePasses(u64),
    ClockGoesBack(u64),
    /// The clock is wrong by so much for a moment, in which the house drops what it takes to be past its time.
    WrongMoment(u64),
}

/// What a spend comes to: the coins it spends, and what it costs.
type Cost = (BTreeSet<usize>, u64);

/// What must be true, worked out without the cosigner's code.
#[derive(Debug, Clone, Default)]
struct Model {
    coins: usize,
    spends: Vec<Cost>,
}

impl Model {
    fn some<T>(of: &[T], which: u8) -> Option<&T> {
        of.get(usize::from(which).checked_rem(of.len())?)
    }

    fn coins(&self, which: &BTreeSet<u8>) -> BTreeSet<usize> {
        which
            .iter()
            .filter_map(|which| usize::from(*which).checked_rem(self.coins))
            .collect()
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Move> {
        let fate = prop_oneof![6 => Just(Fate::Commit), 1 => Just(Fate::Refuse), 1 => Just(Fate::CommitUnheard)];
        let spend = (prop::collection::btree_set(any::<u8>(), 1..4), 1_000..60_000_u64, fate)
            .prop_map(|(coins, amount, fate)| Move::Spend { coins, amount, fate });
        prop_oneof![
            3 => Just(Move::Pay),
            6 => spend,
            4 => any::<u8>().prop_map(Move::Retry),
            2 => any::<u8>().prop_map(Move::Again),
            3 => (any::<u8>(), 0..4_000_u64).prop_map(|(which, more)| Move::Replace(which, more)),
            1 => any::<u8>().prop_map(Move::ReuseNonce),
            1 => any::<u8>().prop_map(Move::WrongUnlock),
            1 => any::<u8>().prop_map(Move::WrongEpoch),
            1 => any::<u8>().prop_map(Move::Rename),
            1 => Just(Move::Restart),
            1 => Just(Move::Purge),
            1 => (0..2_000_u64).prop_map(Move::TimePasses),
            1 => (0..4_000_u64).prop_map(Move::ClockGoesBack),
            1 => (60..10_000_000_000_u64).prop_map(Move::WrongMoment),
        ]
        .boxed()
    }

    fn apply(mut state: Self, step: &Move) -> Self {
        match step {
            Move::Pay => state.coins += 1,
            Move::Spend { coins, amount, .. } if state.coins > 0 => {
                let coins = state.coins(coins);
                state.spends.push((coins, amount + 1_000));
            }
            Move::Replace(which, more) => {
                if let Some((coins, cost)) = Self::some(&state.spends, *which).cloned() {
                    state.spends.push((coins, cost + more));
                }
            }
            Move::Again(which) => {
                if let Some(spend) = Self::some(&state.spends, *which).cloned() {
                    state.spends.push(spend);
                }
            }
            _ => {}
        }
        state
    }
}

/// A request that was sent, and what came of it.
struct Sent {
    call: SpendCall,
    psbt: bitcoin::Psbt,
    cost: u64,
    coins: BTreeSet<usize>,
    reply: Option<reply::Signed>,
}

/// The real thing.
struct World {
    house: House,
    phone: Phone,
    purse: Purse,
    coins: Vec<Spend>,
    sent: Vec<Sent>,
    renames: usize,
    /// The latest time anybody has seen.
    now: u64,
}

impl World {
    fn send(&mut self, psbt: bitcoin::Psbt, coins: BTreeSet<usize>, cost: u64, fate: Fate) {
        let call = self.phone.spend(&self.house, &self.purse, &psbt);
        self.house.store.fates([fate]);
        let result = call.send(&self.house);
        let reply = match fate {
            Fate::Commit => Some(result.expect("an honest spend is signed")),
            Fate::Refuse | Fate::CommitUnheard => {
                assert_eq!(result.expect_err("the store failed").reason, Reason::StoreUnavailable);
                None
            }
        };
        if let Some(reply) = &reply {
            self.purse.note(&reply.head, &self.house.mind.identity());
        }
        self.sent.push(Sent {
            call,
            psbt,
            cost,
            coins,
            reply,
        });
    }

    /// Sends a request again: the same bytes as before, the first ones where nothing was stored, or too late.
    fn retry(&mut self, which: u8) {
        let Some(at) = usize::from(which).checked_rem(self.sent.len()) else {
            return;
        };
        let (before, stored) = (self.house.rows(), self.is_stored(at));
        let sent = &mut self.sent[at];
        match sent.call.send(&self.house) {
            Ok(reply) => {
                if let Some(earlier) = &sent.reply {
                    assert_eq!(*earlier, reply, "a retry got another reply");
                }
                if stored {
                    assert!(self.house.rows() == before, "a retry ran again");
                }
                sent.reply = Some(reply);
            }
            // The window is over, or the key that the unlock key was sealed to went with a restart.
            Err(refusal) => {
                assert!(
                    matches!(refusal.reason, Reason::ClockSkew | Reason::StaleSealKey),
                    "{refusal}"
                );
                assert!(
                    refusal.reason == Reason::ClockSkew || !stored,
                    "a record did not answer"
                );
                assert!(self.house.rows() == before, "a refusal changed something");
            }
        }
    }

    /// Whether the wallet's history says that a request was signed.
    fn is_stored(&self, at: usize) -> bool {
        let digest = self.sent[at].call.call.proof.digest();
        let signed = |event: &Event| matches!(event, Event::Signed(signed) if signed.request == digest);
        self.house.audit(&self.purse).iter().any(|entry| signed(&entry.event))
    }

    /// A request that must be refused, made of an honest one.
    fn refused(&self, which: u8, reason: Reason, twist: impl FnOnce(&Self, &mut SpendCall)) {
        let Some(sent) = Model::some(&self.sent, which) else {
            return;
        };
        let mut call = self.phone.spend(&self.house, &self.purse, &sent.psbt);
        twist(self, &mut call);
        self.house.refuses(reason, || call.send(&self.house));
    }

    fn reuse_nonce(&self, which: u8) {
        let Some(at) = usize::from(which).checked_rem(self.sent.len()) else {
            return;
        };
        let nonce = self.sent[at].call.call.proof.nonce();
        let recorded = self.house.rows().replays.contains_key(&(self.phone.id(), nonce));
        if recorded {
            // The phone's own question for the sealing key must not use the nonce up.
            let mut call = self.phone.spend(&self.house, &self.purse, &self.sent[at].psbt);
            self.phone.next_nonce.set(Some(nonce));
            call.call = self.phone.call("Sign", Some(self.purse.id), b"another body");
            self.house.refuses(Reason::NonceReused, || call.send(&self.house));
        }
    }

    fn rename(&mut self, which: u8) {
        let text = format!("name {which}");
        let call = self.phone.call("RenameWallet", Some(self.purse.id), text.as_bytes());
        let asked = request::RenameWallet {
            wallet: self.purse.id,
            name: name(&text),
            checkpoint: self.purse.newest.get(),
        };
        let done = block_on(self.house.mind.rename_wallet(self.house.let_in(&call, asked).unwrap())).unwrap();
        self.purse.note(&done.head, &self.house.mind.identity());
        self.renames += 1;
    }
}

impl StateMachineTest for World {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let house = House::new();
        let phone = Phone::joined(&house);
        let purse = phone.create(&house);
        let now = phone.clock.get();
        Self {
            house,
            phone,
            purse,
            coins: Vec::new(),
            sent: Vec::new(),
            renames: 0,
            now,
        }
    }

    fn apply(mut world: Self, _: &Model, step: Move) -> Self {
        let known = Model {
            coins: world.coins.len(),
            spends: Vec::new(),
        };
        match step {
            Move::Pay => {
                let index = u32::try_from(world.coins.len() % 10).unwrap();
                let coin = world.house.pay(&world.purse, COIN, index);
                world.coins.push(coin);
            }
            Move::Spend { coins, amount, fate } if known.coins > 0 => {
                let coins = known.coins(&coins);
                let spent: Vec<_> = coins.iter().map(|at| world.coins[*at]).collect();
                let psbt = world.purse.psbt(&spent, amount);
                world.send(psbt, coins, amount + 1_000, fate);
            }
            Move::Spend { .. } => {}
            Move::Retry(which) => world.retry(which),
            Move::Again(which) => {
                if let Some(sent) = Model::some(&world.sent, which) {
                    let (psbt, coins, cost) = (sent.psbt.clone(), sent.coins.clone(), sent.cost);
                    world.send(psbt, coins, cost, Fate::Commit);
                }
            }
            Move::Replace(which, more) => {
                if let Some(sent) = Model::some(&world.sent, which) {
                    let (mut psbt, coins, cost) = (sent.psbt.clone(), sent.coins.clone(), sent.cost + more);
                    psbt.unsigned_tx.output[1].value -= bitcoin::Amount::from_sat(more);
                    world.send(psbt, coins, cost, Fate::Commit);
                }
            }
            Move::ReuseNonce(which) => world.reuse_nonce(which),
            Move::WrongUnlock(which) => world.refused(which, Reason::WrongUnlockKey, |world, call| {
                let wrong = UnlockKey::generate(&mut rng());
                call.sealed = world.phone.seal(&world.house, world.purse.id, 1, Step::Sign, &wrong);
            }),
            Move::WrongEpoch(which) => {
                world.refused(which, Reason::StaleEpoch, |_, call| call.epoch.number += 1);
            }
            Move::Rename(which) => world.rename(which),
            Move::Restart => world.house.restart(),
            Move::Purge => block_on(world.house.mind.purge()).unwrap(),
            Move::TimePasses(seconds) => {
                world.now += seconds;
                world.house.clock.set(world.now - seconds);
                world.house.clock.pass(seconds);
                world.phone.clock.set(world.now);
            }
            Move::ClockGoesBack(seconds) => world.house.clock.set(world.now - seconds),
            Move::WrongMoment(seconds) => {
                world.house.clock.set(world.now + seconds);
                block_on(world.house.mind.purge()).unwrap();
                world.house.clock.set(world.now);
                // Nobody pays for it: whoever has the right time is served at once.
                world.phone.clock.set(world.now);
                let asked = world.phone.call("Hello", None, b"");
                world.house.let_in(&asked, request::Hello).expect("the right time");
            }
        }
        // After a restart with a clock that went back the house may be behind; the phone asks and goes along.
        let told = world.phone.call("Hello", None, b"");
        if let Err(refusal) = world.house.let_in(&told, request::Hello) {
            assert_eq!(refusal.reason, Reason::ClockSkew);
            world
                .phone
                .clock
                .set(refusal.server_time.expect("the time comes along").seconds);
        }
        world
    }

    fn check_invariants(world: &Self, model: &Model) {
        assert_eq!(world.sent.len(), model.spends.len());
        let tables = world.house.rows();
        let mut signed = BTreeMap::new();
        let mut others = BTreeMap::new();
        for entry in world.house.audit(&world.purse) {
            if let Event::Signed(entry) = entry.event {
                let twice = signed.insert(entry.request, entry);
                assert!(twice.is_none(), "one request is in the audit chain twice");
            } else {
                *others.entry(entry.event.name()).or_insert(0) += 1;
            }
        }
        // 4, 5: what was answered is in the chain and in the list of what was given out, and nothing else is.
        let mut charged = Vec::new();
        for (sent, (coins, cost)) in world.sent.iter().zip(&model.spends) {
            assert_eq!((&sent.coins, sent.cost), (coins, *cost));
            let entry = signed.remove(&sent.call.call.proof.digest());
            assert!(
                entry.is_some() || sent.reply.is_none(),
                "an answered request is missing from the audit chain"
            );
            if let Some(entry) = entry {
                let txid = sent.psbt.unsigned_tx.compute_txid().to_byte_array();
                assert_eq!((entry.txid, entry.charge), (txid, *cost));
                assert!(tables.issued.iter().any(|issued| issued.txid == txid));
                charged.push((coins.clone(), *cost, entry.added));
            }
        }
        assert!(
            signed.is_empty(),
            "the audit chain has a signature that nobody asked for"
        );
        assert_eq!(others.get("renamed").copied().unwrap_or(0), world.renames);
        assert_eq!(others.get("fenced"), None, "an honest history was fenced");

        // 4: nothing that was signed is uncharged, and nothing is charged twice.
        let groups: u64 = tables.charges.values().map(|group| group.amount).sum();
        let added: u64 = charged.iter().map(|(_, _, added)| added).sum();
        let windows: u64 = world
            .house
            .state(&world.purse)
            .windows
            .iter()
            .map(|window| window.sum)
            .sum();
        assert_eq!(
            (groups, windows),
            (added, added),
            "groups, window and audit chain disagree"
        );
        let mut dearest_first: Vec<_> = charged.into_iter().map(|(coins, cost, _)| (coins, cost)).collect();
        dearest_first.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        dearest_first.dedup();
        assert!(
            groups >= dearest(&dearest_first, &BTreeSet::new()),
            "what can confirm together is not charged"
        );
        let most: u64 = dearest_first.iter().map(|(_, cost)| cost).sum();
        assert!(groups <= most, "something is charged twice");
    }
}

/// The dearest set of spends that share no coin.
fn dearest(left: &[Cost], taken: &BTreeSet<usize>) -> u64 {
    let Some(((coins, cost), rest)) = left.split_first() else {
        return 0;
    };
    let without = dearest(rest, taken);
    if !coins.is_disjoint(taken) {
        return without;
    }
    without.max(cost + dearest(rest, &(taken | coins)))
}

prop_state_machine! {
    #![proptest_config(Config { cases: 24, max_shrink_iters: 200, ..Config::default() })]

    #[test]
    fn a_wallet_keeps_its_invariants_whatever_happens(sequential 1..25 => World);
}
