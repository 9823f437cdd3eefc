//! The wallet's public half: an extended public key, and the scripts under it.

use core::fmt;

use bitcoin::bip32::{ChainCode, ChildNumber, DerivationPath, Fingerprint, KeySource, Xpub};
use bitcoin::secp256k1::PublicKey;
use bitcoin::{Address, Network, NetworkKind, ScriptBuf, XOnlyPublicKey};

use crate::curve::secp;
use crate::descriptor;

/// One of the two chains of addresses under an account (BIP-44's `change` level).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keychain {
    /// Addresses handed out to be paid at: `/0/*`.
    External,
    /// Addresses that take back change: `/1/*`.
    Internal,
}

impl Keychain {
    /// Both, in path order.
    pub const ALL: [Self; 2] = [Self::External, Self::Internal];

    /// The path component: 0 or 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::External => 0,
            Self::Internal => 1,
        }
    }
}

impl TryFrom<u32> for Keychain {
    type Error = AccountError;

    fn try_from(number: u32) -> Result<Self, AccountError> {
        match number {
            0 => Ok(Self::External),
            1 => Ok(Self::Internal),
            _ => Err(AccountError::Keychain(number)),
        }
    }
}

impl fmt::Display for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::External => "external",
            Self::Internal => "internal",
        })
    }
}

/// Why an account or one of its children cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The extended key is itself somebody's child, so its fingerprint would not name it.
    #[error("the extended key is at depth {0}; an account starts at a master key, depth 0")]
    NotMaster(u8),
    /// The extended key was made for mainnet and the account is not, or the reverse.
    #[error("the extended key belongs to another network than {0}; use the key printed for that network")]
    Network(Network),
    /// The group key is not a point of the curve.
    #[error("the group key is not a valid compressed public key")]
    Key,
    /// Only keychains 0 and 1 exist.
    #[error("keychain {0} does not exist; only 0 (external) and 1 (internal) do")]
    Keychain(u32),
    /// Hardened children cannot be derived from a public key.
    #[error("child index {0} is hardened; indexes end at 2147483647")]
    Hardened(u32),
    /// BIP-32 leaves this index without a key (one in 2^127): take the next.
    #[error("index {0} of the {1} keychain has no key; take the next index")]
    NoChild(u32, Keychain),
}

/// What a child of an account is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildKeys {
    /// The taproot internal key (BIP-341).
    pub internal: XOnlyPublicKey,
    /// The output script.
    pub script: ScriptBuf,
}

/// The descriptor `tr([fp]xpub/<0;1>/*)` on one network: all that is needed to know which scripts are the wallet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    network: Network,
    xpub: Xpub,
    fingerprint: Fingerprint,
    /// `xpub/0` and `xpub/1`, derived once.
    branches: [Xpub; 2],
}

impl Account {
    /// Takes a master extended public key.
    pub fn new(network: Network, xpub: Xpub) -> Result<Self, AccountError> {
        if xpub.depth != 0 {
            return Err(AccountError::NotMaster(xpub.depth));
        }
        if xpub.network != NetworkKind::from(network) {
            return Err(AccountError::Network(network));
        }
        let branch = |keychain: Keychain| {
            xpub.ckd_pub(
                secp(),
                ChildNumber::Normal {
                    index: keychain.number(),
                },
            )
            .map_err(|_| AccountError::NoChild(keychain.number(), keychain))
        };
        Ok(Self {
            network,
            xpub,
            fingerprint: xpub.fingerprint(),
            branches: [branch(Keychain::External)?, branch(Keychain::Internal)?],
        })
    }

    /// Takes the compressed group key and the chain code of a ceremony.
    pub fn from_group_key(network: Network, group_key: &[u8; 33], chain_code: [u8; 32]) -> Result<Self, AccountError> {
        let public_key = PublicKey::from_slice(group_key).map_err(|_| AccountError::Key)?;
        Self::new(
            network,
            Xpub {
                network: network.into(),
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: ChildNumber::Normal { index: 0 },
                public_key,
                chain_code: ChainCode::from(chain_code),
            },
        )
    }

    /// The network whose addresses this account prints.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// The master extended public key.
    #[must_use]
    pub const fn xpub(&self) -> &Xpub {
        &self.xpub
    }

    /// The fingerprint of the master extended public key itself.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The child's compressed public key, before the taproot tweak.
    pub fn child_key(&self, keychain: Keychain, index: u32) -> Result<PublicKey, AccountError> {
        let child = ChildNumber::from_normal_idx(index).map_err(|_| AccountError::Hardened(index))?;
        let branch = match keychain {
            Keychain::External => &self.branches[0],
            Keychain::Internal => &self.branches[1],
        };
        let derived = branch
            .ckd_pub(secp(), child)
            .map_err(|_| AccountError::NoChild(index, keychain))?;
        Ok(derived.public_key)
    }

    /// The taproot internal key of a child (BIP-341).
    pub fn internal_key(&self, keychain: Keychain, index: u32) -> Result<XOnlyPublicKey, AccountError> {
        self.child_key(keychain, index).map(|key| key.x_only_public_key().0)
    }

    /// Internal key and output script of a child, from one derivation.
    pub fn child_keys(&self, keychain: Keychain, index: u32) -> Result<ChildKeys, AccountError> {
        let internal = self.internal_key(keychain, index)?;
        let script = ScriptBuf::new_p2tr(secp(), internal, None);
        Ok(ChildKeys { internal, script })
    }

    /// The output script of a child: key path only, no script tree (BIP-86).
    pub fn script(&self, keychain: Keychain, index: u32) -> Result<ScriptBuf, AccountError> {
        self.internal_key(keychain, index)
            .map(|key| ScriptBuf::new_p2tr(secp(), key, None))
    }

    /// The address of a child.
    pub fn address(&self, keychain: Keychain, index: u32) -> Result<Address, AccountError> {
        self.internal_key(keychain, index)
            .map(|key| Address::p2tr(secp(), key, None, self.network))
    }

    /// Fingerprint and path of a child, as a PSBT names them (BIP-174, BIP-371).
    pub fn origin(&self, keychain: Keychain, index: u32) -> Result<KeySource, AccountError> {
        let child = ChildNumber::from_normal_idx(index).map_err(|_| AccountError::Hardened(index))?;
        let path = vec![
            ChildNumber::Normal {
                index: keychain.number(),
            },
            child,
        ];
        Ok((self.fingerprint, DerivationPath::from(path)))
    }

    /// The descriptor of one keychain, `tr([fp]xpub/0/*)#checksum` (BIP-380, BIP-386).
    #[must_use]
    pub fn descriptor(&self, keychain: Keychain) -> String {
        self.descriptor_under(&keychain.number().to_string())
    }

    /// The descriptor of the whole account, `tr([fp]xpub/<0;1>/*)#checksum` (BIP-389).
    #[must_use]
    pub fn descriptor_multipath(&self) -> String {
        self.descriptor_under("<0;1>")
    }

    fn descriptor_under(&self, step: &str) -> String {
        descriptor::with_checksum(format!("tr([{}]{}/{step}/*)", self.fingerprint, self.xpub))
    }
}

#[cfg(test)]
mod tests;
