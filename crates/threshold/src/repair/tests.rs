mod cheating;
#[cfg(feature = "ecdsa")]
mod ecdsa;
mod encoding;
mod left;
mod replay;

use std::vec::Vec;

use super::{
    Claim, Helpers,
    first::{self, AwaitAnswer},
    hub::{self, Carried},
    message::{Answer, Closing, Opening, Signed},
    repaired::{AwaitSigmas, Repaired},
    second,
};
use crate::{
    Fault, FaultKind,
    envelope::{
        Purpose::{Delta, Sigma},
        SealPublic, SealSecret,
    },
    fixture::Parties,
    id::{CeremonyId, EpochId, Party},
    identity::{Domain, IdentityKey, IdentitySecret},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
};

/// Who can help whom: recovery and server the device, device and recovery the server, device and server new words; and
/// each the other way round.
const CASES: [[Party; 3]; 6] = [
    [Party::Recovery, Party::Server, Party::Device],
    [Party::Server, Party::Recovery, Party::Device],
    [Party::Recovery, Party::Device, Party::Server],
    [Party::Device, Party::Recovery, Party::Server],
    [Party::Device, Party::Server, Party::Recovery],
    [Party::Server, Party::Device, Party::Recovery],
];

/// A wallet of which one share is lost.
struct Scene {
    parties: Parties,
    public: PublicShares,
    shares: [Share; 3],
    unlock: UnlockKey,
    first: Party,
    second: Party,
    repaired: Party,
    /// The one repaired, as it comes back.
    newcomer: IdentitySecret,
    key: SealSecret,
    second_key: SealSecret,
    run: u8,
}

impl Scene {
    fn new([first, second, repaired]: [Party; 3]) -> Self {
        let mut parties = Parties::new(1);
        let wallet = parties.create();
        let t = wallet.device.transcript.transcript();
        let signature = wallet.device.transcript.signature(Party::Recovery);
        let identity = parties.recovery.identity().public();
        let contents = wallet
            .device
            .package
            .open(&identity, &parties.age, t, signature)
            .unwrap();
        Self {
            public: wallet.device.public.clone(),
            shares: [wallet.server.share, wallet.device.share, contents.share],
            unlock: contents.unlock,
            first,
            second,
            repaired,
            newcomer: IdentitySecret::generate(&mut parties.rng),
            key: SealSecret::generate(&mut parties.rng),
            second_key: SealSecret::generate(&mut parties.rng),
            run: 1,
            parties,
        }
    }

    fn usual() -> Self {
        Self::new(CASES[0])
    }

    fn identity(&self, party: Party) -> IdentitySecret {
        match party {
            Party::Server => IdentitySecret::from_seed(&self.parties.server.expose_seed()),
            Party::Device => IdentitySecret::from_seed(&self.parties.device.expose_seed()),
            Party::Recovery => self.parties.recovery.identity(),
        }
    }

    fn named(&self, party: Party) -> (Party, IdentityKey) {
        (party, self.identity(party).public())
    }

    fn helpers(&self) -> Helpers {
        Helpers {
            first: self.named(self.first),
            second: self.named(self.second),
        }
    }

    fn claim(&self) -> Claim {
        Claim {
            wallet: self.parties.wallet,
            ceremony: CeremonyId([self.run; 16]),
            kind: self.public.kind(),
            epoch: self.public.epoch(),
            repaired: self.repaired,
            identity: self.newcomer.public(),
            key: self.key.public(),
            unlock_digest: self.unlock.digest(),
            mandate: [7; 32],
        }
    }

    fn share(&self, party: Party) -> &Share {
        &self.shares[party.index()]
    }

    fn open(&mut self) -> (AwaitAnswer, Signed<Opening>) {
        let (claim, helpers, signer) = (self.claim(), self.helpers(), self.identity(self.first));
        let second: SealPublic = self.second_key.public();
        let share = &self.shares[self.first.index()];
        let drafted = first::begin(claim, helpers, share, &self.public, &second, &mut self.parties.rng).unwrap();
        let signature = signer.sign_raw(&drafted.signing_bytes());
        let (state, opening) = drafted.signed(signature).unwrap();
        (state.opened(opening.clone()), opening)
    }

    fn answer(&mut self, opening: &Signed<Opening>) -> Result<Signed<Answer>, Fault> {
        let (claim, helpers, signer) = (self.claim(), self.helpers(), self.identity(self.second));
        let share = &self.shares[self.second.index()];
        let (key, rng) = (&self.second_key, &mut self.parties.rng);
        let drafted = second::answer(claim, helpers, opening, share, &self.public, key, rng)?;
        let signature = signer.sign_raw(&drafted.signing_bytes());
        Ok(drafted.signed(signature).unwrap().1)
    }

    fn close(&mut self, state: AwaitAnswer, answer: &Signed<Answer>) -> Result<Signed<Closing>, Fault> {
        let drafted = state.receive(answer, &self.unlock, &mut self.parties.rng)?;
        let signature = self.identity(self.first).sign_raw(&drafted.signing_bytes());
        Ok(drafted.signed(signature).unwrap().1)
    }

    /// A whole run, and nothing opened yet.
    fn run(&mut self) -> Carried {
        let (state, opening) = self.open();
        let answer = self.answer(&opening).unwrap();
        let closing = self.close(state, &answer).unwrap();
        self.carry(opening, answer, closing).unwrap()
    }

    /// What a hub makes of the messages.
    fn carry(
        &self,
        opening: Signed<Opening>,
        answer: Signed<Answer>,
        closing: Signed<Closing>,
    ) -> Result<Carried, Fault> {
        self.hub().receive(opening)?.receive(answer)?.receive(closing)
    }

    fn hub(&self) -> hub::AwaitOpening {
        hub::AwaitOpening::new(self.claim(), self.helpers(), self.public.clone()).unwrap()
    }

    fn receive(&self, carried: &Carried) -> Result<Repaired, Fault> {
        AwaitSigmas::new(self.claim(), self.helpers(), self.public.clone())?.receive(carried, &self.key)
    }

    /// Nothing was lost by what went before: the same shares do it now.
    fn still_repairs(&mut self) {
        self.run += 1;
        let carried = self.run();
        let repaired = self.receive(&carried).unwrap();
        assert_eq!(
            *repaired.share.secret_bytes(),
            *self.share(self.repaired).secret_bytes()
        );
        for party in Party::ALL {
            self.share(party).check(&self.public).unwrap();
        }
    }

    fn resign_opening(&self, opening: &mut Signed<Opening>) {
        opening.signature = self.identity(self.first).sign(Domain::REPAIR, &opening.message.body());
    }

    fn resign_answer(&self, answer: &mut Signed<Answer>) {
        answer.signature = self.identity(self.second).sign(Domain::REPAIR, &answer.message.body());
    }

    fn resign_closing(&self, closing: &mut Signed<Closing>) {
        closing.signature = self.identity(self.first).sign(Domain::REPAIR, &closing.message.body());
    }
}

#[test]
fn any_two_give_the_third_its_share_back_and_the_unlock_key() {
    for case in CASES {
        let mut scene = Scene::new(case);
        let carried = scene.run();
        let repaired = scene.receive(&carried).unwrap();
        let lost = scene.share(scene.repaired);
        assert_eq!(*repaired.share.secret_bytes(), *lost.secret_bytes(), "{case:?}");
        assert_eq!(
            (repaired.share.party(), repaired.share.epoch(), repaired.share.wallet()),
            (scene.repaired, scene.public.epoch(), scene.parties.wallet)
        );
        assert_eq!(repaired.unlock.digest(), scene.unlock.digest());
        assert_eq!(repaired.transcript, carried.transcript());
        assert_eq!(Carried::try_from(carried.to_bytes().as_slice()).unwrap(), carried);
        assert_eq!(carried.claim(), &scene.claim());
    }
}

#[test]
fn no_number_that_travels_is_a_share_and_none_is_seen_twice() {
    let mut scene = Scene::usual();
    let mut seen: Vec<[u8; 32]> = scene.shares.iter().map(|share| *share.secret_bytes()).collect();
    for _ in 0..3 {
        scene.run += 1;
        let (state, opening) = scene.open();
        let answer = scene.answer(&opening).unwrap();
        let closing = scene.close(state, &answer).unwrap();
        let claim = scene.claim();
        let (first, second, to) = (scene.first, scene.second, scene.repaired);
        let open = |way, key: &SealSecret, purpose, sealed: &[u8]| {
            *super::part::open(&claim, way, key, purpose, sealed).unwrap().expose()
        };
        for number in [
            open((first, second), &scene.second_key, Delta, &opening.message.to_second),
            open((second, to), &scene.key, Sigma, &answer.message.to_repaired),
            open((first, to), &scene.key, Sigma, &closing.message.to_repaired),
        ] {
            assert!(!seen.contains(&number));
            seen.push(number);
        }
    }
}

#[test]
fn the_first_helper_may_be_turned_off_while_the_second_has_its_message() {
    let mut scene = Scene::usual();
    let (state, opening) = scene.open();
    let record = state.to_secret_bytes();
    drop(state);
    let answer = scene.answer(&opening).unwrap();
    let read = |bytes: &[u8]| AwaitAnswer::from_secret_bytes(bytes, scene.helpers(), &scene.public);
    let state = read(&record).unwrap();
    assert_eq!(state.claim(), &scene.claim());
    // Its key, what it kept, what it signed.
    for at in [3, 40, 120, record.len() - 1] {
        let mut bad = record.to_vec();
        bad[at] ^= 1;
        assert!(read(&bad).is_err(), "byte {at}");
    }
    let closing = scene.close(state, &answer).unwrap();
    let carried = scene.carry(opening, answer, closing).unwrap();
    let _ = scene.receive(&carried).unwrap();
}

#[test]
fn p27_a_repair_of_another_epoch_is_refused_by_all() {
    let mut scene = Scene::usual();
    let carried = scene.run();
    let (_, opening) = scene.open();
    let mut claim = scene.claim();
    claim.epoch = EpochId {
        number: 2,
        transcript: [9; 32],
    };
    let (helpers, public) = (scene.helpers(), scene.public.clone());
    let (key, second) = (&scene.second_key, scene.second_key.public());
    let rng = &mut scene.parties.rng;
    let share = &scene.shares[scene.first.index()];
    let faults = [
        first::begin(claim.clone(), helpers, share, &public, &second, rng).err(),
        second::answer(claim.clone(), helpers, &opening, share, &public, key, rng).err(),
        hub::AwaitOpening::new(claim.clone(), helpers, public.clone()).err(),
        AwaitSigmas::new(claim, helpers, public).err(),
    ];
    for fault in faults {
        assert_eq!(fault.unwrap().kind, FaultKind::StaleEpoch);
    }
    let _ = scene.receive(&carried).unwrap();
}

#[test]
fn two_different_helpers_repair_a_third_and_nobody_else_does() {
    let scene = Scene::usual();
    let (r, s) = (scene.named(Party::Recovery), scene.named(Party::Server));
    let d = scene.named(Party::Device);
    for (first, second) in [(r, r), (d, s), (r, d)] {
        let helpers = Helpers { first, second };
        let fault = hub::AwaitOpening::new(scene.claim(), helpers, scene.public.clone()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Count);
    }
}

#[test]
fn a_helper_uses_no_share_but_its_own_of_this_wallet() {
    let mut scene = Scene::usual();
    let (claim, helpers) = (scene.claim(), scene.helpers());
    let (_, opening) = scene.open();
    let second = scene.second_key.public();
    let rng = &mut scene.parties.rng;
    // Recovery's place is taken by the server's share, and the server's by recovery's.
    let (server, recovery) = (&scene.shares[0], &scene.shares[2]);
    let fault = first::begin(claim.clone(), helpers, server, &scene.public, &second, rng).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal);
    let fault = second::answer(
        claim,
        helpers,
        &opening,
        recovery,
        &scene.public,
        &scene.second_key,
        rng,
    )
    .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal);
}

#[test]
fn nothing_secret_is_printed() {
    let mut scene = Scene::usual();
    let (state, opening) = scene.open();
    let answer = scene.answer(&opening).unwrap();
    let secrets = [
        std::format!("{:?}", state.to_secret_bytes()[2..34].to_vec()),
        std::format!("{:?}", state.to_secret_bytes()[34..66].to_vec()),
    ];
    let shown = std::format!("{state:?} {answer:?}");
    let carried = scene.run();
    let repaired = std::format!("{:?}", scene.receive(&carried).unwrap());
    let share = hex::encode(*scene.share(Party::Device).secret_bytes());
    for secret in &secrets {
        assert!(!shown.contains(secret.as_str()));
    }
    assert!(repaired.contains("redacted") && !repaired.contains(&share));
}

#[test]
fn a_wrong_unlock_key_is_not_passed_on() {
    let mut scene = Scene::usual();
    let (state, opening) = scene.open();
    let answer = scene.answer(&opening).unwrap();
    let wrong = UnlockKey::new(Secret32::new([1; 32]));
    let fault = state.receive(&answer, &wrong, &mut scene.parties.rng).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnlockKey);
}
