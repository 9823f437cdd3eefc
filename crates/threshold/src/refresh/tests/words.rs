//! Other recovery words, and what the old ones still open.

use super::*;
use crate::{
    device_list::{Act, Proposal, Signer},
    identity::IdentitySecret,
    package::FirstPackage,
    repair::repaired::Repaired,
};

impl<T: FirstTranscript> House<T> {
    /// What D and S gave back of recovery's share, sealed by `words`.
    pub(super) fn renewed(&self, words: &RecoverySecret) -> FirstPackage {
        let contents = self.recovery().unwrap().contents;
        let repaired = Repaired {
            share: contents.share,
            unlock: contents.unlock,
            transcript: [0; 32],
        };
        FirstPackage::renew(&repaired, &self.ground.public, words, &Sealer).unwrap()
    }

    /// The entry by which `words` take the old ones' place, signed by the device and the old words.
    fn replacing(&self, words: &RecoverySecret) -> crate::device_list::Change {
        let proposal = Proposal::new(&self.ground.list, Act::ReplaceRecovery(words.public()));
        let bytes = proposal.signing_bytes();
        let by = |identity: &IdentitySecret| identity.sign_raw(&bytes);
        let device = Signer::Device(self.parties.device.public());
        proposal
            .signed(device, by(&self.parties.device))
            .countersigned(Signer::Recovery, by(&self.parties.recovery.identity()))
            .unwrap()
    }

    /// Replaces the words: one step, in which entry and package go together.
    pub(super) fn replace(&mut self, words: &RecoverySecret) {
        let (package, entry) = (self.renewed(words), self.replacing(words));
        self.ground.list.append(&entry).unwrap();
        self.ground.recovery = words.public();
        self.list.push(entry.to_bytes());
        self.chain = self.chain.clone().resealed(package, self.list.clone());
    }

    pub(super) fn opens(&self, words: &RecoverySecret) -> Result<Opened, Fault> {
        self.chain.open(&words.identity().public(), &Age::of(words))
    }
}

/// A wallet with other words than it was made with, which are its parties' from here on.
#[cfg(feature = "ecdsa")]
pub(super) fn replaced(house: &mut House) -> crate::words::RecoveryIdentity {
    let words = RecoverySecret::generate(house.rng());
    house.replace(&words);
    house.parties.age = Age::of(&words);
    house.parties.recovery = words;
    house.parties.recovery.public()
}

#[test]
fn new_words_open_the_newest_share_before_and_after_refreshes_and_the_old_ones_no_more() {
    for earlier in 0..2 {
        let mut house = House::new(3);
        for _ in 0..earlier {
            let _ = house.refresh();
        }
        let old = Chain::try_from(house.chain.to_bytes().as_slice()).unwrap();
        let words = RecoverySecret::generate(house.rng());
        house.replace(&words);
        assert_eq!(house.chain.recovery().unwrap(), words.public());
        assert_eq!(house.opens(&words).unwrap().public, house.ground.public);
        assert_eq!(house.recovery().unwrap_err().kind, FaultKind::UnexpectedIdentity);
        for _ in 0..2 {
            let _ = house.refresh();
            let opened = house.opens(&words).unwrap();
            assert_eq!(opened.public, house.ground.public);
            assert!(house.signs(&house.ground, &house.device, &opened.contents.share));
        }
        assert_eq!(Chain::try_from(house.chain.to_bytes().as_slice()).unwrap(), house.chain);
        assert_eq!(house.chain.public().unwrap(), house.ground.public);
        // The old words still open the package of their day: a share of an epoch that is over.
        let identity = house.parties.recovery.identity().public();
        let dead = old.open(&identity, &house.parties.age).unwrap().contents.share;
        assert_eq!(
            dead.check(&house.ground.public).unwrap_err().kind,
            FaultKind::StaleEpoch
        );
    }
}

#[test]
fn p36_a_chain_with_new_words_takes_no_package_but_theirs_and_no_refresh_that_was_sealed_to_the_old_ones() {
    let mut house = House::new(4);
    let words = RecoverySecret::generate(house.rng());
    let other = RecoverySecret::generate(house.rng());
    let (old, foreign) = (house.chain.package().clone(), house.renewed(&other));
    // A refresh that another device began before: nobody told it of new words.
    let (pending, state) = house.until_pending();
    let ground = house.ground.clone();
    house.replace(&words);
    for package in [old, foreign] {
        let chain = house.chain.clone().resealed(package, house.list.clone());
        assert_eq!(chain.public().unwrap_err().culprits, [Party::Recovery]);
        assert!(chain.open(&words.identity().public(), &Age::of(&words)).is_err());
        assert!(chain.open(&other.identity().public(), &Age::of(&other)).is_err());
    }
    // Without the entry that names them, they are nobody's words.
    let list = house.list[..1].to_vec();
    let nameless = house.chain.clone().resealed(house.chain.package().clone(), list);
    assert!(nameless.public().is_err());
    assert_eq!(
        nameless
            .open(&words.identity().public(), &Age::of(&words))
            .unwrap_err()
            .kind,
        FaultKind::UnexpectedIdentity
    );
    let (new, completion) = state
        .receive(&ground, &pending.closing(), &house.parties.server)
        .unwrap();
    let late = pending.finish(&completion).unwrap();
    assert!(house.chain.clone().push(house.list.clone(), late.link).is_err());
    drop(new);
}

#[test]
fn only_recovery_s_own_share_is_sealed_to_new_words() {
    let mut house = House::new(5);
    let words = RecoverySecret::generate(house.rng());
    let unlock = house.recovery().unwrap().contents.unlock;
    let share = crate::share::Share::from_secret_bytes(&house.device.to_secret_bytes()).unwrap();
    let repaired = Repaired {
        share,
        unlock,
        transcript: [0; 32],
    };
    let sealed = FirstPackage::renew(&repaired, &house.ground.public, &words, &Sealer);
    assert_eq!(sealed.unwrap_err().kind, FaultKind::ForeignCeremony);
    let before = house.recovery().unwrap().contents;
    let _ = house.refresh();
    let stale = Repaired {
        share: before.share,
        unlock: before.unlock,
        transcript: [0; 32],
    };
    let sealed = FirstPackage::renew(&stale, &house.ground.public, &words, &Sealer);
    assert_eq!(sealed.unwrap_err().kind, FaultKind::StaleEpoch);
}
