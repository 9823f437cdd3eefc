//! One store or the other, as the operator decides.

use twofold_cosigner::port::{
    record::{
        AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Replay, Rescan, Script,
        Share, User, UserId, Wallet, WalletTransaction,
    },
    store::{Batch, Counts, OpenCeremonies, SpendQuery, SpendRows, Store, StoreFault},
};
use twofold_link::Standing;
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use crate::{PostgresStore, SqliteStore};

/// A database of either kind, open.
#[derive(Debug, Clone)]
pub enum Database {
    /// A data directory.
    Sqlite(SqliteStore),
    /// A server's.
    Postgres(PostgresStore),
}

impl Database {
    /// Why nothing works any more, if so. The process should end, and what is there be read anew.
    #[must_use]
    pub fn sealed(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(store) => store.is_sealed().then_some(
                "a write to the data directory failed, and what reached the disk is unknown until it is read anew; look \
                 at the disk, then start the server again",
            ),
            Self::Postgres(store) => store.sealed(),
        }
    }
}

impl Database {
    /// How the link to it is; none where it is in files.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.standing()),
        }
    }
}

/// Passes calls on.
macro_rules! passed_on {
    ($($name:ident($($argument:ident: $what:ty),*) -> $answer:ty;)+) => {
        impl Store for Database {
            $(
                async fn $name(&self, $($argument: $what),*) -> Result<$answer, StoreFault> {
                    match self {
                        Self::Sqlite(store) => store.$name($($argument),*).await,
                        Self::Postgres(store) => store.$name($($argument),*).await,
                    }
                }
            )+
        }
    };
}

passed_on! {
    commit(batch: Batch) -> ();
    server_secret(name: &'static str) -> Option<Vec<u8>>;
    counter(name: &'static str) -> u64;
    invitation(code_hash: [u8; 32]) -> Option<Invitation>;
    user(issuer: &str, subject: &str) -> Option<User>;
    device(id: DeviceId) -> Option<Device>;
    users(after: Option<UserId>, limit: u32) -> Vec<User>;
    devices(user: Option<UserId>, after: Option<DeviceId>, limit: u32) -> Vec<Device>;
    counts(now: u64) -> Counts;
    wallet(id: WalletId) -> Option<Wallet>;
    wallets(user: Option<UserId>, after: Option<WalletId>, limit: u32) -> Vec<Wallet>;
    chains(wallet: WalletId) -> Option<Chains>;
    device_count(user: UserId) -> u32;
    wallet_count(user: UserId) -> u32;
    wallets_of(user: UserId, after: Option<WalletId>, limit: u32) -> Vec<Wallet>;
    share(wallet: WalletId, kind: KeyKind, epoch: u32) -> Option<Share>;
    shares(wallet: WalletId) -> Vec<Share>;
    charge_groups(wallet: WalletId, after: Option<[u8; 36]>, limit: u32) -> Vec<ChargeGroup>;
    ceremonies(after: Option<CeremonyId>, limit: u32) -> Vec<Ceremony>;
    ceremony(id: CeremonyId) -> Option<Ceremony>;
    ceremony_of(wallet: WalletId) -> Option<Ceremony>;
    open_ceremonies(user: UserId, now: u64) -> OpenCeremonies;
    replay(device: DeviceId, nonce: [u8; 16]) -> Option<Replay>;
    audit(wallet: WalletId, from: u64, limit: u32) -> Vec<AuditEntry>;
    charges(wallet: WalletId, outpoints: Vec<[u8; 36]>) -> Vec<ChargeGroup>;
    issued(wallet: WalletId) -> Vec<Issued>;
    waiting(wallet: WalletId, most: u32) -> u32;
    is_issued(wallet: WalletId, txid: [u8; 32]) -> bool;
    scripts(output_keys: Vec<[u8; 32]>) -> Vec<Script>;
    all_scripts(after: Option<[u8; 32]>, limit: u32) -> Vec<Script>;
    watched(wallet: WalletId) -> [u32; 2];
    used(wallet: WalletId) -> [u32; 2];
    coins(outpoints: Vec<[u8; 36]>) -> Vec<Coin>;
    spend(query: SpendQuery) -> SpendRows;
    transactions(wallet: WalletId, after: u64, limit: u32) -> Vec<WalletTransaction>;
    newest_change(wallet: WalletId) -> u64;
    transaction(wallet: WalletId, txid: [u8; 32]) -> Option<WalletTransaction>;
    unconfirmed(after: Option<([u8; 32], WalletId)>, limit: u32) -> Vec<([u8; 32], WalletId)>;
    rescan(wallet: WalletId) -> Option<Rescan>;
    rescans(after: Option<WalletId>, limit: u32) -> Vec<Rescan>;
    tip() -> Option<Block>;
    blocks(from: u32, limit: u32) -> Vec<Block>;
}
