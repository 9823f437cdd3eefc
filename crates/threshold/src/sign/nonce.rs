//! One-request nonces.

use core::fmt;

use frost_core::round1::Nonce;
use frost_secp256k1_tr::{keys::KeyPackage, round1::SigningNonces, round2};
use k256::{NonZeroScalar, elliptic_curve::PrimeField};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::reply::{Commitment, SignatureShare};
pub(crate) use crate::secret::and_wipe;

use crate::{Fault, FaultKind, hash, share::Share};

/// A pair of nonces for one signature. It is used by value, and wiped when dropped.
pub(crate) struct OneNonce(SigningNonces);

/// What a nonce is made of, beside randomness and the share.
#[derive(Clone, Copy)]
pub(crate) struct Hedge<'a> {
    /// The signer's identity.
    pub(crate) identity: &'a [u8],
    /// The input's index.
    pub(crate) index: usize,
    /// What is asked for.
    pub(crate) digest: &'a [u8; 32],
}

impl OneNonce {
    pub(crate) fn new(share: &Share, hedge: Hedge<'_>, rng: &mut (impl RngCore + CryptoRng)) -> Result<Self, Fault> {
        let mut fresh = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *fresh);
        let secret = share.secret_bytes();
        let mut seed = hash::tagged(
            "twofold/nonce",
            &[
                &*fresh,
                &*secret,
                hedge.identity,
                &(hedge.index as u64).to_be_bytes(),
                hedge.digest,
            ],
        );
        let mut stream = ChaCha20Rng::from_seed(seed);
        seed.zeroize();
        // frost's own `commit` would copy the share's bytes to the heap and leave them there.
        let nonces = SigningNonces::from_nonces(nonce(&mut stream)?, nonce(&mut stream)?);
        Ok(Self(nonces))
    }

    pub(crate) fn commitment(&self) -> Commitment {
        Commitment::from(*self.0.commitments())
    }

    /// Makes the one share that this nonce is for.
    pub(crate) fn sign(
        self,
        package: &frost_secp256k1_tr::SigningPackage,
        key: &KeyPackage,
    ) -> Result<SignatureShare, Fault> {
        // The only way that frost's signing fails here is that our own commitment is not in the package.
        let share = round2::sign(package, &self.0, key).map_err(|_| FaultKind::CommitmentReplaced)?;
        SignatureShare::try_from(share.serialize().as_slice())
    }
}

fn nonce(stream: &mut ChaCha20Rng) -> Result<Nonce<frost_secp256k1_tr::Secp256K1Sha256TR>, Fault> {
    let mut scalar = NonZeroScalar::random(stream);
    let bytes = Zeroizing::new(<[u8; 32]>::from(scalar.to_repr()));
    scalar.zeroize();
    Nonce::deserialize(&*bytes).map_err(|_| FaultKind::Internal.into())
}

#[cfg(test)]
impl OneNonce {
    /// A published vector's nonce.
    pub(crate) fn from_vector(hiding: &[u8], binding: &[u8]) -> Self {
        let nonce = |bytes| Nonce::deserialize(bytes).unwrap();
        Self(SigningNonces::from_nonces(nonce(hiding), nonce(binding)))
    }
}

impl fmt::Debug for OneNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneNonce(redacted)")
    }
}
