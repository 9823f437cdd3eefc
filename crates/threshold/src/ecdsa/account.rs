//! The keys of addresses.

use k256::{ProjectivePoint, elliptic_curve::PrimeField};

use super::Pair;
use crate::{
    Fault, FaultKind,
    derive::ExtendedKey,
    id::{EpochId, KeyKind},
    point,
    share::PublicShares,
};

/// The key of one address: the unhardened BIP-32 child of the group key at a path of two steps.
///
/// Other wallets reach an Ethereum address by `m/44'/60'/0'/0/i`. The first three steps are hardened, which takes a whole
/// secret key, so the group key itself stands at `m/44'/60'/0'`, and `[0, i]` leads to the i-th address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountKey {
    epoch: EpochId,
    key: [u8; 33],
    chain_code: [u8; 32],
    /// What each share grows by, as the key does: public.
    tweak: [u8; 32],
}

impl AccountKey {
    /// The key at `path`: change and index, neither hardened. `pair` is what lets it be shown: two parties have signed a
    /// test with this key, at this epoch. One that has signed nothing is none:
    ///
    /// ```compile_fail
    /// # use twofold_threshold::{Fault, ecdsa::{AccountKey, pair::Untested}, share::PublicShares};
    /// fn too_early(pair: &Untested, public: &PublicShares) -> Result<AccountKey, Fault> {
    ///     AccountKey::new(pair, public, [0, 0]) // not tested
    /// }
    /// ```
    pub fn new(pair: &Pair, public: &PublicShares, path: [u32; 2]) -> Result<Self, Fault> {
        if pair.setting().epoch != public.epoch() {
            return Err(FaultKind::StaleEpoch.into());
        }
        Self::at(public, path)
    }

    pub(super) fn at(public: &PublicShares, path: [u32; 2]) -> Result<Self, Fault> {
        let root = Self::root(public)?;
        let group = public.extended_key();
        let (first, chain_code) = group.child_tweak(path[0])?;
        let parent = point::decode(&group.key)?;
        let middle = ExtendedKey {
            key: point::encode(&(parent + ProjectivePoint::GENERATOR * first)).map_err(|_| FaultKind::Path)?,
            chain_code,
        };
        let (second, chain_code) = middle.child_tweak(path[1])?;
        let tweak = first + second;
        Ok(Self {
            key: point::encode(&(parent + ProjectivePoint::GENERATOR * tweak)).map_err(|_| FaultKind::Path)?,
            chain_code,
            tweak: tweak.to_repr().into(),
            ..root
        })
    }

    /// The group key itself, which signs nothing but tests.
    pub(super) fn root(public: &PublicShares) -> Result<Self, Fault> {
        public.kind().only(KeyKind::Ecdsa)?;
        Ok(Self {
            epoch: public.epoch(),
            key: *public.group_key(),
            chain_code: *public.chain_code(),
            tweak: [0; 32],
        })
    }

    /// SEC 1 compressed.
    #[must_use]
    pub const fn key(&self) -> &[u8; 33] {
        &self.key
    }

    pub(super) const fn epoch(&self) -> EpochId {
        self.epoch
    }

    pub(super) const fn chain_code(&self) -> &[u8; 32] {
        &self.chain_code
    }

    pub(super) const fn tweak(&self) -> &[u8; 32] {
        &self.tweak
    }
}
