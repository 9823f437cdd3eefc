//! The device's half of a signature.

use alloc::{collections::BTreeMap, vec::Vec};

use frost_core::verify_signature_share;
use frost_secp256k1_tr::{SigningPackage, aggregate, keys::PublicKeyPackage, round2};
use rand_core::{CryptoRng, RngCore};

use super::{
    MAX_INPUTS,
    nonce::{Hedge, OneNonce, and_wipe},
    reply::{Commitment, CosignReply, SignatureShare, signing_package},
};
use crate::{
    Fault, FaultKind, hash,
    id::{DeviceId, EpochId, Party, RequestDigest},
    identity::{Domain, IdentityKey, Signature64},
    share::{PublicShares, Share},
};

/// An input for the device to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputToSign {
    /// Keychain and index of the spent output's key.
    pub path: [u32; 2],
    /// The BIP-341 sighash.
    pub message: [u8; 32],
}

/// Where a device's signing starts.
#[derive(Debug)]
pub enum DeviceSession {}

impl DeviceSession {
    /// Makes nonces for one request about `inputs`. `intent_digest` is of the whole intent, `request_nonce` the
    /// request's own.
    ///
    /// The commitments go into the request; its digest is then known and [`DeviceNonces::bind`] takes it.
    pub fn commit(
        share: &Share,
        public: &PublicShares,
        device: &DeviceId,
        inputs: &[InputToSign],
        intent_digest: &[u8; 32],
        request_nonce: &[u8],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(DeviceNonces, Vec<Commitment>), Fault> {
        if share.party() != Party::Device {
            return Err(FaultKind::Internal.into());
        }
        ask(share, public, &device.0, inputs, intent_digest, request_nonce, rng)
    }
}

/// The same for any party that asks another.
pub(super) fn ask(
    share: &Share,
    public: &PublicShares,
    identity: &[u8],
    inputs: &[InputToSign],
    intent_digest: &[u8; 32],
    request_nonce: &[u8],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(DeviceNonces, Vec<Commitment>), Fault> {
    if inputs.is_empty() || inputs.len() > MAX_INPUTS {
        return Err(FaultKind::Count.into());
    }
    share.check_epoch(public)?;
    let digest = hash::tagged("twofold/intent-and-request", &[intent_digest, request_nonce]);
    let mut nonces = Vec::with_capacity(inputs.len());
    and_wipe(|| {
        for index in 0..inputs.len() {
            nonces.push(OneNonce::new(
                share,
                Hedge {
                    identity,
                    index,
                    digest: &digest,
                },
                rng,
            )?);
        }
        Ok::<_, Fault>(())
    })?;
    let commitments = nonces.iter().map(OneNonce::commitment).collect();
    Ok((
        DeviceNonces {
            epoch: share.epoch(),
            inputs: inputs.to_vec(),
            nonces,
        },
        commitments,
    ))
}

/// Nonces that are not yet bound to a request.
#[derive(Debug)]
#[must_use]
pub struct DeviceNonces {
    epoch: EpochId,
    inputs: Vec<InputToSign>,
    nonces: Vec<OneNonce>,
}

impl DeviceNonces {
    /// Binds the nonces to the one request that they will ever be used for.
    pub fn bind(self, request: RequestDigest) -> AwaitingReply {
        AwaitingReply { request, nonces: self }
    }
}

#[cfg(test)]
impl DeviceNonces {
    /// For a device that breaks its own rules.
    pub(crate) fn into_first(self) -> OneNonce {
        self.nonces.into_iter().next().unwrap()
    }
}

/// Nonces bound to a request. Until a reply is parsed only byte-identical resends are allowed; the first reply, valid or
/// not, uses them up:
///
/// ```compile_fail
/// # use twofold_threshold::{sign::*, share::*, identity::IdentityKey, Fault};
/// fn twice(a: AwaitingReply, r: &CosignReply, s: &Share, p: &PublicShares, k: &IdentityKey) -> Result<(), Fault> {
///     a.receive(r, s, p, k, &[0; 32])?;
///     a.receive(r, s, p, k, &[0; 32])?; // moved
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct AwaitingReply {
    request: RequestDigest,
    nonces: DeviceNonces,
}

impl AwaitingReply {
    /// The request that the nonces are bound to.
    #[must_use]
    pub const fn request(&self) -> &RequestDigest {
        &self.request
    }

    /// Checks the server's half to the end before the device's own is made, then finishes the signatures.
    pub fn receive(
        self,
        reply: &CosignReply,
        share: &Share,
        public: &PublicShares,
        server: &IdentityKey,
        context: &[u8; 32],
    ) -> Result<Vec<Signature64>, Fault> {
        let server = Answerer {
            party: Party::Server,
            identity: server,
            domain: Domain::COSIGN,
        };
        self.receive_from(server, reply, share, public, context)
    }

    /// The same, of any party that answered.
    pub(super) fn receive_from(
        self,
        from: Answerer<'_>,
        reply: &CosignReply,
        share: &Share,
        public: &PublicShares,
        context: &[u8; 32],
    ) -> Result<Vec<Signature64>, Fault> {
        let Self {
            request,
            nonces: DeviceNonces { epoch, inputs, nonces },
        } = self;
        let blame = |fault: Fault| fault.by(from.party);
        let hash = CosignReply::signed_hash(reply.epoch, &reply.commitments, &reply.shares, &request, context);
        from.identity
            .verify(from.domain, &hash, &reply.signature)
            .map_err(blame)?;
        // Epochs before shares: a share of another epoch would look like a cheat.
        share.check_epoch(public)?;
        if reply.epoch != epoch || share.epoch() != epoch {
            return Err(FaultKind::StaleEpoch.into());
        }
        if reply.commitments.len() != inputs.len() || reply.shares.len() != inputs.len() {
            return Err(blame(FaultKind::Count.into()));
        }
        let mut halves = Vec::with_capacity(inputs.len());
        for (n, (input, nonce)) in inputs.iter().zip(nonces).enumerate() {
            let tweak = public.child(input.path)?;
            let ours = nonce.commitment();
            let package = signing_package(
                (from.party, &reply.commitments[n]),
                (share.party(), &ours),
                &input.message,
            );
            verify_share(from.party, &reply.shares[n], &package, tweak.package())?;
            halves.push((nonce, package, tweak, reply.shares[n]));
        }
        // Only now, with every share of the other's seen to be good, does the device make one.
        halves
            .into_iter()
            .map(|(nonce, package, tweak, theirs)| {
                let ours = and_wipe(|| nonce.sign(&package, &share.child(&tweak)?))?;
                finish(&package, (share.party(), ours), (from.party, theirs), tweak.package())
            })
            .collect()
    }
}

/// Who answers a request, and what their signature over the answer is for.
#[derive(Clone, Copy)]
pub(super) struct Answerer<'a> {
    pub(super) party: Party,
    pub(super) identity: &'a IdentityKey,
    pub(super) domain: Domain,
}

/// Checks one party's share of a signature.
pub(crate) fn verify_share(
    party: Party,
    share: &SignatureShare,
    package: &SigningPackage,
    public: &PublicKeyPackage,
) -> Result<(), Fault> {
    let identifier = party.identifier();
    let verifying = public.verifying_shares().get(&identifier).ok_or(FaultKind::Internal)?;
    verify_signature_share(identifier, verifying, &share.frost()?, package, public.verifying_key())
        .map_err(|_| Fault::of(FaultKind::SignatureShare, party))
}

/// Adds both shares up and verifies the signature.
pub(crate) fn finish(
    package: &SigningPackage,
    (one, first): (Party, SignatureShare),
    (other, second): (Party, SignatureShare),
    public: &PublicKeyPackage,
) -> Result<Signature64, Fault> {
    let shares: BTreeMap<_, round2::SignatureShare> = BTreeMap::from([
        (one.identifier(), first.frost()?),
        (other.identifier(), second.frost()?),
    ]);
    let signature = aggregate(package, &shares, public).map_err(|error| {
        let culprits = error
            .culprits()
            .into_iter()
            .filter_map(Party::from_identifier)
            .collect();
        Fault {
            kind: FaultKind::Signature,
            culprits,
        }
    })?;
    signature
        .serialize()
        .map_err(|_| FaultKind::Internal)?
        .as_slice()
        .try_into()
}
