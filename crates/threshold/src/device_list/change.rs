//! An entry after the first: what changes, on which head of the list, and who signed it.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{DeviceList, ListFault};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Kind, Reader, Writer},
    envelope::SealPublic,
    hash,
    id::{DeviceId, WalletId},
    identity::{Domain, IdentityKey, Signature64},
    words::RecoveryIdentity,
};

/// Most signers of one entry: two approvers, and recovery.
const MAX_SIGNERS: usize = 3;

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// A device is listed. It approves nothing yet, unless recovery alone signed: then it takes a lost one's place.
    Enrol {
        /// Its identity.
        identity: IdentityKey,
        /// What is for that device is sealed to this.
        sealing: SealPublic,
    },
    /// A device is struck off, and with it what it alone enrolled and nobody else confirmed.
    Revoke(DeviceId),
    /// A device's voice counts from here on.
    MakeApprover(DeviceId),
    /// A device takes a fresh sealing key, once it has opened all that waited under the old one.
    Reseal {
        /// The device, which signs this itself and alone.
        device: DeviceId,
        /// Its new key.
        sealing: SealPublic,
    },
    /// Other recovery words: what recovery signs is held to this identity from here on, and what is for recovery is sealed
    /// to it.
    ReplaceRecovery(RecoveryIdentity),
}

/// Who signs an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signer {
    /// A listed device, by its identity.
    Device(IdentityKey),
    /// Recovery, by the identity that the list holds it to.
    Recovery,
}

/// A change that nobody has signed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    wallet: WalletId,
    seq: u32,
    parent: [u8; 32],
    act: Act,
}

impl Proposal {
    /// A change on a list as it stands.
    #[must_use]
    pub fn new(list: &DeviceList, act: Act) -> Self {
        Self {
            wallet: list.wallet(),
            seq: list.len().saturating_add(1),
            parent: *list.head(),
            act,
        }
    }

    /// What recovery asks for where it does not see the list: it stands on no head, and is no entry of any list.
    #[must_use]
    pub const fn wish(wallet: WalletId, act: Act) -> Self {
        Self {
            wallet,
            seq: 0,
            parent: [0; 32],
            act,
        }
    }

    /// The bytes that each signer's key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::DEVICE_LIST.signing_bytes(&self.body().finish())
    }

    /// The change with its first signature. Whether it holds is seen when it is appended.
    #[must_use]
    pub fn signed(self, signer: Signer, signature: Signature64) -> Change {
        Change {
            proposal: self,
            signatures: BTreeMap::from([(signer, signature)]),
        }
    }

    fn body(&self) -> Writer {
        let writer = Writer::new(Kind::DeviceChange)
            .field(&self.wallet)
            .u32(self.seq)
            .fixed(&self.parent);
        match &self.act {
            Act::Enrol { identity, sealing } => writer.u8(1).field(identity).field(sealing),
            Act::Revoke(device) => writer.u8(2).field(device),
            Act::MakeApprover(device) => writer.u8(3).field(device),
            Act::Reseal { device, sealing } => writer.u8(4).field(device).field(sealing),
            Act::ReplaceRecovery(identity) => writer.u8(5).field(identity),
        }
    }
}

impl Decode for Act {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match reader.u8()? {
            1 => Self::Enrol {
                identity: reader.field()?,
                sealing: reader.field()?,
            },
            2 => Self::Revoke(reader.field()?),
            3 => Self::MakeApprover(reader.field()?),
            4 => Self::Reseal {
                device: reader.field()?,
                sealing: reader.field()?,
            },
            5 => Self::ReplaceRecovery(reader.field()?),
            _ => return Err(FaultKind::UnknownName.into()),
        })
    }
}

impl Encode for Signer {
    fn encode(&self, writer: Writer) -> Writer {
        match self {
            Self::Device(identity) => writer.u8(1).field(identity),
            Self::Recovery => writer.u8(2),
        }
    }
}

impl Decode for Signer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match reader.u8()? {
            1 => reader.field().map(Self::Device),
            2 => Ok(Self::Recovery),
            _ => Err(FaultKind::UnknownName.into()),
        }
    }
}

/// A signed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    proposal: Proposal,
    signatures: BTreeMap<Signer, Signature64>,
}

impl Change {
    /// The same change with one more signature.
    pub fn countersigned(mut self, signer: Signer, signature: Signature64) -> Result<Self, Fault> {
        self.signatures.insert(signer, signature);
        if self.signatures.len() > MAX_SIGNERS {
            return Err(FaultKind::Count.into());
        }
        Ok(self)
    }

    /// What was signed, for another signer.
    #[must_use]
    pub const fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.proposal.wallet
    }

    /// Whether it is no entry but a wish ([`Proposal::wish`]).
    #[must_use]
    pub fn is_wish(&self) -> bool {
        self.proposal.seq == 0 && self.proposal.parent == [0; 32]
    }

    /// Its number, counted from 1 with the list's first entry.
    #[must_use]
    pub const fn seq(&self) -> u32 {
        self.proposal.seq
    }

    /// The hash of the entry before.
    #[must_use]
    pub const fn parent(&self) -> &[u8; 32] {
        &self.proposal.parent
    }

    /// What changes.
    #[must_use]
    pub const fn act(&self) -> &Act {
        &self.proposal.act
    }

    /// Who signed.
    pub fn signers(&self) -> impl Iterator<Item = &Signer> {
        self.signatures.keys()
    }

    /// The list's head with this entry as its last.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        hash::tagged("twofold/device-list", &[&self.to_bytes()])
    }

    /// Checks all signatures; recovery's by the key that the list holds it to.
    pub(super) fn verify(&self, recovery: &IdentityKey) -> Result<(), ListFault> {
        let body = self.proposal.body().finish();
        for (signer, signature) in &self.signatures {
            let key = match signer {
                Signer::Device(identity) => identity,
                Signer::Recovery => recovery,
            };
            key.verify(Domain::DEVICE_LIST, &body, signature)?;
        }
        Ok(())
    }

    /// Canonical bytes, signatures included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Never more than `MAX_SIGNERS`.
        let count = u8::try_from(self.signatures.len()).unwrap_or(u8::MAX);
        let writer = self.proposal.body().u8(count);
        let signed = self.signatures.iter();
        signed
            .fold(writer, |writer, (signer, signature)| {
                writer.field(signer).field(signature)
            })
            .finish()
    }
}

impl TryFrom<&[u8]> for Change {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::DeviceChange)?;
        let proposal = Proposal {
            wallet: reader.field()?,
            seq: reader.u32()?,
            parent: reader.array()?,
            act: reader.field()?,
        };
        let count = usize::from(reader.u8()?);
        if !(1..=MAX_SIGNERS).contains(&count) {
            return Err(FaultKind::Count.into());
        }
        let mut signatures = BTreeMap::new();
        for _ in 0..count {
            let (signer, signature) = (reader.field::<Signer>()?, reader.field()?);
            // In one order, so that one change by the same signers has one head.
            if signatures.last_key_value().is_some_and(|(last, _)| *last >= signer) {
                return Err(FaultKind::Count.into());
            }
            signatures.insert(signer, signature);
        }
        reader.finish()?;
        Ok(Self { proposal, signatures })
    }
}
