//! One party's part of a key at one epoch, and what everybody knows of all parts.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use frost_secp256k1_tr::keys::{KeyPackage, PublicKeyPackage, SigningShare};
use k256::{ProjectivePoint, Scalar, elliptic_curve::PrimeField};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Fault, FaultKind,
    codec::{self, Decode, Encode, Kind, Reader, Writer},
    derive::{ChildTweak, ExtendedKey, MIN_SIGNERS, verifying_key, verifying_share},
    hash,
    id::{EpochId, KeyKind, Party, WalletId},
    point,
    seal::{self, Aad, Schema},
    secret::{Secret32, SecretScalar, and_wipe},
};

/// Bytes of a share in its record.
const RECORD: usize = 2 + 16 + 1 + 1 + 36 + 32;

/// A share. Never zero, wiped when dropped.
#[derive(ZeroizeOnDrop)]
pub struct Share {
    #[zeroize(skip)]
    wallet: WalletId,
    #[zeroize(skip)]
    party: Party,
    #[zeroize(skip)]
    kind: KeyKind,
    #[zeroize(skip)]
    epoch: EpochId,
    scalar: SecretScalar,
}

impl Share {
    pub(crate) fn new(
        wallet: WalletId,
        party: Party,
        kind: KeyKind,
        epoch: EpochId,
        secret: &[u8; 32],
    ) -> Result<Self, Fault> {
        Ok(Self {
            wallet,
            party,
            kind,
            epoch,
            scalar: SecretScalar::new(secret)?,
        })
    }

    /// Whose wallet.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// Whose share.
    #[must_use]
    pub const fn party(&self) -> Party {
        self.party
    }

    /// Of which key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Of which epoch.
    #[must_use]
    pub const fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// Checks that this is the share that `public` has a verifying share of.
    pub fn check(&self, public: &PublicShares) -> Result<(), Fault> {
        self.check_epoch(public)?;
        let point = and_wipe(|| ProjectivePoint::GENERATOR * self.scalar.expose());
        if point::encode(&point)? == *public.verifying_share(self.party) {
            Ok(())
        } else {
            Err(FaultKind::ShareMismatch.into())
        }
    }

    pub(crate) fn check_epoch(&self, public: &PublicShares) -> Result<(), Fault> {
        if self.kind != public.kind || self.epoch != public.epoch {
            return Err(FaultKind::StaleEpoch.into());
        }
        Ok(())
    }

    pub(crate) fn scalar(&self) -> &Scalar {
        self.scalar.expose()
    }

    /// The share's bytes, to be sealed or hashed with randomness.
    pub(crate) fn secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.scalar().to_repr().into())
    }

    /// The key package that signs for `tweak`'s output key.
    pub(crate) fn child(&self, tweak: &ChildTweak) -> Result<KeyPackage, Fault> {
        let mut scalar = tweak.apply(self.scalar());
        let package = key_package(self.party, &scalar, tweak.package());
        scalar.zeroize();
        package
    }

    /// Associated data for this share's seal.
    #[must_use]
    pub fn aad(&self, public: &PublicShares) -> Aad {
        public.share_aad(self.wallet, self.party)
    }

    /// Seals the share under `key`.
    #[must_use]
    pub fn seal(&self, key: &Secret32, public: &PublicShares, rng: &mut (impl RngCore + CryptoRng)) -> Vec<u8> {
        let record = and_wipe(|| self.to_secret_bytes());
        seal::seal(key, &self.aad(public), &record, rng)
    }

    /// Opens a sealed share of `wallet` and `party` at the epoch of `public`.
    ///
    /// The seal's associated data binds all of it; the point multiplication of [`Share::check`] is left to the moments
    /// when a share first arrives.
    pub fn open(
        key: &Secret32,
        wallet: WalletId,
        party: Party,
        public: &PublicShares,
        sealed: &[u8],
    ) -> Result<Self, Fault> {
        let bytes = seal::open(key, &public.share_aad(wallet, party), sealed)?;
        let share = and_wipe(|| Self::from_secret_bytes(&bytes)).map_err(|_| FaultKind::Seal)?;
        if share.wallet != wallet || share.party != party || share.check_epoch(public).is_err() {
            return Err(FaultKind::Seal.into());
        }
        Ok(share)
    }

    /// The record to seal: not to be kept or sent bare.
    #[must_use]
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        Writer::with_capacity(Kind::Share, RECORD)
            .field(&self.wallet)
            .field(&self.party)
            .field(&self.kind)
            .field(&self.epoch)
            .fixed(&*self.secret_bytes())
            .finish_secret()
    }

    /// The other direction.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes, Kind::Share)?;
        let (wallet, party, kind, epoch) = (reader.field()?, reader.field()?, reader.field()?, reader.field()?);
        let secret = Zeroizing::new(reader.array()?);
        reader.finish()?;
        Self::new(wallet, party, kind, epoch, &secret)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Share({} of {}, {} epoch {}, redacted)",
            self.party, self.wallet, self.kind, self.epoch.number
        )
    }
}

/// A key package of frost's for `party`'s `scalar`.
pub(crate) fn key_package(party: Party, scalar: &Scalar, public: &PublicKeyPackage) -> Result<KeyPackage, Fault> {
    if bool::from(scalar.is_zero()) {
        return Err(FaultKind::Scalar.into());
    }
    let identifier = party.identifier();
    let bytes = Zeroizing::new(<[u8; 32]>::from(scalar.to_repr()));
    let share = SigningShare::deserialize(&*bytes).map_err(|_| FaultKind::Scalar)?;
    let verifying = *public.verifying_shares().get(&identifier).ok_or(FaultKind::Internal)?;
    Ok(KeyPackage::new(
        identifier,
        share,
        verifying,
        *public.verifying_key(),
        MIN_SIGNERS,
    ))
}

/// What everybody knows of a key at one epoch: group key, chain code, verifying shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicShares {
    kind: KeyKind,
    epoch: EpochId,
    group: ExtendedKey,
    verifying_shares: [[u8; 33]; 3],
}

impl PublicShares {
    /// From parts of a transcript; the points are checked.
    pub(crate) fn new(
        kind: KeyKind,
        epoch: EpochId,
        group: ExtendedKey,
        verifying_shares: [[u8; 33]; 3],
    ) -> Result<Self, Fault> {
        point::decode(&group.key)?;
        for share in &verifying_shares {
            point::decode(share)?;
        }
        Ok(Self {
            kind,
            epoch,
            group,
            verifying_shares,
        })
    }

    /// Of which key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Of which epoch.
    #[must_use]
    pub const fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// H(T) of the ceremony that made this epoch.
    #[must_use]
    pub const fn transcript_hash(&self) -> &[u8; 32] {
        &self.epoch.transcript
    }

    /// Group key and chain code: the wallet's xpub.
    #[must_use]
    pub const fn extended_key(&self) -> &ExtendedKey {
        &self.group
    }

    /// The group key, SEC 1 compressed.
    #[must_use]
    pub const fn group_key(&self) -> &[u8; 33] {
        &self.group.key
    }

    /// The chain code.
    #[must_use]
    pub const fn chain_code(&self) -> &[u8; 32] {
        &self.group.chain_code
    }

    /// One party's verifying share, SEC 1 compressed.
    #[must_use]
    pub const fn verifying_share(&self, party: Party) -> &[u8; 33] {
        &self.verifying_shares[party.index()]
    }

    /// The tweak to the address at `path` (keychain, index): costs four point multiplications, so keep it.
    pub fn child(&self, path: [u32; 2]) -> Result<ChildTweak, Fault> {
        ChildTweak::new(self, path)
    }

    /// A short form for two people to compare: 64 bits of a hash over group key and chain code.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let h = hash::tagged("twofold/group-fingerprint", &[&self.group.key, &self.group.chain_code]);
        format!(
            "{:02x}{:02x} {:02x}{:02x} {:02x}{:02x} {:02x}{:02x}",
            h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
        )
    }

    /// Associated data for the seal of `party`'s share.
    #[must_use]
    pub fn share_aad(&self, wallet: WalletId, party: Party) -> Aad {
        Aad {
            wallet,
            party,
            kind: self.kind,
            epoch: self.epoch,
            schema: Schema::SHARE,
            public_key: self.group.key,
        }
    }

    /// frost's form, without any tweak.
    pub(crate) fn package(&self) -> Result<PublicKeyPackage, Fault> {
        let shares = Party::ALL
            .into_iter()
            .map(|party| {
                let point = point::decode(self.verifying_share(party))?;
                Ok((party.identifier(), verifying_share(&point)?))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(PublicKeyPackage::new(
            shares,
            verifying_key(&point::decode(&self.group.key)?)?,
            Some(MIN_SIGNERS),
        ))
    }

    /// Canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Writer::new(Kind::PublicShares).field(self).finish()
    }
}

impl TryFrom<&[u8]> for PublicShares {
    type Error = Fault;

    fn try_from(bytes: &[u8]) -> Result<Self, Fault> {
        codec::read(bytes, Kind::PublicShares)
    }
}

impl Encode for PublicShares {
    fn encode(&self, writer: Writer) -> Writer {
        let writer = writer.field(&self.kind).field(&self.epoch).field(&self.group);
        self.verifying_shares
            .iter()
            .fold(writer, |writer, share| writer.fixed(share))
    }
}

impl Decode for PublicShares {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let (kind, epoch) = (reader.field()?, reader.field()?);
        let group = reader.field()?;
        let shares = [reader.array()?, reader.array()?, reader.array()?];
        Self::new(kind, epoch, group, shares)
    }
}
