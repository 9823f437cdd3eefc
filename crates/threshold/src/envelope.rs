//! Sealing to someone: HPKE (RFC 9180, base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305) with the whole context in
//! `info`, so that a sealed package opens only where it belongs.

use alloc::vec::Vec;
use core::{convert::Infallible, fmt};

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    hash,
    id::{CeremonyId, EpochId, KeyKind, Party, WalletId, write_hex},
    secret::{Secret32, and_wipe},
};

const ENCAPPED: usize = 32;
const TAG: usize = 16;

/// How many bytes sealing adds.
pub const OVERHEAD: usize = ENCAPPED + TAG;

/// What is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// What one party's polynomial comes to for another, at a create ceremony or a refresh.
    Dealt,
    /// What a refresh adds to a share, with the new unlock key.
    Increment,
    /// An unlock key on its way to the server, or to a party that is repaired.
    UnlockKey,
    /// What one helper of a repair gives the other.
    Delta,
    /// What a helper gives the one repaired.
    Sigma,
    /// The share and the unlock key for a device that is enrolled.
    Parcel,
    /// A seed that two parties add to each other's, to sign ECDSA together.
    PairSeed,
    /// What recovery, on a machine of its own, answers a device by a file.
    Voice,
}

impl Purpose {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Dealt => b"dealt",
            Self::Increment => b"increment",
            Self::UnlockKey => b"unlock-key",
            Self::Delta => b"repair-delta",
            Self::Sigma => b"repair-sigma",
            Self::Parcel => b"parcel",
            Self::PairSeed => b"pair-seed",
            Self::Voice => b"recovery-voice",
        }
    }
}

/// Where a sealed package belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The wallet.
    pub wallet: WalletId,
    /// The run.
    pub ceremony: CeremonyId,
    /// The number of the epoch being made.
    pub epoch_number: u32,
    /// The epoch before it.
    pub previous: EpochId,
    /// Of which key.
    pub kind: KeyKind,
    /// Who seals.
    pub from: Party,
    /// Who opens.
    pub to: Party,
}

impl Binding {
    pub(crate) fn digest(&self, purpose: Purpose) -> [u8; 32] {
        hash::tagged(
            "twofold/envelope",
            &[
                purpose.name(),
                &self.wallet.0,
                &self.ceremony.0,
                &self.epoch_number.to_be_bytes(),
                &self.previous.number.to_be_bytes(),
                &self.previous.transcript,
                &[self.kind.number()],
                &[self.from.number()],
                &[self.to.number()],
            ],
        )
    }
}

/// An X25519 public key to seal to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealPublic([u8; 32]);

impl SealPublic {
    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Seals `plaintext` for `binding` and `purpose`.
    pub fn seal(
        &self,
        binding: &Binding,
        purpose: Purpose,
        plaintext: &[u8],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<u8>, Fault> {
        let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0).map_err(|_| FaultKind::PublicKey)?;
        let (encapped, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            &binding.digest(purpose),
            plaintext,
            &[],
            &mut Newer(rng),
        )
        .map_err(|_| FaultKind::PublicKey)?;
        let mut sealed = encapped.to_bytes().to_vec();
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }
}

impl TryFrom<&[u8]> for SealPublic {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        Self::checked(bytes.try_into().map_err(|_| FaultKind::Length)?)
    }
}

impl SealPublic {
    /// X25519 takes any 32 bytes; a point of small order would make every shared secret zero, so it is refused here and
    /// not only when sealing.
    pub(crate) fn checked(bytes: [u8; 32]) -> Result<Self, Fault> {
        let point = curve25519_dalek::montgomery::MontgomeryPoint(bytes);
        // Any clamped scalar is a multiple of the cofactor and sends exactly the small-order points to zero.
        if bytes[31] & 0x80 != 0 || point.mul_clamped([0; 32]).0 == [0; 32] {
            return Err(FaultKind::PublicKey.into());
        }
        Ok(Self(bytes))
    }
}

impl Encode for SealPublic {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.0)
    }
}

impl Decode for SealPublic {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Self::checked(reader.array()?)
    }
}

impl fmt::Display for SealPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SealPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealPublic({self})")
    }
}

/// The secret half. Short-lived ones live in memory or under a seal; a device's long-lived one in its keystore.
pub struct SealSecret(Secret32);

impl SealSecret {
    /// A new one.
    #[must_use]
    pub fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(Secret32::generate(rng))
    }

    /// Out of a keystore.
    #[must_use]
    pub fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// For a keystore.
    #[must_use]
    pub fn expose(&self) -> &Secret32 {
        &self.0
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> SealPublic {
        SealPublic(curve25519_dalek::montgomery::MontgomeryPoint::mul_base_clamped(*self.0.expose()).0)
    }

    /// Opens what was sealed for exactly `binding` and `purpose`.
    pub fn open(&self, binding: &Binding, purpose: Purpose, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let (encapped, ciphertext) = sealed.split_first_chunk::<ENCAPPED>().ok_or(FaultKind::SealedPackage)?;
        let encapped =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapped).map_err(|_| FaultKind::SealedPackage)?;
        let secret =
            <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.expose()).map_err(|_| FaultKind::Internal)?;
        let info = binding.digest(purpose);
        and_wipe(|| {
            hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeR::Base,
                &secret,
                &encapped,
                &info,
                ciphertext,
                &[],
            )
        })
        .map(Zeroizing::new)
        .map_err(|_| FaultKind::SealedPackage.into())
    }
}

impl fmt::Debug for SealSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealSecret(redacted, {})", self.public())
    }
}

/// Lends a generator of `rand_core` 0.6 to HPKE, which speaks a newer version of it.
struct Newer<'a, R>(&'a mut R);

impl<R: RngCore> hpke::rand_core::TryRng for Newer<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

impl<R: RngCore + CryptoRng> hpke::rand_core::TryCryptoRng for Newer<'_, R> {}

#[cfg(test)]
mod tests;
