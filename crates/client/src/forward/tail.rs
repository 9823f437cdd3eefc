//! The end of a wallet's log, entry by entry, as this machine read and proved it.

use twofold_api::audit::ChainHead;
use twofold_api::limits::{BROUGHT_BYTES, BROUGHT_ENTRIES};
use twofold_threshold::checkpoint::Head;
use twofold_threshold::id::WalletId;

use crate::client::Client;
use crate::fault::Fault;
use crate::keystore::name;
use crate::keystore::record::{Reader, Writer};
use crate::port::{BlobName, KeystoreFault, Platform};

const VERSION: u8 = 1;
/// More would be no record of ours.
const MOST: u32 = 4_096;

fn item(wallet: WalletId) -> Result<BlobName, KeystoreFault> {
    name(&format!("log-{wallet}"))
}

/// Some entries that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Where the log stood before them.
    from: ChainHead,
    entries: Vec<Vec<u8>>,
}

impl Tail {
    /// None yet, of those that come after a place.
    pub(crate) const fn after(from: ChainHead) -> Self {
        let entries = Vec::new();
        Self { from, entries }
    }

    /// How many of the entries lie before a place of the log, if that place is among them.
    fn place(&self, wallet: WalletId, (seq, chain): (u64, [u8; 32])) -> Option<usize> {
        let count = usize::try_from(seq.checked_sub(self.from.seq)?).ok()?;
        let head = self
            .entries
            .get(..count)?
            .iter()
            .fold(self.from, |head, entry| head.next(wallet, entry));
        (head.chain == chain).then_some(count)
    }

    /// Takes in what was read from a place on. The oldest go where it would be more than a server takes.
    pub(crate) fn read_on(&mut self, wallet: WalletId, from: ChainHead, entries: Vec<Vec<u8>>) {
        match self.place(wallet, (from.seq, from.chain)) {
            Some(count) => self.entries.truncate(count),
            None => *self = Self::after(from),
        }
        self.entries.extend(entries);
        let mut bytes: usize = self.entries.iter().map(Vec::len).sum();
        let mut old = 0;
        while let Some(entry) = self.entries.get(old)
            && (self.entries.len() - old > BROUGHT_ENTRIES || bytes > BROUGHT_BYTES)
        {
            self.from = self.from.next(wallet, entry);
            bytes -= entry.len();
            old += 1;
        }
        self.entries.drain(..old);
    }

    /// The entries from one place of the log to a later one, if both are here.
    pub(super) fn between(&self, wallet: WalletId, from: &Head, to: &Head) -> Option<&[Vec<u8>]> {
        let first = self.place(wallet, (from.seq, from.chain))?;
        let last = self.place(wallet, (to.seq, to.chain))?;
        self.entries.get(first..last).filter(|entries| !entries.is_empty())
    }
}

impl<P: Platform> Client<P> {
    /// Keeps what was read of a wallet's log from a place on, once it is seen to lead to what the server signed.
    pub(crate) async fn keep_tail(&mut self, wallet: WalletId, read: Tail) -> Result<(), Fault> {
        if read.entries.is_empty() {
            return Ok(());
        }
        let mut tail = self.load_tail(wallet).await?;
        tail.read_on(wallet, read.from, read.entries);
        let bytes = Writer::new(VERSION)
            .fixed(&tail.from.seq.to_be_bytes())
            .fixed(&tail.from.chain)
            .all(&tail.entries)
            .finish();
        Ok(self.keys.save(&item(wallet)?, &bytes, &mut self.random).await?)
    }

    pub(super) async fn load_tail(&self, wallet: WalletId) -> Result<Tail, Fault> {
        let item = item(wallet)?;
        let Some(bytes) = self.keys.load(&item).await? else {
            return Ok(Tail::after(ChainHead::START));
        };
        let mut reader = Reader::new(item.as_str(), &bytes, VERSION)?;
        let from = ChainHead {
            seq: u64::from_be_bytes(reader.array()?),
            chain: reader.array()?,
        };
        let entries = reader.all(MOST)?;
        reader.finish()?;
        Ok(Tail { from, entries })
    }
}

#[cfg(test)]
mod tests;
