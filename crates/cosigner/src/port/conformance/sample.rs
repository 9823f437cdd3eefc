//! Records to store.

use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use crate::port::{
    record::{
        AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Mined, Replay, Script,
        Share, User, UserId, Wallet, WalletTransaction,
    },
    store::{Batch, Store, StoreFault, Write},
};

/// A wallet's id.
#[must_use]
pub const fn wallet_id(n: u8) -> WalletId {
    WalletId([n; 16])
}

/// A user, one for each number.
#[must_use]
pub fn user(n: u8) -> User {
    User {
        id: UserId([n; 16]),
        issuer: "invitation".to_owned(),
        subject: format!("{n:02x}"),
    }
}

/// A device of a user.
#[must_use]
pub fn device(n: u8, user: u8) -> Device {
    Device {
        id: DeviceId([n; 32]),
        identity: vec![1, n, n],
        user: UserId([user; 16]),
        name: "Ærlig 📱".to_owned(),
        enrolled: 1_700_000_000,
    }
}

/// A wallet of a user.
#[must_use]
pub fn wallet(n: u8, user: u8) -> Wallet {
    Wallet {
        id: wallet_id(n),
        user: UserId([user; 16]),
        name: "savings".to_owned(),
        version: 1,
        birthday: 850_000,
        state: vec![n; 90],
        public: Some(vec![n; 300]),
    }
}

/// A wallet's chains.
#[must_use]
pub fn chains(n: u8) -> Chains {
    Chains {
        wallet: wallet_id(n),
        device_list: vec![vec![1; 40], Vec::new(), vec![2; 40]],
        package: vec![vec![9; 2000]],
    }
}

/// An invitation.
#[must_use]
pub const fn invitation(n: u8, expires: u64) -> Invitation {
    Invitation {
        code_hash: [n; 32],
        expires,
        used_by: None,
        wallet: None,
    }
}

/// A sealed share.
#[must_use]
pub fn share(wallet: u8, epoch: u32) -> Share {
    Share {
        wallet: wallet_id(wallet),
        kind: KeyKind::Taproot,
        epoch,
        sealed: vec![u8::try_from(epoch).unwrap_or(0); 160],
    }
}

/// A ceremony.
#[must_use]
pub fn ceremony(n: u8, wallet: u8, user: u8, expires: u64) -> Ceremony {
    Ceremony {
        id: CeremonyId([n; 16]),
        wallet: wallet_id(wallet),
        user: UserId([user; 16]),
        expires,
        sealed: vec![n; 700],
        public: vec![n; 20],
    }
}

/// A recorded reply.
#[must_use]
pub fn replay(device: u8, nonce: u8, expires: u64) -> Replay {
    Replay {
        device: DeviceId([device; 32]),
        nonce: [nonce; 16],
        digest: [nonce; 32],
        sealed_reply: vec![nonce; 500],
        expires,
    }
}

/// An audit entry.
#[must_use]
pub fn audit(wallet: u8, seq: u64) -> AuditEntry {
    AuditEntry {
        wallet: wallet_id(wallet),
        seq,
        entry: seq.to_be_bytes().to_vec(),
        chain: [wallet; 32],
    }
}

/// An outpoint.
#[must_use]
pub const fn outpoint(n: u8) -> [u8; 36] {
    [n; 36]
}

/// A charge group.
#[must_use]
pub fn charge(wallet: u8, outpoint: u8, amount: u64) -> ChargeGroup {
    ChargeGroup {
        wallet: wallet_id(wallet),
        asset: "btc".to_owned(),
        outpoint: [outpoint; 36],
        amount,
        mac: [outpoint; 32],
    }
}

/// A transaction that signatures were given out for.
#[must_use]
pub fn issued(wallet: u8, txid: u8, outpoints: &[u8], at: u64) -> Issued {
    Issued {
        wallet: wallet_id(wallet),
        txid: [txid; 32],
        outpoints: outpoints.iter().map(|n| [*n; 36]).collect(),
        at,
    }
}

/// A script.
#[must_use]
pub fn script(wallet: u8, keychain: u8, index: u32) -> Script {
    let mut output_key = [wallet; 32];
    output_key[0] = keychain;
    output_key[1..5].copy_from_slice(&index.to_be_bytes());
    Script {
        wallet: wallet_id(wallet),
        keychain,
        index,
        output_key,
    }
}

/// An unconfirmed transaction.
#[must_use]
pub fn transaction(wallet: u8, txid: u8) -> WalletTransaction {
    WalletTransaction {
        wallet: wallet_id(wallet),
        txid: [txid; 32],
        transaction: vec![txid; 200],
        block: None,
        seen: 1_700_000_000,
        gone: false,
        cursor: 0,
    }
}

/// The same, mined.
#[must_use]
pub fn mined(wallet: u8, txid: u8, height: u32) -> WalletTransaction {
    let hash = block(height).hash;
    let block = Some(Mined {
        height,
        hash,
        position: u32::from(txid),
        branch: vec![[1; 32], [2; 32], [3; 32]],
    });
    WalletTransaction {
        block,
        ..transaction(wallet, txid)
    }
}

/// A coin.
#[must_use]
pub fn coin(wallet: u8, outpoint: u8, keychain: u8, index: u32) -> Coin {
    Coin {
        wallet: wallet_id(wallet),
        outpoint: [outpoint; 36],
        value: 2_100_000_000_000_000,
        keychain,
        index,
    }
}

/// A block.
#[must_use]
pub fn block(height: u32) -> Block {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&height.to_be_bytes());
    Block {
        height,
        hash,
        header: hash.repeat(3)[..80].to_vec(),
    }
}

/// Commits writes that no wallet's version is expected for.
pub async fn commit<S: Store>(store: &S, writes: impl IntoIterator<Item = Write>) -> Result<(), StoreFault> {
    store
        .commit(Batch {
            expect: Vec::new(),
            writes: writes.into_iter().collect(),
        })
        .await
}

/// Commits writes that must succeed.
///
/// # Panics
/// If they do not.
pub async fn put<S: Store>(store: &S, writes: impl IntoIterator<Item = Write>) {
    commit(store, writes).await.expect("the writes fit");
}

/// Puts users 1 and 2, and wallets 1 and 2 of user 1.
pub async fn populate<S: Store>(store: &S) {
    put(
        store,
        [
            Write::AddUser(user(1)),
            Write::AddUser(user(2)),
            Write::AddWallet(wallet(1, 1)),
            Write::PutChains(chains(1)),
            Write::AddWallet(wallet(2, 1)),
            Write::PutChains(chains(2)),
        ],
    )
    .await;
}
