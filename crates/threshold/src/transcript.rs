//! The transcript T of a create ceremony: everything that the three parties must agree on. Its hash names the epoch.

mod signed;

pub use signed::{FirstTranscript, Signed, SignedTranscript};

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

use frost_secp256k1_tr::{
    Ciphersuite, Secp256K1Sha256TR,
    keys::{PublicKeyPackage, Tweak},
};

use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    create::{FIRST_EPOCH, Round1},
    derive::ExtendedKey,
    envelope::SealPublic,
    hash,
    id::{CeremonyId, EpochId, KeyKind, Party, WalletId},
    identity::{Domain, IdentityKey, Signature64},
    share::PublicShares,
    words::RecoveryIdentity,
};

/// Digests of the six sealed packages: server to device, server to recovery, device to server, device to recovery,
/// recovery to server, recovery to device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SealedDigests(pub(crate) [[u8; 32]; 6]);

/// The digest of a sealed package.
pub(crate) fn sealed_digest(sealed: &[u8]) -> [u8; 32] {
    hash::tagged("twofold/sealed-package", &[sealed])
}

/// Checks `party`'s signature over the transcript of this hash.
pub(crate) fn verify(key: &IdentityKey, hash: &[u8; 32], party: Party, signature: &Signature64) -> Result<(), Fault> {
    // A true signature over another transcript looks the same: either way this party did not see what we saw.
    key.verify(Domain::TRANSCRIPT, hash, signature)
        .map_err(|_| Fault::of(FaultKind::Equivocation, party))
}

/// The suite that a ceremony's numbers are of, by its name: there is one.
pub(crate) struct Suite;

impl Encode for Suite {
    fn encode(&self, writer: Writer) -> Writer {
        writer.var(Secp256K1Sha256TR::ID.as_bytes())
    }
}

impl Decode for Suite {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        if reader.var(64)? == Secp256K1Sha256TR::ID.as_bytes() {
            Ok(Self)
        } else {
            Err(FaultKind::UnknownName.into())
        }
    }
}

/// T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub(crate) wallet: WalletId,
    pub(crate) ceremony: CeremonyId,
    pub(crate) kind: KeyKind,
    pub(crate) server: IdentityKey,
    pub(crate) device: IdentityKey,
    pub(crate) recovery: RecoveryIdentity,
    pub(crate) server_key: SealPublic,
    pub(crate) device_key: SealPublic,
    pub(crate) round1: Box<[Round1; 3]>,
    pub(crate) sealed: SealedDigests,
    pub(crate) unlock_digest: [u8; 32],
    pub(crate) device_list_head: [u8; 32],
    /// Worked out from `round1`; part of the bytes all the same, so that a signature covers them by name.
    pub(crate) group: ExtendedKey,
    pub(crate) verifying_shares: [[u8; 33]; 3],
}

impl Transcript {
    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// Which run.
    #[must_use]
    pub const fn ceremony(&self) -> CeremonyId {
        self.ceremony
    }

    /// The server's identity.
    #[must_use]
    pub const fn server(&self) -> &IdentityKey {
        &self.server
    }

    /// The device's identity.
    #[must_use]
    pub const fn device(&self) -> &IdentityKey {
        &self.device
    }

    /// Recovery's identity.
    #[must_use]
    pub const fn recovery(&self) -> &RecoveryIdentity {
        &self.recovery
    }

    /// H(unlock key).
    #[must_use]
    pub const fn unlock_digest(&self) -> &[u8; 32] {
        &self.unlock_digest
    }

    /// The head of the device list.
    #[must_use]
    pub const fn device_list_head(&self) -> &[u8; 32] {
        &self.device_list_head
    }

    /// H(T).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash::tagged("twofold/transcript", &[&self.to_bytes()])
    }

    /// The epoch that this transcript makes.
    #[must_use]
    pub fn epoch(&self) -> EpochId {
        EpochId {
            number: FIRST_EPOCH,
            transcript: self.hash(),
        }
    }

    /// Group key, chain code and verifying shares of the new epoch.
    pub fn public_shares(&self) -> Result<PublicShares, Fault> {
        PublicShares::new(self.kind, self.epoch(), self.group, self.verifying_shares)
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::Transcript).field(self).finish()
    }
}

impl TryFrom<&[u8]> for Transcript {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::Transcript)
    }
}

impl Encode for Transcript {
    fn encode(&self, writer: Writer) -> Writer {
        let mut writer = writer
            .field(&self.wallet)
            .field(&self.ceremony)
            .u32(FIRST_EPOCH)
            .field(&EpochId::NONE)
            .field(&self.kind)
            .field(&Suite)
            .field(&self.server)
            .field(&self.device)
            .field(&self.recovery)
            .field(&self.server_key)
            .field(&self.device_key);
        for package in &*self.round1 {
            writer = writer.field(package);
        }
        for digest in &self.sealed.0 {
            writer = writer.fixed(digest);
        }
        for share in &self.verifying_shares {
            writer = writer.fixed(share);
        }
        writer
            .field(&self.group)
            .fixed(&self.unlock_digest)
            .fixed(&self.device_list_head)
    }
}

impl Decode for Transcript {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let (wallet, ceremony) = (reader.field()?, reader.field()?);
        let (number, previous) = (reader.u32()?, reader.field::<EpochId>()?);
        let kind = reader.field::<KeyKind>()?.only(KeyKind::Taproot)?;
        if number != FIRST_EPOCH || previous != EpochId::NONE {
            return Err(FaultKind::ForeignCeremony.into());
        }
        let Suite = reader.field()?;
        let (server, device, recovery) = (reader.field()?, reader.field()?, reader.field()?);
        let (server_key, device_key) = (reader.field()?, reader.field()?);
        let round1 = Box::new([reader.field()?, reader.field()?, reader.field()?]);
        let mut sealed = [[0; 32]; 6];
        for digest in &mut sealed {
            *digest = reader.array()?;
        }
        let verifying_shares = [reader.array()?, reader.array()?, reader.array()?];
        let group = reader.field()?;
        let outcome = Outcome::of(ceremony, &round1)?;
        if outcome.group != group || outcome.verifying_shares != verifying_shares {
            return Err(FaultKind::Equivocation.into());
        }
        Ok(Self {
            wallet,
            ceremony,
            kind,
            server,
            device,
            recovery,
            server_key,
            device_key,
            round1,
            sealed: SealedDigests(sealed),
            unlock_digest: reader.array()?,
            device_list_head: reader.array()?,
            group,
            verifying_shares,
        })
    }
}

/// What the three round-1 packages come to, in public.
pub(crate) struct Outcome {
    pub(crate) group: ExtendedKey,
    pub(crate) verifying_shares: [[u8; 33]; 3],
}

impl Outcome {
    pub(crate) fn of(ceremony: CeremonyId, round1: &[Round1; 3]) -> Result<Self, Fault> {
        let commitments: BTreeMap<_, _> = Party::ALL
            .into_iter()
            .map(|p| (p.identifier(), round1[p.index()].package().commitment()))
            .collect();
        let sum = PublicKeyPackage::from_dkg_commitments(&commitments).map_err(|_| FaultKind::Point)?;
        // Polynomials that cancel out would leave the tweak alone, which everybody knows, as the key.
        sum.verifying_key().serialize().map_err(|_| FaultKind::Point)?;
        // As frost's own key generation ends: nobody can have hidden a script in the key.
        let public = sum.tweak::<&[u8]>(None);
        let chain_code = hash::tagged(
            "twofold/chain-code",
            &[
                &ceremony.0,
                round1[0].as_bytes(),
                round1[1].as_bytes(),
                round1[2].as_bytes(),
            ],
        );
        let mut verifying_shares = [[0; 33]; 3];
        for party in Party::ALL {
            let share = public
                .verifying_shares()
                .get(&party.identifier())
                .ok_or(FaultKind::Internal)?;
            verifying_shares[party.index()] = bytes33(&share.serialize().map_err(|_| FaultKind::Point)?)?;
        }
        let key = bytes33(&public.verifying_key().serialize().map_err(|_| FaultKind::Point)?)?;
        Ok(Self {
            group: ExtendedKey { key, chain_code },
            verifying_shares,
        })
    }
}

fn bytes33(bytes: &[u8]) -> Result<[u8; 33], Fault> {
    bytes.try_into().map_err(|_| FaultKind::Internal.into())
}
