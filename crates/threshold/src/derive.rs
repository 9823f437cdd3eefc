//! From the group key to the keys of addresses: unhardened BIP-32 children, then the taproot output key of BIP-86.
//!
//! Two things about FROST on taproot are easy to get wrong, and vectors pin both. The key generation of
//! `frost-secp256k1-tr` ends with a key that is already tweaked (as by a taproot tweak without a script tree), so that
//! nobody can have hidden a script in it. For us that key is the *internal* key's ancestor: a `tr()` descriptor tweaks
//! it again, and so must the shares. And its y may be odd: BIP-32 derives from the point as it is, BIP-341 from the
//! point with even y, so the sign flips between the two steps and not before.
//!
//! The merkle root is always none and the internal key always ours; neither is ever taken from a PSBT.

use alloc::collections::BTreeMap;

use frost_secp256k1_tr::{
    VerifyingKey,
    keys::{PublicKeyPackage, VerifyingShare},
};
use hmac::{Hmac, Mac};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{group::Group, point::AffineCoordinates},
};
use sha2::Sha512;

use crate::{
    Fault, FaultKind,
    codec::{Decode, Encode, Reader, Writer},
    hash,
    id::{EpochId, KeyKind, Party},
    point,
    share::PublicShares,
};

/// Signatures take two shares.
pub(crate) const MIN_SIGNERS: u16 = 2;

/// A public key with its chain code: what a BIP-32 extended public key says, its place in a tree aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedKey {
    /// SEC 1 compressed, y as it is.
    pub key: [u8; 33],
    /// The chain code.
    pub chain_code: [u8; 32],
}

impl Encode for ExtendedKey {
    fn encode(&self, writer: Writer) -> Writer {
        writer.fixed(&self.key).fixed(&self.chain_code)
    }
}

impl Decode for ExtendedKey {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            key: reader.array()?,
            chain_code: reader.array()?,
        })
    }
}

impl ExtendedKey {
    /// The unhardened child at `index` (BIP-32, `CKDpub`).
    pub fn child(&self, index: u32) -> Result<Self, Fault> {
        let parent = point::decode(&self.key)?;
        let (tweak, chain_code) = self.child_tweak(index)?;
        Ok(Self {
            key: point::encode(&(parent + ProjectivePoint::GENERATOR * tweak))?,
            chain_code,
        })
    }

    /// What is added to this key to reach the child at `index`, and the child's chain code.
    pub(crate) fn child_tweak(&self, index: u32) -> Result<(Scalar, [u8; 32]), Fault> {
        if index >> 31 != 0 {
            return Err(FaultKind::Path.into());
        }
        let mut mac = Hmac::<Sha512>::new_from_slice(&self.chain_code).map_err(|_| FaultKind::Internal)?;
        mac.update(&self.key);
        mac.update(&index.to_be_bytes());
        let output: [u8; 64] = mac.finalize().into_bytes().into();
        let mut left = [0; 32];
        let mut right = [0; 32];
        left.copy_from_slice(&output[..32]);
        right.copy_from_slice(&output[32..]);
        // BIP-32 skips an index whose left half is no scalar; nobody will ever meet one.
        Ok((point::scalar(&left).map_err(|_| FaultKind::Path)?, right))
    }
}

/// The way from the shares of a group key to the shares of one address's output key. Public, made once and kept.
#[derive(Clone, Debug)]
pub struct ChildTweak {
    epoch: EpochId,
    path: [u32; 2],
    internal: [u8; 32],
    output: [u8; 32],
    /// Whether a share is negated before `addend` is added.
    negate: bool,
    addend: Scalar,
    package: PublicKeyPackage,
}

impl ChildTweak {
    /// For the child at `path` (keychain, index) of `group`, as in `tr(xpub/<0;1>/*)`.
    pub(crate) fn new(public: &PublicShares, path: [u32; 2]) -> Result<Self, Fault> {
        // A BIP-340 signature under an ECDSA key would be one key used for two things.
        public.kind().only(KeyKind::Taproot)?;
        let group = public.extended_key();
        let parent = point::decode(&group.key)?;
        let (first, chain_code) = group.child_tweak(path[0])?;
        let keychain = parent + ProjectivePoint::GENERATOR * first;
        let keychain = ExtendedKey {
            key: point::encode(&keychain).map_err(|_| FaultKind::Path)?,
            chain_code,
        };
        let (second, _) = keychain.child_tweak(path[1])?;
        let bip32 = first + second;
        let internal_point = parent + ProjectivePoint::GENERATOR * bip32;
        // BIP-341: the internal key is taken with even y, and the tweak commits to its x alone.
        let affine = internal_point.to_affine();
        let internal: [u8; 32] = affine.x().into();
        let odd = bool::from(affine.y_is_odd());
        let taproot = taproot_tweak(&internal)?;
        let output_point = even(internal_point, odd) + ProjectivePoint::GENERATOR * taproot;
        // The signer needs the output key with even y as well (BIP-340).
        let output_affine = output_point.to_affine();
        let output_odd = bool::from(output_affine.y_is_odd());
        if bool::from(output_point.is_identity() | internal_point.is_identity()) {
            return Err(FaultKind::Path.into());
        }

        // share -> ±(±(share + bip32) + taproot)
        let negate = odd != output_odd;
        let addend = sign(sign(bip32, odd) + taproot, output_odd);
        // addend · G, without another multiplication.
        let shift = even(output_point, output_odd) - even(parent, negate);
        let mut shares = [ProjectivePoint::IDENTITY; 3];
        for party in Party::ALL {
            shares[party.index()] = even(point::decode(public.verifying_share(party))?, negate) + shift;
        }
        let verifying_shares = Party::ALL
            .into_iter()
            .map(|party| Ok((party.identifier(), verifying_share(&shares[party.index()])?)))
            .collect::<Result<BTreeMap<_, _>, Fault>>()?;
        let verifying_key = verifying_key(&even(output_point, output_odd))?;
        Ok(Self {
            epoch: public.epoch(),
            path,
            internal,
            output: output_affine.x().into(),
            negate,
            addend,
            package: PublicKeyPackage::new(verifying_shares, verifying_key, Some(MIN_SIGNERS)),
        })
    }

    /// Keychain and index.
    #[must_use]
    pub const fn path(&self) -> [u32; 2] {
        self.path
    }

    /// The x-only internal key: the BIP-32 child.
    #[must_use]
    pub const fn internal_key(&self) -> &[u8; 32] {
        &self.internal
    }

    /// The x-only output key: what the address pays to and the signature verifies against.
    #[must_use]
    pub const fn output_key(&self) -> &[u8; 32] {
        &self.output
    }

    /// Whether this tweak was made for `path` of exactly this key and epoch: a cache that mixes wallets up is found out.
    pub(crate) fn belongs_to(&self, public: &PublicShares, path: [u32; 2]) -> bool {
        self.path == path && self.epoch == public.epoch()
    }

    /// Verifying shares and key after all tweaks, y even.
    pub(crate) const fn package(&self) -> &PublicKeyPackage {
        &self.package
    }

    /// The share after all tweaks.
    pub(crate) fn apply(&self, share: &Scalar) -> Scalar {
        sign(*share, self.negate) + self.addend
    }
}

/// BIP-341's tweak of an internal key without a script tree.
fn taproot_tweak(internal: &[u8; 32]) -> Result<Scalar, Fault> {
    point::scalar(&hash::bip340_tagged("TapTweak", internal)).map_err(|_| FaultKind::Path.into())
}

/// The output key of BIP-341 for an x-only internal key without a script tree.
pub fn output_key(internal: &[u8; 32]) -> Result<[u8; 32], Fault> {
    let mut compressed = [2; 33];
    compressed[1..].copy_from_slice(internal);
    let output = point::decode(&compressed)? + ProjectivePoint::GENERATOR * taproot_tweak(internal)?;
    let encoded = point::encode(&output).map_err(|_| FaultKind::Path)?;
    let mut x = [0; 32];
    x.copy_from_slice(&encoded[1..]);
    Ok(x)
}

fn even(point: ProjectivePoint, odd: bool) -> ProjectivePoint {
    if odd { -point } else { point }
}

fn sign(scalar: Scalar, negative: bool) -> Scalar {
    if negative { -scalar } else { scalar }
}

/// frost takes points only in bytes without its `internals` feature.
pub(crate) fn verifying_share(point: &ProjectivePoint) -> Result<VerifyingShare, Fault> {
    VerifyingShare::deserialize(&point::encode(point)?).map_err(|_| FaultKind::Point.into())
}

pub(crate) fn verifying_key(point: &ProjectivePoint) -> Result<VerifyingKey, Fault> {
    VerifyingKey::deserialize(&point::encode(point)?).map_err(|_| FaultKind::Point.into())
}
