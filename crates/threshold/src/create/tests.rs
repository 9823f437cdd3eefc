mod cheating;
mod encoding;
mod guards;
mod replay;

use std::vec::Vec;

use bitcoin::{
    key::TapTweak,
    secp256k1::{Secp256k1, XOnlyPublicKey},
};

use super::{device::Pending, server::AwaitClosing};
use crate::{
    FaultKind,
    create::{recovery, server},
    fixture::{Parties, REQUEST, Sealer, libsecp, rng},
    id::{Party, RequestDigest},
    seal,
    secret::{Secret32, UnlockKey},
    sign::test_message,
};

#[test]
fn three_parties_make_a_key_and_the_test_signature_verifies_in_libsecp256k1() {
    // Several seeds, so that group keys with even and odd y both occur.
    let mut seen = [false; 2];
    for seed in 1..=12 {
        let mut parties = Parties::new(seed);
        let wallet = parties.create();
        let public = &wallet.device.public;
        assert_eq!(public, &wallet.server.public);
        assert_eq!(wallet.server.transcript, wallet.device.transcript);
        seen[usize::from(public.group_key()[0] & 1)] = true;
        let key: [u8; 32] = public.group_key()[1..].try_into().unwrap();
        assert!(libsecp(
            &key,
            &test_message(public.epoch()),
            &wallet.device.test_signature
        ));
        public.verify_test_signature(&wallet.device.test_signature).unwrap();

        let t = wallet.device.transcript.transcript();
        let identity = parties.recovery.identity().public();
        let signature = wallet.device.transcript.signature(Party::Recovery);
        let contents = wallet
            .server
            .package
            .open(&identity, &parties.age, t, signature)
            .unwrap();
        assert_eq!(contents.share.party(), Party::Recovery);
        assert_eq!(contents.unlock.digest(), wallet.device.unlock.digest());
    }
    assert_eq!(seen, [true, true], "choose other seeds");
}

#[test]
fn the_group_key_is_the_tweaked_sum_of_the_dealt_keys_so_that_no_script_hides_in_it() {
    let mut parties = Parties::new(1);
    let wallet = parties.create();
    let points: Vec<_> = wallet
        .device
        .transcript
        .transcript()
        .round1
        .iter()
        .map(|package| bitcoin::secp256k1::PublicKey::from_slice(&package.as_bytes()[..33]).unwrap())
        .collect();
    let sum = bitcoin::secp256k1::PublicKey::combine_keys(&points.iter().collect::<Vec<_>>()).unwrap();
    let (tweaked, _) = XOnlyPublicKey::from(sum).tap_tweak(&Secp256k1::new(), None);
    assert_eq!(
        tweaked.to_x_only_public_key().serialize(),
        wallet.device.public.group_key()[1..]
    );
    // For an address it is tweaked once more.
    let child = wallet.device.public.child([0, 0]).unwrap();
    assert_ne!(child.output_key(), &tweaked.to_x_only_public_key().serialize());
}

#[test]
fn the_server_s_state_survives_under_its_seal_and_opens_for_its_own_run_only() {
    let mut parties = Parties::new(2);
    let run = parties.until_closing();
    let aad = AwaitClosing::aad(run.server.opening());
    let kek = Secret32::new([4; 32]);
    let sealed = seal::seal(&kek, &aad, &run.server.to_secret_bytes(), &mut parties.rng);
    let other = Parties::new(3).until_closing();
    let foreign = AwaitClosing::aad(other.server.opening());
    assert_eq!(seal::open(&kek, &foreign, &sealed).unwrap_err().kind, FaultKind::Seal);
    let state = AwaitClosing::from_secret_bytes(&seal::open(&kek, &aad, &sealed).unwrap()).unwrap();
    let (_, completion) = state
        .receive(&run.closing, &run.unlock, &REQUEST, &parties.server, &mut parties.rng)
        .unwrap();
    let created = run.device.receive(&completion).unwrap();
    created.public.verify_test_signature(&created.test_signature).unwrap();
}

#[test]
fn a_device_that_crashed_before_the_reply_finishes_with_fresh_commitments() {
    let mut parties = Parties::new(4);
    let (pending, run) = parties.until_pending();
    let record = pending.to_secret_bytes();
    let (_, first) = pending.close(&mut parties.rng).unwrap();
    let (new, lost) = run.receive(&first, &parties.server, &mut parties.rng);
    // The device comes back with what it made durable.
    let (waiting, second) = Pending::from_secret_bytes(&record)
        .unwrap()
        .close(&mut parties.rng)
        .unwrap();
    assert_ne!(first.commitment, second.commitment);
    let again = server::complete(
        &new.share,
        &new.public,
        &new.transcript,
        second.test_commitment(),
        &RequestDigest([0x5d; 32]),
        &parties.server,
        &mut parties.rng,
    )
    .unwrap();
    assert_ne!(lost.commitment, again.commitment);
    let created = waiting.receive(&again).unwrap();
    new.public.verify_test_signature(&created.test_signature).unwrap();
}

#[test]
fn p31_a_server_whose_randomness_repeats_makes_another_test_nonce_for_another_request() {
    let mut parties = Parties::new(10);
    let (pending, run) = parties.until_pending();
    let (_, closing) = pending.close(&mut parties.rng).unwrap();
    let (new, _) = run.receive(&closing, &parties.server, &mut parties.rng);
    // The memory as it was, with its generator: only what is asked differs.
    let complete = |request: RequestDigest| {
        let commitment = closing.test_commitment();
        server::complete(
            &new.share,
            &new.public,
            &new.transcript,
            commitment,
            &request,
            &parties.server,
            &mut rng(7),
        )
        .unwrap()
        .commitment
    };
    assert_eq!(complete(REQUEST), complete(REQUEST));
    assert_ne!(complete(REQUEST), complete(RequestDigest([0x5d; 32])));
}

#[test]
fn a_device_s_record_that_was_tampered_with_is_refused() {
    let mut parties = Parties::new(5);
    let (pending, _) = parties.until_pending();
    let record = pending.to_secret_bytes();
    // Unlock key, share, transcript and signatures each hold the others.
    for at in [2, 40, 110, 150, record.len() - 70, record.len() - 1] {
        let mut bad = record.to_vec();
        bad[at] ^= 1;
        assert!(Pending::from_secret_bytes(&bad).is_err(), "byte {at}");
    }
}

#[test]
fn recovery_on_a_machine_of_its_own_may_be_turned_off_between_its_messages() {
    let mut parties = Parties::new(6);
    let (r, r_opening) = parties.start_recovery();
    let record = r.to_secret_bytes().unwrap();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_s, round) = parties.start_server(opening, &unlock).unwrap();
    let (d, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let r = recovery::AwaitServer::from_secret_bytes(&record, &parties.recovery).unwrap();
    let (finished, answer) = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap();
    let to_sign = d.receive(answer).unwrap();
    assert_eq!(to_sign.public().fingerprint(), finished.public.fingerprint());
}

#[test]
fn a_device_may_be_turned_off_while_recovery_has_its_message() {
    let mut parties = Parties::new(1);
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let (_, round) = parties.start_server(opening, &unlock).unwrap();
    let (d, to_recovery) = d.receive(round, &Sealer, &mut parties.rng).unwrap();
    let record = d.to_secret_bytes();
    drop(d);
    let server = parties.server.public();
    let read = |bytes: &[u8]| super::device::AwaitRecovery::from_secret_bytes(bytes, &server);
    let (finished, answer) = r
        .receive(&to_recovery, &Sealer, &parties.age, &mut parties.rng)
        .unwrap();
    // Twice from one record: the first answer may have been the wrong file.
    for _ in 0..2 {
        let to_sign = read(&record).unwrap().receive(answer.clone()).unwrap();
        assert_eq!(to_sign.public().fingerprint(), finished.public.fingerprint());
    }

    // Its unlock key, its ceremony key (not the bits that X25519 clamps), or what the server signed.
    for place in [2, 35, record.len() - 700] {
        let mut changed = record.to_vec();
        changed[place] ^= 1;
        assert!(read(&changed).is_err(), "{place}");
    }
    let other = parties.device.public();
    assert!(super::device::AwaitRecovery::from_secret_bytes(&record, &other).is_err());
}

#[test]
fn a_wrong_unlock_key_is_denied_and_changes_nothing() {
    let mut parties = Parties::new(7);
    let (_, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let wrong = UnlockKey::generate(&mut parties.rng);
    let fault = parties.start_server(opening.clone(), &wrong).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnlockKey);
    assert_eq!(fault.class(), crate::Class::Denied);
    let unlock = Parties::copy_of(d.unlock());
    assert!(parties.start_server(opening, &unlock).is_ok());
}

#[test]
fn nothing_secret_is_printed() {
    let mut parties = Parties::new(8);
    let (r, r_opening) = parties.start_recovery();
    let (d, opening) = parties.start_device(r_opening);
    let unlock = Parties::copy_of(d.unlock());
    let secret = std::format!("{:?}", unlock.expose().expose());
    let (s, _) = parties.start_server(opening, &unlock).unwrap();
    for shown in [
        std::format!("{r:?}"),
        std::format!("{d:?}"),
        std::format!("{s:?}"),
        std::format!("{unlock:?}"),
    ] {
        assert!(!shown.contains(&secret) && shown.len() < 400, "{shown}");
    }
    let wallet = Parties::new(9).create();
    let share = std::format!("{:?}", wallet.server.share);
    let hex = hex::encode(*wallet.server.share.secret_bytes());
    assert!(share.contains("redacted") && !std::format!("{wallet:?}").contains(&hex));
}
