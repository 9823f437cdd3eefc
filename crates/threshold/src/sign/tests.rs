mod encoding;
mod pairs;

use std::{collections::BTreeSet, vec::Vec};

use frost_secp256k1_tr::keys::{KeyPackage, Tweak as _};
use k256::Scalar;
use serde_json::Value;

use super::{
    nonce::{Hedge, OneNonce},
    reply::signing_package,
    *,
};
use crate::{
    Class, Fault, FaultKind,
    create::{device::Created, server::NewShare},
    fixture::{Parties, Wallet, libsecp, rng},
    id::{EpochId, Party, RequestDigest},
    identity::{IdentitySecret, Signature64},
};

const CONTEXT: [u8; 32] = [5; 32];
const REQUEST: RequestDigest = RequestDigest([8; 32]);

/// A wallet whose device and server sign.
struct Bench {
    parties: Parties,
    server: NewShare,
    device: Created,
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut parties = Parties::new(seed);
        let Wallet { server, device, .. } = parties.create();
        Self {
            parties,
            server,
            device,
        }
    }

    fn commit(&mut self, inputs: &[InputToSign]) -> (DeviceNonces, Vec<Commitment>) {
        let id = self.parties.device.public().device_id();
        let Created { share, public, .. } = &self.device;
        DeviceSession::commit(share, public, &id, inputs, &[9; 32], b"nonce", &mut self.parties.rng).unwrap()
    }

    fn half(&mut self, inputs: &[InputToSign], theirs: &[Commitment], request: RequestDigest) -> Cosigned {
        let asked: Vec<_> = inputs
            .iter()
            .map(|i| InputToCosign {
                path: i.path,
                message: i.message,
                tweak: None,
            })
            .collect();
        let identity = self.parties.server.public();
        let NewShare { share, public, .. } = &self.server;
        cosign(share, public, &asked, theirs, request, &identity, &mut self.parties.rng).unwrap()
    }

    fn reply(&mut self, inputs: &[InputToSign], theirs: &[Commitment], request: RequestDigest) -> CosignReply {
        self.half(inputs, theirs, request).sign(&self.parties.server, &CONTEXT)
    }

    /// Signs the reply again, as a server that means what it says.
    fn resign(&self, reply: &mut CosignReply) {
        let hash = CosignReply::signed_hash(reply.epoch, &reply.commitments, &reply.shares, &REQUEST, &CONTEXT);
        reply.signature = self.parties.server.sign(crate::identity::Domain::COSIGN, &hash);
    }

    fn receive(&self, waiting: AwaitingReply, reply: &CosignReply) -> Result<Vec<Signature64>, Fault> {
        let Created { share, public, .. } = &self.device;
        waiting.receive(reply, share, public, &self.parties.server.public(), &CONTEXT)
    }

    fn verify(&self, input: &InputToSign, signature: &Signature64) -> bool {
        libsecp(
            self.device.public.child(input.path).unwrap().output_key(),
            &input.message,
            signature,
        )
    }
}

fn inputs() -> [InputToSign; 3] {
    [
        InputToSign {
            path: [0, 0],
            message: [1; 32],
        },
        InputToSign {
            path: [0, 7],
            message: [2; 32],
        },
        InputToSign {
            path: [1, 3],
            message: [3; 32],
        },
    ]
}

#[test]
fn device_and_server_sign_three_inputs_in_one_request() {
    for seed in 1..=6 {
        let mut bench = Bench::new(seed);
        let (nonces, commitments) = bench.commit(&inputs());
        let reply = bench.reply(&inputs(), &commitments, REQUEST);
        let reply = CosignReply::try_from(reply.to_bytes().as_slice()).unwrap();
        let signatures = bench.receive(nonces.bind(REQUEST), &reply).unwrap();
        assert_eq!(signatures.len(), 3);
        for (input, signature) in inputs().iter().zip(&signatures) {
            assert!(bench.verify(input, signature));
        }
    }
}

#[test]
fn a_kept_tweak_gives_the_same_key_and_one_of_another_path_or_epoch_is_refused() {
    let mut bench = Bench::new(1);
    let other = Bench::new(2);
    let input = inputs()[1];
    let (nonces, commitments) = bench.commit(&[input]);
    let right = bench.server.public.child(input.path).unwrap();
    let path = bench.server.public.child([0, 8]).unwrap();
    let wallet = other.server.public.child(input.path).unwrap();
    let identity = bench.parties.server.public();
    let mut ask = |tweak| {
        let asked = InputToCosign {
            path: input.path,
            message: input.message,
            tweak: Some(tweak),
        };
        let NewShare { share, public, .. } = &bench.server;
        cosign(
            share,
            public,
            &[asked],
            &commitments,
            REQUEST,
            &identity,
            &mut bench.parties.rng,
        )
    };
    assert!(ask(&path).is_err());
    assert!(ask(&wallet).is_err());
    let reply = ask(&right).unwrap().sign(&bench.parties.server, &CONTEXT);
    let signatures = bench.receive(nonces.bind(REQUEST), &reply).unwrap();
    assert!(bench.verify(&input, &signatures[0]));
}

#[test]
fn p17_a_bad_share_for_any_input_is_named_and_gives_no_signature_at_all() {
    for n in 0..3 {
        let mut bench = Bench::new(1);
        let (nonces, commitments) = bench.commit(&inputs());
        let mut reply = bench.reply(&inputs(), &commitments, REQUEST);
        reply.shares[n] = SignatureShare::try_from([3; 32].as_slice()).unwrap();
        bench.resign(&mut reply);
        let fault = bench.receive(nonces.bind(REQUEST), &reply).unwrap_err();
        assert_eq!((fault.kind, fault.class()), (FaultKind::SignatureShare, Class::Blame));
        assert_eq!(fault.culprits, [Party::Server]);
    }
}

#[test]
fn p17_shares_in_another_order_or_for_another_message_or_key_are_refused() {
    let mut bench = Bench::new(1);
    // Swapped.
    let (nonces, commitments) = bench.commit(&inputs());
    let mut reply = bench.reply(&inputs(), &commitments, REQUEST);
    reply.shares.swap(0, 1);
    reply.commitments.swap(0, 1);
    bench.resign(&mut reply);
    assert_eq!(
        bench.receive(nonces.bind(REQUEST), &reply).unwrap_err().kind,
        FaultKind::SignatureShare
    );
    // Another message, another key.
    for change in [0, 1] {
        let (nonces, commitments) = bench.commit(&inputs());
        let mut other = inputs();
        if change == 0 {
            other[2].message = [9; 32];
        } else {
            other[2].path = [1, 4];
        }
        let reply = bench.reply(&other, &commitments, REQUEST);
        assert_eq!(
            bench.receive(nonces.bind(REQUEST), &reply).unwrap_err().kind,
            FaultKind::SignatureShare
        );
    }
    // One missing, one too many.
    let (nonces, commitments) = bench.commit(&inputs());
    let reply = bench.reply(&inputs()[..2], &commitments[..2], REQUEST);
    let fault = bench.receive(nonces.bind(REQUEST), &reply).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits.as_slice()),
        (FaultKind::Count, &[Party::Server][..])
    );
}

#[test]
fn p18_a_device_that_alters_the_server_s_commitment_gets_no_signature() {
    let mut bench = Bench::new(1);
    let input = inputs()[0];
    let (nonces, commitments) = bench.commit(&[input]);
    let reply = bench.reply(&[input], &commitments, REQUEST);
    let other = bench.reply(&[input], &commitments, REQUEST);
    // A device that breaks its own rules: it signs with the server's share and another commitment of the server's.
    let tweak = bench.device.public.child(input.path).unwrap();
    let altered = signing_package(
        (Party::Server, &other.commitments[0]),
        (Party::Device, &commitments[0]),
        &input.message,
    );
    let (nonce, key) = (nonces.into_first(), bench.device.share.child(&tweak).unwrap());
    let own = nonce.sign(&altered, &key).unwrap();
    let fault = device::finish(
        &altered,
        (Party::Device, own),
        (Party::Server, reply.shares[0]),
        tweak.package(),
    )
    .unwrap_err();
    assert_eq!(fault.class(), Class::Blame);
    // The honest code refuses the altered reply by its signature alone.
    let (nonces, commitments) = bench.commit(&[input]);
    let mut reply = bench.reply(&[input], &commitments, REQUEST);
    reply.commitments[0] = other.commitments[0];
    let fault = bench.receive(nonces.bind(REQUEST), &reply).unwrap_err();
    assert_eq!(fault.kind, FaultKind::IdentitySignature);
}

#[test]
fn p25_after_aborted_signatures_for_scripts_the_key_path_signs_with_its_own_tweak() {
    let mut bench = Bench::new(1);
    // The bare group key is what script paths use: start with it, and let it drop.
    let (aborted, bare) = DeviceTest::new(
        &bench.device.share,
        &bench.parties.device.public(),
        &mut bench.parties.rng,
    )
    .unwrap();
    let identity = bench.parties.server.public();
    let NewShare { share, public, .. } = &bench.server;
    let _unused = server_test_share(
        share,
        public,
        &bare,
        &crate::fixture::REQUEST,
        &identity,
        &mut bench.parties.rng,
    )
    .unwrap();
    drop(aborted);
    // And so would a script of its own under the same key: a tweak with a merkle root, as frost makes it.
    let frost = public.package().unwrap();
    let scripted = crate::share::key_package(Party::Server, share.scalar(), &frost)
        .unwrap()
        .tweak(Some(&[7; 32]));
    let hedge = Hedge {
        identity: b"server",
        index: 0,
        digest: &[4; 32],
    };
    let nonce = OneNonce::new(share, hedge, &mut bench.parties.rng).unwrap();
    let package = signing_package((Party::Server, &nonce.commitment()), (Party::Device, &bare), &[4; 32]);
    let _unused = nonce.sign(&package, &scripted).unwrap();

    let input = inputs()[0];
    let (nonces, commitments) = bench.commit(&[input]);
    assert_ne!(commitments[0], bare);
    let reply = bench.reply(&[input], &commitments, REQUEST);
    let signature = bench.receive(nonces.bind(REQUEST), &reply).unwrap()[0];
    let tweak = bench.device.public.child(input.path).unwrap();
    let group: [u8; 32] = bench.device.public.group_key()[1..].try_into().unwrap();
    assert!(libsecp(tweak.output_key(), &input.message, &signature));
    assert!(!libsecp(tweak.internal_key(), &input.message, &signature));
    assert!(!libsecp(&group, &input.message, &signature));
}

#[test]
fn p29_of_three_replies_to_one_request_the_device_uses_one_and_later_ones_make_no_share() {
    let mut bench = Bench::new(1);
    let (nonces, commitments) = bench.commit(&inputs());
    let replies = [0; 3].map(|_| bench.reply(&inputs(), &commitments, REQUEST));
    bench.receive(nonces.bind(REQUEST), &replies[0]).unwrap();
    // `receive` took the nonces, so a later reply can only meet nonces of a later request: it is none of its.
    for late in &replies[1..] {
        let (nonces, _) = bench.commit(&inputs());
        let fault = bench.receive(nonces.bind(RequestDigest([1; 32])), late).unwrap_err();
        assert_eq!(fault.kind, FaultKind::IdentitySignature);
        // Not even under the same digest, for the commitments are others.
        let (nonces, _) = bench.commit(&inputs());
        let fault = bench.receive(nonces.bind(REQUEST), late).unwrap_err();
        assert_eq!(fault.kind, FaultKind::SignatureShare);
    }
}

#[test]
fn p30_old_commitments_with_another_request_meet_fresh_commitments_of_the_server() {
    let mut bench = Bench::new(1);
    let (_nonces, commitments) = bench.commit(&inputs());
    let mut seen = BTreeSet::new();
    for n in 0..20 {
        let mut changed = inputs();
        changed[0].message = [n; 32];
        let reply = bench.reply(&changed, &commitments, RequestDigest([n; 32]));
        for commitment in &reply.commitments {
            assert!(
                seen.insert(commitment.to_bytes()),
                "a commitment of the server's came twice"
            );
        }
    }
}

#[test]
fn p31_a_resumed_snapshot_repeats_no_commitment_for_another_request() {
    let mut bench = Bench::new(1);
    let (_, theirs) = bench.commit(&inputs());
    let mut seen = BTreeSet::new();
    // The same share, the same state of the generator: a snapshot of the server resumed again and again.
    for n in 0..10 {
        bench.parties.rng = rng(123);
        for commitment in bench.reply(&inputs(), &theirs, RequestDigest([n; 32])).commitments {
            assert!(seen.insert(commitment.to_bytes()));
        }
    }
    // And of the device: another intent, another request nonce, another device.
    let id = bench.parties.device.public().device_id();
    let mut other = id;
    other.0[0] ^= 1;
    for (id, intent, nonce) in [(id, 1, 1), (id, 2, 1), (id, 1, 2), (other, 1, 1)] {
        let Created { share, public, .. } = &bench.device;
        let (_, commitments) =
            DeviceSession::commit(share, public, &id, &inputs(), &[intent; 32], &[nonce], &mut rng(123)).unwrap();
        for commitment in commitments {
            assert!(seen.insert(commitment.to_bytes()));
        }
    }
}

#[test]
fn p27_a_reply_of_another_epoch_is_stale_and_not_a_cheat() {
    let mut bench = Bench::new(1);
    for (number, transcript) in [(0, [0; 32]), (2, [0; 32]), (1, [1; 32])] {
        let (nonces, commitments) = bench.commit(&inputs());
        let mut reply = bench.reply(&inputs(), &commitments, REQUEST);
        reply.epoch = EpochId { number, transcript };
        bench.resign(&mut reply);
        let fault = bench.receive(nonces.bind(REQUEST), &reply).unwrap_err();
        assert_eq!((fault.kind, fault.class()), (FaultKind::StaleEpoch, Class::WrongOrder));
        assert_eq!(fault.culprits, []);
    }
}

#[test]
fn p27_a_share_and_public_shares_of_two_epochs_sign_nothing_on_either_side() {
    let (mut bench, other) = (Bench::new(1), Bench::new(2));
    let stale = |fault: Fault| assert_eq!((fault.kind, fault.class()), (FaultKind::StaleEpoch, Class::WrongOrder));
    let input = inputs()[0];
    let (nonces, commitments) = bench.commit(&[input]);
    let reply = bench.reply(&[input], &commitments, REQUEST);
    let server = bench.parties.server.public();
    let asked = InputToCosign {
        path: input.path,
        message: input.message,
        tweak: None,
    };
    let (new, rng) = (&other.server.public, &mut bench.parties.rng);
    stale(cosign(&bench.server.share, new, &[asked], &commitments, REQUEST, &server, rng).unwrap_err());
    stale(server_test_share(&bench.server.share, new, &commitments[0], &REQUEST, &server, rng).unwrap_err());
    let (id, own) = (bench.parties.device.public().device_id(), &bench.device.share);
    stale(DeviceSession::commit(own, new, &id, &[input], &[9; 32], b"nonce", rng).unwrap_err());
    let waiting = nonces.bind(REQUEST);
    stale(waiting.receive(&reply, own, new, &server, &CONTEXT).unwrap_err());
}

#[test]
fn a_reply_by_another_server_for_another_request_or_context_is_refused() {
    let mut bench = Bench::new(1);
    let stranger = IdentitySecret::generate(&mut bench.parties.rng);
    let (nonces, commitments) = bench.commit(&inputs());
    let reply = bench.half(&inputs(), &commitments, REQUEST).sign(&stranger, &CONTEXT);
    assert_eq!(
        bench.receive(nonces.bind(REQUEST), &reply).unwrap_err().kind,
        FaultKind::IdentitySignature
    );
    let (nonces, commitments) = bench.commit(&inputs());
    let reply = bench
        .half(&inputs(), &commitments, REQUEST)
        .sign(&bench.parties.server, &[6; 32]);
    assert_eq!(
        bench.receive(nonces.bind(REQUEST), &reply).unwrap_err().kind,
        FaultKind::IdentitySignature
    );
    let (nonces, commitments) = bench.commit(&inputs());
    let reply = bench.reply(&inputs(), &commitments, RequestDigest([7; 32]));
    assert_eq!(
        bench.receive(nonces.bind(REQUEST), &reply).unwrap_err().kind,
        FaultKind::IdentitySignature
    );
}

#[test]
fn empty_too_many_and_mismatched_inputs_are_malformed_on_both_sides() {
    let mut bench = Bench::new(1);
    let id = bench.parties.device.public().device_id();
    let many = std::vec![inputs()[0]; MAX_INPUTS + 1];
    for bad in [&[][..], &many] {
        let Created { share, public, .. } = &bench.device;
        let fault = DeviceSession::commit(share, public, &id, bad, &[0; 32], b"", &mut bench.parties.rng).unwrap_err();
        assert_eq!(fault.class(), Class::Malformed);
    }
    let (_, commitments) = bench.commit(&inputs());
    let asked = inputs().map(|i| InputToCosign {
        path: i.path,
        message: i.message,
        tweak: None,
    });
    let identity = bench.parties.server.public();
    let NewShare { share, public, .. } = &bench.server;
    for (inputs, commitments) in [
        (&asked[..2], &commitments[..]),
        (&asked[..], &commitments[..2]),
        (&[], &[]),
    ] {
        let fault = cosign(
            share,
            public,
            inputs,
            commitments,
            REQUEST,
            &identity,
            &mut bench.parties.rng,
        )
        .unwrap_err();
        assert_eq!(
            (fault.class(), fault.culprits.as_slice()),
            (Class::Malformed, &[Party::Device][..])
        );
    }
}

#[test]
fn p04_the_server_signs_with_no_share_but_its_own_and_the_device_with_none_but_its() {
    let mut bench = Bench::new(1);
    let id = bench.parties.device.public().device_id();
    let (_, commitments) = bench.commit(&inputs()[..1]);
    let input = InputToCosign {
        path: [0, 0],
        message: [1; 32],
        tweak: None,
    };
    let identity = bench.parties.server.public();
    let (device, public) = (&bench.device.share, &bench.device.public);
    let rng = &mut bench.parties.rng;
    assert!(cosign(device, public, &[input], &commitments, REQUEST, &identity, rng).is_err());
    assert!(DeviceSession::commit(&bench.server.share, public, &id, &inputs(), &[0; 32], b"", rng).is_err());
}

#[test]
fn hardened_paths_have_no_key_here() {
    let bench = Bench::new(1);
    for path in [[1 << 31, 0], [0, 1 << 31], [u32::MAX, u32::MAX]] {
        let fault = bench.device.public.child(path).unwrap_err();
        assert_eq!((fault.kind, fault.class()), (FaultKind::Path, Class::Malformed));
    }
    bench.device.public.child([0, (1 << 31) - 1]).unwrap();
}

#[test]
fn nonces_print_nothing() {
    let mut bench = Bench::new(1);
    let (nonces, _) = bench.commit(&inputs());
    let shown = std::format!("{nonces:?}");
    assert!(
        shown.contains("OneNonce(redacted)") && !shown.contains("hiding"),
        "{shown}"
    );
}

#[test]
fn the_taproot_suite_s_own_vectors_hold_for_commitments_shares_and_the_signature() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/frost.json")).unwrap();
    let field = |value: &Value, key: &str| -> Vec<u8> { hex::decode(value[key].as_str().unwrap()).unwrap() };
    let group = field(&vectors["inputs"], "verifying_key_key");
    let message = field(&vectors["inputs"], "message");
    let mut signers = Vec::new();
    for output in vectors["round_one_outputs"]["outputs"].as_array().unwrap() {
        let number = output["identifier"].as_u64().unwrap();
        let share = vectors["inputs"]["participant_shares"]
            .as_array()
            .unwrap()
            .iter()
            .find(|share| share["identifier"].as_u64() == Some(number))
            .unwrap();
        let party = Party::try_from(u8::try_from(number).unwrap()).unwrap();
        let share = frost_secp256k1_tr::keys::SigningShare::deserialize(&field(share, "participant_share")).unwrap();
        let nonce = OneNonce::from_vector(&field(output, "hiding_nonce"), &field(output, "binding_nonce"));
        let expected = [
            field(output, "hiding_nonce_commitment"),
            field(output, "binding_nonce_commitment"),
        ]
        .concat();
        assert_eq!(nonce.commitment().to_bytes().to_vec(), expected);
        let key = frost_secp256k1_tr::VerifyingKey::deserialize(&group).unwrap();
        let package = KeyPackage::new(party.identifier(), share, share.into(), key, 2);
        signers.push((party, nonce, package));
    }
    let commitments = signers
        .iter()
        .map(|(party, n, _)| (party.identifier(), n.commitment().frost()))
        .collect();
    let package = frost_secp256k1_tr::SigningPackage::new(commitments, &message);
    let mut sum = Scalar::ZERO;
    for ((_, nonce, key), expected) in signers
        .into_iter()
        .zip(vectors["round_two_outputs"]["outputs"].as_array().unwrap())
    {
        let share = nonce.sign(&package, &key).unwrap();
        assert_eq!(share.as_bytes().to_vec(), field(expected, "sig_share"));
        sum += crate::point::scalar(share.as_bytes()).unwrap();
    }
    assert_eq!(sum.to_bytes().to_vec(), field(&vectors["final_output"], "sig")[32..]);
}

#[test]
fn a_nonce_depends_on_everything_that_it_is_made_of() {
    let bench = Bench::new(1);
    let other = Bench::new(2);
    let base = Hedge {
        identity: b"me",
        index: 0,
        digest: &[0; 32],
    };
    let commit = |share, hedge, seed| {
        OneNonce::new(share, hedge, &mut rng(seed))
            .unwrap()
            .commitment()
            .to_bytes()
    };
    let share = &bench.device.share;
    let all = [
        commit(share, base, 1),
        commit(share, base, 2),
        commit(&other.device.share, base, 1),
        commit(
            share,
            Hedge {
                identity: b"you",
                ..base
            },
            1,
        ),
        commit(share, Hedge { index: 1, ..base }, 1),
        commit(
            share,
            Hedge {
                digest: &[1; 32],
                ..base
            },
            1,
        ),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[0], commit(share, base, 1));
}
