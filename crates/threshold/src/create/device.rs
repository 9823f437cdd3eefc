//! The device's part, and the carrying of recovery's messages.

use alloc::{boxed::Box, vec::Vec};

use frost_secp256k1_tr::keys::dkg;
use k256::elliptic_curve::PrimeField;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    dealt::Route,
    message::{Closing, Completion, Opening, RecoveryOpening, RecoveryRound, ServerRound, ToRecovery},
    names_its_run,
    round1::{self, Round1},
    run::Run,
    server::{own_share, transcript},
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    device_list::Entry,
    envelope::SealSecret,
    id::{CeremonyId, KeyKind, Party},
    identity::{Domain, IdentityKey, Signature64},
    package::{FirstPackage, SealToRecovery},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    sign::DeviceTest,
    transcript::{FirstTranscript, SealedDigests, SignedTranscript, Transcript, sealed_digest},
};

/// What the device brings to a create ceremony.
#[derive(Debug)]
pub struct Start {
    /// A fresh name for the run.
    pub ceremony: CeremonyId,
    /// The server's identity, from the invitation.
    pub server: IdentityKey,
    /// The device list's first entry: names the wallet and this device, signed by it.
    pub entry: Entry,
    /// A fresh unlock key.
    pub unlock: UnlockKey,
    /// Recovery's first message.
    pub recovery: RecoveryOpening,
}

impl Start {
    /// Makes the first request. The unlock key goes to the server beside it, sealed to the server's short-lived key.
    pub fn begin(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<(AwaitServer, Opening), Fault> {
        let Self {
            ceremony,
            server,
            entry,
            unlock,
            recovery,
        } = self;
        let run = Run {
            wallet: entry.wallet(),
            ceremony,
        };
        run.check(recovery.run, Party::Recovery)?;
        entry.check_first(run.wallet)?;
        let ceremony_key = SealSecret::generate(rng);
        let (polynomial, round1) = round1::part1(Party::Device, rng)?;
        let opening = Opening {
            run,
            kind: KeyKind::Taproot,
            recovery: recovery.identity,
            device_key: ceremony_key.public(),
            unlock_digest: unlock.digest(),
            entry,
            device_round1: round1,
            recovery_round1: recovery.round1,
        };
        let state = AwaitServer {
            opening: opening.clone(),
            server,
            unlock,
            ceremony_key,
            polynomial,
        };
        Ok((state, opening))
    }
}

/// Waiting for the server's answer to the first request.
#[must_use]
pub struct AwaitServer {
    opening: Opening,
    server: IdentityKey,
    unlock: UnlockKey,
    ceremony_key: SealSecret,
    polynomial: dkg::round1::SecretPackage,
}

impl AwaitServer {
    /// The unlock key, to be sealed to the server beside the opening.
    #[must_use]
    pub const fn unlock(&self) -> &UnlockKey {
        &self.unlock
    }

    /// Checks the server's answer and deals.
    pub fn receive(
        self,
        round: ServerRound,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(AwaitRecovery, ToRecovery), Fault> {
        let Self {
            opening,
            server,
            unlock,
            ceremony_key,
            polynomial,
        } = self;
        round.verify(&opening, &server)?;
        let all = round.all_round1(&opening);
        let (secret, dealt) = round1::part2(Party::Device, polynomial, &all)?;
        let own = Secret32::new(secret.secret_share().to_repr().into());
        let run = opening.run;
        let route = |from, to| Route::first(run, opening.kind, from, to);
        let from_server = route(Party::Server, Party::Device).open(&ceremony_key, &round.to_device)?;
        let to_server =
            route(Party::Device, Party::Server).seal(&round.server_key, &dealt[Party::Server.index()], rng)?;
        let to_recovery = route(Party::Device, Party::Recovery).seal_to_recovery(
            sealer,
            &opening.recovery.recipient,
            &dealt[Party::Recovery.index()],
            Some(&unlock),
        )?;
        let message = ToRecovery {
            run,
            opening: opening.clone(),
            server: round.clone(),
            device_to_server: sealed_digest(&to_server),
            sealed: to_recovery,
        };
        let to_recovery = sealed_digest(&message.sealed);
        let state = AwaitRecovery {
            opening,
            round,
            all,
            unlock,
            ceremony_key,
            own,
            from_server,
            to_server,
            to_recovery,
        };
        Ok((state, message))
    }
}

names_its_run! {
    AwaitServer as "device::AwaitServer", opening.run;
}

/// Waiting for recovery.
#[must_use]
pub struct AwaitRecovery {
    opening: Opening,
    round: ServerRound,
    all: Box<[Round1; 3]>,
    unlock: UnlockKey,
    ceremony_key: SealSecret,
    own: Secret32,
    from_server: round1::Dealt,
    to_server: Vec<u8>,
    to_recovery: [u8; 32],
}

impl AwaitRecovery {
    /// Which run this is.
    #[must_use]
    pub const fn ceremony(&self) -> CeremonyId {
        self.opening.run.ceremony
    }

    /// The record to seal, where recovery is on another machine and its answer comes by hand, days later perhaps.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (opening, round) = (self.opening.to_bytes(), self.round.to_bytes());
        let capacity = 2 + 5 * 32 + 3 * 4 + opening.len() + round.len() + self.to_server.len();
        Writer::with_capacity(Kind::DeviceWaiting, capacity)
            .fixed(self.unlock.expose().expose())
            .fixed(self.ceremony_key.expose().expose())
            .fixed(self.own.expose())
            .fixed(&*self.from_server)
            .fixed(&self.to_recovery)
            .var(&opening)
            .var(&round)
            .var(&self.to_server)
            .finish_secret()
    }

    /// The other direction. Everything is checked again that can be before recovery has answered.
    pub fn from_secret_bytes(bytes: &[u8], server: &IdentityKey) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::DeviceWaiting)?;
        let max = bytes.len();
        let unlock = UnlockKey::new(Secret32::new(reader.array()?));
        let ceremony_key = SealSecret::new(Secret32::new(reader.array()?));
        let own = Secret32::new(reader.array()?);
        let from_server = Zeroizing::new(reader.array()?);
        let to_recovery = reader.array()?;
        let opening = Opening::try_from(reader.var(max)?)?;
        let round = ServerRound::try_from(reader.var(max)?)?;
        let to_server = reader.var(max)?.to_vec();
        reader.finish()?;
        unlock.check(&opening.unlock_digest)?;
        if ceremony_key.public() != opening.device_key {
            return Err(FaultKind::PublicKey.into());
        }
        round.verify(&opening, server)?;
        let all = round.all_round1(&opening);
        Ok(Self {
            opening,
            round,
            all,
            unlock,
            ceremony_key,
            own,
            from_server,
            to_server,
            to_recovery,
        })
    }

    /// Checks recovery's answer and the device's own share. What comes out is signed by the device's identity key,
    /// wherever that lives.
    pub fn receive(self, round: RecoveryRound) -> Result<ToSign, Fault> {
        let opening = &self.opening;
        opening.run.check(round.run, Party::Recovery)?;
        let digests = SealedDigests([
            sealed_digest(&self.round.to_device),
            sealed_digest(&self.round.to_recovery),
            sealed_digest(&self.to_server),
            self.to_recovery,
            sealed_digest(&round.to_server),
            sealed_digest(&round.to_device),
        ]);
        let transcript = transcript(opening, &self.round, &self.all, digests)?;
        transcript.verify(Party::Recovery, &round.signature)?;
        let route = Route::first(opening.run, opening.kind, Party::Recovery, Party::Device);
        let from_recovery = route.open(&self.ceremony_key, &round.to_device)?;
        let public = transcript.public_shares()?;
        let share = own_share(
            Party::Device,
            &self.own,
            &self.all,
            &[(Party::Server, self.from_server), (Party::Recovery, from_recovery)],
            &transcript,
            &public,
        )?;
        round
            .package
            .verify(opening.run.wallet, &public, &opening.recovery.signing)?;
        Ok(ToSign {
            share,
            public,
            transcript,
            unlock: self.unlock,
            parts: ClosingParts {
                from_device: self.to_server,
                from_recovery: round.to_server,
                package: round.package,
                recovery_signature: round.signature,
            },
        })
    }
}

names_its_run! {
    AwaitRecovery as "device::AwaitRecovery", opening.run;
}

/// What the closing carries beside signatures and commitments.
#[derive(Debug)]
struct ClosingParts {
    from_device: Vec<u8>,
    from_recovery: Vec<u8>,
    package: FirstPackage,
    recovery_signature: Signature64,
}

/// The device's share is good: T is to be signed.
#[derive(Debug)]
#[must_use]
pub struct ToSign {
    share: Share,
    public: PublicShares,
    transcript: Transcript,
    unlock: UnlockKey,
    parts: ClosingParts,
}

impl ToSign {
    /// The bytes that the device's identity key signs.
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        Domain::TRANSCRIPT.signing_bytes(&self.transcript.hash())
    }

    /// What everybody knows; its fingerprint is for a person to compare with recovery's.
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.public
    }

    /// Takes the device's signature.
    pub fn signed(self, signature: Signature64) -> Result<Pending, Fault> {
        self.transcript.verify(Party::Device, &signature)?;
        let Self {
            share,
            public,
            transcript,
            unlock,
            parts,
        } = self;
        Ok(Pending {
            share,
            public,
            transcript,
            unlock,
            parts,
            signature,
        })
    }
}

/// Everything that the device needs to finish, whatever crashes. It is made durable, sealed, before the closing leaves.
#[derive(Debug)]
#[must_use]
pub struct Pending {
    share: Share,
    public: PublicShares,
    transcript: Transcript,
    unlock: UnlockKey,
    parts: ClosingParts,
    signature: Signature64,
}

impl Pending {
    /// What everybody knows. No address is shown before [`Created`].
    #[must_use]
    pub const fn public(&self) -> &PublicShares {
        &self.public
    }

    /// The unlock key, to be sealed to the server beside the closing.
    #[must_use]
    pub const fn unlock(&self) -> &UnlockKey {
        &self.unlock
    }

    /// The run.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Recovery's first package, for the device to keep as well.
    #[must_use]
    pub const fn package(&self) -> &FirstPackage {
        &self.parts.package
    }

    /// The second request, with fresh commitments for the test signature. After a crash, or a reply that failed, the
    /// state is read back and this is done again.
    pub fn close(self, rng: &mut (impl RngCore + CryptoRng)) -> Result<(AwaitCompletion, Closing), Fault> {
        let (test, commitment) = DeviceTest::new(&self.share, &self.transcript.device, rng)?;
        let closing = Closing {
            run: Run {
                wallet: self.transcript.wallet,
                ceremony: self.transcript.ceremony,
            },
            from_device: self.parts.from_device.clone(),
            from_recovery: self.parts.from_recovery.clone(),
            between: [self.transcript.sealed.0[3], self.transcript.sealed.0[5]],
            package: self.parts.package.clone(),
            device_signature: self.signature,
            recovery_signature: self.parts.recovery_signature,
            commitment,
        };
        Ok((AwaitCompletion { pending: self, test }, closing))
    }

    /// The record to seal.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (transcript, package) = (self.transcript.to_bytes(), self.parts.package.to_bytes());
        let share = self.share.to_secret_bytes();
        let rest = share.len() + transcript.len() + package.len();
        let sealed = self.parts.from_device.len() + self.parts.from_recovery.len();
        Writer::with_capacity(Kind::DeviceState, 2 + 5 * 4 + 32 + 128 + rest + sealed)
            .fixed(self.unlock.expose().expose())
            .var(&share)
            .var(&transcript)
            .var(&self.parts.from_device)
            .var(&self.parts.from_recovery)
            .var(&package)
            .field(&self.parts.recovery_signature)
            .field(&self.signature)
            .finish_secret()
    }

    /// The other direction. Everything is checked again: a keystore is not trusted more than a peer.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::DeviceState)?;
        let max = bytes.len();
        let unlock = UnlockKey::new(Secret32::new(reader.array()?));
        let share = Share::from_secret_bytes(reader.var(max)?)?;
        let transcript = Transcript::try_from(reader.var(max)?)?;
        let (from_device, from_recovery) = (reader.var(max)?.to_vec(), reader.var(max)?.to_vec());
        let package = FirstPackage::try_from(reader.var(max)?)?;
        let (recovery_signature, signature) = (reader.field()?, reader.field()?);
        reader.finish()?;
        let public = transcript.public_shares()?;
        if share.wallet() != transcript.wallet || share.party() != Party::Device {
            return Err(FaultKind::ShareMismatch.into());
        }
        share.check(&public)?;
        unlock.check(&transcript.unlock_digest)?;
        transcript.verify(Party::Recovery, &recovery_signature)?;
        transcript.verify(Party::Device, &signature)?;
        let parts = ClosingParts {
            from_device,
            from_recovery,
            package,
            recovery_signature,
        };
        Ok(Self {
            share,
            public,
            transcript,
            unlock,
            parts,
            signature,
        })
    }
}

/// Waiting for the server's answer to the second request.
#[derive(Debug)]
#[must_use]
pub struct AwaitCompletion {
    pending: Pending,
    test: DeviceTest,
}

impl AwaitCompletion {
    /// Checks the server's signature over T and its test share, and finishes the test signature.
    pub fn receive(self, completion: &Completion) -> Result<Created, Fault> {
        let Self {
            pending:
                Pending {
                    share,
                    public,
                    transcript,
                    unlock,
                    parts,
                    signature,
                },
            test,
        } = self;
        let run = Run {
            wallet: transcript.wallet,
            ceremony: transcript.ceremony,
        };
        run.check(completion.run, Party::Server)?;
        let transcript =
            SignedTranscript::new(transcript, [completion.signature, signature, parts.recovery_signature])?;
        let test_signature = test.finish(&share, &public, &completion.commitment, &completion.share)?;
        Ok(Created {
            share,
            public,
            transcript,
            unlock,
            package: parts.package,
            test_signature,
        })
    }
}

/// The wallet exists; addresses may be shown.
#[derive(Debug)]
#[must_use]
pub struct Created {
    /// The device's share.
    pub share: Share,
    /// What everybody knows.
    pub public: PublicShares,
    /// T with all signatures.
    pub transcript: SignedTranscript,
    /// The unlock key.
    pub unlock: UnlockKey,
    /// Recovery's first package.
    pub package: FirstPackage,
    /// Goes to the server with the next request, which then marks the wallet active.
    pub test_signature: Signature64,
}
