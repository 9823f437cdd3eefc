//! What a restored server lacks and devices still have.

mod asked;

use futures::executor::block_on;
use twofold_api::{
    Reason, Refusal,
    audit::{Event, Lift},
    reply, request,
};
use twofold_threshold::{
    checkpoint::{Checkpoint, Head},
    device_list::{Act, Change, Proposal, Signer},
    envelope::SealSecret,
    identity::IdentitySecret,
    refresh::Link,
    secret::Secret32,
};

use crate::{
    Config, Kek,
    fixture::{House, Phone, Purse, rng},
    testing::{MemoryAnchor, memory::Tables},
};

/// What a device says of it that is not so.
type Lie<'a> = &'a dyn Fn(&mut request::RollForward);

/// What of a wallet its phone has, and what the operator keeps offline.
struct Scene {
    house: House,
    phone: Phone,
    purse: Purse,
    anchor: MemoryAnchor,
    backup: Tables,
    offline: age::x25519::Identity,
}

/// A house of which a backup was made once its one wallet had spent.
fn scene() -> Scene {
    let offline = age::x25519::Identity::generate();
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.offline_key = Some(offline.to_public().to_string().parse().unwrap());
    let (mut house, anchor) = (House::with(config), MemoryAnchor::default());
    house.restart_with(&anchor, false).unwrap();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    spends(&house, &phone, &purse).unwrap();
    let backup = house.rows();
    Scene {
        house,
        phone,
        purse,
        anchor,
        backup,
        offline,
    }
}

impl Scene {
    /// What the phone brings to a server that has the backup alone, up to what it has seen last.
    fn brings(&self) -> request::RollForward {
        let told = self.phone.told(&self.house, &self.purse);
        let had = &self.backup.chains[&self.purse.id];
        let base = self
            .backup
            .audit
            .range((self.purse.id, 0)..=(self.purse.id, u64::MAX))
            .count();
        let (entries, checkpoint) = (self.log(), self.purse.newest.get());
        request::RollForward {
            wallet: self.purse.id,
            checkpoint,
            entries: entries[base..].to_vec(),
            device_list: told.device_list[had.device_list.len()..].to_vec(),
            links: told.package[had.package.len()..].to_vec(),
            kept: self.purse.kept.clone(),
            package: told.package[0].clone(),
        }
    }

    fn log(&self) -> Vec<Vec<u8>> {
        let rows = self.house.rows().audit;
        let of = rows.range((self.purse.id, 0)..=(self.purse.id, u64::MAX));
        of.map(|(_, row)| row.entry.clone()).collect()
    }

    /// The house burns, and is there again from the backup; without its anchor, so that nothing is lifted.
    fn restore(&mut self) {
        self.house.restore(&self.backup, &self.anchor);
        self.anchor = MemoryAnchor::default();
        self.house.restart_with(&self.anchor, true).unwrap();
        assert!(self.house.state(&self.purse).fence.is_some());
    }

    fn brought(&self, what: request::RollForward) -> Result<reply::Done, Refusal> {
        bring(&self.house, &self.phone, &self.purse, what)
    }

    /// What the operator does with the offline key.
    fn adopt(&self) -> Result<(), Refusal> {
        let (kept, next) = block_on(self.house.mind.kept_shares(None)).unwrap();
        assert_eq!((kept.len(), next), (1, None));
        let inner = age::decrypt(&self.offline, &kept[0].sealed).unwrap();
        block_on(self.house.mind.adopt_share(self.purse.id, &inner))
    }

    fn decide(&self) -> Result<bool, Refusal> {
        block_on(self.house.mind.decide_fence(self.purse.id, "the disk died", false))
    }

    fn lift(&self) -> Result<reply::Done, Refusal> {
        let call = self.phone.call("LiftFence", Some(self.purse.id), b"yes");
        let asked = request::LiftFence {
            wallet: self.purse.id,
            checkpoint: Some(self.purse.newest.get()),
            seal_key: self.phone.offer(&self.house).public(),
            recovery: None,
        };
        let done = block_on(self.house.mind.lift_fence(self.house.let_in(&call, asked)?))?;
        self.purse.note(&done.head, &self.house.mind.identity());
        Ok(done)
    }

    fn spends(&self) -> Result<(), Reason> {
        spends(&self.house, &self.phone, &self.purse)
    }

    fn why(&self) -> String {
        let (fences, _) = block_on(self.house.mind.fences(None)).unwrap();
        fences.first().map(|fence| fence.why.clone()).unwrap_or_default()
    }
}

/// A refresh without what is in it for devices.
fn stripped(link: &[u8]) -> Vec<u8> {
    Link::try_from(link).unwrap().for_recovery().to_bytes()
}

fn bring(house: &House, phone: &Phone, purse: &Purse, what: request::RollForward) -> Result<reply::Done, Refusal> {
    let call = phone.call("RollForward", Some(purse.id), b"what it has");
    block_on(house.mind.roll_forward(house.let_in(&call, what)?))
}

fn spends(house: &House, phone: &Phone, purse: &Purse) -> Result<(), Reason> {
    let coin = house.pay(purse, 100_000, 0);
    let signed = phone.sign(house, purse, &purse.psbt(&[coin], 40_000));
    signed.map(drop).map_err(|refusal| refusal.reason)
}

fn shares(house: &House, purse: &Purse) -> Vec<u32> {
    let rows = house.rows().shares;
    let of = rows.into_keys().filter(|(wallet, ..)| *wallet == purse.id);
    of.map(|(_, _, epoch)| epoch).collect()
}

#[test]
fn s23_a_restored_server_takes_back_what_it_signed_and_lifts_nothing() {
    let mut scene = scene();
    for _ in 0..2 {
        scene.spends().unwrap();
    }
    let (lost, log, issued) = (scene.house.state(&scene.purse), scene.log(), scene.house.rows().issued);
    let what = scene.brings();
    scene.restore();
    assert_ne!(scene.house.rows().issued, issued);
    let done = scene.brought(what).unwrap();
    let state = scene.house.state(&scene.purse);
    assert_eq!((state.head(), scene.log()), (lost.head(), log));
    assert_eq!(
        scene.house.rows().issued,
        issued,
        "what was given out and never sent is forgotten"
    );
    let shown = Checkpoint::try_from(done.head.checkpoint.unwrap().as_slice()).unwrap();
    assert_eq!(
        shown.to_bytes(),
        scene.purse.newest.get().to_bytes(),
        "it shows another head than it had"
    );
    assert!(state.fence.is_some());
    assert_eq!(scene.spends(), Err(Reason::RestoreFence));
    // By the rule, and with nothing left to spend.
    scene.decide().unwrap();
    scene.lift().unwrap();
    scene.spends().unwrap();
    assert_eq!(
        scene.house.state(&scene.purse).windows[0].sum,
        u64::MAX,
        "limits were reset"
    );
    let fork = scene
        .house
        .audit(&scene.purse)
        .iter()
        .find_map(|entry| match &entry.event {
            Event::Lifted {
                fork,
                by: Lift::Operator { .. },
                ..
            } => Some(*fork),
            _ => None,
        });
    assert_eq!(fork, Some(lost.head().seq));
}

#[test]
fn s23_a_freeze_a_name_and_the_devices_come_back_with_the_log() {
    let mut scene = scene();
    let newcomer = Phone::joined(&scene.house);
    // The user's own second phone.
    let user = scene.house.user_of(&scene.phone);
    scene
        .house
        .store
        .with(|tables| tables.devices.get_mut(&newcomer.id()).unwrap().user = user);
    let ground = scene.phone.ground(&scene.house, &scene.purse);
    let sealing = SealSecret::generate(&mut rng()).public();
    let identity = newcomer.identity.public();
    let proposal = Proposal::new(&ground.list, Act::Enrol { identity, sealing });
    let bytes = proposal.signing_bytes();
    let entry: Change = proposal
        .signed(
            Signer::Device(scene.phone.identity.public()),
            scene.phone.identity.sign_raw(&bytes),
        )
        .countersigned(Signer::Recovery, scene.purse.recovery.sign_raw(&bytes))
        .unwrap();
    let call = scene.phone.call("ChangeDevices", Some(scene.purse.id), b"list");
    let asked = request::ChangeDevices {
        wallet: scene.purse.id,
        entry: entry.to_bytes(),
        parcel: b"parcel".to_vec(),
        checkpoint: scene.purse.newest.get(),
    };
    let done = block_on(
        scene
            .house
            .mind
            .change_devices(scene.house.let_in(&call, asked).unwrap()),
    )
    .unwrap();
    scene.purse.note(&done.head, &scene.house.mind.identity());
    let call = scene.phone.call("SetFreeze", Some(scene.purse.id), b"freeze");
    let asked = request::SetFreeze {
        wallet: scene.purse.id,
        frozen: true,
        recovery: None,
        checkpoint: scene.purse.newest.get(),
    };
    let done = block_on(scene.house.mind.set_freeze(scene.house.let_in(&call, asked).unwrap())).unwrap();
    scene.purse.note(&done.head, &scene.house.mind.identity());
    let lost = scene.house.state(&scene.purse);
    let what = scene.brings();
    scene.restore();
    assert!(scene.house.state(&scene.purse).shape.freeze.is_none());
    scene.brought(what).unwrap();
    let state = scene.house.state(&scene.purse);
    assert_eq!(state.device_list, lost.device_list);
    assert_eq!(state.shape.freeze, lost.shape.freeze);
    assert_eq!(state.shape.lists(newcomer.id()), Some(true));
    // It is let in again, though the database had forgotten it.
    let told = newcomer.told(&scene.house, &scene.purse);
    assert_eq!(told.device_list.len(), 2);
}

#[test]
fn s21_a_refresh_comes_back_with_the_servers_share_once_the_operators_key_has_opened_it() {
    for rotated in [false, true] {
        let mut scene = scene();
        scene.phone.refresh(&scene.house, &mut scene.purse);
        scene.spends().unwrap();
        let (lost, what) = (scene.house.state(&scene.purse), scene.brings());
        assert!(!what.kept.is_empty());
        scene.restore();
        scene.brought(what).unwrap();
        let state = scene.house.state(&scene.purse);
        assert_eq!((state.epoch(), state.head()), (lost.epoch(), lost.head()));
        assert_eq!(
            shares(&scene.house, &scene.purse),
            [2],
            "the share that was refreshed away is there"
        );
        assert_eq!(scene.spends(), Err(Reason::RestoreFence));
        // What nothing here opens signs nothing, so nobody lifts the fence.
        assert_eq!(scene.decide().unwrap_err().reason, Reason::RestoreFence);
        assert_eq!(scene.lift().unwrap_err().reason, Reason::RestoreFence);
        assert!(scene.why().contains("fence adopt"), "{}", scene.why());
        if rotated {
            let kek = Kek::new(Secret32::new([2; 32]));
            block_on(scene.house.mind.begin_rotation(&kek)).unwrap();
            while !block_on(scene.house.mind.rotate()).unwrap().unwrap().over {}
            scene.house.kek = 2;
            scene.house.restart_with(&scene.anchor, false).unwrap();
        }
        for wrong in [
            &b"short"[..],
            b"age-encryption.org/v1 and on, and on, and on and on",
            &[1; 2000],
        ] {
            let refused = block_on(scene.house.mind.adopt_share(scene.purse.id, wrong));
            assert_eq!(refused.unwrap_err().reason, Reason::Malformed);
        }
        scene.adopt().unwrap();
        assert_eq!(
            scene.spends(),
            Err(Reason::RestoreFence),
            "the operator's key lifted the fence"
        );
        scene.decide().unwrap();
        scene.lift().unwrap();
        for _ in 0..2 {
            scene.spends().unwrap();
            let drilled = block_on(scene.house.mind.drill(None)).unwrap();
            assert_eq!((drilled.proved, drilled.wrong.len()), (1, 0), "{drilled:?}");
        }
        scene.phone.refresh(&scene.house, &mut scene.purse);
        scene.spends().unwrap();
        let again = block_on(scene.house.mind.adopt_share(scene.purse.id, &[7; 200]));
        assert_eq!(again.unwrap_err().reason, Reason::OutOfOrder);
    }
}

#[test]
fn s21_a_refresh_that_nobody_read_the_log_of_comes_back_without_it() {
    let mut scene = scene();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    let mut what = scene.brings();
    what.entries.clear();
    let ours = scene.purse.epoch();
    scene.restore();
    let before = scene.log();
    scene.brought(what).unwrap();
    assert_eq!((scene.house.state(&scene.purse).epoch(), scene.log()), (ours, before));
    scene.adopt().unwrap();
    scene.decide().unwrap();
    scene.lift().unwrap();
    scene.spends().unwrap();
}

#[test]
fn s21_the_share_may_come_after_the_refresh_and_from_another_device() {
    let mut scene = scene();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    let what = scene.brings();
    scene.restore();
    let without = request::RollForward {
        kept: Vec::new(),
        ..what.clone()
    };
    scene.brought(without).unwrap();
    assert!(shares(&scene.house, &scene.purse).is_empty());
    assert_eq!(scene.decide().unwrap_err().reason, Reason::RestoreFence);
    assert!(scene.why().contains("share is missing"), "{}", scene.why());
    let after = |kept: &[u8]| request::RollForward {
        entries: Vec::new(),
        device_list: Vec::new(),
        links: Vec::new(),
        kept: kept.to_vec(),
        ..what.clone()
    };
    // Not what the transcript names.
    scene
        .brought(after(b"age-encryption.org/v1 of somebody's own"))
        .unwrap();
    assert!(shares(&scene.house, &scene.purse).is_empty());
    scene.brought(after(&what.kept)).unwrap();
    // What the disk has spoilt comes once more.
    scene.house.store.with(|tables| {
        for share in tables.shares.values_mut() {
            share.sealed[40] ^= 1;
        }
    });
    assert!(scene.why().contains("share is missing"), "{}", scene.why());
    scene.brought(after(&what.kept)).unwrap();
    scene.adopt().unwrap();
    scene.decide().unwrap();
    scene.lift().unwrap();
    scene.spends().unwrap();
}

#[test]
fn s23_what_the_server_did_not_sign_brings_it_nowhere() {
    let mut scene = scene();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    scene.spends().unwrap();
    let stranger = IdentitySecret::generate(&mut rng());
    let head = *scene.purse.newest.get().verify(&scene.house.mind.identity()).unwrap();
    let what = scene.brings();
    let other = scene.phone.create(&scene.house);
    scene.restore();
    // The evidence itself is kept, once.
    let unled = request::RollForward {
        links: Vec::new(),
        ..what.clone()
    };
    assert!(scene.brought(unled).is_err());
    let lies: [(&str, Reason, Lie<'_>); 12] = [
        ("a checkpoint of a stranger", Reason::CheckpointInvalid, &|what| {
            what.checkpoint = head.sign(&stranger);
        }),
        ("a checkpoint of another wallet", Reason::CheckpointInvalid, &|what| {
            what.checkpoint = other.newest.get();
        }),
        ("an entry that says something else", Reason::OutOfOrder, &|what| {
            let entry = what.entries.last_mut().unwrap();
            entry[9] ^= 1;
        }),
        ("an entry too few", Reason::OutOfOrder, &|what| drop(what.entries.pop())),
        ("an entry too many", Reason::OutOfOrder, &|what| {
            let again = what.entries[0].clone();
            what.entries.push(again);
        }),
        ("entries from further on", Reason::OutOfOrder, &|what| {
            drop(what.entries.remove(0));
        }),
        ("what is no entry", Reason::Malformed, &|what| {
            what.entries[0] = b"entry".to_vec();
        }),
        ("no refresh", Reason::OutOfOrder, &|what| what.links.clear()),
        ("a refresh that is cut", Reason::Malformed, &|what| {
            what.links[0].truncate(40);
        }),
        ("another's envelopes for recovery", Reason::OutOfOrder, &|what| {
            // Behind the last byte of what is recovery's come a count and an empty field.
            what.links[0] = stripped(&what.links[0]);
            let last = what.links[0].len() - 6;
            what.links[0][last] ^= 1;
        }),
        ("another's envelopes for a device", Reason::OutOfOrder, &|what| {
            *what.links[0].last_mut().unwrap() ^= 1;
        }),
        ("no entry of the list", Reason::OutOfOrder, &|what| {
            what.device_list.clear();
        }),
    ];
    for (lie, reason, tell) in lies {
        let mut lying = what.clone();
        tell(&mut lying);
        let before = scene.house.rows();
        let refusal = scene.brought(lying).err().unwrap_or_else(|| panic!("{lie} was taken"));
        assert_eq!(refusal.reason, reason, "{lie}: {refusal}");
        assert!(scene.house.rows() == before, "{lie} left a trace");
    }
    // The same, untouched; what was for devices may be left out.
    let links = vec![stripped(&what.links[0])];
    scene.brought(request::RollForward { links, ..what }).unwrap();
    assert_eq!(scene.house.state(&scene.purse).epoch().number, 2);
}

#[test]
fn s19_a_device_that_brings_a_part_of_it_hides_nothing_of_the_rest() {
    let mut scene = scene();
    scene.spends().unwrap();
    let part = scene.brings();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    let (rest, further) = (scene.brings(), scene.purse.newest.get());
    scene.restore();
    scene.brought(part.clone()).unwrap();
    let taken = part.entries.len();
    assert_eq!(scene.spends(), Err(Reason::StaleEpoch));
    assert_eq!(scene.purse.newest.get(), further);
    scene
        .brought(request::RollForward {
            entries: rest.entries[taken..].to_vec(),
            ..rest
        })
        .unwrap();
    assert_eq!(scene.house.state(&scene.purse).epoch().number, 2);
    assert!(scene.house.state(&scene.purse).fence.is_some());
}

#[test]
fn s23_a_wallet_that_is_not_fenced_takes_nothing_from_a_device() {
    let scene = scene();
    scene.spends().unwrap();
    let what = scene.brings();
    let before = scene.house.state(&scene.purse);
    scene.brought(what).unwrap();
    assert_eq!(scene.house.state(&scene.purse), before);
}

#[test]
fn s23_a_log_that_was_given_up_by_a_lift_is_not_brought_back() {
    let mut scene = scene();
    scene.spends().unwrap();
    let what = scene.brings();
    let head = *scene.purse.newest.get().verify(&scene.house.mind.identity()).unwrap();
    scene.restore();
    let later = Head {
        generation: head.generation + 1,
        ..head
    };
    let seen = scene.purse.newest.replace(later.sign(&scene.house.mind.identity));
    scene.lift().unwrap();
    scene.purse.newest.set(seen);
    scene.house.refuses(Reason::OutOfOrder, || scene.brought(what));
}

#[test]
fn s23_a_device_that_brings_a_log_which_was_given_up_since_bars_nobody_from_bringing_what_came_after() {
    let mut scene = scene();
    // Two futures of one backup. In the first the wallet spends; in the second its fence is lifted, and it is refreshed.
    for _ in 0..4 {
        scene.spends().unwrap();
    }
    let (given_up, seen) = (scene.brings(), scene.purse.newest.get());
    scene.restore();
    let base = scene.log().len();
    scene.decide().unwrap();
    scene.purse.newest.set(
        scene
            .house
            .mind
            .newest(scene.purse.id, &scene.house.state(&scene.purse)),
    );
    scene.lift().unwrap();
    let early = scene.purse.newest.get();
    scene.phone.refresh(&scene.house, &mut scene.purse);
    let mut later = scene.brings();
    let further = scene.purse.newest.get();
    assert!(!later.entries.is_empty() && base > 0);
    scene.restore();

    // Whoever is no longer listed comes first, and brings the first.
    scene.purse.newest.set(seen);
    scene.brought(given_up).unwrap();
    scene.purse.newest.set(further);
    assert_eq!(scene.spends(), Err(Reason::StaleEpoch));
    assert_eq!(scene.brought(later.clone()).unwrap_err().reason, Reason::OutOfOrder);
    later.entries.clear();
    scene.brought(later).unwrap();
    let state = scene.house.state(&scene.purse);
    assert_eq!((state.epoch().number, state.fence.is_some()), (2, true));
    // A device that stands on neither log can freeze.
    let call = scene.phone.call("SetFreeze", Some(scene.purse.id), b"freeze");
    let freeze = request::SetFreeze {
        wallet: scene.purse.id,
        frozen: true,
        recovery: None,
        checkpoint: early,
    };
    block_on(scene.house.mind.set_freeze(scene.house.let_in(&call, freeze).unwrap())).unwrap();
    assert!(scene.house.state(&scene.purse).shape.freeze.is_some());
    scene.adopt().unwrap();
    scene.decide().unwrap();
    scene.lift().unwrap();
    assert_eq!(scene.spends(), Err(Reason::WalletFrozen));
}
