mod absent;
#[cfg(feature = "ecdsa")]
mod both;
mod cheating;
#[cfg(feature = "ecdsa")]
mod ecdsa;
mod encoding;
#[cfg(feature = "ecdsa")]
mod gained;
mod pairs;
mod words;

use std::vec::Vec;

use rand_chacha::ChaCha20Rng;

use super::{
    Closing, Completion, Ground, Link, Opening, ServerRound,
    device::{self, NextKey, Pending, ToSign},
    server::{self, AwaitClosing},
};
use crate::{
    Fault, FaultKind,
    device_list::DeviceList,
    envelope::SealSecret,
    fixture::{Age, Parties, Sealer, Wallet},
    id::{CeremonyId, Party},
    package::{Chain, ChainFrom, OpenAsRecovery, Opened},
    secret::UnlockKey,
    share::Share,
    transcript::{FirstTranscript, Transcript},
    words::RecoverySecret,
};

/// A wallet with everything that its parties keep.
struct House<T = Transcript> {
    parties: Parties,
    ground: Ground,
    server: Share,
    device: Share,
    unlock: UnlockKey,
    /// The device's sealing key, and the list that names it.
    sealing: SealSecret,
    list: Vec<Vec<u8>>,
    chain: ChainFrom<T>,
    /// The server's short-lived key.
    seal_key: SealSecret,
}

impl House {
    fn new(seed: u64) -> Self {
        let mut parties = Parties::new(seed);
        let Wallet { server, device, .. } = parties.create();
        let entry = parties.entry();
        let recovery = parties.recovery.public();
        Self {
            ground: Ground {
                wallet: parties.wallet,
                server: parties.server.public(),
                recovery,
                list: DeviceList::first(parties.wallet, recovery.signing, &entry).unwrap(),
                public: device.public,
            },
            server: server.share,
            device: device.share,
            unlock: device.unlock,
            sealing: SealSecret::new(crate::secret::Secret32::new(*parties.sealing.expose().expose())),
            list: [entry.to_bytes()].to_vec(),
            chain: Chain::new(
                device.transcript,
                device.package,
                [entry.to_bytes()].to_vec(),
                Vec::new(),
            ),
            seal_key: SealSecret::generate(&mut parties.rng),
            parties,
        }
    }
}

impl<T: FirstTranscript> House<T> {
    fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.parties.rng
    }

    fn start(&mut self) -> device::Start {
        use rand_chacha::rand_core::RngCore;
        let mut ceremony = CeremonyId([0; 16]);
        self.rng().fill_bytes(&mut ceremony.0);
        device::Start {
            ground: self.ground.clone(),
            ceremony,
            number: self.ground.public.epoch().number + 1,
            device: self.parties.device.public(),
            server_key: self.seal_key.public(),
            unlock: UnlockKey::generate(self.rng()),
        }
    }

    fn open(&mut self) -> (device::AwaitServer, Opening) {
        let start = self.start();
        start.begin(self.rng()).unwrap()
    }

    fn answer(&mut self, opening: Opening) -> Result<(AwaitClosing, ServerRound, UnlockKey), Fault> {
        let start = server::Start {
            ground: &self.ground,
            share: &self.server,
            seal_key: &self.seal_key,
            backup: None,
        };
        start.begin(opening, &Sealer, &mut self.parties.rng)
    }

    fn next_key(&mut self) -> NextKey {
        let secret = SealSecret::generate(self.rng());
        let (list, identity) = (&self.ground.list, self.parties.device.public());
        let bytes = NextKey::proposal(list, &identity, &secret).signing_bytes();
        let signature = self.parties.device.sign_raw(&bytes);
        NextKey::signed(list, &identity, secret, signature).unwrap()
    }

    fn check(&mut self, waiting: device::AwaitServer, round: ServerRound) -> Result<ToSign, Fault> {
        let next = Some(self.next_key());
        waiting.receive(round, &self.device, next, &Sealer, &mut self.parties.rng)
    }

    fn sign(&self, to_sign: ToSign) -> Pending {
        let signature = self.parties.device.sign_raw(&to_sign.signing_bytes());
        to_sign.signed(signature).unwrap()
    }

    /// As far as the device has made its state durable.
    fn until_pending(&mut self) -> (Pending, AwaitClosing) {
        let (waiting, opening) = self.open();
        let (state, round, _) = self.answer(opening).unwrap();
        let to_sign = self.check(waiting, round).unwrap();
        (self.sign(to_sign), state)
    }

    fn close(&self, state: AwaitClosing, closing: &Closing) -> Result<(server::Refreshed, Completion), Fault> {
        state.receive(&self.ground, closing, &self.parties.server)
    }

    /// A whole refresh. What comes back is the epoch before.
    fn refresh(&mut self) -> Before {
        let (pending, state) = self.until_pending();
        let (new, completion) = self.close(state, &pending.closing()).unwrap();
        let refreshed = pending.finish(&completion).unwrap();
        assert_eq!(new.public, refreshed.public);
        self.take(new, refreshed)
    }

    fn take(&mut self, new: server::Refreshed, refreshed: device::Refreshed) -> Before {
        self.chain.push(self.list.clone(), refreshed.link).unwrap();
        self.unlock = refreshed.unlock;
        let ground = self.ground.clone();
        let (sealing, change) = refreshed.sealing.unwrap();
        assert_eq!(Some(&change), new.reseal.as_ref());
        self.ground.list.append(&change).unwrap();
        self.list.push(change.to_bytes());
        self.ground.public = refreshed.public;
        Before {
            ground,
            server: core::mem::replace(&mut self.server, new.share),
            device: core::mem::replace(&mut self.device, refreshed.share),
            sealing: core::mem::replace(&mut self.sealing, sealing),
            link: new.link,
        }
    }

    fn recovery(&self) -> Result<Opened, Fault> {
        let identity = self.parties.recovery.identity().public();
        self.chain.open(&identity, &self.parties.age)
    }
}

/// What the parties had, and the whole refresh as the server keeps it.
struct Before {
    ground: Ground,
    server: Share,
    device: Share,
    sealing: SealSecret,
    link: Link,
}

#[test]
fn p35_a_refresh_without_recovery_gives_all_three_new_shares_of_the_same_key() {
    for seed in 1..=6 {
        let mut house = House::new(seed);
        let old = house.recovery().unwrap();
        let before = house.refresh();
        let (was, is) = (&before.ground.public, &house.ground.public);
        assert_eq!(was.extended_key(), is.extended_key());
        assert_eq!(is.epoch().number, was.epoch().number + 1);
        let new = house.recovery().unwrap();
        assert_eq!(&new.public, is);
        assert_eq!(new.contents.unlock.digest(), house.unlock.digest());
        assert_ne!(old.contents.unlock.digest(), new.contents.unlock.digest());
        for (old, new) in [
            (&before.server, &house.server),
            (&before.device, &house.device),
            (&old.contents.share, &new.contents.share),
        ] {
            assert_ne!(was.verifying_share(new.party()), is.verifying_share(new.party()));
            assert_ne!(*old.secret_bytes(), *new.secret_bytes());
            new.check(is).unwrap();
            assert_eq!(old.check(is).unwrap_err().kind, FaultKind::StaleEpoch);
        }
        // The verifying shares lie on one line through the group key: Lagrange over any two gives it back.
        assert_eq!(
            is.child([0, 0]).unwrap().output_key(),
            was.child([0, 0]).unwrap().output_key()
        );
    }
}

#[test]
fn many_refreshes_follow_each_other_and_recovery_walks_them_all() {
    let mut house = House::new(1);
    for number in 2..=6 {
        let _ = house.refresh();
        assert_eq!(house.ground.public.epoch().number, number);
        assert_eq!(house.recovery().unwrap().public, house.ground.public);
    }
    let bytes = house.chain.to_bytes();
    let read = Chain::try_from(bytes.as_slice()).unwrap();
    assert_eq!(read, house.chain);
    assert_eq!(read.public().unwrap(), house.ground.public);
}

#[test]
fn the_server_s_state_survives_under_its_seal() {
    let mut house = House::new(2);
    let (pending, state) = house.until_pending();
    let aad = AwaitClosing::aad(state.opening());
    let sealed = crate::seal::seal(pending.unlock().expose(), &aad, &state.to_secret_bytes(), house.rng());
    let (_, other) = house.until_pending();
    let foreign = AwaitClosing::aad(other.opening());
    let key = pending.unlock().expose();
    assert!(crate::seal::open(key, &foreign, &sealed).is_err());
    let state = AwaitClosing::from_secret_bytes(&crate::seal::open(key, &aad, &sealed).unwrap()).unwrap();
    let (new, completion) = house.close(state, &pending.closing()).unwrap();
    let refreshed = pending.finish(&completion).unwrap();
    let _ = house.take(new, refreshed);
    house.device.check(&house.ground.public).unwrap();
}

#[test]
fn a_device_that_crashed_before_the_reply_finishes_with_the_stored_signature() {
    let mut house = House::new(3);
    let (pending, state) = house.until_pending();
    let record = pending.to_secret_bytes();
    let (new, _lost) = house.close(state, &pending.closing()).unwrap();
    drop(pending);
    let pending = Pending::from_secret_bytes(&record).unwrap();
    let stored = Link::try_from(new.link.to_bytes().as_slice()).unwrap();
    let refreshed = pending.finish(&server::complete(&stored)).unwrap();
    let _ = house.take(new, refreshed);
    house.device.check(&house.ground.public).unwrap();
    assert_eq!(house.recovery().unwrap().public, house.ground.public);
}

#[test]
fn a_device_s_record_that_was_tampered_with_is_refused() {
    let mut house = House::new(4);
    let (pending, _) = house.until_pending();
    let record = pending.to_secret_bytes();
    // Unlock key, sealing key (not the bits that X25519 clamps), share, verifying share, transcript, signature.
    for at in [2, 37, 140, 330, 420, record.len() - 300] {
        let mut bad = record.to_vec();
        bad[at] ^= 1;
        assert!(Pending::from_secret_bytes(&bad).is_err(), "byte {at}");
    }
}

#[test]
fn what_the_device_keeps_for_the_server_gives_a_restored_server_its_share_back() {
    let mut house = House::new(5);
    let operator = RecoverySecret::generate(house.rng());
    let (waiting, opening) = house.open();
    let start = server::Start {
        ground: &house.ground,
        share: &house.server,
        seal_key: &house.seal_key,
        backup: Some(&operator.public().recipient),
    };
    let (state, round, _) = start.begin(opening, &Sealer, &mut house.parties.rng).unwrap();
    let to_sign = house.check(waiting, round).unwrap();
    let pending = house.sign(to_sign);
    let (new, completion) = house.close(state, &pending.closing()).unwrap();
    let refreshed = pending.finish(&completion).unwrap();

    let offline = Age::of(&operator);
    let inner = offline.open(&refreshed.kept).unwrap();
    let open = |unlock| server::open_kept(&inner, &refreshed.link, unlock, &refreshed.public);
    let share = open(&refreshed.unlock).unwrap();
    assert_eq!(*share.secret_bytes(), *new.share.secret_bytes());
    assert_eq!(open(&house.unlock).unwrap_err().kind, FaultKind::Seal);
}

#[test]
fn numbers_may_skip_what_a_restored_server_has_seen_but_not_far_and_never_back() {
    let mut house = House::new(6);
    let number = house.ground.public.epoch().number;
    for (asked, good) in [
        (number, false),
        (number + 1_000, true),
        (number + 1_001, false),
        (0, false),
    ] {
        let mut start = house.start();
        start.number = asked;
        assert_eq!(start.begin(house.rng()).is_ok(), good, "{asked}");
    }
    let mut start = house.start();
    start.number = number + 7;
    let (_, opening) = start.begin(house.rng()).unwrap();
    assert_eq!(opening.number(), number + 7);
    let _ = house.answer(opening).unwrap();
}

#[test]
fn nothing_secret_is_printed() {
    let mut house = House::new(7);
    let (waiting, opening) = house.open();
    let (state, round, unlock) = house.answer(opening).unwrap();
    let shown = [
        std::format!("{waiting:?}"),
        std::format!("{state:?}"),
        std::format!("{unlock:?}"),
    ];
    assert!(shown.iter().all(|text| text.len() < 300), "{shown:?}");
    let to_sign = house.check(waiting, round).unwrap();
    let pending = house.sign(to_sign);
    let text = std::format!("{pending:?}");
    let secret = std::format!("{:?}", pending.unlock().expose().expose());
    assert!(text.contains("redacted") && !text.contains(&secret));
    let _ = Party::ALL;
}
