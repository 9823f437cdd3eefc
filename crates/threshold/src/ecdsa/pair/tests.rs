//! A pair's set-up, and sides that keep the form and break the protocol.

mod said;

use std::{env, fs, sync::Arc, vec, vec::Vec};

use super::{
    AwaitAnswer, AwaitClosing, AwaitCompletion, Pair, PairAnswer, PairClosing, PairCompletion, PairId, PairOpening,
    Setting, Untested, answer, begin,
};
use crate::{
    Class, Fault, FaultKind,
    ecdsa::{
        LIBRARY,
        fixture::{Again, Dealt, WHAT, again, good, has_one_encoding, process},
    },
    hash,
    id::{CeremonyId, EpochId, Party},
    identity::{Domain, Signature64},
};

/// Version and kind, wallet, run.
const RUN: usize = 2 + 16 + 16;
/// Fresh bytes, commitment, key.
const HEAD: usize = 96;
/// A point, 64 points, 64 challenges with responses.
const PROOF: usize = 33 + 64 * 33 + 64 * 36;
const PART: usize = PROOF + 32 + 32 + 256 * (7 * 33 + 4 * 32);

fn ceremony() -> CeremonyId {
    CeremonyId([9; 16])
}

/// As far as the answerer's part.
fn until_answer(dealt: &mut Dealt) -> (AwaitAnswer, AwaitClosing, PairOpening, PairAnswer) {
    let setting = dealt.setting(Party::Device, Party::Server);
    let (asking, opening) = begin(setting, ceremony(), &mut dealt.rng).unwrap();
    let signature = dealt.identity(Party::Device).sign_raw(&opening.signing_bytes());
    let opening = opening.signed(signature);
    let (answering, said) = answering(dealt, setting, &opening).unwrap();
    (asking, answering, opening, said)
}

/// The server answers.
fn answering(dealt: &mut Dealt, setting: Setting, opening: &PairOpening) -> Result<(AwaitClosing, PairAnswer), Fault> {
    let mut rng = dealt.rng.clone();
    let answered = answer(setting, opening, dealt.identity(Party::Server), &mut rng);
    dealt.rng = rng;
    answered
}

/// The device takes the answer, and signs its closing.
fn closing(dealt: &mut Dealt, asking: AwaitAnswer, said: &PairAnswer) -> Result<(AwaitCompletion, PairClosing), Fault> {
    let (asking, closing) = asking.receive(said, &mut dealt.rng)?;
    let signature = dealt.identity(Party::Device).sign_raw(&closing.signing_bytes());
    Ok((asking, closing.signed(signature)))
}

/// The server takes the closing.
fn completing(
    dealt: &mut Dealt,
    answering: AwaitClosing,
    closing: &PairClosing,
) -> Result<(Untested, PairCompletion), Fault> {
    let mut rng = dealt.rng.clone();
    let completed = answering.receive(closing, dealt.identity(Party::Server), &mut rng);
    dealt.rng = rng;
    completed
}

/// What the server says after its message was changed by itself.
fn resigned(dealt: &Dealt, signed: &[u8; 32]) -> Signature64 {
    dealt.identity(Party::Server).sign(Domain::ECDSA_ANSWER, signed)
}

#[test]
fn the_record_of_a_pair_is_read_as_it_was_written_and_signs() {
    let mut dealt = Dealt::new(1);
    if env::var_os("TWOFOLD_WRITE_VECTORS").is_some() {
        let pairs = dealt.pair(dealt.setting(Party::Device, Party::Server));
        for (name, pair) in [("device", &pairs.asker), ("server", &pairs.answerer)] {
            let path = std::format!("{}/vectors/ecdsa-pair-{name}.bin", env!("CARGO_MANIFEST_DIR"));
            fs::write(path, &*pair.to_secret_bytes().unwrap()).unwrap();
        }
        return;
    }
    let pairs = dealt.device_and_server();
    let kept: &[u8] = include_bytes!("../../../vectors/ecdsa-pair-device.bin");
    assert_eq!(pairs.asker.to_secret_bytes().unwrap().as_slice(), kept);
    assert_eq!(pairs.asker.id(), pairs.answerer.id());
    assert_eq!(
        (pairs.asker.party(), pairs.answerer.party()),
        (Party::Device, Party::Server)
    );
    dealt.sign(&pairs, &WHAT).unwrap();
    for cut in (0..kept.len()).step_by(313) {
        assert!(
            Pair::from_secret_bytes(&kept[..cut], good(pairs.asker.id())).is_err(),
            "cut at {cut}"
        );
    }
    // A transfer less than there must be, as the library's own form would have it.
    let mut longer = kept.to_vec();
    longer.push(0);
    assert_eq!(
        Pair::from_secret_bytes(&longer, good(pairs.asker.id()))
            .unwrap_err()
            .kind,
        FaultKind::TrailingBytes
    );
}

#[test]
fn every_message_has_one_encoding_and_p37_ecdsa_a_cut_one_is_malformed() {
    let mut dealt = Dealt::new(1);
    let (asking, answering, opening, said) = until_answer(&mut dealt);
    let (asking, closing) = closing(&mut dealt, asking, &said).unwrap();
    let (answerer, completion) = completing(&mut dealt, answering, &closing).unwrap();
    let all: [(&str, Vec<u8>, Again); 4] = [
        ("opening", opening.to_bytes(), again!(PairOpening)),
        ("answer", said.to_bytes(), again!(PairAnswer)),
        ("closing", closing.to_bytes(), again!(PairClosing)),
        ("completion", completion.to_bytes(), again!(PairCompletion)),
    ];
    assert_eq!(all[1].1.len(), RUN + HEAD + PART + 32 + 64);
    for (name, bytes, again) in all {
        has_one_encoding(name, bytes, again, 4_001);
    }
    // And nothing but the two sides' own seeds makes their pair.
    let asker = asking.receive(&completion).unwrap();
    assert_eq!(asker.id(), answerer.id());
    assert_eq!(asker.0.seed.seed, answerer.0.seed.seed);
}

#[test]
fn p23_ecdsa_each_field_of_a_part_changed_is_told() {
    let part = RUN + HEAD;
    let transfers = part + PROOF + 64;
    let last = transfers + 255 * (7 * 33 + 4 * 32);
    let scalars = 7 * 33;
    let fields = vec![
        ("fresh", RUN, 1),
        ("proof's point", part, 1),
        ("proof's commitment", part + 33, 1),
        ("proof's challenge", part + 65 * 33, 1),
        ("proof's response", part + 65 * 33 + 4 + 31, 1),
        ("seed", part + PROOF + 32, 1),
        ("h", transfers, 1),
        ("v", transfers + 33, 1),
        ("u", transfers + 66, 1),
        ("first commitment, g", transfers + 99, 1),
        ("first commitment, h", transfers + 132, 1),
        ("second commitment, g", last + 165, 1),
        ("second commitment, h", last + 198, 1),
        ("first response", last + scalars + 31, 1),
        ("second response", last + scalars + 63, 1),
        ("first challenge", last + scalars + 95, 1),
        ("second challenge", last + scalars + 127, 1),
    ];
    let mut dealt = Dealt::new(1);
    let (asking, _, _, said) = until_answer(&mut dealt);
    let bytes = said.to_bytes();
    // One part of the device's is shown to each changed part of the server's.
    let session = super::machine::session_with(&asking, &said);
    let (kept, _) = super::multiplication::show(Party::Device, Party::Server, &session).unwrap();
    for (name, at, bits) in fields {
        let mut changed = bytes.clone();
        changed[at] ^= bits;
        let changed = PairAnswer::try_from(changed.as_slice()).unwrap();
        if name == "fresh" {
            assert_ne!(super::machine::session_with(&asking, &changed), session);
            continue;
        }
        let fault = kept.with(&changed.part).unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::SetupProof, Party::Server), "{name}");
        assert_eq!(fault.class(), Class::Blame);
    }
    kept.with(&said.part).unwrap();
    let fault = {
        let mut changed = bytes.clone();
        changed[RUN] ^= 1;
        let mut changed = PairAnswer::try_from(changed.as_slice()).unwrap();
        changed.signature = resigned(&dealt, &changed.signed());
        asking.receive(&changed, &mut dealt.rng).unwrap_err()
    };
    assert_eq!(fault, Fault::of(FaultKind::SetupProof, Party::Server));
}

#[test]
fn p23_ecdsa_a_number_that_no_proof_is_of_is_told_from_what_was_said() {
    let mut dealt = Dealt::new(1);
    let (asking, answering, _, said) = until_answer(&mut dealt);
    let mut changed = said.to_bytes();
    // What the server's gadget is drawn from: it says another to the device than it goes on with.
    changed[RUN + HEAD + PROOF + 31] ^= 1;
    let mut changed = PairAnswer::try_from(changed.as_slice()).unwrap();
    changed.signature = resigned(&dealt, &changed.signed());
    let (_, closing) = closing(&mut dealt, asking, &changed).unwrap();
    let fault = completing(&mut dealt, answering, &closing).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Device));
}

#[test]
fn a_seed_that_was_chosen_after_the_other_s_does_not_open_the_commitment() {
    let mut dealt = Dealt::new(1);
    let (asking, answering, opening, said) = until_answer(&mut dealt);
    let (asking, closing) = closing(&mut dealt, asking, &said).unwrap();
    let (_, completion) = completing(&mut dealt, answering, &closing).unwrap();
    // Sealed as it must be, to the key that the device gave, but another seed.
    let sealed = super::machine::reseal(&asking, &opening, &mut dealt.rng);
    let mut swapped = PairCompletion {
        seed: sealed,
        ..completion
    };
    swapped.signature = resigned(&dealt, &swapped.signed());
    let fault = asking.receive(&swapped).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::CommitmentReplaced, Party::Server));
}

#[test]
fn p39_ecdsa_a_process_keeps_no_more_of_pairs_than_are_alive_or_ended() {
    let house = process();
    let state = |number: u8, party| house.state(PairId([number; 32]), party);
    let alive = state(0, Party::Device);
    state(1, Party::Device).end();
    for number in 2..=u8::MAX {
        drop(state(number, Party::Server));
    }
    assert!(house.len() <= 3, "{} are kept", house.len());
    assert!(state(1, Party::Device).is_ended() && !state(1, Party::Server).is_ended());
    assert!(Arc::ptr_eq(&alive, &state(0, Party::Device)));
}

#[test]
fn p37_ecdsa_a_side_with_another_version_of_the_library_is_refused_before_it_costs_anything() {
    let mut dealt = Dealt::new(1);
    let (_, _, opening, _) = until_answer(&mut dealt);
    let mut other = opening.to_bytes();
    let last = other.len() - 64 - 1;
    assert!(other[..=last].ends_with(LIBRARY));
    other[last] ^= 1;
    let fault = PairOpening::try_from(other.as_slice()).unwrap_err();
    assert_eq!(fault, FaultKind::UnknownVersion.into());
}

#[test]
fn p37_ecdsa_a_set_up_with_another_version_of_the_library_would_be_of_another_session() {
    let mut dealt = Dealt::new(1);
    let (asking, _, opening, said) = until_answer(&mut dealt);
    let setting = dealt.setting(Party::Device, Party::Server).to_bytes();
    let head = |bytes: &[u8], at: usize| bytes[at..at + HEAD].to_vec();
    let asker = head(&opening.to_bytes(), RUN + setting.len());
    let answerer = head(&said.to_bytes(), RUN);
    let named = |library: &[u8]| {
        let parts = [library, &ceremony().0, &setting, &asker, &answerer];
        hash::tagged("twofold/ecdsa/pair", &parts)
    };
    let session = super::machine::session_with(&asking, &said);
    assert_eq!(session, named(LIBRARY));
    assert_ne!(session, named(b"dkls23-core 0.6.3"));
}

#[test]
fn p11_ecdsa_messages_of_two_set_ups_are_not_mixed() {
    let mut dealt = Dealt::new(1);
    let setting = dealt.setting(Party::Device, Party::Server);
    let (asking, answering, _, said) = until_answer(&mut dealt);
    let (other, _) = begin(setting, CeremonyId([8; 16]), &mut dealt.rng).unwrap();
    let fault = other.receive(&said, &mut dealt.rng).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Server));
    // The same run begun again: what was said in the first answers another opening.
    let (again, _) = begin(setting, ceremony(), &mut dealt.rng).unwrap();
    let fault = again.receive(&said, &mut dealt.rng).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Server));
    let (_, mut closing) = closing(&mut dealt, asking, &said).unwrap();
    closing.run.ceremony = CeremonyId([8; 16]);
    let fault = completing(&mut dealt, answering, &closing).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Device));
}

#[test]
fn p04_ecdsa_a_pair_is_of_two_parties_in_the_setting_that_both_hold() {
    let mut dealt = Dealt::new(1);
    let setting = dealt.setting(Party::Device, Party::Server);
    let alone = dealt.setting(Party::Server, Party::Server);
    assert_eq!(
        begin(alone, ceremony(), &mut dealt.rng).unwrap_err().kind,
        FaultKind::Count
    );
    let (_, opening) = begin(setting, ceremony(), &mut dealt.rng).unwrap();
    let mut bytes = opening.0.to_bytes();
    let device = RUN + 16 + 36;
    bytes[device] = 1;
    assert_eq!(
        PairOpening::try_from(bytes.as_slice()).unwrap_err().kind,
        FaultKind::Count
    );
    let signature = dealt.identity(Party::Device).sign_raw(&opening.signing_bytes());
    let opening = opening.signed(signature);
    let mut elsewhere = setting;
    elsewhere.asker.identity = dealt.identity(Party::Recovery).public();
    let fault = answering(&mut dealt, elsewhere, &opening).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Device));
    let mut later = setting;
    later.epoch = EpochId {
        number: 4,
        ..setting.epoch
    };
    let fault = answering(&mut dealt, later, &opening).unwrap_err();
    assert_eq!(fault, FaultKind::StaleEpoch.into());
}
