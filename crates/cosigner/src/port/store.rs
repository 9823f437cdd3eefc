//! Storage. Reads are single rows or bounded lists; every write goes through [`Store::commit`], all or nothing.

use std::future::Future;

use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use super::anchor::Mark;
use super::record::{
    AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Replay, Rescan, Script, Share,
    User, UserId, Wallet, WalletTransaction,
};

/// Why the store could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreFault {
    /// It can't be reached or can't write now; nothing was changed.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A wallet's version was not the expected one; nothing was changed.
    #[error("wallet {0} changed meanwhile")]
    Conflict(WalletId),
    /// A row that must be new was there already; nothing was changed.
    #[error("{0} exists already")]
    Exists(&'static str),
    /// A row can't be read as what it should be.
    #[error("damaged row: {0}")]
    Damaged(String),
}

/// One write of a [`Batch`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Write {
    /// What the anchor must have before this batch is committed. It is the cosigner's to take out; a store refuses it.
    Mark(Mark),
    /// A named secret of the server (its identity), under the KEK. Replaces.
    ServerSecret(&'static str, Vec<u8>),
    /// A named counter of the server, raised to at least this value (highest time seen).
    RaiseCounter(&'static str, u64),
    /// A new invitation.
    AddInvitation(Invitation),
    /// Marks an invitation used; `Exists` if it is used already, or is not there.
    UseInvitation {
        /// SHA-256 of the code.
        code_hash: [u8; 32],
        /// Who used it.
        by: DeviceId,
    },
    /// A new user; `Exists` if issuer and subject are there.
    AddUser(User),
    /// A new device; `Exists` if the id is there.
    AddDevice(Device),
    /// Removes a device, if it is there.
    RemoveDevice(DeviceId),
    /// Holds the user's devices as they are until the batch is done; `Exists` if there are `most` of them or more, or
    /// `lately` or more that were enrolled at `since` or later, those of this batch's writes before it among them.
    RoomForDevice {
        /// Whose.
        user: UserId,
        /// How many there may be in the end.
        most: u32,
        /// From when on, in seconds since 1970.
        since: u64,
        /// How many there may be in the end of those.
        lately: u32,
    },
    /// A new wallet (its version is stored as given); `Exists` if the id is there.
    AddWallet(Wallet),
    /// Replaces the wallet's row, its version excepted: that is raised by the batch's `expect`, and a batch that does
    /// not expect the wallet is a `Conflict`.
    UpdateWallet(Wallet),
    /// Puts a wallet's chains; replaces.
    PutChains(Chains),
    /// A new share; `Exists` if wallet, kind and epoch are there.
    AddShare(Share),
    /// A share that is there, sealed anew.
    ResealShare(Share),
    /// Erases the share of an epoch that is over.
    EraseShare {
        /// The wallet.
        wallet: WalletId,
        /// Of which key.
        kind: KeyKind,
        /// Epoch number.
        epoch: u32,
    },
    /// Opens a ceremony, replacing the same user's of the same wallet; `Exists` if the id is there, or if another user
    /// has one open for that wallet.
    PutCeremony(Ceremony),
    /// Ends a ceremony.
    EndCeremony(CeremonyId),
    /// Records a reply; `Exists` if device and nonce are there.
    AddReplay(Replay),
    /// Appends to the audit chain; `Exists` if wallet and seq are there.
    Audit(AuditEntry),
    /// Puts a charge group.
    PutCharge(ChargeGroup),
    /// Records a transaction that signatures are given out for; replaces the same wallet and txid.
    PutIssued(Issued),
    /// The chain has this transaction: forgets that it, and whatever else of the wallet spends one of its outpoints,
    /// waits; a roll-back below the height remembers again.
    SettleIssued {
        /// The wallet.
        wallet: WalletId,
        /// In internal byte order.
        txid: [u8; 32],
        /// What it spends, 36 bytes each.
        outpoints: Vec<[u8; 36]>,
        /// Where it was mined.
        height: u32,
    },
    /// Watches scripts; those already there stay.
    AddScripts(Vec<Script>),
    /// Puts a transaction of a wallet; its cursor becomes the wallet's next. When it was first seen stays, and one that
    /// says nothing new changes nothing.
    PutTransaction(WalletTransaction),
    /// An unconfirmed transaction left the mempool; it gets a new cursor. A mined, gone or unknown one stays as it is.
    MarkGone {
        /// The wallet.
        wallet: WalletId,
        /// In internal byte order.
        txid: [u8; 32],
    },
    /// A coin; one that is there stays.
    AddCoin(Coin),
    /// A block that the follower has read; replaces the one at its height.
    PutBlock(Block),
    /// Forgets blocks above this height and un-mines the transactions in them (each gets a new cursor); what they had
    /// settled waits again, and rescans end there, since the blocks above are read anew for all wallets.
    RollBackBlocks {
        /// The last height that stays.
        above: u32,
    },
    /// Asks that old blocks be read for a wallet, or says how far that is. One a wallet: replaces.
    PutRescan(Rescan),
    /// The follower's progress with a rescan: if it is still as it was read, it becomes this, or is done. One that was
    /// asked for anew meanwhile stays.
    MoveRescan {
        /// As it was read.
        from: Rescan,
        /// What remains; none if nothing does.
        to: Option<Rescan>,
    },
    /// Drops what is past its time: replay records that expired before `now`, what such ceremonies hold sealed and, a day
    /// later, the rest of them, used or expired invitations a day after their time, settled signatures 1000 blocks deep.
    Purge {
        /// Seconds since 1970.
        now: u64,
    },
}

/// Writes that happen together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Versions that wallets must still have; each is raised by one.
    pub expect: Vec<(WalletId, u64)>,
    /// The writes, in order.
    pub writes: Vec<Write>,
}

/// What co-signing a transaction asks the store for.
#[derive(Debug, Clone)]
pub struct SpendQuery {
    /// Who asks.
    pub device: DeviceId,
    /// Under which nonce.
    pub nonce: [u8; 16],
    /// The wallet.
    pub wallet: WalletId,
    /// What the transaction spends, 36 bytes each.
    pub spent: Vec<[u8; 36]>,
    /// The output keys that it names.
    pub output_keys: Vec<[u8; 32]>,
    /// Of which key.
    pub kind: KeyKind,
    /// The share's epoch number.
    pub epoch: u32,
}

/// What the store knows of a transaction that is to be co-signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpendRows {
    /// As [`Store::replay`].
    pub replay: Option<Replay>,
    /// As [`Store::wallet`].
    pub wallet: Option<Wallet>,
    /// As [`Store::coins`].
    pub coins: Vec<Coin>,
    /// As [`Store::scripts`].
    pub scripts: Vec<Script>,
    /// As [`Store::used`].
    pub used: [u32; 2],
    /// As [`Store::charges`].
    pub charges: Vec<ChargeGroup>,
    /// As [`Store::share`].
    pub share: Option<Share>,
}

/// How many ceremonies are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCeremonies {
    /// For this user.
    pub user: u32,
    /// In all.
    pub all: u32,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: u32,
    /// Devices.
    pub devices: u32,
    /// Wallets, those whose making has not ended included.
    pub wallets: u32,
    /// Ceremonies that are open.
    pub ceremonies: u32,
    /// Invitations that can be used.
    pub invitations: u32,
    /// Transactions that signatures were given out for and that the chain does not have.
    pub waiting: u32,
    /// Rescans that have blocks to read.
    pub rescans: u32,
}

/// Storage, as the cosigner sees it. A batch that `commit` answered `Ok` to survives any crash.
pub trait Store: Send + Sync + 'static {
    /// Applies a batch atomically and durably.
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), StoreFault>> + Send;
    /// A named server secret, under the KEK.
    fn server_secret(&self, name: &'static str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreFault>> + Send;
    /// A named counter; 0 if never raised.
    fn counter(&self, name: &'static str) -> impl Future<Output = Result<u64, StoreFault>> + Send;
    /// An invitation by the hash of its code.
    fn invitation(&self, code_hash: [u8; 32]) -> impl Future<Output = Result<Option<Invitation>, StoreFault>> + Send;
    /// A user by issuer and subject.
    fn user(&self, issuer: &str, subject: &str) -> impl Future<Output = Result<Option<User>, StoreFault>> + Send;
    /// A device.
    fn device(&self, id: DeviceId) -> impl Future<Output = Result<Option<Device>, StoreFault>> + Send;
    /// Users in order of their ids, from the one after `after` on, at most `limit`.
    fn users(&self, after: Option<UserId>, limit: u32) -> impl Future<Output = Result<Vec<User>, StoreFault>> + Send;
    /// Devices, of one user or of all, in order of their ids, from the one after `after` on, at most `limit`.
    fn devices(
        &self,
        user: Option<UserId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Device>, StoreFault>> + Send;
    /// How much there is of everything at `now`. It may count for a while.
    fn counts(&self, now: u64) -> impl Future<Output = Result<Counts, StoreFault>> + Send;
    /// How many devices a user has.
    fn device_count(&self, user: UserId) -> impl Future<Output = Result<u32, StoreFault>> + Send;
    /// A wallet.
    fn wallet(&self, id: WalletId) -> impl Future<Output = Result<Option<Wallet>, StoreFault>> + Send;
    /// Wallets, of one user or of all, in order of their ids, from the one after `after` on, at most `limit`.
    fn wallets(
        &self,
        user: Option<UserId>,
        after: Option<WalletId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Wallet>, StoreFault>> + Send;
    /// A wallet's chains.
    fn chains(&self, wallet: WalletId) -> impl Future<Output = Result<Option<Chains>, StoreFault>> + Send;
    /// How many wallets a user has.
    fn wallet_count(&self, user: UserId) -> impl Future<Output = Result<u32, StoreFault>> + Send;
    /// A user's wallets, oldest first, from the one made after `after` on, at most `limit`; none where `after` is no wallet
    /// of theirs.
    fn wallets_of(
        &self,
        user: UserId,
        after: Option<WalletId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Wallet>, StoreFault>> + Send;
    /// A share.
    fn share(
        &self,
        wallet: WalletId,
        kind: KeyKind,
        epoch: u32,
    ) -> impl Future<Output = Result<Option<Share>, StoreFault>> + Send;
    /// A wallet's shares, of every key and epoch.
    fn shares(&self, wallet: WalletId) -> impl Future<Output = Result<Vec<Share>, StoreFault>> + Send;
    /// A wallet's charge groups in order of their outpoints, from the one after `after` on, at most `limit`.
    fn charge_groups(
        &self,
        wallet: WalletId,
        after: Option<[u8; 36]>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ChargeGroup>, StoreFault>> + Send;
    /// Ceremonies in order of their ids, expired or not, from the one after `after` on, at most `limit`.
    fn ceremonies(
        &self,
        after: Option<CeremonyId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Ceremony>, StoreFault>> + Send;
    /// A ceremony, expired or not.
    fn ceremony(&self, id: CeremonyId) -> impl Future<Output = Result<Option<Ceremony>, StoreFault>> + Send;
    /// The ceremony of a wallet, expired or not.
    fn ceremony_of(&self, wallet: WalletId) -> impl Future<Output = Result<Option<Ceremony>, StoreFault>> + Send;
    /// Ceremonies open at `now`.
    fn open_ceremonies(
        &self,
        user: UserId,
        now: u64,
    ) -> impl Future<Output = Result<OpenCeremonies, StoreFault>> + Send;
    /// A recorded reply.
    fn replay(
        &self,
        device: DeviceId,
        nonce: [u8; 16],
    ) -> impl Future<Output = Result<Option<Replay>, StoreFault>> + Send;
    /// Audit entries from a sequence number on, at most `limit`.
    fn audit(
        &self,
        wallet: WalletId,
        from: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<AuditEntry>, StoreFault>> + Send;
    /// The charge groups chosen by any of these outpoints.
    fn charges(
        &self,
        wallet: WalletId,
        outpoints: Vec<[u8; 36]>,
    ) -> impl Future<Output = Result<Vec<ChargeGroup>, StoreFault>> + Send;
    /// Transactions that signatures were given out for and that the chain does not have, oldest first, at most 1000.
    fn issued(&self, wallet: WalletId) -> impl Future<Output = Result<Vec<Issued>, StoreFault>> + Send;
    /// How many transactions signatures were given out for and the chain does not have, counted up to `most`.
    fn waiting(&self, wallet: WalletId, most: u32) -> impl Future<Output = Result<u32, StoreFault>> + Send;
    /// Whether signatures were given out for a transaction: one that waits, or that was settled and is not forgotten.
    fn is_issued(&self, wallet: WalletId, txid: [u8; 32]) -> impl Future<Output = Result<bool, StoreFault>> + Send;
    /// Which of these output keys pay a wallet.
    fn scripts(&self, output_keys: Vec<[u8; 32]>) -> impl Future<Output = Result<Vec<Script>, StoreFault>> + Send;
    /// Scripts of all wallets in order of their output keys, from the one after `after` on, at most `limit`.
    fn all_scripts(
        &self,
        after: Option<[u8; 32]>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Script>, StoreFault>> + Send;
    /// One past the highest watched index, external and internal.
    fn watched(&self, wallet: WalletId) -> impl Future<Output = Result<[u32; 2], StoreFault>> + Send;
    /// One past the highest index that was ever paid, external and internal.
    fn used(&self, wallet: WalletId) -> impl Future<Output = Result<[u32; 2], StoreFault>> + Send;
    /// Which of these outpoints are coins of some wallet.
    fn coins(&self, outpoints: Vec<[u8; 36]>) -> impl Future<Output = Result<Vec<Coin>, StoreFault>> + Send;
    /// All that signing a transaction reads, of one moment. A store for which several reads at once are cheaper than one
    /// after the other does better than this.
    fn spend(&self, query: SpendQuery) -> impl Future<Output = Result<SpendRows, StoreFault>> + Send {
        async move {
            Ok(SpendRows {
                replay: self.replay(query.device, query.nonce).await?,
                wallet: self.wallet(query.wallet).await?,
                coins: self.coins(query.spent.clone()).await?,
                scripts: self.scripts(query.output_keys).await?,
                used: self.used(query.wallet).await?,
                charges: self.charges(query.wallet, query.spent).await?,
                share: self.share(query.wallet, query.kind, query.epoch).await?,
            })
        }
    }
    /// A wallet's transactions after a cursor, in cursor order, at most `limit`.
    fn transactions(
        &self,
        wallet: WalletId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<WalletTransaction>, StoreFault>> + Send;
    /// The cursor of the wallet's transaction that changed last; 0 where it has none.
    fn newest_change(&self, wallet: WalletId) -> impl Future<Output = Result<u64, StoreFault>> + Send;
    /// A transaction of a wallet.
    fn transaction(
        &self,
        wallet: WalletId,
        txid: [u8; 32],
    ) -> impl Future<Output = Result<Option<WalletTransaction>, StoreFault>> + Send;
    /// All wallets' transactions that are neither mined nor gone, in order of transaction id and wallet, from the one
    /// after `after` on, at most `limit`.
    fn unconfirmed(
        &self,
        after: Option<([u8; 32], WalletId)>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<([u8; 32], WalletId)>, StoreFault>> + Send;
    /// A wallet's rescan, if one is asked for or could not read all.
    fn rescan(&self, wallet: WalletId) -> impl Future<Output = Result<Option<Rescan>, StoreFault>> + Send;
    /// Rescans that have blocks to read, in order of wallet, from the one after `after` on, at most `limit`.
    fn rescans(
        &self,
        after: Option<WalletId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Rescan>, StoreFault>> + Send;
    /// The highest block read.
    fn tip(&self) -> impl Future<Output = Result<Option<Block>, StoreFault>> + Send;
    /// Blocks from a height upwards, at most `limit`.
    fn blocks(&self, from: u32, limit: u32) -> impl Future<Output = Result<Vec<Block>, StoreFault>> + Send;
}
