//! Headers from before the server began: a wallet may be older than the server it is on now.

use std::collections::VecDeque;

use bitcoin::{block::Header, hashes::Hash};

use super::headers::read;
use crate::{
    follow::FollowFault,
    port::{chain::Scripts, record::Block, store::Store},
};

/// Headers asked for at once, as far as servers give them.
const PAGE: u32 = 2_016;
/// The most that are kept: about four years, 17 MB.
const MOST: usize = 210_000;

/// Headers below the lowest that is stored. Each is named by the one above it, so none needs any other proof.
#[derive(Debug, Default)]
pub(super) struct Old {
    headers: VecDeque<Header>,
}

impl Old {
    /// Lets go of all: what they hang from may have gone.
    pub(super) fn forget(&mut self) {
        self.headers.clear();
    }

    /// The header at a height at or below the tip; none where that is too long ago.
    pub(super) async fn at(
        &mut self,
        store: &impl Store,
        chain: &impl Scripts,
        height: u32,
    ) -> Result<Option<Header>, FollowFault> {
        let Some(lowest) = store.blocks(height, 1).await?.into_iter().next() else {
            return Ok(None);
        };
        if lowest.height == height {
            return read(&lowest).map(Some);
        }
        while self.reaches(&lowest) > height {
            if self.headers.len() >= MOST {
                return Ok(None);
            }
            self.go_back(chain, &lowest, height).await?;
        }
        let place = usize::try_from(height - self.reaches(&lowest)).ok();
        Ok(place.and_then(|place| self.headers.get(place)).copied())
    }

    /// The lowest height known.
    fn reaches(&self, lowest: &Block) -> u32 {
        lowest
            .height
            .saturating_sub(u32::try_from(self.headers.len()).unwrap_or(u32::MAX))
    }

    async fn go_back(&mut self, chain: &impl Scripts, lowest: &Block, wanted: u32) -> Result<(), FollowFault> {
        let reaches = self.reaches(lowest);
        let from = reaches.saturating_sub(PAGE).max(wanted.saturating_sub(PAGE));
        let page = chain.headers(from).await?;
        let below = usize::try_from(reaches - from).unwrap_or(usize::MAX);
        let broken = || FollowFault::Header {
            height: reaches,
            fault: "it does not follow the block before it".to_owned(),
        };
        let mut above = match self.headers.front() {
            Some(header) => *header,
            None => read(lowest)?,
        };
        for header in page.get(..below).ok_or_else(broken)?.iter().rev() {
            if above.prev_blockhash.to_byte_array() != header.block_hash().to_byte_array() {
                return Err(broken());
            }
            self.headers.push_front(*header);
            above = *header;
        }
        Ok(())
    }
}
