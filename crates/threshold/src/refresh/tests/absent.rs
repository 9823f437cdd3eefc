//! Recovery and devices that were not there.

use super::{pairs::relabelled, *};
use crate::{
    id::WalletId,
    identity::{Domain, IdentitySecret},
    refresh::{RefreshTranscript, SignedRefresh},
};

#[test]
fn p33_an_absent_party_opens_whichever_dealer_s_envelope_is_good() {
    // 0: the server sealed rubbish; 1: the device did.
    for liar in 0..2 {
        let mut house = House::new(1);
        let before = house.refresh();
        let mut link = before.link;
        link.envelopes_of(liar).spoil();
        let identity = house.parties.device.public();
        let opened = link.open_as_device(&before.ground, &before.device, &identity, &[&before.sealing]);
        let (share, unlock, public) = opened.unwrap();
        assert_eq!(*share.secret_bytes(), *house.device.secret_bytes());
        assert_eq!(
            (unlock.digest(), &public),
            (house.unlock.digest(), &house.ground.public)
        );

        let old = Chain::new(
            house.chain.created().clone(),
            house.chain.package().clone(),
            house.list.clone(),
            Vec::new(),
        );
        let old = old
            .open(&house.parties.recovery.identity().public(), &house.parties.age)
            .unwrap();
        let (share, ..) = link
            .open_as_recovery(&before.ground, &old.contents.share, &house.parties.age)
            .unwrap();
        // With whoever is left.
        assert!(house.signs(&house.ground, &house.device, &share));
        assert!(house.signs(&house.ground, &house.server, &share));
    }
}

#[test]
fn p33_rubbish_that_a_dealer_signed_for_is_passed_over_too() {
    // The whole transcript is over the rubbish: its digest is right and it opens, but it is no increment.
    let mut house = House::new(2);
    let (waiting, opening) = house.open();
    let (mut state, mut round, _) = house.answer(opening.clone()).unwrap();
    let wrong = UnlockKey::generate(house.rng());
    let other = super::super::increment::Polynomial::deal(&house.ground.public, &mut house.parties.rng).unwrap();
    let whole = other.plus(&other, Party::Server).unwrap();
    let rng = &mut house.parties.rng;
    let rubbish = super::super::Envelopes::seal(
        &opening.terms,
        Party::Server,
        &house.ground,
        &whole,
        &wrong,
        &Sealer,
        rng,
    )
    .unwrap();
    state.round_mut().envelopes = rubbish.clone();
    round.envelopes = rubbish;
    let to_sign = house.check(waiting, round).unwrap();
    let pending = house.sign(to_sign);
    let (new, completion) = house.close(state, &pending.closing()).unwrap();
    let refreshed = pending.finish(&completion).unwrap();
    let before = house.take(new, refreshed);
    house.every_pair_signs();
    let identity = house.parties.device.public();
    let opened = before
        .link
        .open_as_device(&before.ground, &before.device, &identity, &[&before.sealing]);
    assert_eq!(opened.unwrap().1.digest(), house.unlock.digest());
}

#[test]
fn p33_where_both_dealers_sealed_rubbish_both_are_named() {
    let mut house = House::new(3);
    let before = house.refresh();
    let mut link = before.link;
    link.envelopes_of(0).spoil();
    link.envelopes_of(1).spoil();
    let identity = house.parties.device.public();
    let opened = link.open_as_device(&before.ground, &before.device, &identity, &[&before.sealing]);
    let fault = opened.unwrap_err();
    assert_eq!(fault.kind, FaultKind::SealedPackage);
    assert_eq!(fault.culprits, [Party::Server, Party::Device]);
}

#[test]
fn p36_a_link_of_another_wallet_or_epoch_is_refused_with_its_dealers_named() {
    let (mut house, mut other) = (House::new(4), House::new(5));
    let (first, foreign) = (house.refresh(), other.refresh());
    let second = house.refresh();
    let both = [Party::Server, Party::Device];
    let refused = |link: &Link, ground: &Ground, share: &Share, house: &House, kind| {
        let identity = house.parties.device.public();
        let fault = link
            .open_as_device(ground, share, &identity, &[&first.sealing, &second.sealing])
            .unwrap_err();
        assert_eq!(fault.kind, kind);
        fault.culprits
    };
    // Another epoch's, either way round.
    let culprits = refused(
        &second.link,
        &first.ground,
        &first.device,
        &house,
        FaultKind::ForeignCeremony,
    );
    assert_eq!(culprits, both);
    let culprits = refused(
        &first.link,
        &second.ground,
        &second.device,
        &house,
        FaultKind::ForeignCeremony,
    );
    assert_eq!(culprits, both);
    // Another wallet's: this device is not even among those that it was sealed to.
    let identity = house.parties.device.public();
    let taken = foreign
        .link
        .open_as_device(&first.ground, &first.device, &identity, &[&first.sealing]);
    assert!(taken.is_err());
    assert_eq!(foreign.link.follows(&first.ground).unwrap_err().culprits, both);
    // The same parties' under another wallet's name.
    let ground = Ground {
        wallet: WalletId([9; 16]),
        ..first.ground.clone()
    };
    assert_eq!(
        first.link.follows(&ground).unwrap_err().kind,
        FaultKind::ForeignCeremony
    );
    // A share that only says it is of that epoch.
    let share = relabelled(&second.device, &first.ground);
    assert!(
        first
            .link
            .open_as_device(&first.ground, &share, &identity, &[&first.sealing])
            .is_err()
    );
}

#[test]
fn p36_one_dealer_s_envelope_in_the_other_s_place_is_passed_over_and_named() {
    let mut house = House::new(6);
    let before = house.refresh();
    let mut link = before.link.clone();
    let of_device = link.envelopes_of(1).clone();
    *link.envelopes_of(0) = of_device;
    link.envelopes_of(1).spoil();
    let identity = house.parties.device.public();
    let fault = link
        .open_as_device(&before.ground, &before.device, &identity, &[&before.sealing])
        .unwrap_err();
    assert_eq!(fault.culprits, [Party::Server, Party::Device]);
}

#[test]
fn p36_a_chain_opens_only_from_the_transcript_that_recovery_signed() {
    let (mut house, mut other) = (House::new(7), House::new(8));
    let _ = (house.refresh(), other.refresh());
    let links = |house: &House| house.chain.links().to_vec();
    let chain = |of: &House, links| {
        Chain::new(
            of.chain.created().clone(),
            of.chain.package().clone(),
            of.list.clone(),
            links,
        )
    };
    let identity = house.parties.recovery.identity().public();
    let open = |chain: Chain| chain.open(&identity, &house.parties.age);
    open(chain(&house, links(&house))).unwrap();
    // Another wallet's refreshes, a refresh twice, one left out, another wallet whole.
    assert_eq!(
        open(chain(&house, links(&other))).unwrap_err().culprits,
        [Party::Server, Party::Device]
    );
    let twice = [links(&house), links(&house)].concat();
    assert!(open(chain(&house, twice)).is_err());
    assert!(open(chain(&other, links(&other))).is_err());
    let package = Chain::new(
        house.chain.created().clone(),
        other.chain.package().clone(),
        house.list.clone(),
        links(&house),
    );
    assert_eq!(package.public().unwrap_err().culprits, [Party::Recovery]);
    assert_eq!(open(package).unwrap_err().kind, FaultKind::ForeignCeremony);
}

#[test]
fn a_refresh_can_only_be_added_where_it_follows() {
    let mut house = House::new(1);
    let first = house.refresh();
    let second = house.refresh();
    let mut chain = Chain::new(
        house.chain.created().clone(),
        house.chain.package().clone(),
        house.list.clone(),
        Vec::new(),
    );
    assert!(chain.push(house.list.clone(), second.link.clone()).is_err());
    chain.push(house.list[..1].to_vec(), first.link.clone()).unwrap();
    assert!(chain.push(house.list.clone(), first.link).is_err());
    chain.push(house.list[..2].to_vec(), second.link).unwrap();
    assert_eq!(chain, house.chain);
}

#[test]
fn a_device_of_two_gets_its_envelope_and_no_other_device_s() {
    let mut house = House::new(2);
    let before = house.refresh();
    let mine = before.link.clone().for_device(&house.parties.device.public());
    assert_eq!(mine, before.link);
    let none = before.link.clone().for_device(&house.parties.server.public());
    assert_eq!(none, before.link.clone().for_recovery());
    assert!(none.to_bytes().len() < mine.to_bytes().len());
    // What is left verifies as it did.
    assert_eq!(none.follows(&before.ground).unwrap(), house.ground.public);
}

/// The same refresh with another transcript, signed by the server and by `device`.
fn forged(house: &House, link: &Link, device: &IdentitySecret, change: impl FnOnce(&mut RefreshTranscript)) -> Link {
    let mut link = link.clone();
    let mut transcript = link.signed().transcript().clone();
    change(&mut transcript);
    let sign = |who: &IdentitySecret| who.sign(Domain::TRANSCRIPT, &transcript.hash());
    let signatures = [sign(&house.parties.server), sign(device)];
    let envelopes = [0, 1].map(|dealer| link.envelopes_of(dealer).clone());
    Link::new(SignedRefresh::new(transcript, None, signatures).unwrap(), envelopes)
}

#[test]
fn p36_a_link_that_names_another_epoch_before_it_is_refused_though_its_dealers_signed_it() {
    let mut house = House::new(3);
    let before = house.refresh();
    let device = IdentitySecret::from_seed(&house.parties.device.expose_seed());
    let same = forged(&house, &before.link, &device, |_| {});
    assert_eq!(same, before.link);
    let other = forged(&house, &before.link, &device, |transcript| {
        transcript.terms.previous.transcript = [9; 32];
    });
    let fault = other.follows(&before.ground).unwrap_err();
    assert_eq!(fault.culprits, [Party::Server, Party::Device]);
}

#[test]
fn p36_a_server_can_t_make_recovery_follow_a_refresh_with_a_device_of_its_own() {
    let mut house = House::new(4);
    let before = house.refresh();
    let stranger = IdentitySecret::generate(house.rng());
    let key = SealSecret::generate(house.rng()).public();
    let chain = Chain::new(
        house.chain.created().clone(),
        house.chain.package().clone(),
        house.list.clone(),
        Vec::new(),
    );
    let follows = |device: &IdentitySecret, change: &dyn Fn(&mut RefreshTranscript)| {
        let link = forged(&house, &before.link, device, change);
        chain.clone().push(house.list.clone(), link)
    };
    let device = IdentitySecret::from_seed(&house.parties.device.expose_seed());
    follows(&device, &|_| {}).unwrap();
    let own = |transcript: &mut RefreshTranscript| transcript.device = stranger.public();
    let sealed_elsewhere = |transcript: &mut RefreshTranscript| transcript.recipients[0].1 = key;
    let other_list = |transcript: &mut RefreshTranscript| transcript.list_head = [7; 32];
    let foreign = [
        follows(&stranger, &own),
        follows(&device, &sealed_elsewhere),
        follows(&device, &other_list),
    ];
    for refused in foreign {
        let fault = refused.unwrap_err();
        assert_eq!(
            (fault.kind, fault.culprits),
            (FaultKind::UnexpectedIdentity, [Party::Device].into())
        );
    }
}
