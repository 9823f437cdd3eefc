//! Malformed messages: every field, every decoder.

use std::{string::String, vec::Vec};

use proptest::prelude::*;

use crate::{
    Class, Fault, FaultKind,
    create::{Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery},
    fixture::Parties,
    id::{KeyKind, Party},
    package::FirstPackage,
    share::{PublicShares, Share},
    sign::{Commitment, SignatureShare},
    transcript::{SignedTranscript, Transcript},
};

type Decoder = fn(&[u8]) -> Result<Vec<u8>, Fault>;

/// Every kind of bytes that a create ceremony reads: a name, a true example, a decoder that encodes again.
fn everything() -> Vec<(&'static str, Vec<u8>, Decoder)> {
    macro_rules! decoder {
        ($type:ty) => {
            |bytes| <$type>::try_from(bytes).map(|message| message.to_bytes().to_vec())
        };
    }
    let mut parties = Parties::new(1);
    let run = parties.until_closing();
    let wallet = Parties::new(2).create();
    let t = wallet.device.transcript;
    std::vec![
        ("recovery opening", run.r_opening.to_bytes(), decoder!(RecoveryOpening)),
        ("opening", run.opening.to_bytes(), decoder!(Opening)),
        ("server round", run.round.to_bytes(), decoder!(ServerRound)),
        ("to recovery", run.to_recovery.to_bytes(), decoder!(ToRecovery)),
        ("recovery round", run.r_round.to_bytes(), decoder!(RecoveryRound)),
        ("closing", run.closing.to_bytes(), decoder!(Closing)),
        ("completion", wallet.completion.to_bytes(), decoder!(Completion)),
        ("package", wallet.server.package.to_bytes(), decoder!(FirstPackage)),
        ("public shares", wallet.server.public.to_bytes(), decoder!(PublicShares)),
        ("transcript", t.transcript().to_bytes(), decoder!(Transcript)),
        ("signed transcript", t.to_bytes(), decoder!(SignedTranscript)),
        (
            "commitment",
            wallet.completion.commitment.to_bytes().to_vec(),
            decoder!(Commitment)
        ),
    ]
}

/// Where each of `needles` stands in `hay`.
fn places(hay: &[u8], needles: &[Vec<u8>]) -> Vec<usize> {
    let all: Vec<_> = needles
        .iter()
        .flat_map(|needle| {
            hay.windows(needle.len())
                .enumerate()
                .filter(move |(_, w)| w == needle)
                .map(|(at, _)| at)
        })
        .collect();
    assert!(!all.is_empty());
    all
}

fn with(bytes: &[u8], at: usize, field: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + field.len()].copy_from_slice(field);
    bytes
}

#[test]
fn every_message_has_one_encoding_and_survives_it() {
    for (name, bytes, decode) in everything() {
        assert_eq!(decode(&bytes).as_deref(), Ok(bytes.as_slice()), "{name}");
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let fault = decode(&longer).unwrap_err();
        assert_eq!(fault.class(), Class::Malformed, "{name}");
    }
}

#[test]
fn p01_bad_point_encodings_in_every_field_are_malformed() {
    let not_on_curve = {
        let mut point = [0; 33];
        point[0] = 2;
        point[32] = 5; // 5^3 + 7 is no square
        point
    };
    let above_the_field = {
        let mut point = [0xff; 33];
        point[0] = 3;
        point
    };
    let mut checked = 0;
    for (name, bytes, decode) in everything() {
        // All compressed points: round-1 coefficients, commitments, group key, verifying shares.
        let found = points_of(&bytes);
        for at in found {
            let uncompressed = with(&bytes, at, &[4]);
            let hybrid = with(&bytes, at, &[6]);
            let compact = with(&bytes, at, &[5]);
            let off = with(&bytes, at, &not_on_curve);
            let above = with(&bytes, at, &above_the_field);
            for bad in [uncompressed, hybrid, compact, off, above] {
                let fault = decode(&bad).unwrap_err();
                assert_eq!(
                    (fault.kind, fault.class()),
                    (FaultKind::Point, Class::Malformed),
                    "{name} at {at}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 5 * 30, "{checked}");
}

/// The places of all compressed points of the known ceremonies in `bytes`.
fn points_of(bytes: &[u8]) -> Vec<usize> {
    let mut needles = Vec::new();
    let run = Parties::new(1).until_closing();
    for package in [
        &run.round.round1,
        &run.opening.device_round1,
        &run.opening.recovery_round1,
    ] {
        needles.push(package.as_bytes()[..33].to_vec());
        needles.push(package.as_bytes()[33..66].to_vec());
    }
    let wallet = Parties::new(2).create();
    let t = wallet.device.transcript.transcript();
    for package in &*t.round1 {
        needles.push(package.as_bytes()[..33].to_vec());
        needles.push(package.as_bytes()[33..66].to_vec());
    }
    // In a transcript group key and verifying shares follow from round 1, so any change of them is found first there.
    if bytes[1] == 18 {
        needles.push(t.group.key.to_vec());
        needles.extend(t.verifying_shares.iter().map(|share| share.to_vec()));
    }
    let mut places: Vec<usize> = needles
        .iter()
        .flat_map(|n| {
            bytes
                .windows(33)
                .enumerate()
                .filter(move |(_, w)| w == n)
                .map(|(at, _)| at)
        })
        .collect();
    // Commitments stand where the layout puts them.
    match bytes[1] {
        3 => places.extend([bytes.len() - 66, bytes.len() - 33]),
        4 => places.extend([bytes.len() - 98, bytes.len() - 65]),
        _ => {}
    }
    places
}

#[test]
fn p01_a_proof_of_possession_with_a_bad_point_is_malformed() {
    let run = Parties::new(1).until_closing();
    let bytes = run.r_opening.to_bytes();
    let proof = bytes.len() - 64;
    for bad in [
        [0xff; 32],
        {
            let mut x = [0; 32];
            x[31] = 5;
            x
        },
        [0; 32],
    ] {
        let fault = RecoveryOpening::try_from(with(&bytes, proof, &bad).as_slice()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Point);
    }
}

#[test]
fn p01_sealing_and_identity_keys_of_small_order_or_off_the_curve_are_malformed() {
    let run = Parties::new(1).until_closing();
    let bytes = run.opening.to_bytes();
    let key = places(&bytes, &[run.opening.device_key.as_bytes().to_vec()])[0];
    let recipient = places(&bytes, &[run.opening.recovery.recipient.as_bytes().to_vec()])[0];
    let order8: [u8; 32] = hex::decode("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
        .unwrap()
        .try_into()
        .unwrap();
    let one = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    for bad in [[0; 32], one, order8, [0xff; 32]] {
        for at in [key, recipient] {
            let fault = Opening::try_from(with(&bytes, at, &bad).as_slice()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::PublicKey, "{bad:?}");
        }
    }
    let signing = recipient - 32;
    let not_canonical = {
        let mut y = [0xff; 32];
        y[0] = 0xee;
        y[31] = 0x7f;
        y
    }; // p + 1, which is 1
    for bad in [[0; 32], one, not_canonical, {
        let mut y = [0; 32];
        y[0] = 2;
        y
    }] {
        let fault = Opening::try_from(with(&bytes, signing, &bad).as_slice()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::PublicKey, "{bad:?}");
    }
}

#[test]
fn p02_the_identity_point_is_malformed_in_commitments_vss_and_verifying_shares() {
    for (name, bytes, decode) in everything() {
        for at in points_of(&bytes) {
            let fault = decode(&with(&bytes, at, &[0; 33])).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Point, "{name} at {at}");
        }
    }
    for at in [0, 33] {
        let good = everything().pop().unwrap().1;
        assert_eq!(
            Commitment::try_from(with(&good, at, &[0; 33]).as_slice())
                .unwrap_err()
                .kind,
            FaultKind::Point
        );
    }
}

#[test]
fn p02_polynomials_that_cancel_to_the_identity_make_no_key() {
    // The group key would be the identity: nobody without the others' secrets can prove possession of the last
    // polynomial, and the sum is refused all the same.
    let run = Parties::new(1).until_closing();
    let package = run.round.round1.clone();
    let two = {
        // The third is -(first + second): here the first two are equal, so it is -2P.
        let point = |at: usize| -> [u8; 33] {
            let p = crate::point::decode(package.as_bytes()[at..at + 33].try_into().unwrap()).unwrap();
            crate::point::encode(&-(p + p)).unwrap()
        };
        let mut message = run.r_opening.to_bytes();
        let at = message.len() - 130;
        message[at..at + 33].copy_from_slice(&point(0));
        message[at + 33..at + 66].copy_from_slice(&point(33));
        RecoveryOpening::try_from(message.as_slice()).unwrap().round1
    };
    let cancelled = crate::transcript::Outcome::of(run.opening.run.ceremony, &[package.clone(), package, two]);
    assert_eq!(cancelled.err().unwrap().kind, FaultKind::Point);
}

/// n, n + 1 and the greatest 256-bit number.
fn too_great() -> [[u8; 32]; 3] {
    let n: [u8; 32] = hex::decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
        .unwrap()
        .try_into()
        .unwrap();
    let mut above = n;
    above[31] += 1;
    [n, above, [0xff; 32]]
}

#[test]
fn p03_scalars_of_zero_above_the_order_or_of_another_length_are_malformed() {
    let run = Parties::new(1).until_closing();
    let wallet = Parties::new(2).create();
    for bad in too_great().into_iter().chain([[0; 32]]) {
        assert_eq!(
            SignatureShare::try_from(bad.as_slice()).unwrap_err().kind,
            FaultKind::Scalar
        );
        let completion = wallet.completion.to_bytes();
        let at = completion.len() - 32;
        assert_eq!(
            Completion::try_from(with(&completion, at, &bad).as_slice())
                .unwrap_err()
                .kind,
            FaultKind::Scalar
        );
        let opening = run.r_opening.to_bytes();
        let at = opening.len() - 32;
        assert_eq!(
            RecoveryOpening::try_from(with(&opening, at, &bad).as_slice())
                .unwrap_err()
                .kind,
            FaultKind::Scalar
        );
        let record = wallet.device.share.to_secret_bytes();
        let at = record.len() - 32;
        assert_eq!(
            Share::from_secret_bytes(&with(&record, at, &bad)).unwrap_err().kind,
            FaultKind::Scalar
        );
    }
    for len in [0, 1, 31, 33, 64] {
        assert_eq!(
            SignatureShare::try_from(std::vec![1; len].as_slice()).unwrap_err().kind,
            FaultKind::Length
        );
    }
}

#[test]
fn p04_parties_and_key_kinds_that_do_not_exist_are_malformed() {
    for number in (0..=u8::MAX).filter(|n| !(1..=3).contains(n)) {
        assert_eq!(Party::try_from(number).unwrap_err().class(), Class::Malformed);
    }
    let wallet = Parties::new(2).create();
    let record = wallet.device.share.to_secret_bytes();
    for bad in [0, 4, 255] {
        // Layout: version and kind, wallet, party, key kind.
        assert_eq!(
            Share::from_secret_bytes(&with(&record, 18, &[bad])).unwrap_err().kind,
            FaultKind::UnknownName
        );
        assert_eq!(
            Share::from_secret_bytes(&with(&record, 19, &[bad])).unwrap_err().kind,
            FaultKind::UnknownName
        );
        assert!(KeyKind::try_from(bad).is_err());
    }
}

#[test]
fn p04_each_party_has_its_own_identifier_and_none_is_zero() {
    let mut identifiers: Vec<_> = Party::ALL.iter().map(|party| party.identifier().serialize()).collect();
    assert!(identifiers.iter().all(|id| id.iter().any(|byte| *byte != 0)));
    identifiers.dedup();
    assert_eq!(identifiers.len(), 3);
    for party in Party::ALL {
        assert_eq!(Party::from_identifier(party.identifier()), Some(party));
        assert_eq!(Party::try_from(party.number()), Ok(party));
    }
    let unlisted = frost_secp256k1_tr::Identifier::try_from(4).unwrap();
    assert_eq!(Party::from_identifier(unlisted), None);
}

#[test]
fn p09_a_message_of_another_step_is_out_of_order() {
    let all = everything();
    for (name, _, decode) in &all[..all.len() - 1] {
        for (other, bytes, _) in &all[..all.len() - 1] {
            if name != other {
                let fault = decode(bytes).unwrap_err();
                assert_eq!(
                    (fault.kind, fault.class()),
                    (FaultKind::UnexpectedMessage, Class::WrongOrder),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn p14_a_polynomial_of_one_or_three_coefficients_is_malformed_and_its_dealer_named() {
    let run = Parties::new(1).until_closing();
    let bytes = run.opening.to_bytes();
    for (package, culprit) in [
        (&run.opening.device_round1, Party::Device),
        (&run.opening.recovery_round1, Party::Recovery),
    ] {
        let at = places(&bytes, &[package.as_bytes().to_vec()])[0];
        assert_eq!(bytes[at - 1], 2);
        let shorter = [&bytes[..at - 1], &[1], &bytes[at..at + 33], &bytes[at + 66..]].concat();
        let longer = [&bytes[..at - 1], &[3], &bytes[at..at + 66], &bytes[at..]].concat();
        for bad in [shorter, longer] {
            let fault = Opening::try_from(bad.as_slice()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Coefficients);
            assert_eq!(
                (fault.class(), fault.culprits.as_slice()),
                (Class::Malformed, &[culprit][..])
            );
        }
    }
}

#[test]
fn lengths_above_their_bounds_are_refused_before_anything_is_copied() {
    let run = Parties::new(1).until_closing();
    let bytes = run.round.to_bytes();
    let at = places(&bytes, core::slice::from_ref(&run.round.to_recovery))[0] - 4;
    for len in [4097u32, u32::MAX] {
        let fault = ServerRound::try_from(with(&bytes, at, &len.to_be_bytes()).as_slice()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Length);
    }
    let version = with(&bytes, 0, &[2]);
    assert_eq!(
        ServerRound::try_from(version.as_slice()).unwrap_err().kind,
        FaultKind::UnknownVersion
    );
    let noise = with(&bytes, 1, &[255]);
    assert_eq!(
        ServerRound::try_from(noise.as_slice()).unwrap_err().kind,
        FaultKind::UnknownName
    );
}

#[test]
fn identifiers_read_and_write_lower_case_hex_only() {
    let id: crate::id::WalletId = "00112233445566778899aabbccddeeff".parse().unwrap();
    assert_eq!(std::format!("{id}"), "00112233445566778899aabbccddeeff");
    for bad in [
        "",
        "00",
        "00112233445566778899AABBCCDDEEFF",
        "00112233445566778899aabbccddeefg",
        "é0112233445566778899aabbccddee",
    ] {
        assert_eq!(bad.parse::<crate::id::WalletId>().unwrap_err().kind, FaultKind::Text);
    }
    let _: String = std::format!("{id:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_decoder_panics_and_whatever_it_takes_encodes_back_to_the_same(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (name, bytes, decode) in cached() {
            let mut framed = noise.clone();
            framed.splice(..0, [bytes[0], bytes[1]]);
            let mut edited = bytes.clone();
            for (at, byte) in &edits {
                let at = at.index(edited.len());
                edited[at] = *byte;
            }
            for input in [&noise, &framed, &edited] {
                if let Ok(again) = decode(input) {
                    prop_assert_eq!(&again, input, "{}", name);
                }
            }
        }
        let _ = crate::create::server::AwaitClosing::from_secret_bytes(&noise);
        let _ = crate::create::device::Pending::from_secret_bytes(&noise);
        let stranger = crate::identity::IdentityKey::Ed25519([1; 32]);
        let _ = crate::create::device::AwaitRecovery::from_secret_bytes(&noise, &stranger);
        let _ = Share::from_secret_bytes(&noise);
    }
}

fn cached() -> &'static [(&'static str, Vec<u8>, Decoder)] {
    static ALL: std::sync::OnceLock<Vec<(&'static str, Vec<u8>, Decoder)>> = std::sync::OnceLock::new();
    ALL.get_or_init(everything)
}
