//! A refresh as whoever was absent finds it: the signed transcript, and the envelopes of both dealers.

use alloc::vec::Vec;

use super::{
    Envelopes, Ground, SignedRefresh,
    envelopes::{open_for_device, open_for_recovery},
    increment::{PublicWhole, grown},
    transcript::{DEALERS, place_of},
};
use crate::{
    Fault, FaultKind,
    codec::{Kind, Reader, Writer},
    create::Dealt,
    envelope::SealSecret,
    id::Party,
    identity::IdentityKey,
    package::OpenAsRecovery,
    secret::UnlockKey,
    share::{PublicShares, Share},
    transcript::sealed_digest,
};

/// One refresh of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    signed: SignedRefresh,
    /// The server's, the device's.
    envelopes: [Envelopes; 2],
}

impl Link {
    pub(super) const fn new(signed: SignedRefresh, envelopes: [Envelopes; 2]) -> Self {
        Self { signed, envelopes }
    }

    /// T and both signatures.
    #[must_use]
    pub const fn signed(&self) -> &SignedRefresh {
        &self.signed
    }

    /// The same with the envelopes of recovery and of one device alone.
    #[must_use]
    pub fn for_device(self, identity: &IdentityKey) -> Self {
        let keep = place_of(&self.signed.transcript().recipients, identity);
        Self {
            envelopes: self.envelopes.map(|envelopes| envelopes.only(keep)),
            ..self
        }
    }

    /// The same with recovery's envelopes alone.
    #[must_use]
    pub fn for_recovery(self) -> Self {
        Self {
            envelopes: self.envelopes.map(|envelopes| envelopes.only(None)),
            ..self
        }
    }

    /// Whether each envelope is the one that the transcript names, recovery's are here, and what is left out is of devices
    /// alone: for who takes a link over from somebody that is not believed.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let named = &self.signed.transcript().envelopes;
        self.envelopes.iter().zip(named).all(|(envelopes, named)| {
            let there = envelopes.digests();
            let fits = |(place, (there, named)): (usize, (&[u8; 32], &[u8; 32]))| {
                there == named || (place > 0 && *there == sealed_digest(&[]))
            };
            there.len() == named.len() && there.iter().zip(named).enumerate().all(fits)
        })
    }

    /// The public half of the epoch that this refresh made, if it leads there from `ground`, where the list may meanwhile
    /// be another one.
    pub fn follows(&self, ground: &Ground) -> Result<PublicShares, Fault> {
        let transcript = self.signed.transcript();
        transcript.follows(ground.wallet, &ground.server, &ground.recovery, &ground.public)
    }

    /// Takes a device's share from `ground`'s epoch to the next. `keys` are the sealing keys that the device still has.
    pub fn open_as_device(
        &self,
        ground: &Ground,
        share: &Share,
        me: &IdentityKey,
        keys: &[&SealSecret],
    ) -> Result<(Share, UnlockKey, PublicShares), Fault> {
        let transcript = self.signed.transcript();
        let place = place_of(&transcript.recipients, me).ok_or(FaultKind::UnexpectedIdentity)?;
        let (_, sealing) = transcript.recipients[place];
        let key = keys.iter().find(|key| key.public() == sealing);
        // Without the key it is as if nothing were here: the share comes anew from another device or from recovery.
        let key = key.ok_or(FaultKind::SealedPackage)?;
        let place = place + 1;
        self.take(
            (ground, self.follows(ground)?),
            share,
            Party::Device,
            place,
            |dealer, sealed| open_for_device(&transcript.terms, dealer, key, sealed),
        )
    }

    /// Takes recovery's share from `ground`'s epoch to the next.
    pub fn open_as_recovery(
        &self,
        ground: &Ground,
        share: &Share,
        opener: &impl OpenAsRecovery,
    ) -> Result<(Share, UnlockKey, PublicShares), Fault> {
        self.open_followed(ground, self.follows(ground)?, share, opener)
    }

    /// The same where it was seen already that this follows on `ground`, and what `public` it leads to.
    pub(crate) fn open_followed(
        &self,
        ground: &Ground,
        public: PublicShares,
        share: &Share,
        opener: &impl OpenAsRecovery,
    ) -> Result<(Share, UnlockKey, PublicShares), Fault> {
        let terms = self.signed.transcript().terms;
        self.take((ground, public), share, Party::Recovery, 0, |dealer, sealed| {
            open_for_recovery(&terms, dealer, opener, sealed)
        })
    }

    /// Takes the first envelope that fits the transcript. Whoever sealed one that does not is named if none does.
    fn take(
        &self,
        (ground, public): (&Ground, PublicShares),
        share: &Share,
        party: Party,
        place: usize,
        open: impl Fn(Party, &[u8]) -> Result<(Dealt, UnlockKey), Fault>,
    ) -> Result<(Share, UnlockKey, PublicShares), Fault> {
        if share.party() != party || share.wallet() != ground.wallet || share.epoch() != ground.public.epoch() {
            return Err(FaultKind::StaleEpoch.into());
        }
        let transcript = self.signed.transcript();
        let whole = PublicWhole::of(&transcript.commitments)?;
        let mut culprits = Vec::new();
        for (dealer, (envelopes, digests)) in DEALERS
            .into_iter()
            .zip(self.envelopes.iter().zip(&transcript.envelopes))
        {
            let sealed = match place {
                0 => envelopes.to_recovery(),
                device => envelopes.to_device(device - 1),
            };
            let here = digests
                .get(place)
                .is_some_and(|digest| *digest == sealed_digest(sealed));
            let fits = |(increment, unlock): &(Dealt, UnlockKey)| {
                whole.fits(party, increment) && unlock.check(&transcript.unlock_digest).is_ok()
            };
            match open(dealer, sealed) {
                Ok(opened) if here && fits(&opened) => {
                    let (increment, unlock) = opened;
                    let share = grown(share, &increment, public.epoch())?;
                    share.check(&public)?;
                    return Ok((share, unlock, public));
                }
                _ => culprits.push(dealer),
            }
        }
        Err(Fault {
            kind: FaultKind::SealedPackage,
            culprits,
        })
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let writer = match self.signed.beside() {
            None => Writer::new(Kind::RefreshLink),
            Some(beside) => Writer::new(Kind::RefreshLinkBeside).fixed(beside),
        };
        let writer = writer.field(&self.signed);
        self.envelopes.iter().fold(writer, Writer::field).finish()
    }

    #[cfg(test)]
    pub(super) fn envelopes_of(&mut self, dealer: usize) -> &mut Envelopes {
        &mut self.envelopes[dealer]
    }
}

/// Decoding verifies both signatures, by the identities that the transcript itself names.
impl TryFrom<&[u8]> for Link {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        let both = bytes.get(1) == Some(&(Kind::RefreshLinkBeside as u8));
        let (mut reader, beside) = if both {
            let mut reader = Reader::new(bytes, Kind::RefreshLinkBeside)?;
            let beside = reader.array()?;
            (reader, Some(beside))
        } else {
            (Reader::new(bytes, Kind::RefreshLink)?, None)
        };
        let link = Self {
            signed: SignedRefresh::read(&mut reader, beside)?,
            envelopes: [reader.field()?, reader.field()?],
        };
        reader.finish()?;
        Ok(link)
    }
}
