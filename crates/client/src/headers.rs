//! Block headers, checked: linked, worked for, and of the right difficulty.
//!
//! The server says what the chain is; this says whether that can be true. A chain starts at the wallet's birthday, whose
//! header is taken on trust within a floor of work (no coin of the wallet is older, so nothing before it matters). From
//! there every header names the one before, carries the proof of work that its network's rules ask for at that height,
//! and of two forks the one with more work wins.
//!
//! On a signet (BIP-325) blocks count by their signature, which stands in the coinbase transaction and not in the header.
//! So there headers prove next to nothing: the work is small, and that the challenge was met is the word of the server's
//! node. The rules still tell one signet's pace from another's, and hold a server to one chain.

mod candidate;
pub mod merkle;
mod segment;

pub use candidate::{Adopted, Candidate};
pub use segment::SEGMENT;

use bitcoin::block::Header;
use bitcoin::{BlockHash, Txid, Work};
use twofold_intent::{ChainName, headers::HeaderFault};

/// A claim about the chain that can't be true. It names what was claimed: the server, or the node behind it, lies or is
/// broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainLie {
    /// 80 bytes that are no header.
    #[error("the server's header for block {height} can't be read")]
    Unreadable {
        /// Claimed height.
        height: u32,
    },
    /// A header does not name the one before it.
    #[error("the server's header for block {height} does not follow block {}", .height.saturating_sub(1))]
    Unlinked {
        /// Claimed height.
        height: u32,
    },
    /// A header's hash does not meet its own target.
    #[error("the server's header for block {height} has no proof of work")]
    NoWork {
        /// Claimed height.
        height: u32,
    },
    /// A header's difficulty is not what the rules ask for there.
    #[error("the server's header for block {height} has the wrong difficulty")]
    WrongDifficulty {
        /// Claimed height.
        height: u32,
    },
    /// A header is no newer than the median of the eleven before it.
    #[error("the server's header for block {height} is older than those before it")]
    WrongTime {
        /// Claimed height.
        height: u32,
    },
    /// Headers leave out blocks.
    #[error("the server's headers leave out blocks before {height}")]
    Gap {
        /// Where they go on.
        height: u32,
    },
    /// A fork that carries less work than what is known already.
    #[error("the server shows another chain from block {height} on, with less work than the one already known")]
    LessWork {
        /// Where it forks off.
        height: u32,
    },
    /// A transaction said to be in a block that is not on the chain.
    #[error("the server says transaction {txid} is in a block at height {height} that is not on its own chain")]
    UnknownBlock {
        /// The transaction.
        txid: Txid,
        /// Claimed height.
        height: u32,
    },
    /// A merkle branch that does not lead to the block's root.
    #[error("the server's proof that transaction {txid} is in block {height} is false")]
    FalseBranch {
        /// The transaction.
        txid: Txid,
        /// Claimed height.
        height: u32,
    },
    /// Bytes that are no transaction.
    #[error("the server sent bytes that are no transaction")]
    NoTransaction,
    /// A transaction said to wait, that spends our coins without our signature.
    #[error(
        "the server says that {txid} waits and spends your coins, but nobody signed it for this wallet; its node or the server lies"
    )]
    Unsigned {
        /// The transaction.
        txid: Txid,
    },
    /// More transactions than a wallet has.
    #[error("the server tells of more transactions than this machine can keep")]
    TooMuch,
    /// It says that there is more but sends nothing new.
    #[error("the server says that there is more but sends nothing new")]
    Stalled,
}

impl ChainLie {
    /// What is wrong with the header that the server claims for this height.
    pub(crate) const fn about(height: u32, fault: HeaderFault) -> Self {
        match fault {
            HeaderFault::Unlinked => Self::Unlinked { height },
            HeaderFault::NoWork => Self::NoWork { height },
            HeaderFault::WrongTime => Self::WrongTime { height },
            _ => Self::WrongDifficulty { height },
        }
    }
}

/// Headers from the birthday to the tip, each checked when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderChain {
    name: ChainName,
    base: u32,
    headers: Vec<Header>,
}

impl HeaderChain {
    /// A chain that knows nothing yet but where it starts.
    #[must_use]
    pub const fn starting_at(name: ChainName, birthday: u32) -> Self {
        Self {
            name,
            base: birthday,
            headers: Vec::new(),
        }
    }

    /// Whose rules apply.
    #[must_use]
    pub const fn name(&self) -> ChainName {
        self.name
    }

    /// Height of the first header.
    #[must_use]
    pub const fn base(&self) -> u32 {
        self.base
    }

    /// Height and hash of the newest block.
    #[must_use]
    pub fn tip(&self) -> Option<(u32, BlockHash)> {
        self.headers
            .last()
            .map(|header| (self.next_height().saturating_sub(1), header.block_hash()))
    }

    /// The header at a height.
    #[must_use]
    pub fn get(&self, height: u32) -> Option<&Header> {
        self.headers.get(usize::try_from(height.checked_sub(self.base)?).ok()?)
    }

    /// One past the newest height.
    pub(crate) fn next_height(&self) -> u32 {
        self.base
            .saturating_add(u32::try_from(self.headers.len()).unwrap_or(u32::MAX))
    }

    /// A new chain on top of this one, to be filled with what the server says.
    #[must_use]
    pub const fn candidate(&self) -> Candidate<'_> {
        Candidate::new(self)
    }

    /// Takes over a candidate's headers; gives the lowest height that changed.
    pub fn adopt(&mut self, adopted: Adopted) -> u32 {
        let keep = adopted.from.saturating_sub(self.base);
        self.base = self.base.min(adopted.from);
        self.headers.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
        self.headers.extend(adopted.headers);
        adopted.from
    }

    /// Work of all headers from `from` on.
    fn work_from(&self, from: u32) -> Option<Work> {
        let skip = usize::try_from(from.saturating_sub(self.base)).ok()?;
        self.headers
            .get(skip..)?
            .iter()
            .map(Header::work)
            .reduce(|sum, work| sum + work)
    }
}

/// Picks heights for a locator: the newest ten one by one, then with doubling steps down to the base, at most 32.
pub(crate) fn locator_heights(base: u32, tip: u32) -> Vec<u32> {
    let mut heights = Vec::new();
    let (mut height, mut step) = (tip, 1);
    while heights.len() < 31 && height > base {
        heights.push(height);
        if heights.len() >= 10 {
            step *= 2;
        }
        height = height.saturating_sub(step).max(base);
    }
    heights.push(base);
    heights
}

#[cfg(test)]
pub(crate) mod tests;
