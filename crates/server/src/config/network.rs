//! Which chain the operator means, and what the node has to show for it.

use bitcoin::ScriptBuf;
use serde::{Deserialize, Serialize};
use twofold_cosigner::{ChainName, ChainNameError};

use super::Bitcoin;
use crate::fault::Fault;

/// Seconds between blocks where nothing else is said.
const TEN_MINUTES: u32 = 600;

/// Which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Money. It takes `risk_real_money` as well.
    Bitcoin,
    /// The fourth test network.
    Testnet4,
    /// The signed test network; with `signet_challenge`, one of one's own.
    Signet,
    /// `MutinyNet`: a signet with a block every 30 seconds.
    Mutinynet,
    /// A chain of one's own.
    Regtest,
}

impl Network {
    /// The network as the Bitcoin library names it.
    #[must_use]
    pub fn known(self) -> bitcoin::Network {
        match self {
            Self::Bitcoin => bitcoin::Network::Bitcoin,
            Self::Testnet4 => bitcoin::Network::Testnet4,
            Self::Signet | Self::Mutinynet => bitcoin::Network::Signet,
            Self::Regtest => bitcoin::Network::Regtest,
        }
    }

    /// The port of a node's RPC where its configuration says nothing else.
    #[must_use]
    pub fn rpc_port(self) -> u16 {
        match self {
            Self::Bitcoin => 8332,
            Self::Testnet4 => 48332,
            Self::Signet | Self::Mutinynet => 38332,
            Self::Regtest => 18443,
        }
    }
}

impl Bitcoin {
    /// The chain that this describes.
    pub fn chain(&self) -> Result<ChainName, Fault> {
        if self.network == Network::Bitcoin && !self.risk_real_money {
            return Err(Fault::Config(
                "nobody outside has reviewed Twofold, and on the main network coins may be lost; to run there \
                 nevertheless, set bitcoin.risk_real_money = true (init takes --risk-real-money)"
                    .into(),
            ));
        }
        let custom = self.signet_challenge.is_some() || self.signet_block_seconds.is_some();
        if custom && self.network != Network::Signet {
            return Err(Fault::Config(
                "bitcoin.signet_challenge and bitcoin.signet_block_seconds go with network = \"signet\" alone".into(),
            ));
        }
        let Some(challenge) = self.challenge()? else {
            return Ok(self.network.known().into());
        };
        let seconds = match self.network {
            Network::Mutinynet => ChainName::MUTINYNET_BLOCK_SECONDS,
            _ => self.signet_block_seconds.unwrap_or(TEN_MINUTES),
        };
        ChainName::signet(&challenge, seconds).map_err(|fault| {
            let key = match fault {
                ChainNameError::BlockSeconds => "bitcoin.signet_block_seconds",
                _ => "bitcoin.signet_challenge",
            };
            Fault::Config(format!("{key}: {fault}"))
        })
    }

    /// The challenge of the signet that the node must be on; none on other networks.
    pub(crate) fn challenge(&self) -> Result<Option<ScriptBuf>, Fault> {
        let hex = match (self.network, &self.signet_challenge) {
            (Network::Signet, Some(own)) => own.as_str(),
            (Network::Signet, None) => ChainName::SIGNET_CHALLENGE,
            (Network::Mutinynet, _) => ChainName::MUTINYNET_CHALLENGE,
            _ => return Ok(None),
        };
        let script = ScriptBuf::from_hex(hex)
            .map_err(|_| Fault::Config("bitcoin.signet_challenge must be a script in hex, such as 51".into()))?;
        Ok(Some(script))
    }
}
