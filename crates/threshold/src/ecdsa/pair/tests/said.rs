//! Who says what in a set-up: nobody answers for what a line did to it.

use std::vec::Vec;

use proptest::{prelude::*, sample::Index};

use super::*;
use crate::{ecdsa::Unsigned, identity::IdentitySecret};

/// A set-up's messages as they were said, by whom each is held to have said it.
struct Said {
    messages: [Vec<u8>; 4],
    setting: Setting,
}

impl Said {
    fn new() -> Self {
        let mut dealt = Dealt::new(1);
        let setting = dealt.setting(Party::Device, Party::Server);
        let (asking, answering, opening, said) = until_answer(&mut dealt);
        let (_, closing) = closing(&mut dealt, asking, &said).unwrap();
        let (_, completion) = completing(&mut dealt, answering, &closing).unwrap();
        Self {
            messages: [
                opening.to_bytes(),
                said.to_bytes(),
                closing.to_bytes(),
                completion.to_bytes(),
            ],
            setting,
        }
    }

    /// Whether these bytes pass as the message at this place.
    fn check(&self, place: usize, bytes: &[u8]) -> Result<(), Fault> {
        let answered = |signed: [u8; 32], signature: &Signature64| {
            crate::ecdsa::said::check(&self.setting.answerer, Domain::ECDSA_ANSWER, &signed, signature)
        };
        match place {
            0 => PairOpening::try_from(bytes)?.check(&self.setting.asker),
            1 => PairAnswer::try_from(bytes).and_then(|message| answered(message.signed(), &message.signature)),
            2 => PairClosing::try_from(bytes)?.check(&self.setting.asker),
            _ => PairCompletion::try_from(bytes).and_then(|message| answered(message.signed(), &message.signature)),
        }
    }
}

#[test]
fn p22_ecdsa_a_line_that_garbles_any_byte_of_a_set_up_has_nobody_blamed_for_a_proof() {
    let said = Said::new();
    for (place, bytes) in said.messages.iter().enumerate() {
        said.check(place, bytes).unwrap();
        let sender = if place % 2 == 0 { Party::Device } else { Party::Server };
        let every = bytes.len().div_ceil(60);
        for at in (2..bytes.len()).step_by(every) {
            let mut garbled = bytes.clone();
            garbled[at] ^= 0x10;
            let fault = said.check(place, &garbled).unwrap_err();
            let signature = Fault::of(FaultKind::IdentitySignature, sender);
            assert!(
                fault == signature || fault.culprits.is_empty(),
                "byte {at} of {place}: {fault:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn p22_ecdsa_no_message_of_a_set_up_that_was_altered_passes(
        place in 0..4_usize,
        edits in prop::collection::vec((any::<Index>(), 1..=u8::MAX), 1..4),
    ) {
        static SAID: std::sync::LazyLock<Said> = std::sync::LazyLock::new(Said::new);
        let mut bytes = SAID.messages[place].clone();
        for (at, bits) in &edits {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        prop_assume!(bytes != SAID.messages[place]);
        prop_assert!(SAID.check(place, &bytes).is_err());
    }
}

#[test]
fn p32_ecdsa_who_is_not_the_answerer_of_the_setting_answers_nothing_and_no_stranger_asks() {
    let mut dealt = Dealt::new(1);
    let setting = dealt.setting(Party::Device, Party::Server);
    let stranger = IdentitySecret::generate(&mut dealt.rng);
    let (asking, _, opening, mut said) = until_answer(&mut dealt);
    // By a stranger, and by the device itself.
    for signer in [&stranger, dealt.identity(Party::Device)] {
        let mut opening = opening.clone();
        opening.signature = signer.sign(Domain::ECDSA_ANSWER, &opening.signed());
        let fault = answering(&mut Dealt::new(1), setting, &opening).unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::IdentitySignature, Party::Device));
    }
    said.signature = stranger.sign(Domain::ECDSA_ANSWER, &said.signed());
    let fault = asking.receive(&said, &mut dealt.rng).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::IdentitySignature, Party::Server));
    // Nor does a house that is another than the setting's.
    let fault = answer(setting, &opening, &stranger, &mut dealt.rng.clone()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Internal);
}

#[test]
fn p07_ecdsa_what_closes_or_completes_another_session_of_the_run_is_refused_though_it_is_signed() {
    let mut dealt = Dealt::new(1);
    let (asking, answering, _, said) = until_answer(&mut dealt);
    let (_, other, _, others) = until_answer(&mut dealt);
    let (asking, closed) = closing(&mut dealt, asking, &said).unwrap();
    let fault = completing(&mut dealt, other, &closed).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Device));
    let (_, completion) = completing(&mut dealt, answering, &closed).unwrap();
    // As if it had been said to another closing.
    let mut elsewhere = completion.clone();
    elsewhere.before = others.before;
    elsewhere.signature = resigned(&dealt, &elsewhere.signed());
    let fault = asking.receive(&elsewhere).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Server));
}

#[test]
fn p22_ecdsa_a_closing_that_was_garbled_ends_the_run_before_anything_of_it_is_opened() {
    let mut dealt = Dealt::new(1);
    let (asking, answering, _, said) = until_answer(&mut dealt);
    let (_, mut closed) = closing(&mut dealt, asking, &said).unwrap();
    closed.seed[40] ^= 1;
    let fault = completing(&mut dealt, answering, &closed).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::IdentitySignature, Party::Device));
}

#[test]
fn what_an_asker_says_is_signed_wherever_its_key_lives() {
    let mut dealt = Dealt::new(1);
    let setting = dealt.setting(Party::Device, Party::Server);
    let (_, opening): (_, Unsigned<PairOpening>) = begin(setting, ceremony(), &mut dealt.rng).unwrap();
    let bytes = opening.signing_bytes();
    assert_eq!(bytes, Domain::ECDSA_ASK.signing_bytes(&opening.0.signed()));
    let wrong = opening.clone().signed(Signature64([1; 64]));
    assert!(wrong.check(&setting.asker).is_err());
    let signature = dealt.identity(Party::Device).sign_raw(&bytes);
    opening.signed(signature).check(&setting.asker).unwrap();
}
