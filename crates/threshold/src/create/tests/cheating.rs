//! Parties that keep the form and break the protocol.

use k256::{Scalar, elliptic_curve::PrimeField};
use zeroize::Zeroizing;

use crate::{
    Class, Fault, FaultKind,
    create::{RecoveryOpening, dealt::Route, round1::Dealt},
    fixture::{Age, Parties, REQUEST, Sealer},
    id::{KeyKind, Party},
    identity::{Domain, IdentitySecret},
    package::FirstPackage,
    sign::SignatureShare,
    words::RecoverySecret,
};

fn blamed(fault: &Fault, kind: FaultKind, culprit: Party) {
    assert_eq!((fault.kind, fault.culprits.as_slice()), (kind, &[culprit][..]));
}

/// A dealt share that is off by one.
fn off_by_one(dealt: &Dealt) -> Dealt {
    let scalar = Scalar::from_repr((**dealt).into()).unwrap() + Scalar::ONE;
    Zeroizing::new(scalar.to_bytes().into())
}

#[test]
fn p13_a_copied_proof_of_possession_is_malformed_and_named() {
    let mut parties = Parties::new(1);
    let (_, r_opening) = parties.start_recovery();
    let (d, mut opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    // The device plays recovery with its own polynomial, proof and all.
    opening.recovery_round1 = opening.device_round1.clone();
    let fault = parties.start_server(opening, &unlock).unwrap_err();
    blamed(&fault, FaultKind::ProofOfPossession, Party::Recovery);
    assert_eq!(fault.class(), Class::Malformed);
}

#[test]
fn p13_a_rogue_key_has_no_proof_and_is_named() {
    let mut parties = Parties::new(1);
    let (_, r_opening) = parties.start_recovery();
    let (d, mut opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    // The device's constant is chosen to cancel recovery's; its own proof no longer fits.
    let constant = |bytes: &[u8; 130]| crate::point::decode(bytes[..33].try_into().unwrap()).unwrap();
    let rogue = constant(opening.device_round1.as_bytes()) - constant(opening.recovery_round1.as_bytes());
    let bytes = opening.to_bytes();
    let at = bytes
        .windows(33)
        .position(|w| w == &opening.device_round1.as_bytes()[..33])
        .unwrap();
    let mut forged = bytes;
    forged[at..at + 33].copy_from_slice(&crate::point::encode(&rogue).unwrap());
    opening = forged.as_slice().try_into().unwrap();
    let fault = parties.start_server(opening, &unlock).unwrap_err();
    blamed(&fault, FaultKind::ProofOfPossession, Party::Device);
    assert_eq!(fault.class(), Class::Malformed);
}

#[test]
fn p13_device_and_recovery_check_the_server_s_proof_as_well() {
    let mut parties = Parties::new(1);
    let (_, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, mut round) = parties.start_server(opening.clone(), &unlock).unwrap();
    round.round1 = opening.device_round1.clone();
    round.signature = parties.server.sign(Domain::FIRST_HALF, &round.first_half(&opening));
    let fault = d.receive(round, &Sealer, &mut parties.rng).unwrap_err();
    blamed(&fault, FaultKind::ProofOfPossession, Party::Server);
}

#[test]
fn p15_a_hub_that_shows_server_and_recovery_different_first_rounds_gets_nothing_signed() {
    // The hub tells recovery of another device polynomial, unlock key or ceremony key than it told the server.
    for change in 0..3 {
        let mut parties = Parties::new(1);
        let (r, r_opening) = parties.start_recovery();
        let (d, opening) = parties.start_device(r_opening.clone());
        let (_, other) = parties.start_device(r_opening);
        let unlock = Parties::copy_of(d.unlock());
        let (_, round) = parties.start_server(opening, &unlock).unwrap();
        let (_, mut to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
        match change {
            0 => to_recovery.opening.device_round1 = other.device_round1,
            1 => to_recovery.opening.unlock_digest = other.unlock_digest,
            _ => to_recovery.opening.device_key = other.device_key,
        }
        let fault = r
            .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.class()),
            (FaultKind::IdentitySignature, Class::Blame)
        );
        // Recovery cannot tell a lying hub from a lying server.
        assert_eq!(fault.culprits, [Party::Server, Party::Device]);
    }
}

#[test]
fn p15_a_server_that_signs_two_first_rounds_is_found_by_the_transcript() {
    let mut parties = Parties::new(1);
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, for_device) = parties.start_server(opening.clone(), &unlock).unwrap();
    let (_, for_recovery) = parties.start_server(opening, &unlock).unwrap();
    let (d, mut to_recovery) = d.receive(for_device, &Sealer, &mut parties.rng).unwrap();
    to_recovery.server = for_recovery;
    let (_, answer) = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap();
    // Recovery signed another transcript: the wallet is not made.
    let fault = d.receive(answer).unwrap_err();
    assert_eq!((fault.kind, fault.class()), (FaultKind::Equivocation, Class::Blame));
}

#[test]
fn p15_the_server_stores_nothing_under_a_transcript_that_recovery_did_not_sign() {
    let mut parties = Parties::new(1);
    let honest = parties.until_closing();
    let mut closing = honest.closing;
    // A device that signs another set of sealed packages than recovery did.
    closing.between[0] = [1; 32];
    let t = {
        let all = honest.round.all_round1(&honest.opening);
        let sealed = crate::transcript::SealedDigests([
            crate::transcript::sealed_digest(&honest.round.to_device),
            crate::transcript::sealed_digest(&honest.round.to_recovery),
            crate::transcript::sealed_digest(&closing.from_device),
            closing.between[0],
            crate::transcript::sealed_digest(&closing.from_recovery),
            closing.between[1],
        ]);
        crate::create::server::transcript(&honest.opening, &honest.round, &all, sealed).unwrap()
    };
    closing.device_signature = parties.device.sign(Domain::TRANSCRIPT, &t.hash());
    let fault = honest
        .server
        .receive(&closing, &honest.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap_err();
    blamed(&fault, FaultKind::Equivocation, Party::Recovery);
}

#[test]
fn p16_a_bad_share_dealt_by_the_server_is_found_by_the_device_and_by_recovery() {
    let mut parties = Parties::new(1);
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, mut round) = parties.start_server(opening.clone(), &unlock).unwrap();
    let route = |to| Route::first(opening.run, KeyKind::Taproot, Party::Server, to);
    // To recovery.
    let (dealt, _) = route(Party::Recovery)
        .open_as_recovery(&parties.age, &round.to_recovery)
        .unwrap();
    round.to_recovery = route(Party::Recovery)
        .seal_to_recovery(&Sealer, &opening.recovery.recipient, &off_by_one(&dealt), None)
        .unwrap();
    round.signature = parties.server.sign(Domain::FIRST_HALF, &round.first_half(&opening));
    let (_, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let fault = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap_err();
    blamed(&fault, FaultKind::DealtShare, Party::Server);
    assert_eq!(fault.class(), Class::Blame);

    // To the device: sealed with any other scalar.
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, mut round) = parties.start_server(opening.clone(), &unlock).unwrap();
    round.to_device = route(Party::Device)
        .seal(&opening.device_key, &Zeroizing::new([5; 32]), &mut parties.rng)
        .unwrap();
    round.signature = parties.server.sign(Domain::FIRST_HALF, &round.first_half(&opening));
    let (d, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let (_, answer) = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap();
    blamed(&d.receive(answer).unwrap_err(), FaultKind::DealtShare, Party::Server);
}

#[test]
fn p16_bad_shares_dealt_by_device_and_recovery_are_found_by_the_server_and_named() {
    for culprit in [Party::Device, Party::Recovery] {
        let mut parties = Parties::new(1);
        let honest = parties.until_closing();
        let mut closing = honest.closing;
        let route = Route::first(honest.opening.run, KeyKind::Taproot, culprit, Party::Server);
        let bad = route
            .seal(&honest.round.server_key, &Zeroizing::new([5; 32]), &mut parties.rng)
            .unwrap();
        if culprit == Party::Device {
            closing.from_device = bad;
        } else {
            closing.from_recovery = bad;
        }
        // Both sign for it, so that nothing but the share itself is wrong.
        let all = honest.round.all_round1(&honest.opening);
        let digest = crate::transcript::sealed_digest;
        let sealed = crate::transcript::SealedDigests([
            digest(&honest.round.to_device),
            digest(&honest.round.to_recovery),
            digest(&closing.from_device),
            closing.between[0],
            digest(&closing.from_recovery),
            closing.between[1],
        ]);
        let t = crate::create::server::transcript(&honest.opening, &honest.round, &all, sealed).unwrap();
        closing.device_signature = parties.device.sign(Domain::TRANSCRIPT, &t.hash());
        closing.recovery_signature = parties.recovery.identity().sign(Domain::TRANSCRIPT, &t.hash());
        let fault = honest
            .server
            .receive(&closing, &honest.unlock, &REQUEST, &parties.server, &mut parties.rng)
            .unwrap_err();
        blamed(&fault, FaultKind::DealtShare, culprit);
    }
}

#[test]
fn p17_a_bad_test_share_of_the_server_is_named_and_gives_no_signature() {
    let mut parties = Parties::new(1);
    let run = parties.until_closing();
    let (_, mut completion) = run
        .server
        .receive(&run.closing, &run.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap();
    completion.share = SignatureShare::try_from([3; 32].as_slice()).unwrap();
    let fault = run.device.receive(&completion).unwrap_err();
    blamed(&fault, FaultKind::SignatureShare, Party::Server);
}

#[test]
fn p32_recovery_signs_for_no_server_but_the_invitation_s_and_no_recovery_but_itself() {
    // The hub plays the server towards recovery.
    let mut parties = Parties::new(1);
    let (r, r_opening) = parties.start_recovery();
    let true_server = std::mem::replace(
        &mut parties.server,
        IdentitySecret::generate(&mut crate::fixture::rng(77)),
    );
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (_, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let fault = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap_err();
    assert_eq!(
        (fault.kind, fault.class()),
        (FaultKind::UnexpectedIdentity, Class::Blame)
    );

    // The hub plays recovery towards the true server, and shows recovery a round with its own name in it.
    parties.server = true_server;
    let (r, honest) = parties.start_recovery();
    let invented = RecoverySecret::generate(&mut parties.rng);
    let played = RecoveryOpening {
        identity: invented.public(),
        ..honest.clone()
    };
    let (d, opening) = parties.start_device(played);
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (_, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let mut shown = to_recovery.clone();
    shown.opening.recovery = honest.identity;
    for message in [to_recovery, shown] {
        let record = r.to_secret_bytes().unwrap();
        let r = crate::create::recovery::AwaitServer::from_secret_bytes(&record, &parties.recovery).unwrap();
        let fault = r
            .receive(&message, &Sealer, &parties.age, &mut parties.rng)
            .unwrap_err();
        assert_eq!(fault.class(), Class::Blame);
        assert!(
            matches!(fault.kind, FaultKind::Equivocation | FaultKind::IdentitySignature),
            "{fault}"
        );
    }
}

#[test]
fn p36_a_first_package_of_another_wallet_epoch_or_dealer_is_refused_and_recovery_named() {
    let mut parties = Parties::new(1);
    let ours = parties.create();
    parties.ceremony = crate::id::CeremonyId([9; 16]);
    let another_epoch = parties.create();
    let mut strangers = Parties::new(2);
    strangers.wallet = parties.wallet;
    let another_dealer = strangers.create();
    let t = ours.device.transcript.transcript();
    let identity = parties.recovery.identity().public();
    let signature = ours.device.transcript.signature(Party::Recovery);
    let open = |package: &FirstPackage| package.open(&identity, &parties.age, t, signature).unwrap_err();

    let fault = open(&another_epoch.device.package);
    blamed(&fault, FaultKind::ForeignCeremony, Party::Recovery);
    assert_eq!(fault.class(), Class::Blame);
    // Another dealer's package, with the names of ours written on it.
    let contents = another_dealer
        .device
        .package
        .open(
            &strangers.recovery.identity().public(),
            &strangers.age,
            another_dealer.device.transcript.transcript(),
            another_dealer.device.transcript.signature(Party::Recovery),
        )
        .unwrap();
    let share = crate::share::Share::new(
        parties.wallet,
        Party::Recovery,
        KeyKind::Taproot,
        ours.device.public.epoch(),
        &contents.share.secret_bytes(),
    )
    .unwrap();
    let recipient = parties.recovery.public().recipient;
    let forged = FirstPackage::seal(
        &share,
        &contents.unlock,
        &recipient,
        &Sealer,
        &strangers.recovery.identity(),
    )
    .unwrap();
    blamed(&open(&forged), FaultKind::IdentitySignature, Party::Recovery);
    // Even signed by recovery itself it is not a share of this key.
    let signed = FirstPackage::seal(
        &share,
        &contents.unlock,
        &recipient,
        &Sealer,
        &parties.recovery.identity(),
    )
    .unwrap();
    blamed(&open(&signed), FaultKind::ShareMismatch, Party::Recovery);
    // Opened by someone else: not recovery's transcript.
    let fault = ours
        .device
        .package
        .open(
            &strangers.recovery.identity().public(),
            &Age::of(&strangers.recovery),
            t,
            signature,
        )
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnexpectedIdentity);
}
