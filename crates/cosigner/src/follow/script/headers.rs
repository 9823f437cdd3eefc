//! The chain of headers, each checked before it is stored.

use bitcoin::{BlockHash, Work, block::Header, hashes::Hash};
use twofold_intent::headers;

use crate::{
    Config,
    follow::{COMPARED, DEEPEST, FollowFault, MARGIN, Parted, SHORT_CHAIN, commit, part},
    port::{
        chain::Scripts,
        record::Block,
        store::{Store, Write},
    },
};

/// What became of the tip.
#[derive(Debug)]
pub(super) enum Moved {
    /// It is higher.
    Up(u32),
    /// Another chain is to take the place of everything above a height, once this is written.
    Over {
        /// That height.
        above: u32,
        /// The tip's.
        height: u32,
        /// What is to be written.
        writes: Vec<Write>,
    },
    /// The server is behind.
    Waits,
}

/// The first headers: from the start of a difficulty period near the tip, since no wallet is older than the server and
/// whole periods can be checked.
pub(super) async fn begin(
    store: &impl Store,
    chain: &impl Scripts,
    config: &Config,
    best: u32,
) -> Result<u32, FollowFault> {
    let near = best.saturating_sub(MARGIN);
    let first = if best <= SHORT_CHAIN {
        0
    } else {
        near - near % config.chain.period()
    };
    let page = chain.headers(first).await?;
    let mut run = Run::new(config, Vec::new(), first);
    run.extend(&page)?;
    let height = run.tip().ok_or(FollowFault::NoHeaders(first))?;
    commit(store, run.writes()).await?;
    Ok(height)
}

/// Reads headers above the tip, or finds the chain that takes its place.
pub(super) async fn advance(
    store: &impl Store,
    chain: &impl Scripts,
    config: &Config,
    tip: &Block,
    best: (u32, BlockHash),
) -> Result<Moved, FollowFault> {
    if best.0 > tip.height {
        let page = chain.headers(tip.height.saturating_add(1)).await?;
        if page
            .first()
            .is_some_and(|header| header.prev_blockhash.to_byte_array() == tip.hash)
        {
            let mut run = Run::after(store, config, tip.height).await?;
            run.extend(&page)?;
            commit(store, run.writes()).await?;
            return Ok(Moved::Up(run.tip().unwrap_or(tip.height)));
        }
    }
    let above = match part(store, chain, tip, best).await? {
        Parted::Behind => return Ok(Moved::Waits),
        Parted::Above(height) => height,
    };
    let mut run = Run::after(store, config, above).await?;
    while run.tip().is_none_or(|height| height < best.0) {
        let page = chain.headers(run.next()).await?;
        if page.is_empty() || run.fresh.len() > usize::try_from(2 * DEEPEST).unwrap_or(usize::MAX) {
            break;
        }
        run.extend(&page)?;
    }
    // Of two chains the one with more work counts, whoever shows it and whatever it is called.
    let ours = store.blocks(above.saturating_add(1), DEEPEST + COMPARED).await?;
    let ours: Vec<Header> = ours.iter().map(read).collect::<Result<_, _>>()?;
    // Where they part is the server's word so far. What both have stays, and all that was proved by it.
    let both = run.pass(&ours);
    let above = above.saturating_add(u32::try_from(both).unwrap_or(u32::MAX));
    let ours = ours.get(both..).unwrap_or_default();
    if work(&run.fresh) <= work(ours) {
        return Err(FollowFault::LessWork { above });
    }
    let height = run.tip().unwrap_or(above);
    if ours.is_empty() {
        commit(store, run.writes()).await?;
        return Ok(Moved::Up(height));
    }
    tracing::info!(from = tip.height, above, "the chain was reorganized");
    let mut writes = vec![Write::RollBackBlocks { above }];
    writes.extend(run.writes());
    Ok(Moved::Over { above, height, writes })
}

/// A stored block's header.
pub(super) fn read(block: &Block) -> Result<Header, FollowFault> {
    bitcoin::consensus::deserialize(&block.header).map_err(|_| FollowFault::Header {
        height: block.height,
        fault: "the stored one can't be read".to_owned(),
    })
}

fn work(headers: &[Header]) -> Option<Work> {
    headers.iter().map(Header::work).reduce(|sum, work| sum + work)
}

/// Headers one after the other: some that are stored, then fresh ones.
struct Run<'a> {
    config: &'a Config,
    stored: Vec<Header>,
    fresh: Vec<Header>,
    /// Height of the first fresh one.
    first: u32,
}

impl<'a> Run<'a> {
    fn new(config: &'a Config, stored: Vec<Header>, first: u32) -> Self {
        Self {
            config,
            stored,
            fresh: Vec::new(),
            first,
        }
    }

    /// To go on after a stored height, with as many stored headers as the rules look back to.
    async fn after(store: &impl Store, config: &'a Config, height: u32) -> Result<Self, FollowFault> {
        let period = config.chain.period();
        let from = (height - height % period).saturating_sub(period);
        let mut blocks = store.blocks(from, 2 * period).await?;
        blocks.retain(|block| block.height <= height);
        let stored: Vec<Header> = blocks.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self::new(config, stored, height.saturating_add(1)))
    }

    fn at(&self, height: u32) -> Option<&Header> {
        if let Some(place) = height.checked_sub(self.first) {
            return self.fresh.get(usize::try_from(place).ok()?);
        }
        let back = usize::try_from(self.first - height).ok()?;
        self.stored.get(self.stored.len().checked_sub(back)?)
    }

    fn next(&self) -> u32 {
        self.first
            .saturating_add(u32::try_from(self.fresh.len()).unwrap_or(u32::MAX))
    }

    fn tip(&self) -> Option<u32> {
        (!self.fresh.is_empty()).then(|| self.next() - 1)
    }

    /// Adds headers that follow, each checked.
    fn extend(&mut self, page: &[Header]) -> Result<(), FollowFault> {
        for header in page {
            let height = self.next();
            headers::check(self.config.chain, |height| self.at(height), height, header).map_err(|fault| {
                FollowFault::Header {
                    height,
                    fault: fault.to_string(),
                }
            })?;
            self.fresh.push(*header);
        }
        Ok(())
    }

    /// Leaves out the fresh ones that are known; how many there were.
    fn pass(&mut self, known: &[Header]) -> usize {
        let both = self.fresh.iter().zip(known).take_while(|(fresh, known)| fresh == known);
        let both = both.count();
        self.stored.extend(self.fresh.drain(..both));
        self.first = self.first.saturating_add(u32::try_from(both).unwrap_or(u32::MAX));
        both
    }

    fn writes(&self) -> Vec<Write> {
        let heights = self.first..;
        let block = |(height, header): (u32, &Header)| {
            Write::PutBlock(Block {
                height,
                hash: header.block_hash().to_byte_array(),
                header: bitcoin::consensus::serialize(header),
            })
        };
        heights.zip(&self.fresh).map(block).collect()
    }
}
