//! The transcript T of the ceremony that makes an ECDSA key: everything that the three parties must agree on.

use alloc::vec::Vec;

use super::{Ground, proof::Proof};
use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    create::Run,
    derive::ExtendedKey,
    envelope::SealPublic,
    hash,
    id::{EpochId, KeyKind, Party, WalletId},
    identity::IdentityKey,
    share::PublicShares,
    transcript::{FirstTranscript, Signed},
    words::RecoveryIdentity,
};

/// What the numbers of the ceremony are of: one suite, named so that another would be another transcript.
const SUITE: &[u8] = b"DKLs23-SECP256K1-SHA256-v0.6";

/// T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcdsaTranscript {
    pub(super) run: Run,
    pub(super) ground: Ground,
    pub(super) server_key: SealPublic,
    pub(super) device_key: SealPublic,
    /// Digests of what was sealed: server to device, server to recovery, device to server, device to recovery, recovery to
    /// server, recovery to device.
    pub(super) sealed: [[u8; 32]; 6],
    /// What each party committed to, by party.
    pub(super) commitments: [[u8; 32]; 3],
    /// What each opened it to.
    pub(super) proofs: [[u8; 32]; 3],
    pub(super) group: ExtendedKey,
    pub(super) verifying_shares: [[u8; 33]; 3],
}

/// The digest of a proof.
pub(super) fn proof_digest(proof: &Proof) -> [u8; 32] {
    hash::tagged("twofold/ecdsa/proof", &[&proof.to_bytes()])
}

/// The chain code: from the run and all that was opened.
pub(super) fn chain_code(run: Run, proofs: &[Proof; 3]) -> [u8; 32] {
    let [first, second, third] = proofs;
    hash::tagged(
        "twofold/ecdsa/chain-code",
        &[
            &run.ceremony.0,
            &first.to_bytes(),
            &second.to_bytes(),
            &third.to_bytes(),
        ],
    )
}

impl EcdsaTranscript {
    /// What the three stood on.
    #[must_use]
    pub const fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::EcdsaTranscript).field(self).finish()
    }
}

impl TryFrom<&[u8]> for EcdsaTranscript {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::EcdsaTranscript)
    }
}

impl Encode for EcdsaTranscript {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer
            .field(&self.run)
            .var(SUITE)
            .field(&self.ground)
            .field(&self.server_key)
            .field(&self.device_key);
        let digests = self.sealed.iter().chain(&self.commitments).chain(&self.proofs);
        let writer = digests.fold(writer, |writer, digest| writer.fixed(digest));
        let writer = writer.field(&self.group);
        self.verifying_shares
            .iter()
            .fold(writer, |writer, share| writer.fixed(share))
    }
}

fn digests<const N: usize>(reader: &mut Reader<'_>) -> Result<[[u8; 32]; N], Fault> {
    let mut digests = [[0; 32]; N];
    for digest in &mut digests {
        *digest = reader.array()?;
    }
    Ok(digests)
}

impl Decode for EcdsaTranscript {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let run: Run = reader.field()?;
        if reader.var(64)? != SUITE {
            return Err(FaultKind::UnknownName.into());
        }
        let ground: Ground = reader.field()?;
        if ground.wallet != run.wallet {
            return Err(FaultKind::ForeignCeremony.into());
        }
        let (server_key, device_key) = (reader.field()?, reader.field()?);
        let transcript = Self {
            run,
            ground,
            server_key,
            device_key,
            sealed: digests(reader)?,
            commitments: digests(reader)?,
            proofs: digests(reader)?,
            group: reader.field()?,
            verifying_shares: [reader.array()?, reader.array()?, reader.array()?],
        };
        // The points are checked.
        transcript.public_shares()?;
        Ok(transcript)
    }
}

impl FirstTranscript for EcdsaTranscript {
    const SIGNED: Kind = Kind::SignedEcdsaTranscript;

    fn wallet(&self) -> WalletId {
        self.run.wallet
    }

    fn identity(&self, party: Party) -> &IdentityKey {
        self.ground.identity(party)
    }

    fn recovery(&self) -> &RecoveryIdentity {
        &self.ground.recovery
    }

    fn first_recovery(&self) -> &IdentityKey {
        &self.ground.first_recovery
    }

    fn device_list_head(&self) -> &[u8; 32] {
        &self.ground.device_list_head
    }

    fn unlock_digest(&self) -> &[u8; 32] {
        &self.ground.unlock_digest
    }

    fn hash(&self) -> [u8; 32] {
        hash::tagged("twofold/ecdsa/transcript", &[&self.to_bytes()])
    }

    /// The wallet's number, this transcript.
    fn epoch(&self) -> EpochId {
        EpochId {
            number: self.ground.epoch.number,
            transcript: self.hash(),
        }
    }

    fn previous(&self) -> EpochId {
        self.ground.epoch
    }

    fn public_shares(&self) -> Result<PublicShares, Fault> {
        PublicShares::new(KeyKind::Ecdsa, self.epoch(), self.group, self.verifying_shares)
    }
}

/// T of the ceremony that made an ECDSA key, with all three signatures.
pub type SignedEcdsaTranscript = Signed<EcdsaTranscript>;
