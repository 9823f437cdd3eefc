//! What a person wrote about transactions, addresses and coins, and which coins are frozen (BIP-329).
//!
//! Kept in the keystore in the same form as exported: one JSON object a line. None of it touches a key; a frozen coin is
//! one that this machine never chooses and never signs for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Network, OutPoint, Txid};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::port::{BlobName, KeystoreFault, Platform};
use crate::wallet::Wallet;
use twofold_threshold::id::WalletId;

/// Most characters of a label; BIP-329 asks importers to take at least 255.
pub const LABEL_CHARS: usize = 255;
/// Most entries kept for one wallet.
pub const ENTRIES: usize = 10_000;
/// Most bytes of a file that is imported, and of what is kept.
pub const FILE_BYTES: usize = 4 << 20;
/// Most characters of a reference or origin; an extended key has 111.
const REFERENCE_CHARS: usize = 160;

/// What a label is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    kind: Kind,
    text: String,
}

/// BIP-329's types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Tx,
    Addr,
    Pubkey,
    Input,
    Output,
    Xpub,
}

/// Why something can't be labelled, or labels can't be taken in. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelFault {
    /// Neither of the three.
    #[error("{text:?} is no transaction id, no coin (TXID:NUMBER) and no address of {network}")]
    Reference {
        /// What was given.
        text: String,
        /// This wallet's network.
        network: Network,
    },
    /// Too long.
    #[error("a label has at most {LABEL_CHARS} characters")]
    TooLong,
    /// A character that would change what a terminal shows.
    #[error("a label can't hold control characters or marks that turn the direction of text")]
    Control,
    /// No room.
    #[error("there are {ENTRIES} labels already; remove some first (an empty label removes one)")]
    Full,
    /// The file is too large.
    #[error("the file is larger than {} MiB; split it", FILE_BYTES >> 20)]
    TooLarge,
    /// A line that is no BIP-329 entry.
    #[error("line {line} is no BIP-329 label: {why}; nothing was imported")]
    Line {
        /// Which, counting from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

impl Reference {
    /// A transaction.
    #[must_use]
    pub fn transaction(txid: Txid) -> Self {
        let text = txid.to_string();
        Self { kind: Kind::Tx, text }
    }

    /// A coin: an output of a transaction.
    #[must_use]
    pub fn coin(outpoint: OutPoint) -> Self {
        let text = outpoint.to_string();
        Self {
            kind: Kind::Output,
            text,
        }
    }

    /// An address.
    #[must_use]
    pub fn address(address: &Address) -> Self {
        let text = address.to_string();
        Self { kind: Kind::Addr, text }
    }

    /// What a person typed: a transaction id, a coin or an address.
    pub fn parse(text: &str, network: Network) -> Result<Self, LabelFault> {
        let text = text.trim();
        if let Ok(txid) = Txid::from_str(text) {
            return Ok(Self::transaction(txid));
        }
        if let Ok(outpoint) = OutPoint::from_str(text) {
            return Ok(Self::coin(outpoint));
        }
        read_address(text, network)
            .map(|address| Self::address(&address))
            .ok_or_else(|| LabelFault::Reference {
                text: text.chars().take(REFERENCE_CHARS).collect(),
                network,
            })
    }

    /// What a file says: the same, in one spelling, so that two spellings are not two labels.
    fn typed(kind: Kind, text: &str, network: Network) -> Option<Self> {
        let text = match kind {
            Kind::Tx => Txid::from_str(text).ok()?.to_string(),
            Kind::Input | Kind::Output => OutPoint::from_str(text).ok()?.to_string(),
            Kind::Addr => read_address(text, network)?.to_string(),
            Kind::Pubkey | Kind::Xpub => {
                let plain = text.chars().all(|c| c.is_ascii_alphanumeric());
                (plain && !text.is_empty() && text.len() <= REFERENCE_CHARS).then(|| text.to_owned())?
            }
        };
        Some(Self { kind, text })
    }

    fn as_coin(&self) -> Option<OutPoint> {
        (self.kind == Kind::Output).then(|| self.text.parse().ok())?
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read_address(text: &str, network: Network) -> Option<Address> {
    let address: Address<NetworkUnchecked> = text.parse().ok()?;
    address.require_network(network).ok()
}

/// A label that can be shown: no control characters, at most [`LABEL_CHARS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(String);

impl FromStr for Label {
    type Err = LabelFault;

    fn from_str(text: &str) -> Result<Self, LabelFault> {
        let text = text.trim();
        if text.chars().nth(LABEL_CHARS).is_some() {
            return Err(LabelFault::TooLong);
        }
        if text.chars().any(twofold_api::request::misleads) {
            return Err(LabelFault::Control);
        }
        Ok(Self(text.into()))
    }
}

impl Label {
    /// The label as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One line of a file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "ref")]
    reference: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spendable: Option<bool>,
}

/// What is known of one reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Note {
    label: Option<String>,
    origin: Option<String>,
    frozen: bool,
}

impl Note {
    const fn is_empty(&self) -> bool {
        self.label.is_none() && !self.frozen
    }
}

/// What an import brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Entries taken in.
    pub taken: usize,
    /// Entries left away: of a type or network that is not known here, too long, or with characters that mislead.
    pub skipped: usize,
    /// Coins that are frozen now and were not.
    pub frozen: usize,
    /// Coins that may be spent now and could not be.
    pub unfrozen: usize,
}

/// Everything written about one wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<Reference, Note>);

impl Labels {
    /// What was written about something.
    #[must_use]
    pub fn of(&self, reference: &Reference) -> Option<&str> {
        self.0.get(reference)?.label.as_deref()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The coins that are frozen.
    pub(crate) fn frozen(&self) -> impl Iterator<Item = OutPoint> + '_ {
        let frozen = self.0.iter().filter(|(_, note)| note.frozen);
        frozen.filter_map(|(reference, _)| reference.as_coin())
    }

    /// Writes a label; an empty one removes what is there.
    pub(crate) fn write(&mut self, reference: Reference, label: &Label) -> Result<(), LabelFault> {
        self.change(reference, |note| {
            note.label = Some(label.0.clone()).filter(|text| !text.is_empty());
        })
    }

    /// Freezes a coin, or lets it be spent again.
    pub(crate) fn freeze(&mut self, coin: OutPoint, frozen: bool) -> Result<(), LabelFault> {
        self.change(Reference::coin(coin), |note| note.frozen = frozen)
    }

    fn change(&mut self, reference: Reference, change: impl FnOnce(&mut Note)) -> Result<(), LabelFault> {
        let mut note = self.0.get(&reference).cloned().unwrap_or_default();
        change(&mut note);
        if note.is_empty() {
            self.0.remove(&reference);
            return Ok(());
        }
        if self.0.len() >= ENTRIES && !self.0.contains_key(&reference) {
            return Err(LabelFault::Full);
        }
        self.0.insert(reference, note);
        Ok(())
    }

    /// All of it as BIP-329 has it: one JSON object a line.
    #[must_use]
    pub fn export(&self) -> String {
        let lines = self.0.iter().map(|(reference, note)| Line {
            kind: reference.kind.as_str().into(),
            reference: reference.text.clone(),
            label: note.label.clone(),
            origin: note.origin.clone(),
            spendable: note.frozen.then_some(false),
        });
        let texts = lines.filter_map(|line| serde_json::to_string(&line).ok());
        texts.fold(String::new(), |all, line| all + &line + "\n")
    }

    /// Takes a BIP-329 file in over what is there. A line that is none at all refuses the whole file; entries that can't
    /// be used here are left away and counted, as BIP-329 asks.
    pub(crate) fn import(&mut self, text: &str, network: Network) -> Result<Imported, LabelFault> {
        if text.len() > FILE_BYTES {
            return Err(LabelFault::TooLarge);
        }
        let (mut all, mut imported) = (self.clone(), Imported::default());
        for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|fault| LabelFault::Line {
                line: place + 1,
                why: fault.to_string(),
            })?;
            match all.take(line, network)? {
                None => imported.skipped += 1,
                Some((before, after)) => {
                    imported.taken += 1;
                    imported.frozen += usize::from(after && !before);
                    imported.unfrozen += usize::from(before && !after);
                }
            }
        }
        *self = all;
        Ok(imported)
    }

    /// Takes one line in; none where it can't be used here. Gives whether it was, and is, frozen.
    fn take(&mut self, line: Line, network: Network) -> Result<Option<(bool, bool)>, LabelFault> {
        let kind: Result<Kind, _> = serde_json::from_value(line.kind.into());
        let Some(reference) = kind
            .ok()
            .and_then(|kind| Reference::typed(kind, &line.reference, network))
        else {
            return Ok(None);
        };
        let Ok(label) = line.label.as_deref().map(str::parse::<Label>).transpose() else {
            return Ok(None);
        };
        // An origin only says where a label comes from; one that can't be shown is not worth losing the label.
        let origin = line.origin.filter(|origin| {
            origin.chars().nth(REFERENCE_CHARS).is_none() && !origin.chars().any(twofold_api::request::misleads)
        });
        let before = self.0.get(&reference).is_some_and(|note| note.frozen);
        let mut after = before;
        let is_coin = reference.kind == Kind::Output;
        self.change(reference, |note| {
            if let Some(label) = label {
                note.label = Some(label.0).filter(|text| !text.is_empty());
            }
            note.origin = origin.or(note.origin.take());
            if let Some(spendable) = line.spendable.filter(|_| is_coin) {
                note.frozen = !spendable;
            }
            after = note.frozen;
        })?;
        Ok(Some((before, after)))
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tx => "tx",
            Self::Addr => "addr",
            Self::Pubkey => "pubkey",
            Self::Input => "input",
            Self::Output => "output",
            Self::Xpub => "xpub",
        }
    }
}

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("labels-{wallet}"))
}

impl<P: Platform> Client<P> {
    /// Labels a transaction, coin or address; an empty label removes what is there.
    pub async fn label(&mut self, wallet: &mut Wallet, reference: Reference, label: &Label) -> Result<(), Fault> {
        let mut labels = wallet.labels.clone();
        labels.write(reference, label)?;
        self.keep_labels(wallet, labels).await
    }

    /// Freezes coins, or lets them be spent again. Each must be a coin of the wallet.
    pub async fn freeze(&mut self, wallet: &mut Wallet, coins: &[OutPoint], frozen: bool) -> Result<(), Fault> {
        let mut labels = wallet.labels.clone();
        for coin in coins {
            wallet.ledger.known_coin(*coin)?;
            labels.freeze(*coin, frozen)?;
        }
        self.keep_labels(wallet, labels).await
    }

    /// Takes a BIP-329 file in.
    pub async fn import_labels(&mut self, wallet: &mut Wallet, text: &str) -> Result<Imported, Fault> {
        let mut labels = wallet.labels.clone();
        let imported = labels.import(text, wallet.network())?;
        self.keep_labels(wallet, labels).await?;
        Ok(imported)
    }

    /// Durable first: a coin that was said to be frozen is frozen.
    async fn keep_labels(&mut self, wallet: &mut Wallet, labels: Labels) -> Result<(), Fault> {
        let bytes = labels.export();
        if bytes.len() > FILE_BYTES {
            return Err(LabelFault::Full.into());
        }
        self.keys
            .save(&item(wallet.id())?, bytes.as_bytes(), &mut self.random)
            .await?;
        wallet.take_labels(labels);
        Ok(())
    }

    pub(crate) async fn load_labels(&self, wallet: WalletId, network: Network) -> Result<Labels, Fault> {
        let item = item(wallet)?;
        let mut labels = Labels::default();
        if let Some(bytes) = self.keys.load(&item).await? {
            let damaged = || KeystoreFault::Damaged { name: item.to_string() };
            let text = core::str::from_utf8(&bytes).map_err(|_| damaged())?;
            labels.import(text, network).map_err(|_| damaged())?;
        }
        Ok(labels)
    }
}

#[cfg(test)]
mod tests;
