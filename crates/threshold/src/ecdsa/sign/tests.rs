//! Signing, and sides that keep the form and break the protocol.

mod ban;
mod encoding;
mod mutated;
mod replay;

use std::{collections::BTreeSet, fmt::Write as _, format, string::ToString, vec::Vec};

use bitcoin::{
    NetworkKind,
    bip32::{ChainCode, ChildNumber, Fingerprint, Xpub},
    secp256k1::{Message, PublicKey, Secp256k1, ecdsa},
};

use super::{
    AwaitAnswer, AwaitHalf, AwaitOffer, SignFault, ToSign, Unjudged, begin,
    message::{Answer, Half, Hello, Offer},
    offer,
};
use crate::{
    Class, Fault, FaultKind,
    ecdsa::{
        AccountKey, Pair,
        fixture::{Dealt, EPOCH, Pairs, WHAT, good, test},
        said::then,
    },
    id::{EpochId, KeyKind, Party, write_hex},
    identity::Domain,
    point,
    share::{PublicShares, Share},
};

/// What a side on the line does to one message: which, and how its bytes change. Who cheats signs what it changed.
#[derive(Clone, Copy)]
pub(super) enum Line<'a> {
    Quiet,
    Hello(&'a dyn Fn(&mut Vec<u8>)),
    Offer(&'a dyn Fn(&mut Vec<u8>)),
    Half(&'a dyn Fn(&mut Vec<u8>)),
    Answer(&'a dyn Fn(&mut Vec<u8>)),
}

/// A signature over that line.
pub(super) fn over(dealt: &mut Dealt, pairs: &Pairs, line: Line<'_>) -> Result<super::RecoverableSignature, SignFault> {
    let mut rng = dealt.rng.clone();
    rand_core::RngCore::next_u64(&mut dealt.rng);
    let identity = dealt.identity(pairs.answerer.party());
    let asker = dealt.signer(&pairs.asker.setting().asker);
    let (asking, mut hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng)?;
    if let Line::Hello(change) = line {
        hello = changed(&hello.to_bytes(), change)?;
        hello.signature = asker.sign(Domain::ECDSA_ASK, &hello.signed());
    }
    let (mut answering, mut offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng)?;
    if let Line::Offer(change) = line {
        offered = changed(&offered.to_bytes(), change)?;
        offered.signature = identity.sign(Domain::ECDSA_ANSWER, &offered.signed());
        answering.said = then(&offered.before, &offered.to_bytes());
    }
    let (asking, mut half) = dealt.halve(&pairs.asker, asking, &offered)?;
    if let Line::Half(change) = line {
        half = changed(&half.to_bytes(), change)?;
        half.signature = asker.sign(Domain::ECDSA_ASK, &half.signed());
    }
    let mut answer = dealt.release(&pairs.answerer, answering.receive(half)?)?;
    if let Line::Answer(change) = line {
        answer = changed(&answer.to_bytes(), change)?;
        answer.signature = identity.sign(Domain::ECDSA_ANSWER, &answer.signed());
    }
    asking.receive(&answer)
}

fn changed<T: for<'a> TryFrom<&'a [u8], Error = Fault>>(
    bytes: &[u8],
    change: &dyn Fn(&mut Vec<u8>),
) -> Result<T, Fault> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    T::try_from(bytes.as_slice())
}

fn kind(fault: &SignFault) -> FaultKind {
    match fault {
        SignFault::Refused(fault) => fault.kind,
        SignFault::Quarantined { .. } => panic!("{fault}"),
    }
}

#[test]
fn device_and_server_sign_for_every_address_as_libsecp256k1_verifies() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let secp = Secp256k1::verification_only();
    let group = Xpub {
        network: NetworkKind::Main,
        depth: 3,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::from_hardened_idx(0).unwrap(),
        public_key: PublicKey::from_slice(dealt.public.group_key()).unwrap(),
        chain_code: ChainCode::from(*dealt.public.chain_code()),
    };
    let mut parities = BTreeSet::new();
    for index in 0..64_u32 {
        let what = ToSign {
            path: [0, index],
            digest: [u8::try_from(index).unwrap() + 1; 32],
        };
        let signature = dealt.sign(&pairs, &what).unwrap();
        let path = [0, index].map(|step| ChildNumber::from_normal_idx(step).unwrap());
        let key = group.derive_pub(&secp, &path).unwrap().public_key;
        assert_eq!(
            &key.serialize(),
            AccountKey::new(&pairs.asker, &dealt.public, what.path).unwrap().key()
        );
        let parsed = ecdsa::Signature::from_compact(signature.rs()).unwrap();
        // libsecp256k1 takes no s of the upper half.
        secp.verify_ecdsa(&Message::from_digest(what.digest), &parsed, &key)
            .unwrap();
        signature.verify(&key.serialize(), &what.digest).unwrap();
        for wrong in [signature.recovery() ^ 1, 2, 3, 4] {
            let other = super::RecoverableSignature::new(*signature.rs(), wrong);
            assert_eq!(
                other.verify(&key.serialize(), &what.digest).unwrap_err().kind,
                FaultKind::Signature
            );
        }
        parities.insert(signature.recovery());
        if index >= 3 && parities.len() == 2 {
            break;
        }
    }
    assert_eq!(parities, BTreeSet::from([0, 1]));
}

#[test]
fn a_signature_with_s_in_the_upper_half_is_refused() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let signature = dealt.sign(&pairs, &WHAT).unwrap();
    let key = *AccountKey::new(&pairs.asker, &dealt.public, WHAT.path).unwrap().key();
    let s: [u8; 32] = signature.rs()[32..].try_into().unwrap();
    let upper: [u8; 32] = (-point::scalar(&s).unwrap()).to_bytes().into();
    let mut rs = *signature.rs();
    rs[32..].copy_from_slice(&upper);
    for recovery in [0, 1] {
        let high = super::RecoverableSignature::new(rs, recovery);
        assert_eq!(high.verify(&key, &WHAT.digest).unwrap_err().kind, FaultKind::Signature);
    }
}

#[test]
fn a_hardened_step_leads_to_no_key() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for path in [[1 << 31, 0], [0, 1 << 31]] {
        assert_eq!(
            AccountKey::new(&pairs.asker, &dealt.public, path).unwrap_err().kind,
            FaultKind::Path
        );
    }
}

#[test]
fn a_key_is_used_by_the_protocol_that_made_it_and_no_other() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    assert_eq!(dealt.public.child([0, 0]).unwrap_err().kind, FaultKind::UnknownName);
    let taproot = PublicShares::new(
        KeyKind::Taproot,
        EPOCH,
        *dealt.public.extended_key(),
        Party::ALL.map(|party| *dealt.public.verifying_share(party)),
    )
    .unwrap();
    assert_eq!(
        AccountKey::new(&pairs.asker, &taproot, [0, 0]).unwrap_err().kind,
        FaultKind::UnknownName
    );
}

/// A byte of the multiplication that no honest side would send.
fn cheat(bytes: &mut [u8]) {
    let at = bytes.len() - 200;
    bytes[at] ^= 1;
}

#[test]
fn p22_ecdsa_a_failed_proof_ends_the_pair_for_good() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let waiting = begin(&pairs.answerer, &dealt.public, &WHAT, &mut dealt.rng.clone());
    assert_eq!(
        kind(&waiting.unwrap_err()),
        FaultKind::Internal,
        "the server asks nobody"
    );
    // A session that was going on already is over as well.
    let (_asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut dealt.rng.clone()).unwrap();
    let quarantined = SignFault::Quarantined {
        pair: pairs.answerer.id(),
        culprit: Party::Device,
    };
    let fault = over(&mut dealt, &pairs, Line::Half(&|bytes| cheat(bytes))).unwrap_err();
    assert_eq!(fault, quarantined);
    assert!(pairs.answerer.is_quarantined());
    let again = offer(
        &pairs.answerer,
        &dealt.public,
        &WHAT,
        &hello,
        dealt.identity(Party::Server),
        &mut dealt.rng.clone(),
    );
    assert_eq!(again.unwrap_err(), quarantined);
    assert_eq!(over(&mut dealt, &pairs, Line::Quiet).unwrap_err(), quarantined);
    // After a restart too.
    let read = pairs.copy();
    assert!(read.answerer.is_quarantined());
    assert_eq!(over(&mut dealt, &read, Line::Quiet).unwrap_err(), quarantined);
    assert!(fault.to_string().contains(&pairs.asker.id().to_string()));
}

#[test]
fn p38_ecdsa_a_cheat_ends_one_pair_and_another_device_s_own_still_signs() {
    let mut dealt = Dealt::new(1);
    let first = dealt.device_and_server();
    let mut setting = dealt.setting(Party::Device, Party::Server);
    setting.asker.identity = dealt.identity(Party::Recovery).public();
    let second = dealt.pair(setting);
    assert_ne!(first.asker.id(), second.asker.id());
    let cheated = over(&mut dealt, &first, Line::Answer(&|bytes| cheat(bytes))).unwrap_err();
    assert_eq!(
        cheated,
        SignFault::Quarantined {
            pair: first.asker.id(),
            culprit: Party::Server,
        }
    );
    assert!(!first.answerer.is_quarantined(), "the server says nothing of itself");
    over(&mut dealt, &second, Line::Quiet).unwrap();
}

#[test]
fn p39_ecdsa_a_pair_dies_with_its_epoch_and_no_quarantine_ends_by_reading_it_back() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    pairs.asker.quarantine();
    assert!(pairs.copy().asker.is_quarantined());
    // The next epoch's shares are of the same key, and its pairs are made anew.
    let next = Dealt::at(
        1,
        EpochId {
            number: 4,
            transcript: [0x44; 32],
        },
    );
    assert_eq!(next.public.group_key(), dealt.public.group_key());
    let other = pairs.copy();
    let fault = begin(&other.answerer, &next.public, &WHAT, &mut dealt.rng.clone()).unwrap_err();
    assert_eq!(kind(&fault), FaultKind::Internal);
    let fresh = dealt.device_and_server();
    let fault = begin(&fresh.asker, &next.public, &WHAT, &mut dealt.rng.clone()).unwrap_err();
    assert_eq!(kind(&fault), FaultKind::StaleEpoch);
}

#[test]
fn p27_ecdsa_a_share_of_another_epoch_signs_nothing() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for number in [EPOCH.number - 1, EPOCH.number + 1] {
        let other = Dealt::at(1, EpochId { number, ..EPOCH });
        let identity = dealt.identity(Party::Server);
        let mut rng = dealt.rng.clone();
        let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        let (_, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
        let unjudged = answering.receive(half).unwrap();
        let fault = unjudged
            .release(other.share(Party::Server), identity, good(pairs.answerer.id()))
            .unwrap_err();
        assert_eq!(kind(&fault), FaultKind::StaleEpoch);
        let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        let (_, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        let fault = asking.receive(&offered, other.share(Party::Device)).unwrap_err();
        assert_eq!(kind(&fault), FaultKind::StaleEpoch);
    }
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p40_ecdsa_nothing_of_the_share_leaves_before_the_second_yes() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let identity = dealt.identity(Party::Server);
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let (asking, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    // So far the server's share was asked for by nothing. Frozen now, the server drops what it has.
    let unjudged = answering.receive(half).unwrap();
    assert_eq!(unjudged.digest(), &WHAT.digest);
    drop(unjudged);
    drop(asking);
    assert!(!pairs.asker.is_quarantined() && !pairs.answerer.is_quarantined());
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p26_ecdsa_what_the_sides_worked_out_differently_is_signed_by_neither() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for what in [
        ToSign { path: [0, 6], ..WHAT },
        ToSign {
            digest: [0xd2; 32],
            ..WHAT
        },
    ] {
        let mut rng = dealt.rng.clone();
        let (asking, hello) = dealt.ask(&pairs.asker, &what, &mut rng).unwrap();
        let identity = dealt.identity(Party::Server);
        let (_, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        let fault = dealt.halve(&pairs.asker, asking, &offered).unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::ForeignCeremony, Party::Server).into());
    }
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn p11_ecdsa_messages_of_two_sessions_are_not_mixed() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let mut session = || {
        let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        (asking, answering, offered)
    };
    let (first, one, first_offer) = session();
    let (second, other, second_offer) = session();
    let fault = dealt.halve(&pairs.asker, first, &second_offer).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Server).into());
    let (asking, half) = dealt.halve(&pairs.asker, second, &second_offer).unwrap();
    let fault = one.receive(half.clone()).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Device).into());
    let answer = dealt.release(&pairs.answerer, other.receive(half).unwrap()).unwrap();
    let (third, answering, offered) = session();
    let (third, _) = dealt.halve(&pairs.asker, third, &offered).unwrap();
    drop((answering, first_offer));
    let fault = third.receive(&answer).unwrap_err();
    assert_eq!(fault, Fault::of(FaultKind::ForeignReply, Party::Server).into());
    asking.receive(&answer).unwrap();
}

#[test]
fn p19_ecdsa_no_commitment_of_either_side_is_ever_seen_again() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut seen = BTreeSet::new();
    let mut see = |message: &[u8], at: usize| {
        // The library's commitment, and the nonce of its transfers.
        for field in [32, 64] {
            assert!(seen.insert(message[at + field..at + field + 32].to_vec()));
        }
    };
    // Even a generator that repeats itself on our side, as a copied memory's does, repeats none of the library's.
    let rng = dealt.rng.clone();
    for round in 0..12 {
        let mut rng = rng.clone();
        let identity = dealt.identity(Party::Server);
        let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        see(&offered.to_bytes(), encoding::OFFER_FIRST);
        if round % 3 == 0 {
            continue;
        }
        let (asking, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
        see(&half.to_bytes(), encoding::HALF_FIRST);
        if round % 3 == 1 {
            continue;
        }
        let answer = dealt
            .release(&pairs.answerer, answering.receive(half).unwrap())
            .unwrap();
        asking.receive(&answer).unwrap();
    }
}

#[test]
fn p17_ecdsa_a_bad_half_makes_no_signature_and_is_named() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    for back in [64 + 1, 64 + 32 + 1] {
        let fault = over(
            &mut dealt,
            &pairs,
            Line::Answer(&|bytes| {
                let at = bytes.len() - back;
                bytes[at] ^= 1;
            }),
        )
        .unwrap_err();
        assert_eq!(fault, Fault::of(FaultKind::Signature, Party::Server).into());
    }
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn a_line_that_garbles_what_the_server_said_ends_no_pair() {
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    for late in [false, true] {
        let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
        let (answering, mut offered) =
            offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
        if !late {
            offered = changed(&offered.to_bytes(), &|bytes| cheat(bytes)).unwrap();
        }
        let fault = match dealt.halve(&pairs.asker, asking, &offered) {
            Err(fault) => fault,
            Ok((asking, half)) => {
                let answer = dealt
                    .release(&pairs.answerer, answering.receive(half).unwrap())
                    .unwrap();
                asking
                    .receive(&changed(&answer.to_bytes(), &|bytes| cheat(bytes)).unwrap())
                    .unwrap_err()
            }
        };
        assert_eq!(fault, Fault::of(FaultKind::IdentitySignature, Party::Server).into());
    }
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
}

#[test]
fn a_pair_counts_once_its_own_test_is_signed() {
    let mut dealt = Dealt::new(1);
    let setting = dealt.setting(Party::Device, Party::Server);
    let (asker, answerer) = dealt.untested(setting);
    let (mixed, _) = dealt.untested(setting);
    let server = (&answerer, dealt.share(Party::Server), dealt.identity(Party::Server));
    let device = dealt.identity(Party::Device);
    let rng = &mut dealt.rng.clone();
    // Somebody in the middle has a pair with each; they do not fit.
    let fault = test((&mixed, dealt.share(Party::Device), device), server, &dealt.public, rng).unwrap_err();
    assert_eq!(kind(&fault), FaultKind::ForeignCeremony);
    let signature = test((&asker, dealt.share(Party::Device), device), server, &dealt.public, rng).unwrap();
    assert_eq!(
        mixed.tested(&signature, &dealt.public).unwrap_err().kind,
        FaultKind::Signature
    );
    asker.tested(&signature, &dealt.public).unwrap();
    answerer.tested(&signature, &dealt.public).unwrap();
}

#[test]
fn o03_ecdsa_no_state_shows_a_secret_when_printed() {
    let dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let mut rng = dealt.rng.clone();
    let identity = dealt.identity(Party::Server);
    let (asking, hello) = dealt.ask(&pairs.asker, &WHAT, &mut rng).unwrap();
    let (answering, offered) = offer(&pairs.answerer, &dealt.public, &WHAT, &hello, identity, &mut rng).unwrap();
    let mut shown = format!("{asking:?} {answering:?} {offered:?} {pairs:?}", pairs = pairs.asker);
    let (asking, half) = dealt.halve(&pairs.asker, asking, &offered).unwrap();
    write!(shown, "{asking:?} {half:?}").unwrap();
    let unjudged = answering.receive(half).unwrap();
    write!(shown, "{unjudged:?} {:?}", dealt.share(Party::Server)).unwrap();
    for share in &dealt.shares {
        let mut hex = std::string::String::new();
        write_hex_to(&mut hex, &*share.secret_bytes());
        assert!(!shown.contains(&hex[..16]));
    }
    assert!(
        shown.len() < 4_000,
        "{} characters: what is printed is more than names",
        shown.len()
    );
}

fn write_hex_to(text: &mut std::string::String, bytes: &[u8]) {
    struct Hex<'a>(&'a [u8]);
    impl std::fmt::Display for Hex<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write_hex(f, self.0)
        }
    }
    text.push_str(&Hex(bytes).to_string());
}

/// Fails to compile where `T` has the trait: two implementations would fit the call.
macro_rules! never {
    ($bound:path: $($t:ty),*) => {
        $({
            trait Ambiguous<A> {
                fn it() {}
            }
            struct HasIt;
            impl<T> Ambiguous<()> for T {}
            impl<T: $bound> Ambiguous<HasIt> for T {}
            <$t as Ambiguous<_>>::it();
        })*
    };
}

#[test]
fn p24_ecdsa_no_state_of_a_session_can_be_copied_or_written_down() {
    never!(Clone: AwaitOffer, AwaitAnswer, AwaitHalf, Unjudged, Pair, Share);
    never!(serde::Serialize: AwaitOffer, AwaitAnswer, AwaitHalf, Unjudged, Pair, Share, Hello, Offer, Half, Answer);
    // What can be written down of a pair is the same before and after it signed.
    let mut dealt = Dealt::new(1);
    let pairs = dealt.device_and_server();
    let before = pairs.answerer.to_secret_bytes().unwrap();
    over(&mut dealt, &pairs, Line::Quiet).unwrap();
    assert_eq!(*before, *pairs.answerer.to_secret_bytes().unwrap());
    assert_eq!(Fault::new(FaultKind::SetupProof).class(), Class::Blame);
}
