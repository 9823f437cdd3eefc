//! Recovery's part: on a machine of its own, or on the device's for the moment.

use alloc::vec::Vec;

use frost_secp256k1_tr::keys::dkg;
use k256::elliptic_curve::PrimeField;
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{
    dealt::Route,
    message::{RecoveryOpening, RecoveryRound, ToRecovery},
    names_its_run,
    round1::{self, Round1},
    run::Run,
    server::{own_share, transcript},
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    id::{CeremonyId, Party, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret},
    package::{FirstPackage, OpenAsRecovery, SealToRecovery},
    secret::Secret32,
    share::PublicShares,
    transcript::{SealedDigests, sealed_digest},
    words::{RecoveryIdentity, RecoverySecret},
};

/// Starts recovery's part. `server` is the identity that recovery itself read in the invitation.
pub fn begin(
    secret: &RecoverySecret,
    server: IdentityKey,
    wallet: WalletId,
    ceremony: CeremonyId,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitServer, RecoveryOpening), Fault> {
    let run = Run { wallet, ceremony };
    let (polynomial, round1) = round1::part1(Party::Recovery, rng)?;
    let identity = secret.public();
    let opening = RecoveryOpening {
        run,
        identity,
        round1: round1.clone(),
    };
    Ok((
        AwaitServer {
            run,
            server,
            identity,
            signer: secret.identity(),
            polynomial,
            round1,
        },
        opening,
    ))
}

/// Waiting for the server's and the device's packages.
#[must_use]
pub struct AwaitServer {
    run: Run,
    server: IdentityKey,
    identity: RecoveryIdentity,
    signer: IdentitySecret,
    polynomial: dkg::round1::SecretPackage,
    round1: Round1,
}

impl AwaitServer {
    /// The server that the invitation named.
    #[must_use]
    pub const fn server(&self) -> &IdentityKey {
        &self.server
    }

    /// The record to seal, for a machine that is turned off between the two messages.
    pub fn to_secret_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let polynomial = Zeroizing::new(self.polynomial.serialize().map_err(|_| FaultKind::Internal)?);
        Ok(
            Writer::with_capacity(Kind::RecoveryState, 2 + 32 + 34 + 131 + 4 + polynomial.len())
                .field(&self.run)
                .field(&self.server)
                .field(&self.round1)
                .var(&polynomial)
                .finish_secret(),
        )
    }

    /// The other direction; the words are typed again.
    pub fn from_secret_bytes(bytes: &[u8], secret: &RecoverySecret) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::RecoveryState)?;
        let (run, server, round1) = (reader.field()?, reader.field()?, reader.field::<Round1>()?);
        let polynomial = dkg::round1::SecretPackage::deserialize(reader.var(bytes.len())?)
            .map_err(|_| Fault::new(FaultKind::Length))?;
        reader.finish()?;
        if polynomial.commitment() != round1.package().commitment()
            || polynomial.identifier() != &Party::Recovery.identifier()
        {
            return Err(FaultKind::ShareMismatch.into());
        }
        Ok(Self {
            run,
            server,
            identity: secret.public(),
            signer: secret.identity(),
            polynomial,
            round1,
        })
    }

    /// Checks everything, seals the first package, signs T. Recovery is then done, and can forget.
    pub fn receive(
        self,
        message: &ToRecovery,
        sealer: &impl SealToRecovery,
        opener: &impl OpenAsRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Finished, RecoveryRound), Fault> {
        let Self {
            run,
            server,
            identity,
            signer,
            polynomial,
            round1,
        } = self;
        let ToRecovery {
            opening,
            server: round,
            device_to_server,
            sealed,
            ..
        } = message;
        run.check(message.run, Party::Device)?;
        run.check(opening.run, Party::Device)?;
        // The server must have signed for *this* recovery: otherwise the hub may be playing it.
        round
            .verify(opening, &server)
            .map_err(|fault| fault.or(Party::Device))?;
        if opening.recovery != identity || opening.recovery_round1 != round1 {
            return Err(Fault::of(FaultKind::Equivocation, Party::Device));
        }
        let all = round.all_round1(opening);
        let (secret, dealt) = round1::part2(Party::Recovery, polynomial, &all)?;
        let route = |from, to| Route::first(run, opening.kind, from, to);

        let to_me = |from| route(from, Party::Recovery);
        let (from_server, none) = to_me(Party::Server).open_as_recovery(opener, &round.to_recovery)?;
        let (from_device, unlock) = to_me(Party::Device).open_as_recovery(opener, sealed)?;
        if none.is_some() {
            return Err(Fault::of(FaultKind::SealedPackage, Party::Server));
        }
        let unlock = unlock.ok_or_else(|| Fault::of(FaultKind::SealedPackage, Party::Device))?;
        unlock
            .check(&opening.unlock_digest)
            .map_err(|_| Fault::of(FaultKind::SealedPackage, Party::Device))?;

        let from_me = |to| route(Party::Recovery, to);
        let to_server = from_me(Party::Server).seal(&round.server_key, &dealt[Party::Server.index()], rng)?;
        let to_device = from_me(Party::Device).seal(&opening.device_key, &dealt[Party::Device.index()], rng)?;
        let digests = SealedDigests([
            sealed_digest(&round.to_device),
            sealed_digest(&round.to_recovery),
            *device_to_server,
            sealed_digest(sealed),
            sealed_digest(&to_server),
            sealed_digest(&to_device),
        ]);
        let transcript = transcript(opening, round, &all, digests)?;
        let public = transcript.public_shares()?;
        let own = Secret32::new(secret.secret_share().to_repr().into());
        let share = own_share(
            Party::Recovery,
            &own,
            &all,
            &[(Party::Server, from_server), (Party::Device, from_device)],
            &transcript,
            &public,
        )?;
        let package = FirstPackage::seal(&share, &unlock, &identity.recipient, sealer, &signer)?;
        let signature = signer.sign(Domain::TRANSCRIPT, &transcript.hash());
        Ok((
            Finished { public },
            RecoveryRound {
                run,
                to_server,
                to_device,
                package,
                signature,
            },
        ))
    }
}

names_its_run! {
    AwaitServer as "AwaitServer", run;
}

/// What recovery may show at the end. It keeps nothing but its words.
#[derive(Debug)]
#[must_use]
pub struct Finished {
    /// The group key and what belongs to it; its fingerprint is for a person to compare.
    pub public: PublicShares,
}
