//! Round-1 packages: a committed polynomial of two coefficients, and a proof of knowing the first.

use alloc::collections::BTreeMap;
use core::fmt;

use frost_secp256k1_tr::{
    Error, Secp256K1Sha256TR, Signature,
    keys::{KeyPackage, VerifiableSecretSharingCommitment, dkg},
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    derive::MIN_SIGNERS,
    id::Party,
    point,
};

/// Parties of a key.
const MAX_SIGNERS: u16 = 3;
/// Two compressed points and a Schnorr signature.
const LEN: usize = 33 + 33 + 64;

/// A round-1 package, in bytes and as frost has it.
#[derive(Clone)]
pub(crate) struct Round1 {
    bytes: [u8; LEN],
    package: dkg::round1::Package,
}

impl Round1 {
    pub(crate) fn as_bytes(&self) -> &[u8; LEN] {
        &self.bytes
    }

    pub(crate) fn package(&self) -> &dkg::round1::Package {
        &self.package
    }

    fn from_frost(package: dkg::round1::Package) -> Result<Self, Fault> {
        let mut bytes = [0; LEN];
        let commitment = package
            .commitment()
            .serialize_whole()
            .map_err(|_| FaultKind::Internal)?;
        let proof = package
            .proof_of_knowledge()
            .serialize()
            .map_err(|_| FaultKind::Internal)?;
        if commitment.len() != 66 || proof.len() != 64 {
            return Err(FaultKind::Internal.into());
        }
        bytes[..66].copy_from_slice(&commitment);
        bytes[66..].copy_from_slice(&proof);
        Ok(Self { bytes, package })
    }
}

impl PartialEq for Round1 {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Round1 {}

impl fmt::Debug for Round1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Round1(")?;
        crate::id::write_hex(f, &self.bytes)?;
        f.write_str(")")
    }
}

impl Encode for Round1 {
    fn encode(&self, writer: Writer) -> Writer {
        writer.u8(2).fixed(&self.bytes)
    }
}

impl Decode for Round1 {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        if u16::from(reader.u8()?) != MIN_SIGNERS {
            return Err(FaultKind::Coefficients.into());
        }
        let bytes: [u8; LEN] = reader.array()?;
        for point in bytes[..66].chunks_exact(33) {
            if !matches!(point[0], 2 | 3) {
                return Err(FaultKind::Point.into());
            }
        }
        let commitment =
            VerifiableSecretSharingCommitment::deserialize_whole(&bytes[..66]).map_err(|_| FaultKind::Point)?;
        let mut response = [0; 32];
        response.copy_from_slice(&bytes[98..]);
        point::nonzero_scalar(&response)?;
        let proof = Signature::deserialize(&bytes[66..]).map_err(|_| FaultKind::Point)?;
        Ok(Self {
            bytes,
            package: dkg::round1::Package::new(commitment, proof),
        })
    }
}

/// Part 1: this party's polynomial.
pub(crate) fn part1(
    party: Party,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(dkg::round1::SecretPackage, Round1), Fault> {
    let (secret, package) =
        dkg::part1(party.identifier(), MAX_SIGNERS, MIN_SIGNERS, rng).map_err(|_| FaultKind::Internal)?;
    Ok((secret, Round1::from_frost(package)?))
}

/// What one party deals another: a scalar on its way.
pub(crate) type Dealt = Zeroizing<[u8; 32]>;

/// Part 2: checks the others' proofs and deals.
pub(crate) fn part2(
    me: Party,
    secret: dkg::round1::SecretPackage,
    round1: &[Round1; 3],
) -> Result<(dkg::round2::SecretPackage, [Dealt; 3]), Fault> {
    let (secret, packages) = dkg::part2(secret, &others(me, round1)).map_err(|error| blame(&error))?;
    let mut dealt = [(); 3].map(|()| Zeroizing::new([0; 32]));
    for (identifier, package) in packages {
        let party = Party::from_identifier(identifier).ok_or(FaultKind::Internal)?;
        let bytes = Zeroizing::new(package.signing_share().serialize());
        dealt[party.index()].copy_from_slice(&bytes);
    }
    Ok((secret, dealt))
}

/// Part 3: checks what was dealt to this party and adds it up.
pub(crate) fn part3(
    me: Party,
    secret: &dkg::round2::SecretPackage,
    round1: &[Round1; 3],
    dealt: &[(Party, Dealt); 2],
) -> Result<KeyPackage, Fault> {
    let mut round2 = BTreeMap::new();
    for (from, scalar) in dealt {
        let share = frost_secp256k1_tr::keys::SigningShare::deserialize(&**scalar)
            .map_err(|_| Fault::of(FaultKind::DealtShare, *from))?;
        round2.insert(from.identifier(), dkg::round2::Package::new(share));
    }
    let (key, _) = dkg::part3(secret, &others(me, round1), &round2).map_err(|error| blame(&error))?;
    Ok(key)
}

fn others(
    me: Party,
    round1: &[Round1; 3],
) -> BTreeMap<frost_core::Identifier<Secp256K1Sha256TR>, dkg::round1::Package> {
    Party::ALL
        .into_iter()
        .filter(|party| *party != me)
        .map(|party| (party.identifier(), round1[party.index()].package.clone()))
        .collect()
}

/// frost's complaint in our words.
fn blame(error: &Error) -> Fault {
    let kind = match error {
        Error::InvalidProofOfKnowledge { .. } => FaultKind::ProofOfPossession,
        Error::InvalidSecretShare { .. } => FaultKind::DealtShare,
        Error::IncorrectNumberOfCommitments => FaultKind::Coefficients,
        Error::GroupError(_) => FaultKind::Point,
        Error::FieldError(_) => FaultKind::Scalar,
        _ => FaultKind::Internal,
    };
    Fault {
        kind,
        culprits: error
            .culprits()
            .into_iter()
            .filter_map(Party::from_identifier)
            .collect(),
    }
}
