//! The transcript T of a refresh. Its hash names the epoch; it names the epoch before.

use alloc::vec::Vec;

use super::{
    Ground,
    increment::{Commitment, PublicWhole},
    message::{Opening, ServerRound, Terms, commitment},
};
use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    derive::ExtendedKey,
    device_list::MAX_DEVICES,
    envelope::SealPublic,
    hash,
    id::{CeremonyId, EpochId, KeyKind, Party, WalletId},
    identity::{IdentityKey, Signature64},
    share::PublicShares,
    transcript::{self, Suite, sealed_digest},
    words::RecoveryIdentity,
};

/// The dealers, in the order in which they are named.
pub(super) const DEALERS: [Party; 2] = [Party::Server, Party::Device];

/// What both keys' transcripts are signed under together.
const BOTH: &str = "twofold/refresh/both";

/// T.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTranscript {
    pub(super) terms: Terms,
    pub(super) server: IdentityKey,
    pub(super) device: IdentityKey,
    pub(super) recovery: RecoveryIdentity,
    pub(super) server_key: SealPublic,
    pub(super) device_key: SealPublic,
    /// What each dealer committed to.
    pub(super) commitments: [Commitment; 2],
    /// Digests of what the dealers sealed to each other and of what the device keeps for the server.
    pub(super) between: [[u8; 32]; 3],
    pub(super) recipients: Vec<(IdentityKey, SealPublic)>,
    /// Digests of each dealer's envelopes, recovery's first, then the recipients'.
    pub(super) envelopes: [Vec<[u8; 32]>; 2],
    pub(super) unlock_digest: [u8; 32],
    pub(super) list_head: [u8; 32],
    /// Worked out from the epoch before and `commitments`; part of the bytes all the same, so that a signature covers
    /// them by name.
    pub(super) group: ExtendedKey,
    pub(super) verifying_shares: [[u8; 33]; 3],
}

/// What both sides sealed to others, as digests.
pub(super) struct Digests {
    pub(super) server: Vec<[u8; 32]>,
    pub(super) device: Vec<[u8; 32]>,
}

impl RefreshTranscript {
    /// Puts T together, the same way for both.
    pub(super) fn assemble(
        ground: &Ground,
        opening: &Opening,
        round: &ServerRound,
        digests: Digests,
    ) -> Result<Self, Fault> {
        let commitments = [round.commitment, opening.commitment];
        let whole = PublicWhole::of(&commitments)?;
        Ok(Self {
            terms: opening.terms,
            server: ground.server,
            device: opening.device,
            recovery: ground.recovery,
            server_key: opening.server_key,
            device_key: opening.device_key,
            commitments,
            between: [
                sealed_digest(&opening.to_server),
                sealed_digest(&round.to_device),
                sealed_digest(&round.kept),
            ],
            recipients: ground.recipients(),
            envelopes: [digests.server, digests.device],
            unlock_digest: opening.unlock_digest,
            list_head: *ground.list.head(),
            group: *ground.public.extended_key(),
            verifying_shares: whole.verifying_shares(&ground.public)?,
        })
    }

    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.terms.run.wallet
    }

    /// Which run.
    #[must_use]
    pub const fn ceremony(&self) -> CeremonyId {
        self.terms.run.ceremony
    }

    /// Whether these bytes are what this refresh had the device keep for the server.
    #[must_use]
    pub fn names_kept(&self, kept: &[u8]) -> bool {
        !kept.is_empty() && self.between[2] == sealed_digest(kept)
    }

    /// The device that refreshed.
    #[must_use]
    pub const fn device(&self) -> &IdentityKey {
        &self.device
    }

    /// Who recovery was then.
    #[must_use]
    pub const fn recovery(&self) -> &RecoveryIdentity {
        &self.recovery
    }

    /// The epoch that this one follows.
    #[must_use]
    pub const fn previous(&self) -> EpochId {
        self.terms.previous
    }

    /// H(unlock key) of the new epoch.
    #[must_use]
    pub const fn unlock_digest(&self) -> &[u8; 32] {
        &self.unlock_digest
    }

    /// The head of the device list that it was sealed to.
    #[must_use]
    pub const fn device_list_head(&self) -> &[u8; 32] {
        &self.list_head
    }

    /// The devices that it was sealed to, with the keys.
    #[must_use]
    pub fn recipients(&self) -> &[(IdentityKey, SealPublic)] {
        &self.recipients
    }

    /// H(T).
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        hash::tagged("twofold/refresh/transcript", &[&self.to_bytes()])
    }

    /// The epoch that this transcript makes.
    #[must_use]
    pub fn epoch(&self) -> EpochId {
        EpochId {
            number: self.terms.number,
            transcript: self.hash(),
        }
    }

    /// Group key, chain code and verifying shares of the new epoch, of which [`Self::follows`] was asked.
    pub(super) fn public_shares(&self) -> Result<PublicShares, Fault> {
        PublicShares::new(self.terms.kind, self.epoch(), self.group, self.verifying_shares)
    }

    /// The public half of the new epoch, once it is seen that this transcript leads there from `public` by adding what
    /// its dealers committed to, and that it is of the same wallet and parties. Whose list it was is the caller's to say.
    pub fn follows(
        &self,
        wallet: WalletId,
        server: &IdentityKey,
        recovery: &RecoveryIdentity,
        public: &PublicShares,
    ) -> Result<PublicShares, Fault> {
        let foreign = || Fault {
            kind: FaultKind::ForeignCeremony,
            culprits: DEALERS.to_vec(),
        };
        if self.wallet() != wallet || self.server != *server || self.recovery != *recovery {
            return Err(foreign());
        }
        if self.terms.kind != public.kind() || self.terms.previous != public.epoch() {
            return Err(foreign());
        }
        let derived = PublicWhole::of(&self.commitments)?.verifying_shares(public)?;
        if self.group != *public.extended_key()
            || self.verifying_shares != derived
            || self.terms.number <= public.epoch().number
        {
            return Err(foreign());
        }
        self.public_shares()
    }

    /// What the dealers sign: H(T), or that of both keys' transcripts where one ceremony refreshed both, the wallet's own key
    /// first. A signature over both is none over either, so neither can be shown without the other.
    pub(super) fn signed(&self, beside: Option<&[u8; 32]>) -> [u8; 32] {
        let own = self.hash();
        match (beside, self.terms.kind) {
            (None, _) => own,
            (Some(other), KeyKind::Taproot) => hash::tagged(BOTH, &[&own, other]),
            (Some(other), KeyKind::Ecdsa) => hash::tagged(BOTH, &[other, &own]),
        }
    }

    /// Checks `party`'s signature over this transcript, and over the other key's with this hash where there is one: `party` is
    /// one of the two dealers.
    pub fn verify(&self, beside: Option<&[u8; 32]>, party: Party, signature: &Signature64) -> Result<(), Fault> {
        let key = match party {
            Party::Server => &self.server,
            Party::Device => &self.device,
            Party::Recovery => return Err(FaultKind::UnexpectedIdentity.into()),
        };
        transcript::verify(key, &self.signed(beside), party, signature)
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::RefreshTranscript).field(self).finish()
    }
}

impl TryFrom<&[u8]> for RefreshTranscript {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::RefreshTranscript)
    }
}

impl Encode for RefreshTranscript {
    fn encode(&self, writer: Writer) -> Writer {
        let mut writer = writer
            .field(&self.terms)
            .field(&Suite)
            .field(&self.server)
            .field(&self.device)
            .field(&self.recovery)
            .field(&self.server_key)
            .field(&self.device_key);
        for bytes in &self.commitments {
            writer = writer.fixed(bytes);
        }
        for digest in &self.between {
            writer = writer.fixed(digest);
        }
        writer = writer.u8(u8::try_from(self.recipients.len()).unwrap_or(u8::MAX));
        for (identity, sealing) in &self.recipients {
            writer = writer.field(identity).field(sealing);
        }
        for digest in self.envelopes.iter().flatten() {
            writer = writer.fixed(digest);
        }
        for share in &self.verifying_shares {
            writer = writer.fixed(share);
        }
        writer
            .field(&self.group)
            .fixed(&self.unlock_digest)
            .fixed(&self.list_head)
    }
}

impl Decode for RefreshTranscript {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let terms = reader.field()?;
        let Suite = reader.field()?;
        let (server, device, recovery) = (reader.field()?, reader.field()?, reader.field()?);
        let (server_key, device_key) = (reader.field()?, reader.field()?);
        let commitments = [commitment(reader, Party::Server)?, commitment(reader, Party::Device)?];
        let between = [reader.array()?, reader.array()?, reader.array()?];
        let count = usize::from(reader.u8()?);
        if count > MAX_DEVICES {
            return Err(FaultKind::Count.into());
        }
        let recipients = (0..count)
            .map(|_| Ok((reader.field()?, reader.field()?)))
            .collect::<Result<_, Fault>>()?;
        let mut digests = || (0..=count).map(|_| reader.array()).collect::<Result<Vec<_>, _>>();
        let envelopes = [digests()?, digests()?];
        let verifying_shares = [reader.array()?, reader.array()?, reader.array()?];
        let group = reader.field()?;
        Ok(Self {
            terms,
            server,
            device,
            recovery,
            server_key,
            device_key,
            commitments,
            between,
            recipients,
            envelopes,
            unlock_digest: reader.array()?,
            list_head: reader.array()?,
            group,
            verifying_shares,
        })
    }
}

/// T with both dealers' signatures: a link of a key's chain of epochs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRefresh {
    transcript: RefreshTranscript,
    beside: Option<[u8; 32]>,
    signatures: [Signature64; 2],
}

impl SignedRefresh {
    /// Puts a transcript and the server's and the device's signature together, checking each. `beside` is H(T) of the other key,
    /// where one ceremony refreshed both.
    pub fn new(
        transcript: RefreshTranscript,
        beside: Option<[u8; 32]>,
        signatures: [Signature64; 2],
    ) -> Result<Self, Fault> {
        for (party, signature) in DEALERS.into_iter().zip(&signatures) {
            transcript.verify(beside.as_ref(), party, signature)?;
        }
        Ok(Self {
            transcript,
            beside,
            signatures,
        })
    }

    /// H(T) of the other key's refresh, where one ceremony refreshed both.
    #[must_use]
    pub const fn beside(&self) -> Option<&[u8; 32]> {
        self.beside.as_ref()
    }

    /// T.
    #[must_use]
    pub const fn transcript(&self) -> &RefreshTranscript {
        &self.transcript
    }

    /// The server's signature over H(T).
    pub(super) const fn server_signature(&self) -> &Signature64 {
        &self.signatures[0]
    }
}

impl Encode for SignedRefresh {
    fn encode(&self, writer: Writer) -> Writer {
        self.signatures
            .iter()
            .fold(writer.field(&self.transcript), Writer::field)
    }
}

impl SignedRefresh {
    /// Decoding verifies both signatures.
    pub(super) fn read(reader: &mut Reader<'_>, beside: Option<[u8; 32]>) -> Result<Self, Fault> {
        let transcript = reader.field()?;
        Self::new(transcript, beside, [reader.field()?, reader.field()?])
    }
}

/// A device's place among those that a refresh was sealed to.
pub(super) fn place_of(recipients: &[(IdentityKey, SealPublic)], identity: &IdentityKey) -> Option<usize> {
    recipients.iter().position(|(listed, _)| listed == identity)
}
