//! What each reply says. Replies that are recorded for byte-identical retries can be stored: they hold no secret.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// What every reply to an enrolled device carries beside its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The wallet's newest checkpoint, as `threshold::checkpoint::Checkpoint` bytes; none where no wallet is named.
    pub checkpoint: Option<Vec<u8>>,
    /// The server's current seal key, as [`crate::seal_key::Offer`] bytes.
    pub seal_key: Vec<u8>,
    /// The server's clock, in seconds since 1970.
    pub time: u64,
    /// How many changes wait for their time in the wallet that is named.
    pub waiting: u32,
}

/// Answer to [`crate::request::Join`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// Beside the answer.
    pub head: Head,
    /// The user this device now belongs to.
    pub user: [u8; 16],
    /// The chain the server serves: `bitcoin`, `testnet4`, `signet`, `regtest`, or `signet/MAGIC/SECONDS` for a signet of
    /// somebody's own.
    pub network: String,
}

/// Answer to [`crate::request::Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Beside the answer.
    pub head: Head,
    /// The server's identity key, encoded.
    pub identity: Vec<u8>,
    /// The chain the server serves, by the same names.
    pub network: String,
    /// Version of the server.
    pub version: String,
}

/// Answer to [`crate::request::BeginCreate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBegun {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::create::ServerRound` bytes.
    pub server_round: Vec<u8>,
    /// Height of the chain now: no coin of this wallet can be older.
    pub birthday: u32,
}

/// Answer to [`crate::request::FinishCreate`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateFinished {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::create::Completion` bytes.
    pub completion: Vec<u8>,
}

/// Answer to [`crate::request::TestSign`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSigned {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::create::Completion` bytes, fresh.
    pub completion: Vec<u8>,
}

/// Answer to requests that change something and say no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Beside the answer.
    pub head: Head,
}

/// A wallet in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletLine {
    /// The wallet.
    pub wallet: [u8; 16],
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub standing: Standing,
    /// The current epoch's number.
    pub epoch: u32,
}

/// Where a wallet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Made; the test signature was not shown yet.
    Pending,
    /// In use.
    Active,
    /// Signing is refused because the server may be behind.
    Fenced,
    /// Signing is refused because a device froze the wallet.
    Frozen,
}

/// Answer to [`crate::request::ListWallets`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallets {
    /// Beside the answer.
    pub head: Head,
    /// The wallets, oldest first.
    pub wallets: Vec<WalletLine>,
    /// Where to go on, if another page may follow.
    pub after: Option<[u8; 16]>,
}

/// Answer to [`crate::request::GetWallet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// Beside the answer.
    pub head: Head,
    /// In one line.
    pub line: WalletLine,
    /// `threshold::share::PublicShares` bytes.
    pub public: Vec<u8>,
    /// The device list, entry by entry, as `threshold::device_list` bytes.
    pub device_list: Vec<Vec<u8>>,
    /// The recovery package, link by link.
    pub package: Vec<Vec<u8>>,
    /// Height when the wallet was made.
    pub birthday: u32,
}

/// Answer to [`crate::request::Sign`] and [`crate::request::SignMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// Beside the answer; its checkpoint is the context that the server's signature names.
    pub head: Head,
    /// `threshold::sign::CosignReply` bytes.
    pub cosign: Vec<u8>,
}

/// Answer to [`crate::request::Broadcast`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// Beside the answer.
    pub head: Head,
    /// Transaction id, in internal byte order.
    pub txid: [u8; 32],
}

/// A transaction of the wallet, as the chain has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainTransaction {
    /// Consensus-encoded.
    pub transaction: Vec<u8>,
    /// Where it was mined; none while it waits.
    pub block: Option<Anchor>,
    /// When the server first saw it, in seconds since 1970.
    pub seen: u64,
    /// It is gone from mempool and chain, or another transaction took its inputs.
    pub gone: bool,
}

/// A transaction's place in a block, provable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Height of the block.
    pub height: u32,
    /// Hash of the block, in internal byte order.
    pub hash: [u8; 32],
    /// Place of the transaction in its block.
    pub position: u32,
    /// Merkle branch from the transaction to the root, deepest sibling first.
    pub branch: Vec<[u8; 32]>,
}

/// Answer to [`crate::request::Sync`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// Beside the answer.
    pub head: Head,
    /// Height of the first header below.
    pub from_height: u32,
    /// Headers from the newest block that both know (that block's own header first where it is the birthday) upwards,
    /// 80 bytes each.
    pub headers: Vec<Vec<u8>>,
    /// Height of the best block.
    pub tip_height: u32,
    /// Transactions that changed after the request's cursor.
    pub transactions: Vec<ChainTransaction>,
    /// Give this as the next cursor.
    pub cursor: u64,
    /// Which of the server's histories the cursor counts in: one that is restored from a backup begins another.
    pub timeline: u64,
    /// There is more: ask again at once.
    pub more: bool,
    /// The server is still reading old blocks for this wallet, up to this height.
    pub scanned_height: u32,
}

/// One of the answers to [`crate::request::Watch`]: where a wallet stands. A hint that proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// The cursor that a sync would bring.
    pub cursor: u64,
    /// The history that it counts in.
    pub timeline: u64,
    /// Height and hash (in internal byte order) of the best block, once there is one.
    pub tip: Option<(u32, [u8; 32])>,
    /// Number of the newest entry of the wallet's log.
    pub seq: u64,
}

/// Answer to [`crate::request::EstimateFees`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fees {
    /// Beside the answer.
    pub head: Head,
    /// (target in blocks, rate in sat per 1000 virtual bytes), nearest target first.
    pub estimates: Vec<(u16, u64)>,
    /// Where the figures come from: `node` or, where the node has none, `fallback`.
    pub source: String,
}

/// One entry of the audit chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Counts from 1.
    pub seq: u64,
    /// The entry, as the chain hashes it.
    pub entry: Vec<u8>,
    /// Hash of this entry and all before it.
    pub chain: [u8; 32],
}

/// Answer to [`crate::request::GetAudit`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Beside the answer.
    pub head: Head,
    /// The entries, in order.
    pub lines: Vec<AuditLine>,
    /// There is more: ask again from the next number.
    pub more: bool,
}

/// Answer to [`crate::request::DeriveAddress`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// Beside the answer.
    pub head: Head,
    /// What the server says.
    pub said: crate::address::Statement,
    /// The server's signature over it and over the request that asked: 64 bytes.
    pub signature: Vec<u8>,
}

/// Answer to [`crate::request::ChangeDevices`] and [`crate::request::SetFreeze`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Beside the answer.
    pub head: Head,
    /// What waits now; none where it is done.
    pub waiting: Option<Waiting>,
}

/// A change that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its number, of this wallet.
    pub change: u64,
    /// In a word, such as `enrol`.
    pub what: String,
    /// The device that asks; none for recovery.
    pub asker: Option<[u8; 32]>,
    /// When it was asked for, in seconds since 1970.
    pub asked: u64,
    /// When its time comes, in seconds since 1970.
    pub due: u64,
    /// Whether it takes the operator's yes, and has it.
    pub operator: Operator,
    /// The signed entry of the device list, where it is one.
    pub entry: Vec<u8>,
}

/// Whether the operator has to say yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    /// No.
    NotNeeded,
    /// Yes, and has not.
    Needed,
    /// Yes, and has.
    Agreed,
}

/// Answer to [`crate::request::GetShape`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Beside the answer.
    pub head: Head,
    /// What each listed device is called.
    pub devices: Vec<([u8; 32], String)>,
    /// The freeze's number and the device that froze the wallet, where it is frozen.
    pub freeze: Option<(u64, [u8; 32])>,
    /// The changes that wait, the oldest first.
    pub waiting: Vec<Waiting>,
    /// What was left for the device that asks; empty where there is nothing.
    pub parcel: Vec<u8>,
    /// A device was revoked in this epoch, or the recovery words were replaced, and no refresh has followed.
    pub refresh_due: bool,
}

/// Answer to [`crate::request::FindAddresses`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Beside the answer.
    pub head: Head,
    /// From the index that was asked for on, as far as the server watches.
    pub addresses: Vec<String>,
    /// The index behind the last address that was ever paid.
    pub next: u32,
}

/// Answer to [`crate::request::InviteDevice`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInvited {
    /// Beside the answer.
    pub head: Head,
    /// The code.
    pub code: [u8; 16],
    /// When it ends, in seconds since 1970.
    pub expires: u64,
}

impl core::fmt::Debug for DeviceInvited {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DeviceInvited")
            .field("head", &self.head)
            .field("code", &"redacted")
            .field("expires", &self.expires)
            .finish()
    }
}

/// Answer to [`crate::request::GetRecovery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Beside the answer.
    pub head: Head,
    /// What is public about the wallet, and its recovery package.
    pub wallet: RecoveryWallet,
    /// What recovery has asked for this device, where it has.
    pub waiting: Option<Waiting>,
}

/// A wallet as recovery needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryWallet {
    /// In one line.
    pub line: WalletLine,
    /// The device list, entry by entry, as `threshold::device_list` bytes.
    pub device_list: Vec<Vec<u8>>,
    /// The recovery package, link by link.
    pub package: Vec<Vec<u8>>,
    /// Height when the wallet was made.
    pub birthday: u32,
    /// The freeze's number, where the wallet is frozen: recovery says by it which freeze it ends.
    pub frozen: Option<u64>,
}

/// Answer to [`crate::request::Recover`] and to [`crate::request::RepairRecovery`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::repair::Answer` bytes.
    pub answer: Vec<u8>,
}

/// Answer to [`crate::request::BeginRefresh`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshBegun {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::refresh::ServerRound` bytes.
    pub server_round: Vec<u8>,
}

/// Answer to [`crate::request::FinishRefresh`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFinished {
    /// Beside the answer.
    pub head: Head,
    /// `threshold::refresh::Completion` bytes.
    pub completion: Vec<u8>,
}

/// Answer to [`crate::request::PairDevice`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairing {
    /// Beside the answer.
    pub head: Head,
    /// The letters so far, in their order.
    pub letters: Vec<Vec<u8>>,
}
