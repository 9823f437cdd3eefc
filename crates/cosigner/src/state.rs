//! What policy stands on, in one authenticated record per wallet.
//!
//! The record carries a MAC under a key derived from the KEK, bound to the wallet, its owner, its public shares and the
//! version of its row. A database administrator can therefore change nothing in it, move it to another wallet, nor put
//! an older one beside a newer row; putting the whole row back is what checkpoints notice. It is written anew with each
//! signature, in the same batch. A record of an older layout is read as what it says, and written anew in this one.

mod first;

use serde::{Deserialize, Serialize};
use twofold_api::audit::ChainHead;
use twofold_threshold::id::{EpochId, WalletId};

use crate::{contacts::Contacts, fence::Fence, keys::MacKey, port::record::UserId, shape::Shape};

const LABEL: &str = "twofold/state/2";
const MAC: usize = 32;
/// How long a window of spending is, in seconds.
const WINDOW_SECONDS: u64 = 86_400;

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Whether the wallet is in use yet.
    pub(crate) standing: Standing,
    /// Why signing stops, where it does.
    pub(crate) fence: Option<Fence>,
    /// Grows when a fence is lifted.
    pub(crate) generation: u32,
    #[serde(with = "epoch")]
    epoch: EpochId,
    /// H(unlock key) of the epoch.
    pub(crate) unlock_digest: [u8; 32],
    /// Hash of the policy in force.
    pub(crate) policy: [u8; 32],
    /// Hash of the device list's last entry.
    pub(crate) device_list: [u8; 32],
    seq: u64,
    chain: [u8; 32],
    /// What was spent lately, by asset.
    pub(crate) windows: Vec<Window>,
    /// Which devices it has, a freeze, what waits.
    pub(crate) shape: Shape,
    /// When its devices were last heard of.
    pub(crate) contacts: Contacts,
    /// Of the share that signed last, as it is sealed inside: its digest.
    pub(crate) proved: Option<[u8; 32]>,
}

/// Whether a wallet is in use yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// The test signature was not shown yet.
    Pending,
    /// In use.
    Active,
}

/// What was spent of one asset in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// What the sum counts: `btc`.
    pub(crate) asset: String,
    /// When the window began, in seconds since 1970.
    pub(crate) start: u64,
    /// The sum, in the asset's smallest unit.
    pub(crate) sum: u64,
}

/// What a record belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    /// The wallet.
    pub(crate) wallet: WalletId,
    /// Whose it is.
    pub(crate) user: UserId,
    /// The version of the row that the record stands in.
    pub(crate) version: u64,
    /// The wallet's public shares, encoded.
    pub(crate) public: &'a [u8],
}

/// The record was changed, or is another row's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the state record does not authenticate")]
pub(crate) struct Tampered;

impl State {
    /// The record of a wallet that was just made.
    pub(crate) fn new(
        epoch: EpochId,
        unlock_digest: [u8; 32],
        policy: [u8; 32],
        device_list: [u8; 32],
        shape: Shape,
    ) -> Self {
        Self {
            standing: Standing::Pending,
            fence: None,
            generation: 0,
            epoch,
            unlock_digest,
            policy,
            device_list,
            seq: ChainHead::START.seq,
            chain: ChainHead::START.chain,
            windows: Vec::new(),
            shape,
            contacts: Contacts::default(),
            proved: None,
        }
    }

    /// The current epoch.
    #[must_use]
    pub(crate) const fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// Moves on to another epoch.
    #[cfg(test)]
    pub(crate) const fn set_epoch(&mut self, epoch: EpochId) {
        self.epoch = epoch;
    }

    /// Goes on to the next epoch.
    pub(crate) fn renew(&mut self, epoch: EpochId, unlock_digest: [u8; 32]) {
        self.epoch = epoch;
        self.unlock_digest = unlock_digest;
        // Another share, which has signed nothing yet.
        self.proved = None;
    }

    /// Head of the audit chain.
    #[must_use]
    pub(crate) const fn head(&self) -> ChainHead {
        ChainHead {
            seq: self.seq,
            chain: self.chain,
        }
    }

    pub(crate) fn advance(&mut self, head: ChainHead) {
        self.seq = head.seq;
        self.chain = head.chain;
    }

    /// Adds to an asset's window, opening the next one when it is over.
    pub(crate) fn spend(&mut self, asset: &str, amount: u64, now: u64) {
        let start = now - now % WINDOW_SECONDS;
        if let Some(window) = self.windows.iter_mut().find(|window| window.asset == asset) {
            // An earlier start after a later one (a restart lost a minute): what was spent still counts.
            if window.start < start {
                // What a new server signs before it is sure of the day counts for the first day that it knows.
                if window.start > 0 {
                    window.sum = 0;
                }
                window.start = start;
            }
            window.sum = window.sum.saturating_add(amount);
        } else {
            self.windows.push(Window {
                asset: asset.to_owned(),
                start,
                sum: amount,
            });
        }
    }

    /// Counts the window that is open as spent to the last unit, for every asset: where the server may have forgotten
    /// what it signed, nothing is left of it.
    pub(crate) fn exhaust(&mut self, asset: &str, now: u64) {
        self.spend(asset, u64::MAX, now);
        for window in &mut self.windows {
            window.sum = u64::MAX;
        }
    }

    /// The record with its MAC.
    pub(crate) fn to_bytes(&self, key: &MacKey, binding: &Binding<'_>) -> Result<Vec<u8>, postcard::Error> {
        let mut bytes = postcard::to_allocvec(self)?;
        let mac = binding.mac(key, &bytes);
        bytes.extend_from_slice(&mac);
        Ok(bytes)
    }

    /// Reads a record, if it is the one that was written for this row.
    pub(crate) fn from_bytes(key: &MacKey, binding: &Binding<'_>, bytes: &[u8]) -> Result<Self, Tampered> {
        let (record, mac) = bytes.split_last_chunk::<MAC>().ok_or(Tampered)?;
        if binding.verify(key, LABEL, record, mac) {
            postcard::from_bytes(record).map_err(|_| Tampered)
        } else if binding.verify(key, first::LABEL, record, mac) {
            first::read(record)
        } else {
            Err(Tampered)
        }
    }
}

impl Binding<'_> {
    fn with_parts<R>(&self, record: &[u8], run: impl FnOnce(&[&[u8]]) -> R) -> R {
        run(&[
            &self.wallet.0,
            &self.user.0,
            &self.version.to_be_bytes(),
            self.public,
            record,
        ])
    }

    fn mac(&self, key: &MacKey, record: &[u8]) -> [u8; MAC] {
        self.with_parts(record, |parts| key.mac(LABEL, parts))
    }

    fn verify(&self, key: &MacKey, label: &str, record: &[u8], mac: &[u8]) -> bool {
        self.with_parts(record, |parts| key.verify(label, parts, mac))
    }
}

/// An epoch's name, as a pair.
mod epoch {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use twofold_threshold::id::EpochId;

    pub(super) fn serialize<S: Serializer>(epoch: &EpochId, serializer: S) -> Result<S::Ok, S::Error> {
        (epoch.number, epoch.transcript).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EpochId, D::Error> {
        Deserialize::deserialize(deserializer).map(|(number, transcript)| EpochId { number, transcript })
    }
}

#[cfg(test)]
mod tests;
