//! What the server says the chain is, while it is being told.

use bitcoin::block::Header;
use bitcoin::consensus::encode::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Work};

use twofold_intent::headers;

use super::{ChainLie, HeaderChain, locator_heights};

/// Headers on top of a known chain, each checked as it comes; it replaces the known chain only as a whole, and only
/// where it carries more work.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    known: &'a HeaderChain,
    from: u32,
    headers: Vec<Header>,
}

/// A candidate that won.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Height of the first header that is new.
    pub(super) from: u32,
    pub(super) headers: Vec<Header>,
}

impl<'a> Candidate<'a> {
    pub(super) const fn new(known: &'a HeaderChain) -> Self {
        Self {
            known,
            from: u32::MAX,
            headers: Vec::new(),
        }
    }

    /// The header at a height, as this candidate has it.
    #[must_use]
    pub fn get(&self, height: u32) -> Option<&Header> {
        if height < self.from {
            // What lies above a fork is no part of the candidate; `from` is only unset while nothing differs.
            return self.known.get(height);
        }
        self.headers.get(usize::try_from(height - self.from).ok()?)
    }

    fn base(&self) -> u32 {
        self.known.base().min(self.from)
    }

    /// One past the newest height.
    fn next_height(&self) -> u32 {
        if self.headers.is_empty() && self.from == u32::MAX {
            return self.known.next_height();
        }
        self.from
            .saturating_add(u32::try_from(self.headers.len()).unwrap_or(u32::MAX))
    }

    /// Height of the newest block, where there is one.
    #[must_use]
    pub fn tip_height(&self) -> Option<u32> {
        (self.next_height() > self.base()).then(|| self.next_height() - 1)
    }

    /// Blocks to show the server, newest first.
    #[must_use]
    pub fn locator(&self) -> Vec<(u32, [u8; 32])> {
        let Some(tip) = self.tip_height() else {
            return Vec::new();
        };
        let hash = |height: u32| {
            self.get(height)
                .map(|header| (height, header.block_hash().to_byte_array()))
        };
        locator_heights(self.base(), tip).into_iter().filter_map(hash).collect()
    }

    /// Adds a page of headers, 80 bytes each, the first at height `from`. Gives how many were new.
    pub fn extend(&mut self, from: u32, page: &[Vec<u8>]) -> Result<usize, ChainLie> {
        if page.is_empty() {
            return Ok(0);
        }
        let nothing_known = self.tip_height().is_none();
        if (nothing_known && from > self.known.base()) || (!nothing_known && from > self.next_height()) {
            return Err(ChainLie::Gap { height: from });
        }
        let mut added = 0;
        for (height, bytes) in (from..).zip(page) {
            let header: Header = deserialize(bytes).map_err(|_| ChainLie::Unreadable { height })?;
            if self.get(height) == Some(&header) {
                continue;
            }
            headers::check(self.known.name(), |height| self.get(height), height, &header)
                .map_err(|fault| ChainLie::about(height, fault))?;
            self.put(height, header);
            added += 1;
        }
        Ok(added)
    }

    fn put(&mut self, height: u32, header: Header) {
        if height < self.from {
            self.from = height;
            self.headers.clear();
        }
        self.headers
            .truncate(usize::try_from(height - self.from).unwrap_or(usize::MAX));
        self.headers.push(header);
    }

    /// Work from a height on.
    fn work_from(&self, height: u32) -> Option<Work> {
        let skip = usize::try_from(height.saturating_sub(self.from)).ok()?;
        self.headers
            .get(skip..)?
            .iter()
            .map(Header::work)
            .reduce(|sum, work| sum + work)
    }

    /// Ends the telling. Nothing where nothing is new.
    pub fn finish(self) -> Result<Option<Adopted>, ChainLie> {
        if self.headers.is_empty() {
            return Ok(None);
        }
        // Below our base there is nothing of ours to compare with.
        let parted = self.from.max(self.known.base());
        if let Some(known) = self.known.work_from(parted) {
            // At equal work the server's own choice is as good as ours.
            if self.work_from(parted).is_none_or(|work| work < known) {
                return Err(ChainLie::LessWork { height: self.from });
            }
        }
        Ok(Some(Adopted {
            from: self.from,
            headers: self.headers,
        }))
    }

    /// The hash at a height, as this candidate has it.
    #[must_use]
    pub fn hash(&self, height: u32) -> Option<BlockHash> {
        self.get(height).map(Header::block_hash)
    }
}
