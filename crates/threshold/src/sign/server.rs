//! The half of a signature that answers a device's request: the server's, or recovery's where there is no server.

use alloc::{borrow::Cow, vec::Vec};

use rand_core::{CryptoRng, RngCore};

use super::{
    MAX_INPUTS,
    nonce::{Hedge, OneNonce, and_wipe},
    reply::{Commitment, CosignReply, SignatureShare, signing_package},
};
use crate::{
    Fault, FaultKind,
    derive::ChildTweak,
    id::{EpochId, Party, RequestDigest},
    identity::{Domain, IdentityKey, IdentitySecret},
    share::{PublicShares, Share},
};

/// An input to answer for: the message is the answerer's own work, never the device's word.
#[derive(Clone, Copy, Debug)]
pub struct InputToCosign<'a> {
    /// Keychain and index of the spent output's key.
    pub path: [u32; 2],
    /// The BIP-341 sighash.
    pub message: [u8; 32],
    /// The tweak for `path`, if the caller has kept it.
    pub tweak: Option<&'a ChildTweak>,
}

/// The server's half, not yet signed by its identity: [`Cosigned::sign`] adds the context, such as a checkpoint that
/// could only be made when the shares were known.
#[derive(Debug)]
#[must_use]
pub struct Cosigned {
    epoch: EpochId,
    request: RequestDigest,
    commitments: Vec<Commitment>,
    shares: Vec<SignatureShare>,
}

impl Cosigned {
    /// Signs the half for the request that it answers and for `context`.
    #[must_use]
    pub fn sign(self, server: &IdentitySecret, context: &[u8; 32]) -> CosignReply {
        self.sign_in(Domain::COSIGN, server, context)
    }

    pub(super) fn sign_in(self, domain: Domain, identity: &IdentitySecret, context: &[u8; 32]) -> CosignReply {
        let Self {
            epoch,
            request,
            commitments,
            shares,
        } = self;
        let hash = CosignReply::signed_hash(epoch, &commitments, &shares, &request, context);
        CosignReply {
            epoch,
            commitments,
            shares,
            signature: identity.sign(domain, &hash),
        }
    }
}

/// Makes nonces, commitments and shares for all inputs of one request. The nonces live and die in here.
///
/// `server` is the server's public identity, one of the things that a nonce is made of.
pub fn cosign(
    share: &Share,
    public: &PublicShares,
    inputs: &[InputToCosign<'_>],
    device: &[Commitment],
    request: RequestDigest,
    server: &IdentityKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Cosigned, Fault> {
    if share.party() != Party::Server {
        return Err(FaultKind::Internal.into());
    }
    answer(share, public, inputs, (Party::Device, device), request, server, rng)
}

/// The same for any party that answers the commitments of another.
pub(super) fn answer(
    share: &Share,
    public: &PublicShares,
    inputs: &[InputToCosign<'_>],
    (asker, theirs): (Party, &[Commitment]),
    request: RequestDigest,
    identity: &IdentityKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Cosigned, Fault> {
    if inputs.is_empty() || inputs.len() > MAX_INPUTS || inputs.len() != theirs.len() {
        return Err(Fault::of(FaultKind::Count, asker));
    }
    // Two halves of one party's would be a signature by one.
    if share.party() == asker {
        return Err(FaultKind::Internal.into());
    }
    share.check_epoch(public)?;
    let identity = identity.to_bytes();
    // All tweaks first: nothing secret happens for a request with a bad path in it.
    let tweaks = inputs
        .iter()
        .map(|input| match input.tweak {
            Some(tweak) if tweak.belongs_to(public, input.path) => Ok(Cow::Borrowed(tweak)),
            Some(_) => Err(FaultKind::Internal.into()),
            None => public.child(input.path).map(Cow::Owned),
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let mut commitments = Vec::with_capacity(inputs.len());
    let mut shares = Vec::with_capacity(inputs.len());
    and_wipe(|| {
        for (index, ((input, theirs), tweak)) in inputs.iter().zip(theirs).zip(&tweaks).enumerate() {
            let nonce = OneNonce::new(
                share,
                Hedge {
                    identity: &identity,
                    index,
                    digest: &request.0,
                },
                rng,
            )?;
            let ours = nonce.commitment();
            let package = signing_package((share.party(), &ours), (asker, theirs), &input.message);
            shares.push(nonce.sign(&package, &share.child(tweak)?)?);
            commitments.push(ours);
        }
        Ok::<_, Fault>(())
    })?;
    Ok(Cosigned {
        epoch: share.epoch(),
        request,
        commitments,
        shares,
    })
}
