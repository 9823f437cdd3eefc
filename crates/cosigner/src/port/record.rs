//! What is stored, as plain rows. Bytes called `sealed` are under the KEK, and shares under the unlock key as well.

use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

/// A user: whoever some issuer vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub [u8; 16]);

/// An issuer and its word for the user; the pair is unique. For an invitation the issuer is `invitation` and the
/// subject the hex of the code's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Our name for the user.
    pub id: UserId,
    /// Who vouches.
    pub issuer: String,
    /// For whom.
    pub subject: String,
}

/// The operator's one-time code, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of the code.
    pub code_hash: [u8; 32],
    /// Seconds since 1970.
    pub expires: u64,
    /// The device that used it, once used.
    pub used_by: Option<DeviceId>,
    /// The wallet that it was minted for: whoever uses it becomes a device of that wallet's user. None for a new user.
    pub wallet: Option<WalletId>,
}

/// An enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Hash of the identity key.
    pub id: DeviceId,
    /// `threshold::identity::IdentityKey`, encoded.
    pub identity: Vec<u8>,
    /// Whose it is.
    pub user: UserId,
    /// What the person calls it.
    pub name: String,
    /// Seconds since 1970.
    pub enrolled: u64,
}

/// A wallet's row. `version` grows by one with every batch that names the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// The wallet.
    pub id: WalletId,
    /// Whose it is.
    pub user: UserId,
    /// Its name.
    pub name: String,
    /// Compared and raised by every batch.
    pub version: u64,
    /// Height when it was made.
    pub birthday: u32,
    /// The authenticated state record (`cosigner::state`), encoded with its MAC.
    pub state: Vec<u8>,
    /// `PublicShares` bytes of the current epoch; none before the ceremony ends.
    pub public: Option<Vec<u8>>,
}

/// A wallet's chains: they grow for ever, seldom change, and no signature needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chains {
    /// The wallet.
    pub wallet: WalletId,
    /// Device list, entry by entry.
    pub device_list: Vec<Vec<u8>>,
    /// Recovery package, link by link: the first package (`threshold::package`), then the signed transcript of its
    /// epoch (`threshold::transcript`), and so on for each epoch. The bytes tell which is which.
    pub package: Vec<Vec<u8>>,
}

/// A share at rest. Epochs e and e+1 may be there together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The wallet.
    pub wallet: WalletId,
    /// Of which key.
    pub kind: KeyKind,
    /// Epoch number.
    pub epoch: u32,
    /// Inside under the unlock key, outside under the KEK.
    pub sealed: Vec<u8>,
}

/// A ceremony that waits for its next round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceremony {
    /// The ceremony.
    pub id: CeremonyId,
    /// For which wallet; one ceremony per wallet.
    pub wallet: WalletId,
    /// Whose it is.
    pub user: UserId,
    /// Seconds since 1970.
    pub expires: u64,
    /// State, under both seals.
    pub sealed: Vec<u8>,
    /// What is needed beside the state and is public (name, birthday), encoded by the cosigner.
    pub public: Vec<u8>,
}

/// A request that ran, so that its retry gets the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The device that signed it.
    pub device: DeviceId,
    /// Its nonce.
    pub nonce: [u8; 16],
    /// SHA-256 of the signature base, which covers method, target, headers and body digest.
    pub digest: [u8; 32],
    /// The reply, under the KEK.
    pub sealed_reply: Vec<u8>,
    /// Seconds since 1970; never removed earlier, by the highest time ever seen.
    pub expires: u64,
}

/// One entry of a wallet's audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The wallet.
    pub wallet: WalletId,
    /// Counts from 1.
    pub seq: u64,
    /// What happened, encoded.
    pub entry: Vec<u8>,
    /// Hash over the previous hash and this entry.
    pub chain: [u8; 32],
}

/// A group of transactions that share one chosen outpoint: at most one of them confirms, so the group is charged its
/// maximum (protocol.md, "State that policy stands on").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeGroup {
    /// The wallet.
    pub wallet: WalletId,
    /// What the amount counts: `btc`.
    pub asset: String,
    /// The chosen outpoint: txid in internal byte order and index, 36 bytes.
    pub outpoint: [u8; 36],
    /// The maximum charged, in the asset's smallest unit.
    pub amount: u64,
    /// HMAC under a key derived from the KEK.
    pub mac: [u8; 32],
}

/// A transaction that signatures were given out for, until the chain has it or a conflict of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The wallet.
    pub wallet: WalletId,
    /// In internal byte order.
    pub txid: [u8; 32],
    /// The outpoints of ours it spends, 36 bytes each.
    pub outpoints: Vec<[u8; 36]>,
    /// Seconds since 1970.
    pub at: u64,
}

/// A script that pays a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The wallet.
    pub wallet: WalletId,
    /// 0 receives, 1 takes change.
    pub keychain: u8,
    /// Child index.
    pub index: u32,
    /// The 32-byte output key of the P2TR script.
    pub output_key: [u8; 32],
}

/// A transaction that pays or spends from a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletTransaction {
    /// The wallet.
    pub wallet: WalletId,
    /// In internal byte order.
    pub txid: [u8; 32],
    /// Consensus-encoded.
    pub transaction: Vec<u8>,
    /// Where it was mined.
    pub block: Option<Mined>,
    /// Seconds since 1970, when first seen.
    pub seen: u64,
    /// It left the mempool, or another transaction took its inputs.
    pub gone: bool,
    /// Change counter, per wallet; the store sets it when the row is written.
    pub cursor: u64,
}

/// A transaction's place in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mined {
    /// Height.
    pub height: u32,
    /// Block hash, internal byte order.
    pub hash: [u8; 32],
    /// Place in the block.
    pub position: u32,
    /// Merkle branch, 32 bytes each, deepest sibling first.
    pub branch: Vec<[u8; 32]>,
}

/// An output that pays a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// The wallet.
    pub wallet: WalletId,
    /// 36 bytes.
    pub outpoint: [u8; 36],
    /// In satoshi.
    pub value: u64,
    /// 0 receives, 1 takes change.
    pub keychain: u8,
    /// Child index.
    pub index: u32,
}

/// A block that the follower has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Height.
    pub height: u32,
    /// Hash, internal byte order.
    pub hash: [u8; 32],
    /// 80 bytes.
    pub header: Vec<u8>,
}

/// Old blocks that have to be read for one wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescan {
    /// The wallet.
    pub wallet: WalletId,
    /// The next block to read.
    pub next: u32,
    /// The last block to read: the tip when the rescan was asked for. Past it, nothing is left to do.
    pub last: u32,
    /// Blocks below this height could not be read, because the node has pruned them.
    pub missing_below: Option<u32>,
}
