//! Other recovery words take the old ones' place.

use std::str::FromStr as _;

use futures::executor::block_on;
use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::{ACCEPT, READ, accepting, reading, replacing},
    reply::{Asked, Done, Operator, Recovered},
    request,
    seal_key::Step,
};
use twofold_threshold::{
    device_list::{Act, Change, DeviceList, Proposal, Signer},
    envelope::SealSecret,
    id::{CeremonyId, KeyKind, Party},
    identity::IdentitySecret,
    package::{Chain, FirstPackage, Opened},
    refresh::Link,
    repair::{Answer, Claim, Helpers, Opening, Signed, first, hub, repaired},
    transcript::SignedTranscript,
    words::RecoverySecret,
};

use crate::{
    fixture::{Age, House, OpenAge, Phone, Purse, random, rng},
    port::{Clock as _, store::Store},
    testing::MemoryAnchor,
};

const DAY: u64 = 86_400;

/// A wallet and the words that are to be its own.
struct Scene {
    house: House,
    purse: Purse,
    phone: Phone,
    words: RecoverySecret,
    key: SealSecret,
}

impl Scene {
    fn new() -> Self {
        let house = House::new();
        let phone = Phone::joined(&house);
        Self {
            purse: phone.create(&house),
            house,
            phone,
            words: RecoverySecret::generate(&mut rng()),
            key: SealSecret::generate(&mut rng()),
        }
    }

    fn list(&self) -> DeviceList {
        let chains = block_on(self.house.store.chains(self.purse.id)).unwrap().unwrap();
        DeviceList::verify(self.purse.id, self.purse.recovery.public(), &chains.device_list).unwrap()
    }

    /// The wallet's chain as the server has it.
    fn chain(&self) -> Chain {
        let chains = block_on(self.house.store.chains(self.purse.id)).unwrap().unwrap();
        let links = chains.package[2..].iter();
        Chain::new(
            SignedTranscript::try_from(chains.package[1].as_slice()).unwrap(),
            FirstPackage::try_from(chains.package[0].as_slice()).unwrap(),
            chains.device_list,
            links.map(|link| Link::try_from(link.as_slice()).unwrap()).collect(),
        )
    }

    fn opened(&self) -> Opened {
        let age = OpenAge(age::x25519::Identity::from_str(&self.words.age_identity()).unwrap());
        self.chain().open(&self.words.identity().public(), &age).unwrap()
    }

    fn entry(&self, old: Option<&IdentitySecret>) -> Change {
        let proposal = Proposal::new(&self.list(), Act::ReplaceRecovery(self.words.public()));
        let bytes = proposal.signing_bytes();
        let device = Signer::Device(self.phone.identity.public());
        let entry = proposal.signed(device, self.phone.identity.sign_raw(&bytes));
        match old {
            Some(old) => entry.countersigned(Signer::Recovery, old.sign_raw(&bytes)).unwrap(),
            None => entry,
        }
    }

    fn ask(&self, entry: &Change) -> Result<Asked, Refusal> {
        let call = self.phone.call("ChangeDevices", Some(self.purse.id), &entry.to_bytes());
        let asked = request::ChangeDevices {
            wallet: self.purse.id,
            entry: entry.to_bytes(),
            parcel: Vec::new(),
            checkpoint: self.purse.newest.get(),
        };
        let done = block_on(self.house.mind.change_devices(self.house.let_in(&call, asked)?))?;
        self.purse.note(&done.head, &self.house.mind.identity());
        Ok(done)
    }

    /// Device and server give the new words their share, by the real protocol; what they seal to themselves.
    fn repair(&self, entry: &Change) -> Result<FirstPackage, Refusal> {
        self.repair_for(entry, &self.words.identity())
    }

    fn repair_for(&self, entry: &Change, accepts: &IdentitySecret) -> Result<FirstPackage, Refusal> {
        let (house, phone, purse) = (&self.house, &self.phone, &self.purse);
        let (server, public) = (house.mind.identity(), &purse.public);
        let claim = Claim {
            wallet: purse.id,
            ceremony: CeremonyId(random()),
            kind: KeyKind::Taproot,
            epoch: public.epoch(),
            repaired: Party::Recovery,
            identity: self.words.identity().public(),
            key: self.key.public(),
            unlock_digest: purse.unlock.digest(),
            mandate: replacing(&self.words.public()),
        };
        let helpers = Helpers {
            first: (Party::Device, phone.identity.public()),
            second: (Party::Server, server),
        };
        let to = phone.offer(house).verify(&server).unwrap();
        let drafted = first::begin(claim.clone(), helpers, &purse.share, public, to.public(), &mut rng()).unwrap();
        let signature = phone.identity.sign_raw(&drafted.signing_bytes());
        let (state, opening): (_, Signed<Opening>) = drafted.signed(signature).unwrap();
        let call = phone.call("RepairRecovery", Some(purse.id), &opening.to_bytes());
        let asked = request::RepairRecovery {
            wallet: purse.id,
            entry: entry.to_bytes(),
            opening: opening.to_bytes(),
            accepted: accepts.sign(ACCEPT, &accepting(&server, &self.key.public())).0,
            unlock: phone.seal(
                house,
                purse.id,
                public.epoch().number,
                Step::RepairRecovery,
                &purse.unlock,
            ),
            checkpoint: purse.newest.get(),
        };
        let Recovered { answer, head } = block_on(house.mind.repair_recovery(house.let_in(&call, asked)?))?;
        purse.note(&head, &server);
        let answer = Signed::<Answer>::try_from(answer.as_slice()).unwrap();
        let drafted = state
            .opened(opening.clone())
            .receive(&answer, &purse.unlock, &mut rng())
            .unwrap();
        let signature = phone.identity.sign_raw(&drafted.signing_bytes());
        let ((), closing) = drafted.signed(signature).unwrap();
        let carried = hub::AwaitOpening::new(claim.clone(), helpers, public.clone())
            .and_then(|hub| hub.receive(opening))
            .and_then(|hub| hub.receive(answer))
            .and_then(|hub| hub.receive(closing))
            .unwrap();
        let repaired = repaired::AwaitSigmas::new(claim, helpers, public.clone()).unwrap();
        let repaired = repaired.receive(&carried, &self.key).unwrap();
        Ok(FirstPackage::renew(&repaired, public, &self.words, &Age).unwrap())
    }

    fn replace(&self, entry: &Change, package: &FirstPackage) -> Result<Done, Refusal> {
        let call = self
            .phone
            .call("ReplaceRecovery", Some(self.purse.id), &package.to_bytes());
        let asked = request::ReplaceRecovery {
            wallet: self.purse.id,
            entry: entry.to_bytes(),
            package: package.to_bytes(),
            checkpoint: self.purse.newest.get(),
        };
        let done = block_on(self.house.mind.replace_recovery(self.house.let_in(&call, asked)?))?;
        self.purse.note(&done.head, &self.house.mind.identity());
        Ok(done)
    }

    fn refresh_due(&self) -> bool {
        let state = self.house.state(&self.purse);
        state.shape.refresh_due(state.epoch().number)
    }

    /// The old words ask that a new machine take the lost one's place.
    fn words_ask(&self) {
        let minted = block_on(self.house.mind.mint_recovery(self.purse.id, None, None)).unwrap();
        let phone = Phone::new();
        phone.clock.set(self.house.clock.now());
        phone.join(&self.house, minted.code).unwrap();
        let act = Act::Enrol {
            identity: phone.identity.public(),
            sealing: self.key.public(),
        };
        let proposal = Proposal::new(&self.list(), act);
        let signature = self.purse.recovery.sign_raw(&proposal.signing_bytes());
        let entry = proposal.signed(Signer::Recovery, signature).to_bytes();
        let call = phone.call("AskRecovery", Some(self.purse.id), &entry);
        let asked = request::AskRecovery {
            wallet: self.purse.id,
            code: Some(minted.code),
            entry,
        };
        block_on(self.house.mind.ask_recovery(self.house.let_in(&call, asked).unwrap())).unwrap();
    }

    /// Whether words are let in with the operator's code for this wallet.
    fn lets_in(&self, words: &IdentitySecret) -> bool {
        let minted = block_on(self.house.mind.mint_recovery(self.purse.id, None, None)).unwrap();
        let phone = Phone::new();
        phone.clock.set(self.house.clock.now());
        phone.join(&self.house, minted.code).unwrap();
        let call = phone.call("GetRecovery", Some(self.purse.id), b"");
        let asked = request::GetRecovery {
            wallet: self.purse.id,
            code: Some(minted.code),
            recovery: words.sign(READ, &reading(self.purse.id, phone.id())).0,
        };
        let asked = self.house.let_in(&call, asked).unwrap();
        block_on(self.house.mind.get_recovery(asked)).is_ok()
    }

    fn days(&self, days: u64) {
        for _ in 0..days {
            self.house.clock.pass(DAY);
            self.house.let_time_settle();
        }
        self.phone.clock.set(self.house.clock.now());
    }
}

#[test]
fn a_device_and_the_old_words_put_new_ones_in_their_place_at_once_and_a_refresh_ends_the_old_ones() {
    let mut scene = Scene::new();
    let entry = scene.entry(Some(&scene.purse.recovery));
    let package = scene.repair(&entry).unwrap();
    assert!(scene.lets_in(&scene.purse.recovery), "until then the old ones count");
    scene.replace(&entry, &package).unwrap();
    assert!(scene.refresh_due());
    assert!(!scene.lets_in(&scene.purse.recovery) && scene.lets_in(&scene.words.identity()));
    assert_eq!(scene.opened().public, scene.purse.public);

    let phone = Phone {
        identity: IdentitySecret::from_seed(&scene.phone.identity.expose_seed()),
        ..Phone::new()
    };
    phone.clock.set(scene.phone.clock.get());
    phone.refresh(&scene.house, &mut scene.purse);
    assert!(!scene.refresh_due());
    let opened = scene.opened();
    assert_eq!(opened.public, scene.purse.public);
    assert_eq!(opened.contents.unlock.digest(), scene.purse.unlock.digest());
    let entries = scene.house.audit(&scene.purse).into_iter();
    let steps: Vec<_> = entries
        .filter_map(|entry| match entry.event {
            Event::Shape { step, .. } if step != ShapeStep::Invited => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [ShapeStep::Repaired, ShapeStep::ListChanged]);
}

#[test]
fn a24_one_device_replaces_the_words_only_after_seven_days_and_with_the_operators_yes() {
    let scene = Scene::new();
    let refused = || {
        scene
            .house
            .refuses(Reason::RecoveryWaits, || scene.repair(&scene.entry(None)));
    };
    refused();
    let waiting = scene.ask(&scene.entry(None)).unwrap().waiting.unwrap();
    assert_eq!(
        (waiting.what.as_str(), waiting.due - waiting.asked, waiting.operator),
        ("words", 7 * DAY, Operator::Needed)
    );
    scene.days(8);
    // Asked again it only waits on, and the operator has not said yes.
    let again = scene.ask(&scene.entry(None)).unwrap().waiting.unwrap();
    assert_eq!((again.change, again.due), (waiting.change, waiting.due));
    refused();
    block_on(scene.house.mind.approve_change(scene.purse.id, waiting.change)).unwrap();
    // For other words than it asked for it has waited for nothing.
    let others = Scene {
        words: RecoverySecret::generate(&mut rng()),
        ..scene
    };
    others
        .house
        .refuses(Reason::RecoveryWaits, || others.repair(&others.entry(None)));
}

#[test]
fn what_a_device_asked_for_and_waited_for_is_done_without_the_old_words() {
    let scene = Scene::new();
    let waiting = scene.ask(&scene.entry(None)).unwrap().waiting.unwrap();
    block_on(scene.house.mind.approve_change(scene.purse.id, waiting.change)).unwrap();
    scene
        .house
        .refuses(Reason::RecoveryWaits, || scene.repair(&scene.entry(None)));
    scene.days(8);
    let entry = scene.entry(None);
    let package = scene.repair(&entry).unwrap();
    scene.replace(&entry, &package).unwrap();
    assert_eq!(scene.opened().public, scene.purse.public);
    assert!(scene.house.state(&scene.purse).shape.waiting.tell().is_empty());
    assert!(!scene.lets_in(&scene.purse.recovery));
}

#[test]
fn a24_while_the_words_ask_for_a_recovery_one_device_replaces_none() {
    let scene = Scene::new();
    let waiting = scene.ask(&scene.entry(None)).unwrap().waiting.unwrap();
    block_on(scene.house.mind.approve_change(scene.purse.id, waiting.change)).unwrap();
    scene.days(8);
    scene.repair(&scene.entry(None)).unwrap();
    scene.words_ask();
    scene
        .house
        .refuses(Reason::RecoveryWaits, || scene.repair(&scene.entry(None)));
    // With the old words themselves it is another matter.
    scene.repair(&scene.entry(Some(&scene.purse.recovery))).unwrap();
}

#[test]
fn new_words_are_never_named_without_a_package_that_they_open() {
    let scene = Scene::new();
    let (house, entry) = (&scene.house, scene.entry(Some(&scene.purse.recovery)));
    house.refuses(Reason::NotPermitted, || scene.ask(&entry));
    let package = scene.repair(&entry).unwrap();
    // The package of the old words, of other words, and none.
    let old = scene.chain().package().clone();
    house.refuses(Reason::Culprit, || scene.replace(&entry, &old));
    let opened = scene
        .chain()
        .open(&scene.purse.recovery.public(), &scene.purse.age)
        .unwrap();
    let other = repaired::Repaired {
        share: opened.contents.share,
        unlock: opened.contents.unlock,
        transcript: [0; 32],
    };
    let others = RecoverySecret::generate(&mut rng());
    let other = FirstPackage::renew(&other, &scene.purse.public, &others, &Age).unwrap();
    house.refuses(Reason::Culprit, || scene.replace(&entry, &other));
    scene.replace(&entry, &package).unwrap();
    house.refuses(Reason::ListChanged, || scene.replace(&entry, &package));
}

#[test]
fn a_package_of_an_epoch_that_is_over_is_not_taken() {
    let mut scene = Scene::new();
    let entry = scene.entry(Some(&scene.purse.recovery));
    let package = scene.repair(&entry).unwrap();
    let phone = Phone {
        identity: IdentitySecret::from_seed(&scene.phone.identity.expose_seed()),
        ..Phone::new()
    };
    phone.refresh(&scene.house, &mut scene.purse);
    let entry = scene.entry(Some(&scene.purse.recovery));
    scene
        .house
        .refuses(Reason::CeremonyMismatch, || scene.replace(&entry, &package));
}

#[test]
fn p32_nobody_gets_a_share_in_the_name_of_words_that_they_do_not_have() {
    let scene = Scene::new();
    let entry = scene.entry(Some(&scene.purse.recovery));
    scene.house.refuses(Reason::NotRecovery, || {
        scene.repair_for(&entry, &IdentitySecret::generate(&mut rng()))
    });
    // Another act is no entry for this.
    let proposal = Proposal::new(&scene.list(), Act::MakeApprover(scene.phone.id()));
    let signature = scene.phone.identity.sign_raw(&proposal.signing_bytes());
    let other = proposal.signed(Signer::Device(scene.phone.identity.public()), signature);
    scene.house.refuses(Reason::NotPermitted, || scene.repair(&other));
    // The old words alone, sent by a device that did not sign.
    let proposal = Proposal::new(&scene.list(), Act::ReplaceRecovery(scene.words.public()));
    let signature = scene.purse.recovery.sign_raw(&proposal.signing_bytes());
    let alone = proposal.signed(Signer::Recovery, signature);
    scene.house.refuses(Reason::PartyMismatch, || scene.repair(&alone));
}

#[test]
fn s23_new_words_come_back_to_a_restored_server_with_the_package_that_they_open() {
    let mut scene = Scene::new();
    let anchor = MemoryAnchor::default();
    scene.house.restart_with(&anchor, false).unwrap();
    let backup = scene.house.rows();
    let entry = scene.entry(Some(&scene.purse.recovery));
    let package = scene.repair(&entry).unwrap();
    scene.replace(&entry, &package).unwrap();
    let entries = |house: &House| -> Vec<_> { house.rows().audit.into_values().map(|row| row.entry).collect() };
    let what = request::RollForward {
        wallet: scene.purse.id,
        checkpoint: scene.purse.newest.get(),
        entries: entries(&scene.house)[backup.audit.len()..].to_vec(),
        device_list: vec![entry.to_bytes()],
        links: Vec::new(),
        kept: Vec::new(),
        package: package.to_bytes(),
    };
    scene.house.restore(&backup, &anchor);
    scene.house.restart_with(&MemoryAnchor::default(), true).unwrap();
    let brought = |what: request::RollForward| {
        let call = scene.phone.call("RollForward", Some(scene.purse.id), b"what it has");
        block_on(scene.house.mind.roll_forward(scene.house.let_in(&call, what)?))
    };
    // The words that count must open what is there.
    let old = backup.chains[&scene.purse.id].package[0].clone();
    for package in [Vec::new(), old] {
        let what = request::RollForward {
            package,
            ..what.clone()
        };
        assert!(brought(what).is_err(), "words that open nothing were taken");
        assert!(!scene.refresh_due());
    }
    brought(what).unwrap();
    scene.opened();
    assert!(scene.refresh_due());
}
