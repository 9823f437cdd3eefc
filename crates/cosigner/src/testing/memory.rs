//! The store's port over maps: what every store must behave like, and what tests run on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind, WalletId};

use crate::port::record::{
    AuditEntry, Block, Ceremony, Chains, ChargeGroup, Coin, Device, Invitation, Issued, Replay, Rescan, Script, Share,
    User, UserId, Wallet, WalletTransaction,
};
use crate::port::store::{Batch, Counts, OpenCeremonies, Store, StoreFault, Write};

/// A day, in seconds.
const DAY: u64 = 86_400;
/// How deep a settled signature is kept, in blocks.
const SETTLED_DEPTH: u32 = 1000;

/// A store in memory. Clones are handles on the same rows, so a test can "restart" a cosigner over them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    tables: Arc<Mutex<Tables>>,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    looked_up: Arc<AtomicUsize>,
    meanwhile: Arc<Mutex<VecDeque<Batch>>>,
    quicker: Arc<Mutex<VecDeque<Batch>>>,
}

/// What happens to a coming batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is applied and answered, as usual.
    Commit,
    /// It is not applied, and the caller hears that the store is unavailable.
    Refuse,
    /// It is applied, but the caller hears that the store is unavailable: a crash between commit and reply.
    CommitUnheard,
}

/// The rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// Sealed secrets by name.
    pub secrets: BTreeMap<&'static str, Vec<u8>>,
    /// Counters by name.
    pub counters: BTreeMap<&'static str, u64>,
    /// Invitations by the code's hash.
    pub invitations: BTreeMap<[u8; 32], Invitation>,
    /// Users by issuer and subject.
    pub users: BTreeMap<(String, String), User>,
    /// Devices.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Wallets.
    pub wallets: BTreeMap<WalletId, Wallet>,
    /// Their chains.
    pub chains: BTreeMap<WalletId, Chains>,
    /// Wallets in the order they were added.
    pub wallet_order: Vec<WalletId>,
    /// Shares.
    pub shares: BTreeMap<(WalletId, KeyKind, u32), Share>,
    /// Ceremonies.
    pub ceremonies: BTreeMap<CeremonyId, Ceremony>,
    /// Recorded replies.
    pub replays: BTreeMap<(DeviceId, [u8; 16]), Replay>,
    /// Audit entries.
    pub audit: BTreeMap<(WalletId, u64), AuditEntry>,
    /// Charge groups, by wallet, asset and chosen outpoint.
    pub charges: BTreeMap<(WalletId, String, [u8; 36]), ChargeGroup>,
    /// Issued transactions, in the order they were first issued.
    pub issued: Vec<Issued>,
    /// Issued transactions that the chain settled, with the height.
    pub settled: Vec<(Issued, u32)>,
    /// Watched scripts by output key.
    pub scripts: BTreeMap<[u8; 32], Script>,
    /// Transactions of wallets.
    pub transactions: BTreeMap<(WalletId, [u8; 32]), WalletTransaction>,
    /// The last cursor given out, by wallet.
    pub cursors: BTreeMap<WalletId, u64>,
    /// Coins, by wallet and outpoint.
    pub coins: BTreeMap<(WalletId, [u8; 36]), Coin>,
    /// Blocks read, by height.
    pub blocks: BTreeMap<u32, Block>,
    /// Rescans.
    pub rescans: BTreeMap<WalletId, Rescan>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at, or tampers with, the rows.
    pub fn with<R>(&self, look: impl FnOnce(&mut Tables) -> R) -> R {
        look(&mut self.lock())
    }

    /// Puts wallets behind this one, of the same owner, for which nobody vouches: their rows are copies of its own.
    pub fn more_wallets(&self, wallet: WalletId, ids: impl IntoIterator<Item = WalletId>) {
        self.with(|tables| {
            let Some(row) = tables.wallets.get(&wallet).cloned() else {
                return;
            };
            let ids: Vec<_> = ids.into_iter().collect();
            tables
                .wallets
                .extend(ids.iter().map(|id| (*id, Wallet { id: *id, ..row.clone() })));
            let place = tables.wallet_order.iter().position(|known| *known == wallet);
            let behind = place.map_or(0, |place| place + 1);
            tables.wallet_order.splice(behind..behind, ids);
        });
    }

    /// Says what happens to the next batches, in order; those after them are committed.
    pub fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).extend(fates);
    }

    /// Forgets what was said of batches to come.
    pub fn clear_fates(&self) {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many coins and scripts were looked up so far.
    #[must_use]
    pub fn looked_up(&self) -> usize {
        self.looked_up.load(Ordering::SeqCst)
    }

    /// What somebody else commits right before each of the next commits, in order: a race that others win.
    pub fn quicker(&self, batches: impl IntoIterator<Item = Batch>) {
        let mut queue = self.quicker.lock().unwrap_or_else(PoisonError::into_inner);
        queue.extend(batches);
    }

    /// What somebody else commits right after each of the next reads of a wallet's transactions, in order.
    pub fn meanwhile(&self, batches: impl IntoIterator<Item = Batch>) {
        let mut queue = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
        queue.extend(batches);
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// Applies a batch whole, or leaves everything as it was.
    fn apply(&mut self, batch: Batch) -> Result<(), StoreFault> {
        let mut next = self.clone();
        let mut expected = BTreeSet::new();
        for (wallet, version) in batch.expect {
            let row = next.wallets.get_mut(&wallet).ok_or(StoreFault::Conflict(wallet))?;
            if row.version != version {
                return Err(StoreFault::Conflict(wallet));
            }
            row.version = version.saturating_add(1);
            expected.insert(wallet);
        }
        for write in batch.writes {
            next.write(write, &expected)?;
        }
        *self = next;
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each write")]
    fn write(&mut self, write: Write, expected: &BTreeSet<WalletId>) -> Result<(), StoreFault> {
        match write {
            Write::Mark(_) => return Err(StoreFault::Damaged("a mark is the anchor's".into())),
            Write::ServerSecret(name, sealed) => {
                self.secrets.insert(name, sealed);
            }
            Write::RaiseCounter(name, value) => {
                let counter = self.counters.entry(name).or_default();
                *counter = (*counter).max(value);
            }
            Write::AddInvitation(row) => add(&mut self.invitations, row.code_hash, row, "invitation")?,
            Write::UseInvitation { code_hash, by } => match self.invitations.get_mut(&code_hash) {
                Some(invitation) if invitation.used_by.is_none() => invitation.used_by = Some(by),
                _ => return Err(StoreFault::Exists("invitation's use")),
            },
            Write::AddUser(row) => {
                if self.users.values().any(|other| other.id == row.id) {
                    return Err(StoreFault::Exists("user"));
                }
                add(&mut self.users, (row.issuer.clone(), row.subject.clone()), row, "user")?;
            }
            Write::AddDevice(row) => add(&mut self.devices, row.id, row, "device")?,
            Write::RemoveDevice(id) => {
                self.devices.remove(&id);
            }
            Write::RoomForDevice {
                user,
                most: all,
                since,
                lately,
            } => {
                let theirs = || self.devices.values().filter(|row| row.user == user);
                let new = theirs().filter(|row| row.enrolled >= since);
                if theirs().count() >= most(all) || new.count() >= most(lately) {
                    return Err(StoreFault::Exists("a device in the last place"));
                }
            }
            Write::AddWallet(row) => {
                self.wallet_order.push(row.id);
                add(&mut self.wallets, row.id, row, "wallet")?;
            }
            Write::UpdateWallet(row) => {
                let version = match self.wallets.get(&row.id) {
                    Some(stored) if expected.contains(&row.id) => stored.version,
                    _ => return Err(StoreFault::Conflict(row.id)),
                };
                self.wallets.insert(row.id, Wallet { version, ..row });
            }
            Write::PutChains(row) => {
                self.chains.insert(row.wallet, row);
            }
            Write::AddShare(row) => add(&mut self.shares, (row.wallet, row.kind, row.epoch), row, "share")?,
            Write::ResealShare(row) => {
                if let Some(share) = self.shares.get_mut(&(row.wallet, row.kind, row.epoch)) {
                    *share = row;
                }
            }
            Write::EraseShare { wallet, kind, epoch } => {
                self.shares.remove(&(wallet, kind, epoch));
            }
            Write::PutCeremony(row) => {
                if self
                    .ceremonies
                    .values()
                    .any(|other| other.wallet == row.wallet && other.user != row.user)
                {
                    return Err(StoreFault::Exists("ceremony"));
                }
                self.ceremonies.retain(|_, other| other.wallet != row.wallet);
                add(&mut self.ceremonies, row.id, row, "ceremony")?;
            }
            Write::EndCeremony(id) => {
                self.ceremonies.remove(&id);
            }
            Write::AddReplay(row) => add(&mut self.replays, (row.device, row.nonce), row, "replay")?,
            Write::Audit(row) => add(&mut self.audit, (row.wallet, row.seq), row, "audit entry")?,
            Write::PutCharge(row) => {
                self.charges.insert((row.wallet, row.asset.clone(), row.outpoint), row);
            }
            Write::PutIssued(row) => {
                let same = |old: &Issued| old.wallet == row.wallet && old.txid == row.txid;
                // What the chain has already does not wait, however often it is signed again.
                if let Some((old, _)) = self.settled.iter_mut().find(|(old, _)| same(old)) {
                    *old = row;
                } else {
                    self.issued.retain(|old| !same(old));
                    self.issued.push(row);
                    self.issued.sort_by_key(|row| row.at);
                }
            }
            Write::SettleIssued {
                wallet,
                txid,
                outpoints,
                height,
            } => {
                let (settled, waiting) = std::mem::take(&mut self.issued).into_iter().partition(|row: &Issued| {
                    row.wallet == wallet
                        && (row.txid == txid || row.outpoints.iter().any(|spent| outpoints.contains(spent)))
                });
                self.issued = waiting;
                self.settled.extend(Vec::into_iter(settled).map(|row| (row, height)));
            }
            Write::AddScripts(rows) => {
                for row in rows {
                    self.scripts.entry(row.output_key).or_insert(row);
                }
            }
            Write::PutTransaction(row) => self.put_transaction(row, false),
            Write::MarkGone { wallet, txid } => {
                if let Some(row) = self.transactions.get(&(wallet, txid))
                    && row.block.is_none()
                    && !row.gone
                {
                    self.put_transaction(
                        WalletTransaction {
                            gone: true,
                            ..row.clone()
                        },
                        false,
                    );
                }
            }
            Write::AddCoin(row) => {
                self.coins.entry((row.wallet, row.outpoint)).or_insert(row);
            }
            Write::PutBlock(row) => {
                self.blocks.insert(row.height, row);
            }
            Write::RollBackBlocks { above } => self.roll_back(above),
            Write::PutRescan(row) => {
                self.rescans.insert(row.wallet, row);
            }
            Write::MoveRescan { from, to } => {
                if self.rescans.get(&from.wallet) == Some(&from) {
                    self.rescans.remove(&from.wallet);
                    self.rescans.extend(to.map(|to| (to.wallet, to)));
                }
            }
            Write::Purge { now } => {
                self.replays.retain(|_, row| row.expires >= now);
                for row in self.ceremonies.values_mut().filter(|row| row.expires < now) {
                    row.sealed.clear();
                }
                self.ceremonies.retain(|_, row| row.expires >= now.saturating_sub(DAY));
                self.invitations.retain(|_, row| row.expires.saturating_add(DAY) >= now);
                let tip = self.blocks.keys().next_back().copied().unwrap_or(0);
                self.settled
                    .retain(|(_, height)| height.saturating_add(SETTLED_DEPTH) > tip);
            }
        }
        Ok(())
    }

    fn put_transaction(&mut self, mut row: WalletTransaction, rolled_back: bool) {
        let key = (row.wallet, row.txid);
        if let Some(old) = self.transactions.get(&key) {
            row.seen = old.seen;
            row.cursor = old.cursor;
            // Only a roll-back takes a transaction out of its block.
            if *old == row || (old.block.is_some() && row.block.is_none() && !rolled_back) {
                return;
            }
        }
        let cursor = self.cursors.entry(row.wallet).or_default();
        *cursor = cursor.saturating_add(1);
        row.cursor = *cursor;
        self.transactions.insert(key, row);
    }

    fn roll_back(&mut self, above: u32) {
        self.blocks.retain(|height, _| *height <= above);
        let undone: Vec<_> = self
            .transactions
            .values()
            .filter(|row| row.block.as_ref().is_some_and(|mined| mined.height > above))
            .cloned()
            .collect();
        for row in undone {
            self.put_transaction(WalletTransaction { block: None, ..row }, true);
        }
        let (waiting, settled) = std::mem::take(&mut self.settled)
            .into_iter()
            .partition(|(_, height): &(Issued, u32)| *height > above);
        self.settled = settled;
        self.issued.extend(Vec::into_iter(waiting).map(|(row, _)| row));
        self.issued.sort_by_key(|row| row.at);
        for rescan in self.rescans.values_mut() {
            rescan.last = rescan.last.min(above);
        }
    }
}

/// Inserts a row that must be new.
fn add<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, row: V, what: &'static str) -> Result<(), StoreFault> {
    if table.contains_key(&key) {
        return Err(StoreFault::Exists(what));
    }
    table.insert(key, row);
    Ok(())
}

fn most(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl Store for MemoryStore {
    async fn commit(&self, batch: Batch) -> Result<(), StoreFault> {
        let quicker = self.quicker.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(quicker) = quicker {
            self.lock().apply(quicker)?;
        }
        let fate = self
            .fates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
            .unwrap_or(Fate::Commit);
        let unavailable = || Err(StoreFault::Unavailable("as the test asked".into()));
        match fate {
            Fate::Commit => self.lock().apply(batch),
            Fate::Refuse => unavailable(),
            Fate::CommitUnheard => {
                self.lock().apply(batch)?;
                unavailable()
            }
        }
    }

    async fn server_secret(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.lock().secrets.get(name).cloned())
    }

    async fn counter(&self, name: &'static str) -> Result<u64, StoreFault> {
        Ok(self.lock().counters.get(name).copied().unwrap_or(0))
    }

    async fn invitation(&self, code_hash: [u8; 32]) -> Result<Option<Invitation>, StoreFault> {
        Ok(self.lock().invitations.get(&code_hash).cloned())
    }

    async fn user(&self, issuer: &str, subject: &str) -> Result<Option<User>, StoreFault> {
        Ok(self.lock().users.get(&(issuer.to_owned(), subject.to_owned())).cloned())
    }

    async fn device(&self, id: DeviceId) -> Result<Option<Device>, StoreFault> {
        Ok(self.lock().devices.get(&id).cloned())
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreFault> {
        let tables = self.lock();
        let mut rows: Vec<_> = tables
            .users
            .values()
            .filter(|row| Some(row.id) > after)
            .cloned()
            .collect();
        rows.sort_by_key(|row| row.id);
        rows.truncate(most(limit));
        Ok(rows)
    }

    async fn devices(
        &self,
        user: Option<UserId>,
        after: Option<DeviceId>,
        limit: u32,
    ) -> Result<Vec<Device>, StoreFault> {
        let tables = self.lock();
        let rows = tables.devices.values();
        let rows = rows.filter(|row| user.is_none_or(|user| row.user == user) && Some(row.id) > after);
        Ok(rows.take(most(limit)).cloned().collect())
    }

    async fn counts(&self, now: u64) -> Result<Counts, StoreFault> {
        let tables = self.lock();
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        let usable = |row: &&Invitation| row.used_by.is_none() && row.expires > now;
        Ok(Counts {
            users: count(tables.users.len()),
            devices: count(tables.devices.len()),
            wallets: count(tables.wallets.len()),
            ceremonies: count(tables.ceremonies.values().filter(|row| row.expires >= now).count()),
            invitations: count(tables.invitations.values().filter(usable).count()),
            waiting: count(tables.issued.len()),
            rescans: count(tables.rescans.values().filter(|row| row.next <= row.last).count()),
        })
    }

    async fn wallet(&self, id: WalletId) -> Result<Option<Wallet>, StoreFault> {
        Ok(self.lock().wallets.get(&id).cloned())
    }

    async fn wallets(
        &self,
        user: Option<UserId>,
        after: Option<WalletId>,
        limit: u32,
    ) -> Result<Vec<Wallet>, StoreFault> {
        let tables = self.lock();
        let rows = tables.wallets.values();
        let rows = rows.filter(|row| user.is_none_or(|user| row.user == user) && Some(row.id) > after);
        Ok(rows.take(most(limit)).cloned().collect())
    }

    async fn chains(&self, wallet: WalletId) -> Result<Option<Chains>, StoreFault> {
        Ok(self.lock().chains.get(&wallet).cloned())
    }

    async fn device_count(&self, user: UserId) -> Result<u32, StoreFault> {
        let tables = self.lock();
        let count = tables.devices.values().filter(|row| row.user == user).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn wallet_count(&self, user: UserId) -> Result<u32, StoreFault> {
        let tables = self.lock();
        let count = tables.wallets.values().filter(|row| row.user == user).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn wallets_of(&self, user: UserId, after: Option<WalletId>, limit: u32) -> Result<Vec<Wallet>, StoreFault> {
        let tables = self.lock();
        let rows = tables.wallet_order.iter().filter_map(|id| tables.wallets.get(id));
        let mut theirs = rows.filter(|row| row.user == user);
        if let Some(after) = after
            && !theirs.any(|row| row.id == after)
        {
            return Ok(Vec::new());
        }
        Ok(theirs.take(most(limit)).cloned().collect())
    }

    async fn share(&self, wallet: WalletId, kind: KeyKind, epoch: u32) -> Result<Option<Share>, StoreFault> {
        Ok(self.lock().shares.get(&(wallet, kind, epoch)).cloned())
    }

    async fn shares(&self, wallet: WalletId) -> Result<Vec<Share>, StoreFault> {
        let tables = self.lock();
        let rows = tables.shares.values().filter(|row| row.wallet == wallet);
        Ok(rows.cloned().collect())
    }

    async fn charge_groups(
        &self,
        wallet: WalletId,
        after: Option<[u8; 36]>,
        limit: u32,
    ) -> Result<Vec<ChargeGroup>, StoreFault> {
        let tables = self.lock();
        let rows = tables.charges.values().filter(|row| row.wallet == wallet);
        let mut rows: Vec<_> = rows
            .filter(|row| after.is_none_or(|after| row.outpoint > after))
            .cloned()
            .collect();
        rows.sort_by_key(|row| row.outpoint);
        rows.truncate(most(limit));
        Ok(rows)
    }

    async fn ceremonies(&self, after: Option<CeremonyId>, limit: u32) -> Result<Vec<Ceremony>, StoreFault> {
        let tables = self.lock();
        let rows = tables.ceremonies.values();
        let rows = rows.filter(|row| after.is_none_or(|after| row.id > after));
        Ok(rows.take(most(limit)).cloned().collect())
    }

    async fn ceremony(&self, id: CeremonyId) -> Result<Option<Ceremony>, StoreFault> {
        Ok(self.lock().ceremonies.get(&id).cloned())
    }

    async fn ceremony_of(&self, wallet: WalletId) -> Result<Option<Ceremony>, StoreFault> {
        Ok(self
            .lock()
            .ceremonies
            .values()
            .find(|row| row.wallet == wallet)
            .cloned())
    }

    async fn open_ceremonies(&self, user: UserId, now: u64) -> Result<OpenCeremonies, StoreFault> {
        let tables = self.lock();
        let open = || tables.ceremonies.values().filter(|row| row.expires >= now);
        let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
        Ok(OpenCeremonies {
            user: count(open().filter(|row| row.user == user).count()),
            all: count(open().count()),
        })
    }

    async fn replay(&self, device: DeviceId, nonce: [u8; 16]) -> Result<Option<Replay>, StoreFault> {
        Ok(self.lock().replays.get(&(device, nonce)).cloned())
    }

    async fn audit(&self, wallet: WalletId, from: u64, limit: u32) -> Result<Vec<AuditEntry>, StoreFault> {
        let tables = self.lock();
        let rows = tables.audit.range((wallet, from)..=(wallet, u64::MAX));
        Ok(rows.take(most(limit)).map(|(_, row)| row.clone()).collect())
    }

    async fn charges(&self, wallet: WalletId, outpoints: Vec<[u8; 36]>) -> Result<Vec<ChargeGroup>, StoreFault> {
        let tables = self.lock();
        let rows = tables.charges.values();
        Ok(rows
            .filter(|row| row.wallet == wallet && outpoints.contains(&row.outpoint))
            .cloned()
            .collect())
    }

    async fn issued(&self, wallet: WalletId) -> Result<Vec<Issued>, StoreFault> {
        Ok(self
            .lock()
            .issued
            .iter()
            .filter(|row| row.wallet == wallet)
            .take(1000)
            .cloned()
            .collect())
    }

    async fn waiting(&self, wallet: WalletId, most: u32) -> Result<u32, StoreFault> {
        let tables = self.lock();
        let waiting = tables.issued.iter().filter(|row| row.wallet == wallet).count();
        Ok(u32::try_from(waiting).unwrap_or(u32::MAX).min(most))
    }

    async fn is_issued(&self, wallet: WalletId, txid: [u8; 32]) -> Result<bool, StoreFault> {
        let tables = self.lock();
        let settled = tables.settled.iter().map(|(row, _)| row);
        Ok(tables
            .issued
            .iter()
            .chain(settled)
            .any(|row| row.wallet == wallet && row.txid == txid))
    }

    async fn scripts(&self, output_keys: Vec<[u8; 32]>) -> Result<Vec<Script>, StoreFault> {
        self.looked_up.fetch_add(output_keys.len(), Ordering::SeqCst);
        let tables = self.lock();
        Ok(output_keys
            .iter()
            .filter_map(|key| tables.scripts.get(key).cloned())
            .collect())
    }

    async fn all_scripts(&self, after: Option<[u8; 32]>, limit: u32) -> Result<Vec<Script>, StoreFault> {
        let tables = self.lock();
        let scripts = tables.scripts.values().filter(|row| Some(row.output_key) > after);
        Ok(scripts.take(limit as usize).cloned().collect())
    }

    async fn watched(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        let tables = self.lock();
        let rows = tables.scripts.values().filter(|row| row.wallet == wallet);
        Ok(one_past(rows.map(|row| (row.keychain, row.index))))
    }

    async fn used(&self, wallet: WalletId) -> Result<[u32; 2], StoreFault> {
        let tables = self.lock();
        let rows = tables.coins.values().filter(|row| row.wallet == wallet);
        Ok(one_past(rows.map(|row| (row.keychain, row.index))))
    }

    async fn coins(&self, outpoints: Vec<[u8; 36]>) -> Result<Vec<Coin>, StoreFault> {
        self.looked_up.fetch_add(outpoints.len(), Ordering::SeqCst);
        let tables = self.lock();
        let named = outpoints
            .iter()
            .flat_map(|named| tables.coins.values().filter(move |row| row.outpoint == *named));
        Ok(named.cloned().collect())
    }

    async fn transactions(
        &self,
        wallet: WalletId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<WalletTransaction>, StoreFault> {
        let mut tables = self.lock();
        let rows = tables
            .transactions
            .values()
            .filter(|row| row.wallet == wallet && row.cursor > after);
        let mut rows: Vec<_> = rows.cloned().collect();
        rows.sort_by_key(|row| row.cursor);
        rows.truncate(most(limit));
        let next = self
            .meanwhile
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        if let Some(batch) = next {
            tables.apply(batch)?;
        }
        Ok(rows)
    }

    async fn newest_change(&self, wallet: WalletId) -> Result<u64, StoreFault> {
        let tables = self.lock();
        let rows = tables.transactions.values().filter(|row| row.wallet == wallet);
        Ok(rows.map(|row| row.cursor).max().unwrap_or(0))
    }

    async fn transaction(&self, wallet: WalletId, txid: [u8; 32]) -> Result<Option<WalletTransaction>, StoreFault> {
        Ok(self.lock().transactions.get(&(wallet, txid)).cloned())
    }

    async fn unconfirmed(
        &self,
        after: Option<([u8; 32], WalletId)>,
        limit: u32,
    ) -> Result<Vec<([u8; 32], WalletId)>, StoreFault> {
        let tables = self.lock();
        let waiting = tables
            .transactions
            .values()
            .filter(|row| row.block.is_none() && !row.gone);
        let mut names: Vec<_> = waiting.map(|row| (row.txid, row.wallet)).collect();
        names.sort_unstable();
        Ok(names
            .into_iter()
            .filter(|name| after.is_none_or(|after| *name > after))
            .take(most(limit))
            .collect())
    }

    async fn rescan(&self, wallet: WalletId) -> Result<Option<Rescan>, StoreFault> {
        Ok(self.lock().rescans.get(&wallet).copied())
    }

    async fn rescans(&self, after: Option<WalletId>, limit: u32) -> Result<Vec<Rescan>, StoreFault> {
        let tables = self.lock();
        let mut rows: Vec<_> = tables
            .rescans
            .values()
            .filter(|row| row.next <= row.last && after.is_none_or(|after| row.wallet > after))
            .copied()
            .collect();
        rows.truncate(most(limit));
        Ok(rows)
    }

    async fn tip(&self) -> Result<Option<Block>, StoreFault> {
        Ok(self.lock().blocks.values().next_back().cloned())
    }

    async fn blocks(&self, from: u32, limit: u32) -> Result<Vec<Block>, StoreFault> {
        Ok(self
            .lock()
            .blocks
            .range(from..)
            .take(most(limit))
            .map(|(_, row)| row.clone())
            .collect())
    }
}

/// One past the highest index, external and internal.
fn one_past(rows: impl Iterator<Item = (u8, u32)>) -> [u32; 2] {
    rows.fold([0, 0], |mut past, (keychain, index)| {
        if let Some(past) = past.get_mut(usize::from(keychain)) {
            *past = (*past).max(index.saturating_add(1));
        }
        past
    })
}

#[cfg(test)]
mod tests;
