//! What is dealt to whom, sealed.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{FIRST_EPOCH, round1::Dealt, run::Run};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    envelope::{Binding, OVERHEAD, Purpose, SealPublic, SealSecret},
    id::{EpochId, KeyKind, Party},
    package::{OpenAsRecovery, SealToRecovery, seal_to},
    secret::{Secret32, UnlockKey},
    words::RecoveryRecipient,
};

/// A dealt scalar under HPKE.
pub(crate) const SEALED_SHARE: usize = 32 + OVERHEAD;

/// One sealed package's way.
#[derive(Clone, Copy)]
pub(crate) struct Route(Binding);

impl Route {
    /// Of a ceremony that makes the first key, and with it the first epoch of all.
    pub(crate) const fn first(run: Run, kind: KeyKind, from: Party, to: Party) -> Self {
        Self::of(run, kind, (FIRST_EPOCH, EpochId::NONE), (from, to))
    }

    /// Of a ceremony that makes a key in the epoch of this number, `previous` being the one that there was.
    pub(crate) const fn of(
        run: Run,
        kind: KeyKind,
        (epoch_number, previous): (u32, EpochId),
        (from, to): (Party, Party),
    ) -> Self {
        Self(Binding {
            wallet: run.wallet,
            ceremony: run.ceremony,
            epoch_number,
            previous,
            kind,
            from,
            to,
        })
    }

    /// Seals a dealt scalar to a ceremony key.
    pub(crate) fn seal(
        self,
        key: &SealPublic,
        dealt: &Dealt,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<u8>, Fault> {
        key.seal(&self.0, Purpose::Dealt, &**dealt, rng)
    }

    /// Opens one. What does not open was not sealed for here, or was changed under way: the sender's signature over T
    /// decides which, but either way the run is over.
    pub(crate) fn open(self, key: &SealSecret, sealed: &[u8]) -> Result<Dealt, Fault> {
        open_dealt(key, &self.0, sealed)
    }

    /// Seals a dealt scalar, and the unlock key if the dealer has it, to recovery.
    pub(crate) fn seal_to_recovery(
        self,
        sealer: &impl SealToRecovery,
        recipient: &RecoveryRecipient,
        dealt: &Dealt,
        unlock: Option<&UnlockKey>,
    ) -> Result<Vec<u8>, Fault> {
        seal_to_recovery(&self.0, Purpose::Dealt, sealer, recipient, dealt, unlock)
    }

    /// Opens one as recovery.
    pub(crate) fn open_as_recovery(
        self,
        opener: &impl OpenAsRecovery,
        sealed: &[u8],
    ) -> Result<(Dealt, Option<UnlockKey>), Fault> {
        open_as_recovery(&self.0, Purpose::Dealt, opener, sealed)
    }
}

/// Opens a dealt scalar that was sealed to a ceremony key.
pub(crate) fn open_dealt(key: &SealSecret, binding: &Binding, sealed: &[u8]) -> Result<Dealt, Fault> {
    let blame = || Fault::of(FaultKind::SealedPackage, binding.from);
    let plain = key.open(binding, Purpose::Dealt, sealed).map_err(|_| blame())?;
    let mut dealt = Zeroizing::new([0; 32]);
    if plain.len() != dealt.len() {
        return Err(blame());
    }
    dealt.copy_from_slice(&plain);
    Ok(dealt)
}

/// Seals a scalar, and the unlock key if its dealer has it, to recovery. age binds nothing, so the context goes inside.
pub(crate) fn seal_to_recovery(
    binding: &Binding,
    purpose: Purpose,
    sealer: &impl SealToRecovery,
    recipient: &RecoveryRecipient,
    dealt: &Dealt,
    unlock: Option<&UnlockKey>,
) -> Result<Vec<u8>, Fault> {
    let writer = Writer::with_capacity(Kind::DealtToRecovery, 2 + 32 + 32 + 1 + 32)
        .fixed(&binding.digest(purpose))
        .fixed(&**dealt);
    let writer = match unlock {
        Some(unlock) => writer.u8(1).fixed(unlock.expose().expose()),
        None => writer.u8(0),
    };
    seal_to(sealer, recipient, &writer.finish_secret())
}

/// Opens what [`seal_to_recovery`] made for the same context.
pub(crate) fn open_as_recovery(
    binding: &Binding,
    purpose: Purpose,
    opener: &impl OpenAsRecovery,
    sealed: &[u8],
) -> Result<(Dealt, Option<UnlockKey>), Fault> {
    let blame = |kind| Fault::of(kind, binding.from);
    let plain = opener.open(sealed).map_err(|_| blame(FaultKind::SealedPackage))?;
    let read = || -> Result<_, Fault> {
        let mut reader = Reader::new(&plain, Kind::DealtToRecovery)?;
        let bound: [u8; 32] = reader.array()?;
        let dealt = Zeroizing::new(reader.array()?);
        let unlock = match reader.u8()? {
            0 => None,
            1 => Some(UnlockKey::new(Secret32::new(reader.array()?))),
            _ => return Err(FaultKind::Length.into()),
        };
        reader.finish()?;
        Ok((bound, dealt, unlock))
    };
    let (bound, dealt, unlock) = read().map_err(|_| blame(FaultKind::SealedPackage))?;
    if bound != binding.digest(purpose) {
        return Err(blame(FaultKind::ForeignCeremony));
    }
    Ok((dealt, unlock))
}
