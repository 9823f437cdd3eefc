//! A wallet on this machine: its secrets, its books, and how both are kept.

mod record;

pub(crate) use record::{Record, Standing};

use bitcoin::{Address, Network};
use twofold_intent::{Account, ChainName};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::id::{EpochId, WalletId};
use twofold_threshold::package::{Chain, FirstPackage};
use twofold_threshold::refresh::Link;
use twofold_threshold::transcript::SignedTranscript;

use crate::client::Client;
use crate::fault::{Breach, Fault, Usage};
use crate::headers::{HeaderChain, SEGMENT};
use crate::keystore::name;
use crate::labels::{Labels, Reference};
use crate::ledger::Ledger;
use crate::port::{BlobName, KeystoreFault, Platform};

/// A wallet, open. What changes in it is kept by the [`Client`]'s methods that take it.
#[derive(Debug)]
pub struct Wallet {
    pub(crate) record: Record,
    pub(crate) ledger: Ledger,
    pub(crate) labels: Labels,
    /// The newest that the server gave.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// The newest whose log was read and found to lead there from the one proved before.
    pub(crate) proved: Option<Checkpoint>,
    /// Those that the server gave after `proved` and before `checkpoint`. None is let go before the log is seen to hold it.
    pub(crate) between: Vec<Checkpoint>,
    /// The server contradicted what it had signed of the log, and has not yet shown a log that holds it all.
    pub(crate) in_doubt: bool,
}

/// Most checkpoints held unproved; what comes after them has to wait for a proof.
const MOST_BETWEEN: usize = 64;

impl Wallet {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> WalletId {
        self.record.wallet
    }

    /// What the person calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The network it lives on.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.ledger.network()
    }

    /// The epoch of its key.
    #[must_use]
    pub const fn epoch(&self) -> EpochId {
        self.record.public.epoch()
    }

    /// The group key's short fingerprint, to be compared by a person.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.record.public.fingerprint()
    }

    /// Whether the person never said that the recovery words are written down.
    #[must_use]
    pub const fn has_unconfirmed_words(&self) -> bool {
        self.record.words.is_some()
    }

    /// Balance, history, and all else that the books tell without asking anyone.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the person wrote about transactions, addresses and coins.
    #[must_use]
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The oldest address that was handed out, never paid to, and has this label, or none.
    pub(crate) fn unused_address(&self, label: Option<&str>) -> Option<Address> {
        let mut unused = self.ledger.unused_addresses().into_iter();
        unused.find(|address| self.labels.of(&Reference::address(address)) == label)
    }

    fn bare(record: Record, ledger: Ledger) -> Self {
        Self {
            record,
            ledger,
            labels: Labels::default(),
            checkpoint: None,
            proved: None,
            between: Vec::new(),
            in_doubt: false,
        }
    }

    /// Takes over labels, and with them which coins are frozen.
    pub(crate) fn take_labels(&mut self, labels: Labels) {
        self.ledger.set_frozen(labels.frozen());
        self.labels = labels;
    }

    /// The descriptor `tr([fp]xpub/<0;1>/*)#checksum`, with which Bitcoin Core or Sparrow can watch the wallet.
    #[must_use]
    pub fn descriptor(&self) -> String {
        self.ledger.account().descriptor_multipath()
    }

    /// The newest checkpoint the server gave.
    #[must_use]
    pub const fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Whether the server contradicted what it had signed of this wallet's log: nothing is signed until it shows a log
    /// that holds all of that.
    #[must_use]
    pub const fn log_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// Whether the log was read up to the newest checkpoint.
    pub(crate) fn is_proved(&self) -> bool {
        self.checkpoint == self.proved
    }

    /// Every checkpoint that the log must hold, the oldest first.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Checkpoint> {
        self.proved.iter().chain(&self.between).chain(&self.checkpoint)
    }

    /// The log was read through all that is held, up to `end`.
    pub(crate) fn settle(&mut self, end: Checkpoint) {
        (self.checkpoint, self.proved) = (Some(end), Some(end));
        self.between.clear();
        self.in_doubt = false;
    }

    /// Takes a newer checkpoint in, beside those that are not proved yet; false where there is no room for it before a proof.
    fn take(&mut self, newest: Checkpoint) -> bool {
        if !self.is_proved() {
            if self.between.len() >= MOST_BETWEEN {
                return false;
            }
            self.between.extend(self.checkpoint);
        }
        self.checkpoint = Some(newest);
        self.proved.get_or_insert(newest);
        true
    }

    /// The same for one that is written with the record.
    pub(crate) fn take_with_record(&mut self, newest: Checkpoint) {
        self.record.checkpoint = Some(newest);
        if self.checkpoint != Some(newest) {
            self.take(newest);
        }
    }

    /// What the keystore holds of this: newest, proved, those between, and a byte that says whether the log is in doubt.
    fn checkpoint_bytes(&self) -> Option<Vec<u8>> {
        let ends = [self.checkpoint.as_ref()?, self.proved.as_ref()?];
        let all = ends.into_iter().chain(&self.between);
        let mut bytes: Vec<u8> = all.flat_map(Checkpoint::to_bytes).collect();
        bytes.push(u8::from(self.in_doubt));
        Some(bytes)
    }

    fn read_checkpoints(&mut self, bytes: &[u8]) -> Option<()> {
        let (checkpoints, marks) = bytes.split_at(bytes.len() - bytes.len() % Checkpoint::LEN);
        let mut checkpoints = checkpoints
            .chunks_exact(Checkpoint::LEN)
            .map(|bytes| Checkpoint::try_from(bytes).ok());
        (self.checkpoint, self.proved) = (Some(checkpoints.next()??), Some(checkpoints.next()??));
        self.between = checkpoints.collect::<Option<_>>()?;
        self.in_doubt = match marks {
            [] | [0] => false,
            [1] => true,
            _ => return None,
        };
        Some(())
    }
}

pub(crate) fn record_item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("wallet-{wallet}"))
}

pub(crate) fn checkpoint_item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("checkpoint-{wallet}"))
}

fn books_item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("books-{wallet}"))
}

fn headers_prefix(wallet: WalletId) -> String {
    format!("headers-{wallet}-")
}

fn headers_item(wallet: WalletId, segment: u32) -> Result<BlobName, KeystoreFault> {
    // Padded, so that the order of names is the order of heights.
    name(&format!("{}{segment:08}", headers_prefix(wallet)))
}

/// Each by its name and its id: what can be said to choose, also while no server answers.
fn name_all(records: &[Record]) -> String {
    let mut all: Vec<_> = records
        .iter()
        .map(|record| (&record.name, record.wallet.to_string()))
        .collect();
    all.sort();
    let each: Vec<_> = all.iter().map(|(name, id)| format!("{name} ({id})")).collect();
    each.join(", ")
}

/// A wallet in one line, as this machine knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub wallet: WalletId,
    /// What the person calls it.
    pub name: String,
    /// It was made and shown to work.
    pub finished: bool,
    /// Its recovery words wait to be confirmed.
    pub words_unconfirmed: bool,
}

impl<P: Platform> Client<P> {
    /// The wallets on this machine, by name.
    pub async fn wallets(&self) -> Result<Vec<Listed>, Fault> {
        let mut listed = Vec::new();
        for record in self.records().await? {
            listed.push(Listed {
                wallet: record.wallet,
                finished: record.standing == Standing::Active,
                words_unconfirmed: record.words.is_some(),
                name: record.name,
            });
        }
        listed.sort_by(|a, b| a.name.cmp(&b.name).then(a.wallet.0.cmp(&b.wallet.0)));
        Ok(listed)
    }

    pub(crate) async fn records(&self) -> Result<Vec<Record>, Fault> {
        let mut records = Vec::new();
        for item in self.keys.names("wallet-").await? {
            if let Some(bytes) = self.keys.load(&item).await? {
                records.push(Record::open(item.as_str(), &bytes, &self.keys.share_key())?);
            }
        }
        Ok(records)
    }

    /// Opens the wallet with this name or id; the only one where none is named.
    pub async fn open_wallet(&self, asked: Option<&str>) -> Result<Wallet, Fault> {
        let found = self.find_record(asked).await?;
        self.open_record(found).await
    }

    /// The same without its books, labels and what it knows of the server's log, for a sweep whose coins a node finds: they
    /// may be damaged, and the share is what counts. Nothing of it is to be saved.
    pub async fn open_without_books(&self, asked: Option<&str>) -> Result<Wallet, Fault> {
        let record = self.find_record(asked).await?;
        let chain = HeaderChain::starting_at(record.chain, record.birthday);
        let ledger = Ledger::new(record.account()?, chain)?;
        Ok(Wallet::bare(record, ledger))
    }

    async fn find_record(&self, asked: Option<&str>) -> Result<Record, Fault> {
        let mut records = self.records().await?;
        let found = match asked {
            None if records.len() > 1 => {
                let wallets = name_all(&records);
                return Err(Usage::WhichWallet { wallets }.into());
            }
            None => records.pop().ok_or(Usage::NoWallet)?,
            Some(asked) => {
                records.retain(|record| record.wallet.to_string() == asked || record.name == asked);
                if records.len() > 1 {
                    let wallets = name_all(&records);
                    return Err(Usage::SameName { wallets }.into());
                }
                records
                    .pop()
                    .ok_or_else(|| Usage::NoSuchWallet { asked: asked.into() })?
            }
        };
        if found.standing != Standing::Active {
            return Err(Usage::Unfinished.into());
        }
        Ok(found)
    }

    pub(crate) async fn open_record(&self, record: Record) -> Result<Wallet, Fault> {
        let wallet = record.wallet;
        let account = record.account()?;
        let chain = self.load_headers(wallet, record.chain, record.birthday).await?;
        let ledger = match self.keys.load(&books_item(wallet)?).await? {
            Some(bytes) => Ledger::load(account, chain, &bytes)?,
            None => Ledger::new(account, chain)?,
        };
        let labels = self.load_labels(wallet, ledger.network()).await?;
        let mut open = Wallet::bare(record, ledger);
        open.take_labels(labels);
        let item = checkpoint_item(wallet)?;
        if let Some(bytes) = self.keys.load(&item).await? {
            let damaged = || KeystoreFault::Damaged { name: item.to_string() };
            open.read_checkpoints(&bytes).ok_or_else(damaged)?;
        }
        self.take_written(&mut open)?;
        Ok(open)
    }

    /// Takes in the checkpoint that was written with the record, where none that came later was kept.
    fn take_written(&self, wallet: &mut Wallet) -> Result<(), Fault> {
        let Some(written) = wallet.record.checkpoint else {
            return Ok(());
        };
        let place = |checkpoint: &Checkpoint| {
            let head = checkpoint
                .verify(&self.session.server)
                .map_err(|_| Breach::Checkpoint)?;
            Ok::<_, Breach>((head.generation, head.seq))
        };
        if wallet.checkpoint == Some(written) {
            return Ok(());
        }
        if wallet.checkpoint.as_ref().map(place).transpose()? < Some(place(&written)?) {
            wallet.take(written);
        }
        Ok(())
    }

    async fn load_headers(&self, wallet: WalletId, name: ChainName, birthday: u32) -> Result<HeaderChain, Fault> {
        let mut pieces = Vec::new();
        for item in self.keys.names(&headers_prefix(wallet)).await? {
            pieces.extend(self.keys.load(&item).await?);
        }
        Ok(HeaderChain::from_segments(
            name,
            birthday,
            pieces.iter().map(|piece| piece.as_slice()),
        ))
    }

    /// Keeps a wallet's secrets.
    pub(crate) async fn save_record(&mut self, record: &Record) -> Result<(), Fault> {
        let bytes = record.seal(&self.keys.share_key(), &mut self.random);
        Ok(self
            .keys
            .save(&record_item(record.wallet)?, &bytes, &mut self.random)
            .await?)
    }

    /// Keeps the books, and the headers from a height on.
    pub(crate) async fn save_books(&mut self, wallet: &mut Wallet, headers_from: Option<u32>) -> Result<(), Fault> {
        let id = wallet.id();
        // Headers first: books that are ahead of their headers would have to be mended, headers that are ahead not.
        if let Some(from) = headers_from {
            let chain = wallet.ledger.chain();
            for segment in chain.segments_from(from) {
                self.keys
                    .save(&headers_item(id, segment)?, &chain.segment(segment), &mut self.random)
                    .await?;
            }
            debug_assert!(chain.base() / SEGMENT <= from / SEGMENT || chain.tip().is_none());
        }
        let bytes = wallet.ledger.save()?;
        Ok(self.keys.save(&books_item(id)?, &bytes, &mut self.random).await?)
    }

    /// Keeps a newer checkpoint.
    pub(crate) async fn note_checkpoint(
        &mut self,
        wallet: &mut Wallet,
        newest: Option<Checkpoint>,
    ) -> Result<(), Fault> {
        let Some(newest) = newest.filter(|newest| Some(newest) != wallet.checkpoint.as_ref()) else {
            return Ok(());
        };
        if wallet.take(newest) {
            self.save_checkpoints(wallet).await?;
        }
        Ok(())
    }

    /// Keeps the checkpoints.
    pub(crate) async fn save_checkpoints(&mut self, wallet: &Wallet) -> Result<(), Fault> {
        let Some(bytes) = wallet.checkpoint_bytes() else {
            return Ok(());
        };
        Ok(self
            .keys
            .save(&checkpoint_item(wallet.id())?, &bytes, &mut self.random)
            .await?)
    }
}

impl Record {
    /// The wallet's epochs with what recovery needs to follow them.
    pub(crate) fn epochs(&self) -> Result<Chain, twofold_threshold::Fault> {
        let links = self.links.iter();
        Ok(Chain::new(
            SignedTranscript::try_from(self.transcript.as_slice())?,
            FirstPackage::try_from(self.package.as_slice())?,
            self.list.entries().to_vec(),
            links
                .map(|link| Link::try_from(link.as_slice()).map(Link::for_recovery))
                .collect::<Result<_, _>>()?,
        ))
    }

    /// The wallet's public half.
    pub(crate) fn account(&self) -> Result<Account, Fault> {
        Account::from_group_key(self.chain.network(), self.public.group_key(), *self.public.chain_code()).map_err(
            |_| {
                KeystoreFault::Damaged {
                    name: format!("wallet-{}", self.wallet),
                }
                .into()
            },
        )
    }
}
