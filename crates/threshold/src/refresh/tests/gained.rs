//! An ECDSA key that a wallet gained: what recovery sealed of it, and the refreshes since.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};

use super::{words::replaced, *};
use crate::{
    ecdsa::{
        EcdsaChain, EcdsaTranscript,
        fixture::{Dealt, Gaining, WHAT},
    },
    id::KeyKind,
    package::FirstPackage,
    transcript::Signed,
};

type Gained = House<EcdsaTranscript>;

impl House {
    /// The wallet gains an ECDSA key where it stands. What is of the other key is left behind.
    fn gain(self) -> Gained {
        self.gain_with(|_| {})
    }

    /// The same with something done to what everybody stands on.
    fn gain_with(mut self, change: impl FnOnce(&mut crate::ecdsa::Ground)) -> Gained {
        let run = self.gained(change);
        House {
            parties: self.parties,
            ground: Ground {
                public: run.device.public,
                ..self.ground
            },
            server: run.server.share,
            device: run.device.share,
            unlock: self.unlock,
            sealing: self.sealing,
            chain: EcdsaChain::new(run.device.transcript, run.device.package, self.list.clone(), Vec::new()),
            list: self.list,
            seal_key: self.seal_key,
        }
    }

    /// The ceremony alone.
    pub(super) fn gained(&mut self, change: impl FnOnce(&mut crate::ecdsa::Ground)) -> crate::ecdsa::fixture::Run {
        let parties = core::mem::replace(&mut self.parties, Parties::new(200));
        let (unlock, epoch) = (Parties::copy_of(&self.unlock), self.ground.public.epoch());
        let mut gaining = Gaining::at(parties, unlock, epoch, *self.ground.list.head());
        gaining.ground.first_recovery = self.chain.created().transcript().recovery().signing;
        change(&mut gaining.ground);
        let run = gaining.run().unwrap();
        self.parties = gaining.parties;
        run
    }
}

impl Gained {
    /// The same chain with other parts.
    fn chain_of(&self, package: &FirstPackage, list: &[Vec<u8>], links: &[Link]) -> EcdsaChain {
        EcdsaChain::new(
            self.chain.created().clone(),
            package.clone(),
            list.to_vec(),
            links.to_vec(),
        )
    }

    fn opened(&self, chain: &EcdsaChain) -> Result<Opened, Fault> {
        chain.open(&self.parties.recovery.identity().public(), &self.parties.age)
    }

    /// Recovery signs with the device and with the server.
    fn recovery_signs(&self, opened: Opened) {
        let copy = |share: &Share| Share::from_secret_bytes(&share.to_secret_bytes()).unwrap();
        let mut dealt = Dealt::new(1);
        dealt.public = opened.public;
        dealt.shares = [copy(&self.server), copy(&self.device), opened.contents.share];
        for answerer in [Party::Device, Party::Server] {
            let pairs = dealt.pair(dealt.setting(Party::Recovery, answerer));
            dealt.sign(&pairs, &WHAT).unwrap();
        }
    }
}

#[test]
fn p35_ecdsa_recovery_opens_its_package_follows_the_refreshes_and_signs_with_each() {
    let mut house = House::new(1);
    // The wallet has stood for two epochs when it gains the key: its list is longer than its first entry.
    let _ = house.refresh();
    let mut house = house.gain();
    let first = house.recovery().unwrap();
    assert_eq!(first.public, house.ground.public);
    assert_eq!((first.public.kind(), first.public.epoch().number), (KeyKind::Ecdsa, 2));
    for number in 3..5 {
        let _ = house.refresh();
        let opened = house.recovery().unwrap();
        assert_eq!(opened.public, house.ground.public);
        assert_eq!(opened.public.epoch().number, number);
        assert_eq!(opened.contents.unlock.digest(), house.unlock.digest());
        assert_eq!(opened.public.extended_key(), first.public.extended_key());
        opened.contents.share.check(&house.ground.public).unwrap();
    }
    let read = EcdsaChain::try_from(house.chain.to_bytes().as_slice()).unwrap();
    assert_eq!(read, house.chain);
    assert_eq!(read.public().unwrap(), house.ground.public);
    house.recovery_signs(house.opened(&read).unwrap());
}

#[test]
fn p33_ecdsa_recovery_opens_whichever_dealer_s_envelope_is_good_and_names_both_where_none_is() {
    let mut house = House::new(2).gain();
    let before = house.refresh();
    let opened = |liars: &[usize]| {
        let mut link = before.link.clone();
        for liar in liars {
            link.envelopes_of(*liar).spoil();
        }
        house.opened(&house.chain_of(house.chain.package(), &house.list, &[link]))
    };
    for liar in 0..2 {
        let opened = opened(&[liar]).unwrap();
        assert_eq!(opened.public, house.ground.public);
        opened.contents.share.check(&house.ground.public).unwrap();
    }
    let fault = opened(&[0, 1]).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::SealedPackage, &[Party::Server, Party::Device][..])
    );
}

#[test]
fn p34_ecdsa_of_two_refreshes_at_once_one_wins_and_one_that_dies_leaves_the_epoch_that_there_was() {
    let mut house = House::new(9).gain();
    let before = house.ground.public.clone();
    // A device dies between the two requests: nothing has changed.
    drop(house.until_pending());
    house.device.check(&before).unwrap();
    house.server.check(&before).unwrap();
    assert_eq!(house.recovery().unwrap().public, before);
    let (first, of_first) = house.until_pending();
    let (second, of_second) = house.until_pending();
    // The server has the later one in the earlier one's place.
    let (new, completion) = house.close(of_second, &second.closing()).unwrap();
    let (third, of_third) = house.until_pending();
    let fault = house.close(of_third, &first.closing()).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Device));
    drop(third);
    let refreshed = second.finish(&completion).unwrap();
    let _ = house.take(new, refreshed);
    let fault = house.close(of_first, &first.closing()).unwrap_err();
    assert_eq!(fault, FaultKind::StaleEpoch.into());
    let opened = house.recovery().unwrap();
    for share in [&house.server, &house.device, &opened.contents.share] {
        share.check(&house.ground.public).unwrap();
    }
}

#[test]
fn p36_ecdsa_a_package_of_another_epoch_wallet_or_key_is_refused_and_so_is_another_s_refresh() {
    let taproot = House::new(3);
    let (of_taproot, bytes) = (taproot.chain.package().clone(), taproot.chain.to_bytes());
    let mut house = taproot.gain();
    let mut other = House::new(4).gain();
    let (first, foreign) = (house.refresh(), other.refresh());
    let second = house.refresh();
    let of_recovery = |package: &FirstPackage| {
        let chain = house.chain_of(package, &house.list, house.chain.links());
        assert_eq!(chain.public().unwrap_err().culprits, [Party::Recovery]);
        assert_eq!(house.opened(&chain).unwrap_err().kind, FaultKind::ForeignCeremony);
    };
    of_recovery(&of_taproot);
    of_recovery(other.chain.package());
    let links = |links: &[Link]| house.opened(&house.chain_of(house.chain.package(), &house.list, links));
    assert_eq!(
        links(&[first.link.clone(), second.link.clone()]).unwrap().public,
        house.ground.public
    );
    let both = [Party::Server, Party::Device];
    // Another wallet's, one twice, one left out.
    for wrong in [
        [first.link.clone(), foreign.link],
        [first.link.clone(), first.link.clone()],
        [second.link.clone(), first.link],
    ] {
        let fault = links(&wrong).unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits.as_slice()),
            (FaultKind::ForeignCeremony, &both[..])
        );
    }
    // The other key's chain is none of this key's, and the other way round.
    assert_eq!(
        EcdsaChain::try_from(bytes.as_slice()).unwrap_err().kind,
        FaultKind::UnexpectedMessage
    );
    let bytes = house.chain.to_bytes();
    assert_eq!(
        Chain::try_from(bytes.as_slice()).unwrap_err().kind,
        FaultKind::UnexpectedMessage
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn p36_ecdsa_a_chain_that_was_altered_opens_to_the_same_epoch_or_not_at_all(
        edits in prop::collection::vec((any::<Index>(), 1..=u8::MAX), 1..4),
    ) {
        static HOUSE: LazyLock<Gained> = LazyLock::new(|| {
            let mut house = House::new(1).gain();
            let _ = house.refresh();
            house
        });
        let mut bytes = HOUSE.chain.to_bytes();
        for (at, bits) in &edits {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        let opened = EcdsaChain::try_from(bytes.as_slice()).and_then(|chain| HOUSE.opened(&chain));
        if let Ok(opened) = opened {
            prop_assert_eq!(&opened.public, &HOUSE.ground.public);
            opened.contents.share.check(&HOUSE.ground.public).unwrap();
        }
    }
}

#[test]
fn p36_ecdsa_a_package_of_this_key_s_is_opened_at_its_own_epoch_alone() {
    let mut house = House::new(5).gain();
    let first = house.chain.package().clone();
    let _ = house.refresh();
    let words = RecoverySecret::generate(house.rng());
    // Sealed by the words that recovery has, for the epoch after the first.
    let later = house.renewed(&house.parties.recovery);
    let opened = |package: &FirstPackage, links: &[Link]| house.opened(&house.chain_of(package, &house.list, links));
    opened(&first, house.chain.links()).unwrap();
    let renewed = opened(&later, house.chain.links()).unwrap();
    assert_eq!(renewed.public, house.ground.public);
    assert_eq!(opened(&later, &[]).unwrap_err().kind, FaultKind::ForeignCeremony);
    // Sealed and signed by words that are nobody's.
    let fault = opened(&house.renewed(&words), house.chain.links()).unwrap_err();
    assert_eq!(fault.culprits, [Party::Recovery]);
}

#[test]
fn a_key_that_is_gained_after_the_words_were_replaced_opens_by_the_new_ones_and_by_the_next() {
    let mut house = House::new(6);
    let words = replaced(&mut house);
    let mut house = house.gain();
    for _ in 0..2 {
        assert_eq!(house.chain.recovery().unwrap(), words);
        assert_eq!(house.recovery().unwrap().public, house.ground.public);
        let _ = house.refresh();
    }
    let next = RecoverySecret::generate(house.rng());
    house.replace(&next);
    let _ = house.refresh();
    let opened = house.opens(&next).unwrap();
    assert_eq!(opened.public, house.ground.public);
    opened.contents.share.check(&house.ground.public).unwrap();
    assert_eq!(house.recovery().unwrap_err().kind, FaultKind::UnexpectedIdentity);
}

#[test]
fn p36_ecdsa_a_key_made_on_another_list_or_by_a_device_that_was_not_on_it_is_followed_nowhere() {
    let foreign = |house: &mut Gained| {
        let link = house.refresh_link();
        let chain = house.chain_of(house.chain.package(), &house.list, &[link]);
        let fault = house.opened(&chain).unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits.as_slice()),
            (FaultKind::ForeignCeremony, &[Party::Device][..])
        );
        assert_eq!(chain.public().unwrap_err(), fault);
        assert_eq!(chain.devices().unwrap_err(), fault);
    };
    let mut house = House::new(7).gain_with(|ground| ground.device_list_head[0] ^= 1);
    foreign(&mut house);
    // Words that were replaced are not the wallet's, until its list says so.
    let words = |house: &mut House| RecoverySecret::generate(house.rng());
    let mut house = House::new(7);
    let other = words(&mut house);
    house.parties.age = Age::of(&other);
    house.parties.recovery = other;
    let mut house = house.gain();
    foreign(&mut house);
    // The device that made it was never listed.
    let mut house = House::new(7);
    let listed = core::mem::replace(
        &mut house.parties.device,
        crate::identity::IdentitySecret::generate(&mut crate::fixture::rng(8)),
    );
    let mut house = house.gain();
    house.parties.device = listed;
    foreign(&mut house);
}

impl Gained {
    /// A refresh that nobody adds to the chain.
    fn refresh_link(&mut self) -> Link {
        let (pending, state) = self.until_pending();
        let (new, _) = self.close(state, &pending.closing()).unwrap();
        new.link
    }
}

#[test]
fn p32_ecdsa_a_transcript_without_recovery_s_own_signature_is_none() {
    let house = House::new(8).gain();
    let created = house.chain.created();
    let by = |party| *created.signature(party);
    for (place, signatures) in [
        (
            Party::Recovery,
            [by(Party::Server), by(Party::Device), by(Party::Device)],
        ),
        (
            Party::Device,
            [by(Party::Server), by(Party::Recovery), by(Party::Recovery)],
        ),
        (
            Party::Server,
            [by(Party::Device), by(Party::Device), by(Party::Recovery)],
        ),
    ] {
        let fault = Signed::new(created.transcript().clone(), signatures).unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::Equivocation, place));
    }
}
