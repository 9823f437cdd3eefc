//! What one dealer sealed to those who were not asked.

use alloc::vec::Vec;

use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use super::{Ground, increment::Whole, message::Terms};
use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    create::{Dealt, open_as_recovery, seal_to_recovery},
    device_list::MAX_DEVICES,
    envelope::{Binding, OVERHEAD, Purpose, SealPublic, SealSecret},
    id::Party,
    package::{MAX_SEALED, OpenAsRecovery, SealToRecovery},
    secret::{Secret32, UnlockKey},
    transcript::sealed_digest,
};

/// An increment and an unlock key under HPKE.
const SEALED: usize = 64 + OVERHEAD;

/// One dealer's envelopes: to recovery, and to each listed device in the list's order. One that is not here is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelopes {
    recovery: Vec<u8>,
    devices: Vec<Vec<u8>>,
}

impl Envelopes {
    /// Seals what each absent party's share grows by, with the new unlock key.
    pub(super) fn seal(
        terms: &Terms,
        dealer: Party,
        ground: &Ground,
        whole: &Whole,
        unlock: &UnlockKey,
        sealer: &impl SealToRecovery,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, Fault> {
        let recovery = seal_to_recovery(
            &terms.binding(dealer, Party::Recovery),
            Purpose::Increment,
            sealer,
            &ground.recovery.recipient,
            &whole.increment(Party::Recovery),
            Some(unlock),
        )?;
        let increment = whole.increment(Party::Device);
        let binding = terms.binding(dealer, Party::Device);
        let devices = ground
            .recipients()
            .iter()
            .map(|(_, sealing)| seal_pair(sealing, &binding, Purpose::Increment, (&increment, unlock), rng))
            .collect::<Result<_, _>>()?;
        Ok(Self { recovery, devices })
    }

    /// Digests of all of them, recovery's first.
    pub(super) fn digests(&self) -> Vec<[u8; 32]> {
        core::iter::once(&self.recovery)
            .chain(&self.devices)
            .map(|sealed| sealed_digest(sealed))
            .collect()
    }

    /// Checks that there is one for recovery and for each of `devices`.
    pub(super) fn check_whole(&self, devices: usize, dealer: Party) -> Result<(), Fault> {
        let whole = !self.recovery.is_empty()
            && self.devices.len() == devices
            && self.devices.iter().all(|sealed| sealed.len() == SEALED);
        if whole {
            Ok(())
        } else {
            Err(Fault::of(FaultKind::Count, dealer))
        }
    }

    /// The same without what is for devices other than the one at `keep`.
    pub(super) fn only(mut self, keep: Option<usize>) -> Self {
        for (n, sealed) in self.devices.iter_mut().enumerate() {
            if Some(n) != keep {
                sealed.clear();
            }
        }
        self
    }

    /// What is for recovery.
    pub(super) fn to_recovery(&self) -> &[u8] {
        &self.recovery
    }

    /// What is for the device at `place`.
    pub(super) fn to_device(&self, place: usize) -> &[u8] {
        self.devices.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn spoil(&mut self) {
        for sealed in self.devices.iter_mut().chain([&mut self.recovery]) {
            if let Some(last) = sealed.last_mut() {
                *last ^= 1;
            }
        }
    }
}

/// Opens an envelope as recovery.
pub(super) fn open_for_recovery(
    terms: &Terms,
    dealer: Party,
    opener: &impl OpenAsRecovery,
    sealed: &[u8],
) -> Result<(Dealt, UnlockKey), Fault> {
    let binding = terms.binding(dealer, Party::Recovery);
    let (increment, unlock) = open_as_recovery(&binding, Purpose::Increment, opener, sealed)?;
    Ok((
        increment,
        unlock.ok_or_else(|| Fault::of(FaultKind::SealedPackage, dealer))?,
    ))
}

/// Opens an envelope as a device.
pub(super) fn open_for_device(
    terms: &Terms,
    dealer: Party,
    key: &SealSecret,
    sealed: &[u8],
) -> Result<(Dealt, UnlockKey), Fault> {
    let binding = terms.binding(dealer, Party::Device);
    open_pair(key, &binding, Purpose::Increment, sealed)
}

/// Seals a scalar and an unlock key together.
pub(super) fn seal_pair(
    key: &SealPublic,
    binding: &Binding,
    purpose: Purpose,
    (scalar, unlock): (&Dealt, &UnlockKey),
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<u8>, Fault> {
    let mut plain = Zeroizing::new([0; 64]);
    plain[..32].copy_from_slice(&**scalar);
    plain[32..].copy_from_slice(unlock.expose().expose());
    key.seal(binding, purpose, &*plain, rng)
}

/// Opens what [`seal_pair`] sealed.
pub(super) fn open_pair(
    key: &SealSecret,
    binding: &Binding,
    purpose: Purpose,
    sealed: &[u8],
) -> Result<(Dealt, UnlockKey), Fault> {
    let blame = || Fault::of(FaultKind::SealedPackage, binding.from);
    let plain = key.open(binding, purpose, sealed).map_err(|_| blame())?;
    let (scalar, unlock) = plain.split_first_chunk::<32>().ok_or_else(blame)?;
    Ok((
        Zeroizing::new(*scalar),
        UnlockKey::new(Secret32::try_from(unlock).map_err(|_| blame())?),
    ))
}

impl Encode for Envelopes {
    fn encode(&self, writer: Writer) -> Writer {
        let count = u8::try_from(self.devices.len()).unwrap_or(u8::MAX);
        self.devices
            .iter()
            .fold(writer.var(&self.recovery).u8(count), |writer, sealed| {
                writer.var(sealed)
            })
    }
}

impl Decode for Envelopes {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let recovery = reader.var(MAX_SEALED)?.to_vec();
        let count = usize::from(reader.u8()?);
        if count > MAX_DEVICES {
            return Err(FaultKind::Count.into());
        }
        let devices = (0..count)
            .map(|_| reader.var(SEALED).map(<[u8]>::to_vec))
            .collect::<Result<_, _>>()?;
        Ok(Self { recovery, devices })
    }
}
