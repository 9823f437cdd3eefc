//! The device's part.

mod next_key;

pub use next_key::NextKey;

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    Closing, Completion, Envelopes, Ground, Link, Opening, RefreshTranscript, ServerRound, SignedRefresh,
    envelopes::seal_pair,
    increment::{Polynomial, grown},
    message::Terms,
    transcript::Digests,
};
use crate::{
    Fault, FaultKind,
    codec::{self, Kind, Reader, Writer},
    create::{Run, names_its_run, open_dealt},
    device_list::Change,
    envelope::{Purpose, SealPublic, SealSecret},
    id::{CeremonyId, EpochId, Party},
    identity::{Domain, IdentityKey, Signature64},
    package::{MAX_SEALED, SealToRecovery},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    transcript::sealed_digest,
};

/// What the device brings to a refresh.
#[derive(Debug)]
pub struct Start {
    /// Where the wallet stands.
    pub ground: Ground,
    /// A fresh name for the run.
    pub ceremony: CeremonyId,
    /// The number of the epoch to come: the next, or further on where a restored server has seen later ones.
    pub number: u32,
    /// This device.
    pub device: IdentityKey,
    /// The server's short-lived key, verified to be the server's.
    pub server_key: SealPublic,
    /// A fresh unlock key.
    pub unlock: UnlockKey,
}

impl Start {
    /// Makes the first request. The old unlock key goes to the server beside it.
    pub fn begin(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<(AwaitServer, Opening), Fault> {
        let Self {
            ground,
            ceremony,
            number,
            device,
            server_key,
            unlock,
        } = self;
        ground.check_number(number)?;
        if !ground.lists(&device) {
            return Err(FaultKind::UnexpectedIdentity.into());
        }
        let run = Run {
            wallet: ground.wallet,
            ceremony,
        };
        let terms = Terms {
            run,
            kind: ground.public.kind(),
            number,
            previous: ground.public.epoch(),
        };
        let polynomial = Polynomial::deal(&ground.public, rng)?;
        let ceremony_key = SealSecret::generate(rng);
        let binding = terms.binding(Party::Device, Party::Server);
        let dealt = polynomial.at(Party::Server);
        let opening = Opening {
            run,
            terms,
            device,
            device_key: ceremony_key.public(),
            server_key,
            list_head: *ground.list.head(),
            unlock_digest: unlock.digest(),
            commitment: *polynomial.commitment(),
            to_server: seal_pair(&server_key, &binding, Purpose::Dealt, (&dealt, &unlock), rng)?,
        };
        let state = AwaitServer {
            ground,
            opening: opening.clone(),
            unlock,
            ceremony_key,
            polynomial,
        };
        Ok((state, opening))
    }
}

/// Waiting for the server's answer to the first request. It lives in memory: after a crash a refresh starts afresh, and
/// the server lets the later one win.
#[must_use]
pub struct AwaitServer {
    ground: Ground,
    opening: Opening,
    unlock: UnlockKey,
    ceremony_key: SealSecret,
    polynomial: Polynomial,
}

impl AwaitServer {
    /// Checks the server's answer against what it committed to, and works out the new share from the old one. What comes
    /// out is signed by the device's identity key, wherever that lives.
    pub fn receive(
        self,
        round: ServerRound,
        share: &Share,
        next: Option<NextKey>,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<ToSign, Fault> {
        let Self {
            ground,
            opening,
            unlock,
            ceremony_key,
            polynomial,
        } = self;
        let Opening { run, terms, .. } = opening;
        run.check(round.run, Party::Server)?;
        round
            .envelopes
            .check_whole(ground.list.devices().len(), Party::Server)?;
        if share.epoch() != terms.previous {
            return Err(FaultKind::Internal.into());
        }
        let binding = terms.binding(Party::Server, Party::Device);
        let dealt = open_dealt(&ceremony_key, &binding, &round.to_device)?;
        let theirs = Polynomial::through(Party::Device, &dealt, &round.commitment, Party::Server)?;
        let whole = polynomial.plus(&theirs, Party::Server)?;
        let envelopes = Envelopes::seal(&terms, Party::Device, &ground, &whole, &unlock, sealer, rng)?;
        let digests = Digests {
            server: round.envelopes.digests(),
            device: envelopes.digests(),
        };
        let transcript = RefreshTranscript::assemble(&ground, &opening, &round, digests)?;
        let public = transcript.follows(ground.wallet, &ground.server, &ground.recovery, &ground.public)?;
        let share = grown(share, &whole.increment(Party::Device), public.epoch())?;
        share.check(&public)?;
        let parts = Parts {
            unlock,
            next,
            from_server: round.envelopes,
            from_device: envelopes,
            kept: round.kept,
        };
        Ok(ToSign {
            share,
            public,
            transcript,
            parts,
        })
    }
}

names_its_run! {
    AwaitServer as "refresh::AwaitServer", opening.run;
}

/// What belongs to the new epoch beside share and transcript.
#[derive(Debug)]
struct Parts {
    unlock: UnlockKey,
    next: Option<NextKey>,
    from_server: Envelopes,
    from_device: Envelopes,
    kept: Vec<u8>,
}

/// The device's new share is good: T is to be signed.
#[derive(Debug)]
#[must_use]
pub struct ToSign {
    share: Share,
    public: PublicShares,
    transcript: RefreshTranscript,
    parts: Parts,
}

impl ToSign {
    /// The bytes that the device's identity key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::TRANSCRIPT.signing_bytes(&self.transcript.hash())
    }

    /// T, as it is to be signed.
    pub(super) const fn transcript(&self) -> &RefreshTranscript {
        &self.transcript
    }

    /// Takes the device's signature.
    pub fn signed(self, signature: Signature64) -> Result<Pending, Fault> {
        self.signed_with(None, signature)
    }

    /// The same with a signature over the other key's transcript as well, whose hash is `beside`.
    pub(super) fn signed_with(self, beside: Option<[u8; 32]>, signature: Signature64) -> Result<Pending, Fault> {
        self.transcript.verify(beside.as_ref(), Party::Device, &signature)?;
        let Self {
            share,
            public,
            transcript,
            parts,
        } = self;
        Ok(Pending {
            share,
            public,
            transcript,
            beside,
            parts,
            signature,
        })
    }
}

/// The epoch to come as the device has it. It is made durable, sealed, before the closing leaves, beside the current
/// epoch: that one is erased when the server's signature is durable, and not before.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    share: Share,
    public: PublicShares,
    transcript: RefreshTranscript,
    /// H(T) of the other key, where one ceremony refreshes both.
    beside: Option<[u8; 32]>,
    parts: Parts,
    signature: Signature64,
}

impl Pending {
    /// T.
    #[must_use]
    pub const fn transcript(&self) -> &RefreshTranscript {
        &self.transcript
    }

    /// The epoch to come.
    #[must_use]
    pub const fn epoch(&self) -> EpochId {
        self.public.epoch()
    }

    /// The new unlock key, to be sealed to the server beside the closing.
    #[must_use]
    pub const fn unlock(&self) -> &UnlockKey {
        &self.parts.unlock
    }

    /// The second request; after a crash, or a lost reply, the same again.
    #[must_use]
    pub fn closing(&self) -> Closing {
        Closing {
            run: self.transcript.terms.run,
            envelopes: self.parts.from_device.clone(),
            reseal: self.parts.next.as_ref().map(|next| next.change.clone()),
            signature: self.signature,
        }
    }

    /// Checks the server's signature over T. From here on the new epoch is the only one.
    pub fn finish(self, completion: &Completion) -> Result<Refreshed, Fault> {
        let Self {
            share,
            public,
            transcript,
            beside,
            parts,
            signature,
        } = self;
        transcript.terms.run.check(completion.run, Party::Server)?;
        let signed = SignedRefresh::new(transcript, beside, [completion.signature, signature])?;
        Ok(Refreshed {
            share,
            public,
            unlock: parts.unlock,
            sealing: parts.next.map(|next| (next.secret, next.change)),
            kept: parts.kept,
            link: Link::new(signed, [parts.from_server, parts.from_device]),
        })
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (transcript, closing) = (self.transcript.to_bytes(), self.closing().to_bytes());
        let from_server = Writer::new(Kind::RefreshRound).field(&self.parts.from_server).finish();
        let secret = self.parts.next.as_ref().map(|next| &next.secret);
        let share = self.share.to_secret_bytes();
        let rest = share.len() + transcript.len() + closing.len() + from_server.len() + self.parts.kept.len();
        Writer::with_capacity(Kind::RefreshDeviceState, 2 + 65 + 5 * 4 + 180 + rest)
            .fixed(self.parts.unlock.expose().expose())
            .u8(u8::from(self.parts.next.is_some()))
            .fixed(secret.map_or(&[0; 32], |secret| secret.expose().expose()))
            .var(&share)
            .field(&self.public)
            .var(&transcript)
            .var(&closing)
            .var(&from_server)
            .var(&self.parts.kept)
            .finish_secret()
    }

    /// The other direction. Everything is checked again: a keystore is not trusted more than a peer.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        Self::read(bytes)?.with(None)
    }

    /// Whether the device has signed this, together with the other key's transcript where `beside` is its hash.
    pub(super) fn with(self, beside: Option<[u8; 32]>) -> Result<Self, Fault> {
        self.transcript
            .verify(beside.as_ref(), Party::Device, &self.signature)?;
        Ok(Self { beside, ..self })
    }

    /// Everything but the signature.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RefreshDeviceState)?;
        let max = bytes.len();
        let unlock = UnlockKey::new(Secret32::new(reader.array()?));
        let renewed = reader.u8()?;
        let secret = SealSecret::new(Secret32::new(reader.array()?));
        let share = Share::from_secret_bytes(reader.var(max)?)?;
        let public: PublicShares = reader.field()?;
        let transcript = RefreshTranscript::try_from(reader.var(max)?)?;
        let Closing {
            run,
            envelopes,
            reseal,
            signature,
        } = Closing::try_from(reader.var(max)?)?;
        let from_server: Envelopes = codec::read(reader.var(max)?, Kind::RefreshRound)?;
        let kept = reader.var(MAX_SEALED)?.to_vec();
        reader.finish()?;
        transcript.terms.run.check(run, Party::Device)?;
        if public != transcript.public_shares()?
            || share.wallet() != transcript.wallet()
            || share.party() != Party::Device
        {
            return Err(FaultKind::ShareMismatch.into());
        }
        share.check(&public)?;
        unlock.check(&transcript.unlock_digest)?;
        let digests = [from_server.digests(), envelopes.digests()];
        if transcript.envelopes != digests || transcript.between[2] != sealed_digest(&kept) {
            return Err(FaultKind::ForeignCeremony.into());
        }
        let parts = Parts {
            unlock,
            next: next_key::kept(&transcript, renewed == 1, secret, reseal)?,
            from_server,
            from_device: envelopes,
            kept,
        };
        Ok(Self {
            share,
            public,
            transcript,
            beside: None,
            parts,
            signature,
        })
    }
}

/// The new epoch, which is now the only one: whatever was of the old one is to be erased.
#[derive(Debug)]
#[must_use]
pub struct Refreshed {
    /// The device's share.
    pub share: Share,
    /// What everybody knows.
    pub public: PublicShares,
    /// The unlock key.
    pub unlock: UnlockKey,
    /// The device's sealing key from now on, with the list's entry that says so; none where it stays the one it was.
    pub sealing: Option<(SealSecret, Change)>,
    /// The server's share as the operator's offline key opens it, for a server restored from before this refresh; empty
    /// where there is no such key.
    pub kept: Vec<u8>,
    /// What recovery will need of this refresh, and whoever else was absent, should the server forget it.
    pub link: Link,
}
