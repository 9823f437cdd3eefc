//! Any two of the three sign, for the same addresses, by the same tweaks.

use super::super::pair::sign_together;
use super::*;
use crate::{identity::Domain, package::Contents};

/// A wallet with all three shares in one test.
struct Trio {
    parties: Parties,
    server: NewShare,
    device: Created,
    recovery: Contents,
}

impl Trio {
    fn new(seed: u64) -> Self {
        let mut parties = Parties::new(seed);
        let Wallet { server, device, .. } = parties.create();
        let recovery = device
            .package
            .open(
                &parties.recovery.identity().public(),
                &parties.age,
                device.transcript.transcript(),
                device.transcript.signature(Party::Recovery),
            )
            .unwrap();
        Self {
            parties,
            server,
            device,
            recovery,
        }
    }

    fn share(&self, party: Party) -> &crate::share::Share {
        match party {
            Party::Server => &self.server.share,
            Party::Device => &self.device.share,
            Party::Recovery => &self.recovery.share,
        }
    }

    fn identity(&self, party: Party) -> IdentitySecret {
        let seed = match party {
            Party::Server => self.parties.server.expose_seed(),
            Party::Device => self.parties.device.expose_seed(),
            Party::Recovery => self.parties.recovery.identity().expose_seed(),
        };
        IdentitySecret::from_seed(&seed)
    }

    fn sign(&self, asker: Party, answerer: Party) -> Result<Vec<Signature64>, Fault> {
        let (asking, answering) = (self.identity(asker), self.identity(answerer));
        sign_together(
            &self.device.public,
            &inputs(),
            (self.share(asker), &asking),
            (self.share(answerer), &answering),
        )
    }
}

#[test]
fn every_pair_signs_for_every_address() {
    let pairs = Party::ALL
        .into_iter()
        .flat_map(|asker| Party::ALL.into_iter().map(move |answerer| (asker, answerer)))
        .filter(|(asker, answerer)| asker != answerer);
    for (seed, (asker, answerer)) in (1..).zip(pairs) {
        let trio = Trio::new(seed);
        let signatures = trio.sign(asker, answerer).unwrap();
        assert_eq!(signatures.len(), inputs().len());
        for (input, signature) in inputs().iter().zip(&signatures) {
            let tweak = trio.device.public.child(input.path).unwrap();
            assert!(
                libsecp(tweak.output_key(), &input.message, signature),
                "{asker} asks {answerer}"
            );
        }
    }
}

#[test]
fn one_party_alone_is_no_pair() {
    let trio = Trio::new(1);
    for party in Party::ALL {
        assert!(trio.sign(party, party).is_err());
    }
}

/// Recovery's own way in and out, as the client goes it.
fn asked_of_recovery(trio: &mut Trio) -> (AwaitingReply, CosignReply) {
    let id = trio.parties.device.public().device_id();
    let Created { share, public, .. } = &trio.device;
    let rng = &mut trio.parties.rng;
    let (nonces, commitments) = DeviceSession::commit(share, public, &id, &inputs(), &[9; 32], b"nonce", rng).unwrap();
    let to_answer = inputs().map(|input| InputToCosign {
        path: input.path,
        message: input.message,
        tweak: None,
    });
    let identity = trio.parties.recovery.identity();
    let reply = cosign_as_recovery(
        &trio.recovery.share,
        public,
        &to_answer,
        &commitments,
        REQUEST,
        &identity,
        rng,
    )
    .unwrap();
    (nonces.bind(REQUEST), reply)
}

#[test]
fn device_and_recovery_sign_in_one_request() {
    let mut trio = Trio::new(4);
    let (waiting, reply) = asked_of_recovery(&mut trio);
    let reply = CosignReply::try_from(reply.to_bytes().as_slice()).unwrap();
    let recovery = trio.parties.recovery.identity().public();
    let Created { share, public, .. } = &trio.device;
    let signatures = waiting.receive_from_recovery(&reply, share, public, &recovery).unwrap();
    for (input, signature) in inputs().iter().zip(&signatures) {
        assert!(libsecp(
            public.child(input.path).unwrap().output_key(),
            &input.message,
            signature
        ));
    }
}

#[test]
fn recovery_answers_with_its_own_share_alone_and_never_twice_with_one_nonce() {
    let mut trio = Trio::new(5);
    let (_, reply) = asked_of_recovery(&mut trio);
    let (_, again) = asked_of_recovery(&mut trio);
    let seen: BTreeSet<_> = reply
        .commitments
        .iter()
        .chain(&again.commitments)
        .map(Commitment::to_bytes)
        .collect();
    assert_eq!(seen.len(), 2 * inputs().len());
    let identity = trio.parties.recovery.identity();
    let rng = &mut trio.parties.rng;
    for share in [&trio.device.share, &trio.server.share] {
        let refused = cosign_as_recovery(share, &trio.device.public, &[], &[], REQUEST, &identity, rng);
        assert_eq!(refused.unwrap_err().kind, FaultKind::Internal);
    }
}

#[test]
fn an_answer_of_recoverys_is_none_of_the_servers_and_the_other_way_round() {
    let mut trio = Trio::new(6);
    let (waiting, reply) = asked_of_recovery(&mut trio);
    let recovery = trio.parties.recovery.identity().public();
    let Created { share, public, .. } = &trio.device;
    // Even under one identity key: the domain tells them apart.
    let fault = waiting.receive(&reply, share, public, &recovery, &[0; 32]).unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits),
        (FaultKind::IdentitySignature, [Party::Server].into())
    );

    let (waiting, mut reply) = asked_of_recovery(&mut trio);
    let hash = CosignReply::signed_hash(reply.epoch, &reply.commitments, &reply.shares, &REQUEST, &[0; 32]);
    reply.signature = trio.parties.recovery.identity().sign(Domain::COSIGN, &hash);
    let Created { share, public, .. } = &trio.device;
    let fault = waiting
        .receive_from_recovery(&reply, share, public, &recovery)
        .unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits),
        (FaultKind::IdentitySignature, [Party::Recovery].into())
    );
}

#[test]
fn a_bad_share_of_recoverys_is_named_and_gives_no_signature() {
    let mut trio = Trio::new(7);
    let (waiting, mut reply) = asked_of_recovery(&mut trio);
    reply.shares[1] = SignatureShare::try_from([3; 32].as_slice()).unwrap();
    let hash = CosignReply::signed_hash(reply.epoch, &reply.commitments, &reply.shares, &REQUEST, &[0; 32]);
    let identity = trio.parties.recovery.identity();
    reply.signature = identity.sign(Domain::RECOVERY_COSIGN, &hash);
    let Created { share, public, .. } = &trio.device;
    let fault = waiting
        .receive_from_recovery(&reply, share, public, &identity.public())
        .unwrap_err();
    assert_eq!(
        (fault.kind, fault.culprits),
        (FaultKind::SignatureShare, [Party::Recovery].into())
    );
}
