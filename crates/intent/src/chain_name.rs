//! Which chain a wallet lives on, by the name that the API uses.

use core::fmt;
use core::str::FromStr;

use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{Network, ScriptBuf};

/// Seconds between blocks, where nothing else is said.
const TEN_MINUTES: u32 = 600;
/// Seconds between two adjustments of the difficulty.
const TWO_WEEKS: u32 = 14 * 24 * 60 * 60;
/// The least and most seconds between blocks that a signet may have.
const BLOCK_SECONDS: core::ops::RangeInclusive<u32> = 1..=TEN_MINUTES;

/// A chain: one of the known networks, or a signet (BIP-325) of somebody's own.
///
/// As text: `bitcoin`, `testnet4`, `signet`, `regtest`, or `signet/MAGIC/SECONDS`, where MAGIC are the four bytes that
/// follow from the signet's challenge, in hex, and SECONDS lie between its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainName {
    network: Network,
    signet: Option<OwnSignet>,
}

/// A signet other than the one that everybody shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct OwnSignet {
    magic: [u8; 4],
    block_seconds: u32,
}

/// A text or challenge that names no chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainNameError {
    /// Not a known name.
    #[error("{0:?} is no network that this version knows")]
    Unknown(String),
    /// Not a script's length.
    #[error("a signet's challenge has 1 to 10,000 bytes")]
    Challenge,
    /// Blocks too seldom or too often.
    #[error("a signet's blocks come every 1 to 600 seconds")]
    BlockSeconds,
}

impl ChainName {
    /// The challenge of the signet that everybody shares.
    pub const SIGNET_CHALLENGE: &'static str = "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430210359ef5021964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae";
    /// The challenge of `MutinyNet`.
    pub const MUTINYNET_CHALLENGE: &'static str =
        "512102f7561d208dd9ae99bf497273e16f389bdbd6c4742ddb8e6b216e64fa2928ad8f51ae";
    /// Seconds between `MutinyNet`'s blocks.
    pub const MUTINYNET_BLOCK_SECONDS: u32 = 30;

    /// The signet with this challenge, whose blocks come every so many seconds (600 where nothing else was agreed on).
    pub fn signet(challenge: &ScriptBuf, block_seconds: u32) -> Result<Self, ChainNameError> {
        if challenge.is_empty() || challenge.len() > 10_000 {
            return Err(ChainNameError::Challenge);
        }
        if !BLOCK_SECONDS.contains(&block_seconds) {
            return Err(ChainNameError::BlockSeconds);
        }
        // BIP-325: the start of the double hash of the challenge with its length.
        let hash = sha256d::Hash::hash(&serialize(challenge)).to_byte_array();
        let (magic, _) = hash.split_first_chunk().unwrap_or((&[0; 4], &[]));
        let own = OwnSignet {
            magic: *magic,
            block_seconds,
        };
        let shared = challenge.to_hex_string() == Self::SIGNET_CHALLENGE && block_seconds == TEN_MINUTES;
        Ok(Self {
            network: Network::Signet,
            signet: (!shared).then_some(own),
        })
    }

    /// The network whose addresses it uses.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// Seconds between blocks, as its rules mean it.
    #[must_use]
    pub fn block_seconds(&self) -> u32 {
        self.signet.map_or(TEN_MINUTES, |signet| signet.block_seconds)
    }

    /// Blocks between two adjustments of the difficulty.
    #[must_use]
    pub fn period(&self) -> u32 {
        TWO_WEEKS / self.block_seconds()
    }
}

impl From<Network> for ChainName {
    fn from(network: Network) -> Self {
        Self { network, signet: None }
    }
}

impl fmt::Display for ChainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.network, self.signet) {
            (Network::Bitcoin, _) => f.write_str("bitcoin"),
            (Network::Testnet, _) => f.write_str("testnet"),
            (Network::Testnet4, _) => f.write_str("testnet4"),
            (Network::Regtest, _) => f.write_str("regtest"),
            (Network::Signet, None) => f.write_str("signet"),
            (Network::Signet, Some(own)) => {
                let magic = u32::from_be_bytes(own.magic);
                write!(f, "signet/{magic:08x}/{}", own.block_seconds)
            }
        }
    }
}

impl FromStr for ChainName {
    type Err = ChainNameError;

    fn from_str(text: &str) -> Result<Self, ChainNameError> {
        let unknown = || ChainNameError::Unknown(text.chars().take(64).collect());
        match text {
            "bitcoin" => return Ok(Network::Bitcoin.into()),
            "testnet4" => return Ok(Network::Testnet4.into()),
            "signet" => return Ok(Network::Signet.into()),
            "regtest" => return Ok(Network::Regtest.into()),
            _ => {}
        }
        let (magic, seconds) = text
            .strip_prefix("signet/")
            .and_then(|own| own.split_once('/'))
            .ok_or_else(unknown)?;
        let number = u32::from_str_radix(magic, 16).map_err(|_| unknown())?;
        let block_seconds = seconds.parse().map_err(|_| unknown())?;
        if !BLOCK_SECONDS.contains(&block_seconds) {
            return Err(ChainNameError::BlockSeconds);
        }
        let name = Self {
            network: Network::Signet,
            signet: Some(OwnSignet {
                magic: number.to_be_bytes(),
                block_seconds,
            }),
        };
        // One spelling only: names are compared as text, too.
        if name.to_string() == text {
            Ok(name)
        } else {
            Err(unknown())
        }
    }
}

#[cfg(test)]
mod tests;
