//! The ceremony, and parties that keep the form and break the protocol.

mod kept;

use super::Opening;
use crate::{
    Class, Fault, FaultKind,
    create::Route,
    ecdsa::{
        fixture::{DECODERS, Gaining, Message, Pairs, has_one_encoding, set_up, test},
        proof::Proof,
    },
    envelope::SealSecret,
    id::{KeyKind, Party},
    identity::{Domain, IdentitySecret},
    transcript::FirstTranscript,
};

fn blamed(fault: &Fault, kind: FaultKind, culprits: &[Party]) {
    assert_eq!((fault.kind, fault.culprits.as_slice()), (kind, culprits));
}

/// A run in which `tamper` changes what is on the line.
fn tampered(mut tamper: impl FnMut(&mut Message)) -> Fault {
    Gaining::new(1).run_with(&mut tamper).unwrap_err()
}

#[test]
fn three_parties_make_a_key_and_every_two_of_them_sign_with_it() {
    let mut gaining = Gaining::new(1);
    let run = gaining.run().unwrap();
    let public = &run.device.public;
    assert_eq!(public, &run.server.public);
    assert_eq!(public, &run.finished.public);
    assert_eq!(run.device.transcript, run.server.transcript);
    assert_eq!(
        (public.kind(), public.epoch().number),
        (KeyKind::Ecdsa, gaining.ground.epoch.number)
    );
    let transcript = run.server.transcript.to_bytes();
    let read = crate::ecdsa::SignedEcdsaTranscript::try_from(transcript.as_slice()).unwrap();
    assert_eq!(read, run.server.transcript);
    assert_eq!(read.transcript().public_shares().unwrap(), *public);
    let server = run.server.share;
    let device = run.device.share;
    // Recovery has nothing but its package.
    let package = crate::package::OpenAsRecovery::open(&gaining.parties.age, run.server.package.sealed()).unwrap();
    let recovery = crate::share::Share::from_secret_bytes(&package[..package.len() - 32]).unwrap();
    recovery.check(public).unwrap();
    let identities = [
        &gaining.parties.server,
        &gaining.parties.device,
        &gaining.parties.recovery.identity(),
    ];
    for (asker, answerer) in [(&device, &server), (&recovery, &server), (&recovery, &device)] {
        let side = |share: &crate::share::Share| crate::ecdsa::pair::Side {
            party: share.party(),
            identity: identities[share.party().index()].public(),
        };
        let setting = crate::ecdsa::pair::Setting {
            wallet: gaining.parties.wallet,
            epoch: public.epoch(),
            asker: side(asker),
            answerer: side(answerer),
        };
        let rng = &mut gaining.parties.rng;
        let identity = |share: &crate::share::Share| identities[share.party().index()];
        let (one, other) = set_up(setting, (identity(asker), identity(answerer)), rng);
        let (one_side, other_side) = ((&one, asker, identity(asker)), (&other, answerer, identity(answerer)));
        let signature = test(one_side, other_side, public, rng).unwrap();
        let _pairs = Pairs {
            asker: one.tested(&signature, public).unwrap(),
            answerer: other.tested(&signature, public).unwrap(),
        };
    }
}

#[test]
fn p13_ecdsa_a_copied_proof_names_who_copied_it() {
    // The server's commitment and proof are recovery's, the device's are the server's, and so on: whoever looks, the copy
    // is not his own.
    let mut server = None;
    let fault = tampered(|message| match message {
        Message::ServerProof(proof) => server = Some(proof.clone()),
        Message::ToProve(to_prove) => {
            let copied = server.clone().unwrap();
            to_prove.proof = copied.proof;
            to_prove.committing.commitments[0] = copied.commitment;
        }
        _ => {}
    });
    blamed(&fault, FaultKind::ProofOfPossession, &[Party::Server, Party::Device]);
    assert_eq!(fault.class(), Class::Malformed);
}

/// A proof of another run's.
fn foreign_proof() -> crate::ecdsa::proof::Proof {
    let mut proof = None;
    Gaining::new(2)
        .run_with(&mut |message| {
            if let Message::ServerProof(server) = message {
                proof = Some(server.proof.clone());
            }
        })
        .unwrap();
    proof.unwrap()
}

#[test]
fn p06_ecdsa_a_proof_of_an_old_run_is_refused_and_named() {
    let old = foreign_proof();
    let fault = tampered(|message| {
        if let Message::ServerProof(server) = message {
            server.proof = old.clone();
        }
    });
    blamed(&fault, FaultKind::ProofOfPossession, &[Party::Server]);
}

#[test]
fn p16_ecdsa_what_was_dealt_wrongly_ends_the_run() {
    // Recovery deals the server a number that is on no line with the others'.
    let mut gaining = Gaining::new(1);
    let fault = gaining.run_with_dealt(Party::Server).unwrap_err();
    assert_eq!(fault.kind, FaultKind::DealtShare);
    assert_eq!(fault.class(), Class::Blame);
}

#[test]
fn p14_ecdsa_numbers_on_a_curve_of_another_degree_make_no_key() {
    // Three that are on no line are on a parabola: whoever is dealt the odd one.
    for to in [Party::Server, Party::Device] {
        let fault = Gaining::new(2).run_with_dealt(to).unwrap_err();
        assert_eq!(
            (fault.kind, fault.class()),
            (FaultKind::DealtShare, Class::Blame),
            "{to}"
        );
    }
}

#[test]
fn p32_ecdsa_a_hub_that_invents_the_server_gets_nothing_from_recovery() {
    let fault = tampered(|message| {
        if let Message::ToRecovery(to_recovery) = message {
            let invented = IdentitySecret::generate(&mut crate::fixture::rng(9));
            let signed = to_recovery.dealing.signed(&to_recovery.opening);
            to_recovery.dealing.signature = invented.sign(Domain::ECDSA_DEALING, &signed);
        }
    });
    blamed(&fault, FaultKind::IdentitySignature, &[Party::Server, Party::Device]);
}

#[test]
fn p15_ecdsa_a_hub_that_tells_recovery_other_things_than_the_server_is_named() {
    type Lie = fn(&mut super::ToProve);
    let lies: [Lie; 3] = [
        |lie| lie.committing.commitments[1][0] ^= 1,
        |lie| lie.committing.between[0][0] ^= 1,
        |lie| lie.committing.from_recovery[0] ^= 1,
    ];
    for lie in lies {
        let fault = tampered(|message| {
            if let Message::ToProve(to_prove) = message {
                lie(to_prove);
            }
        });
        blamed(&fault, FaultKind::Equivocation, &[Party::Device]);
    }
    // What recovery cannot know better is in the transcript that it signs.
    let fault = tampered(|message| {
        if let Message::ToProve(to_prove) = message {
            to_prove.committing.from_device[0] ^= 1;
        }
    });
    blamed(&fault, FaultKind::Equivocation, &[Party::Recovery]);
}

#[test]
fn p07_ecdsa_what_was_dealt_for_another_epoch_key_or_run_opens_for_nobody() {
    let mut rng = crate::fixture::rng(5);
    let resealed = |binding: fn(&mut Opening), rng: &mut rand_chacha::ChaCha20Rng| {
        let mut opened = None;
        tampered(|message| match message {
            Message::Opening(opening) => opened = Some(opening.clone()),
            Message::RecoveryDealing(dealing) => {
                let mut opening = opened.clone().unwrap();
                binding(&mut opening);
                // It is the right number for nobody; it is not even looked at.
                let dealt = zeroize::Zeroizing::new([0x12; 32]);
                let route = opening.route(Party::Recovery, Party::Device);
                dealing.to_device = route.seal(&opening.device_key, &dealt, rng).unwrap();
            }
            _ => {}
        })
    };
    let elsewhere: [fn(&mut Opening); 3] = [
        |opening| opening.ground.epoch.number += 1,
        |opening| opening.ground.epoch.transcript[0] ^= 1,
        |opening| opening.run.ceremony.0[0] ^= 1,
    ];
    for elsewhere in elsewhere {
        let fault = resealed(elsewhere, &mut rng);
        blamed(&fault, FaultKind::SealedPackage, &[Party::Recovery]);
    }
    // Where it belongs it is opened, and found wrong later on.
    assert_ne!(resealed(|_| {}, &mut rng).kind, FaultKind::SealedPackage);
    // As a ceremony that makes a wallet binds what it deals: to the first epoch, whatever the wallet's is.
    let mut opened = None;
    let fault = tampered(|message| match message {
        Message::Opening(opening) => opened = Some(opening.clone()),
        Message::RecoveryDealing(dealing) => {
            let opening = opened.clone().unwrap();
            let route = Route::first(opening.run, KeyKind::Ecdsa, Party::Recovery, Party::Device);
            let dealt = zeroize::Zeroizing::new([0x12; 32]);
            dealing.to_device = route.seal(&opening.device_key, &dealt, &mut rng).unwrap();
        }
        _ => {}
    });
    blamed(&fault, FaultKind::SealedPackage, &[Party::Recovery]);
}

#[test]
fn p27_ecdsa_a_ground_of_another_epoch_or_wallet_is_refused() {
    let fault = tampered(|message| {
        if let Message::Opening(opening) = message {
            opening.ground.epoch.number += 1;
        }
    });
    assert_eq!(fault, FaultKind::StaleEpoch.into());
    let fault = tampered(|message| {
        if let Message::Opening(opening) = message {
            opening.ground.device_list_head[0] ^= 1;
        }
    });
    blamed(&fault, FaultKind::ForeignCeremony, &[Party::Device]);
}

#[test]
fn p11_ecdsa_no_message_of_another_run_is_taken() {
    let mut seen = 0;
    for (nth, (name, _)) in DECODERS.iter().enumerate().skip(1) {
        let mut at = 0;
        let fault = tampered(|message| {
            if at == nth {
                message.run_mut().ceremony.0[0] ^= 1;
            }
            at += 1;
        });
        assert_eq!(fault.kind, FaultKind::ForeignCeremony, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn p44_ecdsa_recorded_messages_open_with_no_key_that_outlives_the_run() {
    let mut gaining = Gaining::new(1);
    let (mut opened, mut sealed) = (None, std::vec::Vec::new());
    gaining
        .run_with(&mut |message| match message {
            Message::Opening(opening) => opened = Some(opening.clone()),
            Message::Dealing(dealing) => sealed.push((Party::Server, Party::Device, dealing.to_device.clone())),
            Message::RecoveryDealing(dealing) => {
                sealed.push((Party::Recovery, Party::Server, dealing.to_server.clone()));
                sealed.push((Party::Recovery, Party::Device, dealing.to_device.clone()));
            }
            Message::Committing(committing) => {
                sealed.push((Party::Device, Party::Server, committing.from_device.clone()));
            }
            _ => {}
        })
        .unwrap();
    let (opening, parties) = (opened.unwrap(), gaining.parties);
    let kept = [
        SealSecret::new(parties.server.expose_seed()),
        SealSecret::new(parties.device.expose_seed()),
        parties.sealing,
    ];
    assert_eq!(sealed.len(), 4);
    for (from, to, sealed) in sealed {
        for key in &kept {
            let fault = opening.route(from, to).open(key, &sealed).unwrap_err();
            blamed(&fault, FaultKind::SealedPackage, &[from]);
        }
    }
}

#[test]
fn p12_ecdsa_no_message_of_another_wallet_is_taken() {
    for (nth, (name, _)) in DECODERS.iter().enumerate().skip(1) {
        let mut at = 0;
        let fault = tampered(|message| {
            if at == nth {
                message.run_mut().wallet.0[0] ^= 1;
            }
            at += 1;
        });
        assert_eq!(fault.kind, FaultKind::ForeignCeremony, "{name}");
    }
}

#[test]
fn p09_ecdsa_a_message_of_another_step_is_out_of_order() {
    let said = Gaining::new(1).run().unwrap().said;
    for (name, again) in DECODERS {
        for ((other, _), bytes) in DECODERS.iter().zip(&said) {
            if other != name {
                let fault = again(bytes).unwrap_err();
                assert_eq!(fault.kind, FaultKind::UnexpectedMessage, "{other} as {name}");
            }
        }
    }
}

#[test]
fn p02_ecdsa_the_identity_and_other_bad_points_are_refused_in_proofs_and_verifying_shares() {
    let run = Gaining::new(1).run().unwrap();
    let bad: [[u8; 33]; 4] = {
        let mut off_curve = [0; 33];
        (off_curve[0], off_curve[32]) = (2, 5);
        let mut uncompressed = [7; 33];
        uncompressed[0] = 4;
        [[0; 33], off_curve, uncompressed, [0xff; 33]]
    };
    // Who says the proof, and where its first point and the last of its commitments stand in the message.
    let run_and = 2 + 32;
    for (nth, at, prover) in [
        (5, run_and + 32, Party::Server),
        (6, 0, Party::Device),
        (7, run_and, Party::Recovery),
        (8, run_and, Party::Device),
    ] {
        let (name, again) = DECODERS[nth];
        let bytes = &run.said[nth];
        let at = if at == 0 { bytes.len() - Proof::BYTES } else { at };
        for place in [at, at + 33, at + 64 * 33] {
            for point in bad {
                let mut bytes = bytes.clone();
                bytes[place..place + 33].copy_from_slice(&point);
                let fault = again(&bytes).unwrap_err();
                assert_eq!(
                    (fault.kind, fault.culprits.as_slice()),
                    (FaultKind::Point, &[prover][..]),
                    "{name}"
                );
                assert_eq!(fault.class(), Class::Malformed);
            }
        }
    }
    let transcript = run.server.transcript.to_bytes();
    for party in 0..3 {
        let at = transcript.len() - 3 * 64 - (3 - party) * 33;
        for point in bad {
            let mut bytes = transcript.clone();
            bytes[at..at + 33].copy_from_slice(&point);
            let fault = crate::ecdsa::SignedEcdsaTranscript::try_from(bytes.as_slice()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Point);
        }
    }
}

#[test]
fn every_message_has_one_encoding_and_p37_ecdsa_a_cut_one_is_malformed() {
    let said = Gaining::new(1).run().unwrap().said;
    assert_eq!(said.len(), DECODERS.len());
    for ((name, again), bytes) in DECODERS.iter().zip(said) {
        has_one_encoding(name, bytes, *again, 131);
    }
}

#[test]
fn p23_ecdsa_each_field_of_a_proof_changed_is_told() {
    // Run and commitment, then the proof: a point, 64 points, 64 challenges with responses.
    let at = 2 + 32;
    for (name, at) in [
        ("commitment", at),
        ("point", at + 32),
        ("first of the points", at + 32 + 33),
        ("last challenge", at + 32 + 65 * 33 + 63 * 36),
        ("last response", at + 32 + 65 * 33 + 64 * 36 - 1),
    ] {
        let fault = tampered(|message| {
            if let Message::ServerProof(proof) = message {
                let mut bytes = proof.to_bytes();
                bytes[at] ^= 1;
                *proof = bytes.as_slice().try_into().unwrap();
            }
        });
        assert_eq!(fault, Fault::of(FaultKind::ProofOfPossession, Party::Server), "{name}");
    }
}
