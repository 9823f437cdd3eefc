//! What the chain says of a wallet since the last time, from the server's own index: no node is asked.

use std::{future::poll_fn, task::Poll};

use twofold_api::{
    Refusal, limits,
    reply::{Anchor, ChainTransaction, Synced},
    request::Sync,
};
use twofold_intent::Keychain;

use crate::{
    Authenticated, Cosigner,
    port::{
        Clock,
        chain::{Chain, Way},
        record::{Rescan, WalletTransaction},
        store::{Batch, Store, Write},
    },
    wallet::Owned,
};

/// How far past the last used index a device may reveal addresses; past that, the server does not follow.
const MOST_UNUSED: u32 = 1_000;
/// Scripts derived and stored at a time; others have their turn in between.
const CHUNK: u32 = 64;
/// Most bytes of transactions in one reply; at least one goes.
const MOST_BYTES: usize = 1 << 20;
/// How often a reply is put together at most, where blocks come meanwhile. The last one says that more is being read.
const TRIES: u32 = 4;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Tells what changed, and watches as far as the device has handed out addresses.
    pub async fn sync(&self, request: Authenticated<Sync>) -> Result<Synced, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        self.watch(&owned, asked.revealed).await?;

        // A cursor from before a restore counts other changes: one of here may have its number.
        let known = asked.timeline == self.timeline;
        let after = if known { asked.cursor } else { 0 };
        let mut tries = TRIES;
        loop {
            tries -= 1;
            // What the follower writes meanwhile must not look as if it were told: first how far it is, then what it
            // found, and once more how far it is.
            let rescan = self.store.rescan(owned.id()).await?;
            let reached = match self.chain.way() {
                Way::Blocks(_) => u32::MAX,
                Way::Scripts(_) => self.reached.of(owned.id()),
            };
            let complete = self.store.tip().await?;
            let (transactions, cursor, more_transactions) = self.changed(&owned, after).await?;
            let from = self.known(&owned, &asked.locator).await?;
            let limit = u32::try_from(limits::SYNC_HEADERS).unwrap_or(u32::MAX);
            let blocks = self.store.blocks(from, limit).await?;
            let tip = self.store.tip().await?;
            if tip != complete && tries > 0 {
                continue;
            }
            let complete_height = complete.map_or(0, |block| block.height);
            let tip_height = tip.map_or(0, |block| block.height);
            let last = blocks.last().map_or(tip_height, |block| block.height);
            let scanned_height = match rescan {
                Some(rescan) if rescan.next <= rescan.last => rescan.next.saturating_sub(1).min(complete_height),
                _ => complete_height,
            }
            .min(reached);
            return Ok(Synced {
                head: self.head(Some((owned.id(), owned.state()))),
                from_height: blocks.first().map_or(from, |block| block.height),
                headers: blocks.into_iter().map(|block| block.header).collect(),
                tip_height: tip_height.max(last),
                transactions,
                cursor,
                timeline: self.timeline,
                more: more_transactions || last < tip_height,
                scanned_height,
            });
        }
    }

    /// Transactions after a cursor, the cursor to go on from, and whether there are more.
    async fn changed(&self, owned: &Owned, after: u64) -> Result<(Vec<ChainTransaction>, u64, bool), Refusal> {
        let limit = u32::try_from(limits::SYNC_TRANSACTIONS)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let rows = self.store.transactions(owned.id(), after, limit).await?;
        let found = rows.len();
        let (mut cursor, mut bytes, mut told) = (after, 0_usize, Vec::new());
        for row in rows.into_iter().take(limits::SYNC_TRANSACTIONS) {
            bytes = bytes.saturating_add(row.transaction.len());
            if bytes > MOST_BYTES && !told.is_empty() {
                break;
            }
            cursor = row.cursor;
            told.push(tell(row));
        }
        let more = told.len() < found;
        Ok((told, cursor, more))
    }

    /// The height to tell headers from: past the newest block that both know, or the wallet's birthday.
    async fn known(&self, owned: &Owned, locator: &[(u32, [u8; 32])]) -> Result<u32, Refusal> {
        for (height, hash) in locator.iter().take(limits::LOCATOR_BLOCKS) {
            let block = self.store.blocks(*height, 1).await?;
            if block
                .first()
                .is_some_and(|block| block.height == *height && block.hash == *hash)
            {
                return Ok(height.saturating_add(1));
            }
        }
        Ok(owned.row().birthday)
    }

    /// Watches a gap limit past what is used or handed out. Addresses that were handed out before they were watched may
    /// have been paid meanwhile, so old blocks are read again for them.
    ///
    /// Reading them anew costs much more than asking for it. So where that is due, twice as far is watched as was asked
    /// for: a device that hands out a little more each time gets there in a few doublings, and past [`MOST_UNUSED`] only
    /// by being paid.
    async fn watch(&self, owned: &Owned, revealed: [u32; 2]) -> Result<(), Refusal> {
        let watched = self.store.watched(owned.id()).await?;
        let used = self.store.used(owned.id()).await?;
        let mut missed = false;
        let mut due = Vec::new();
        for (place, keychain) in Keychain::ALL.into_iter().enumerate() {
            let (watched, used) = (watched[place], used[place]);
            let most = used.saturating_add(MOST_UNUSED);
            let revealed = revealed[place].min(most).max(used);
            let reach = if revealed > watched {
                missed = true;
                revealed.saturating_add(revealed - used).min(most)
            } else {
                revealed
            };
            due.push((keychain, watched..reach.saturating_add(self.config.gap_limit)));
        }
        for (keychain, mut indexes) in due {
            while !indexes.is_empty() {
                let end = indexes.start.saturating_add(CHUNK).min(indexes.end);
                let scripts = owned.keys().scripts(owned.id(), keychain, indexes.start..end)?;
                indexes.start = end;
                let mut writes = vec![Write::AddScripts(scripts)];
                // With every chunk, so that none is ever watched without its past being read.
                if missed && let Some(tip) = self.store.tip().await? {
                    let (wallet, next) = (owned.id(), owned.row().birthday);
                    writes.push(Write::PutRescan(Rescan {
                        wallet,
                        next,
                        last: tip.height,
                        missing_below: None,
                    }));
                }
                let expect = Vec::new();
                self.store.commit(Batch { expect, writes }).await?;
                breathe().await;
            }
        }
        Ok(())
    }
}

/// Lets whoever else is ready run first.
async fn breathe() {
    let mut waited = false;
    poll_fn(|context| {
        if core::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn tell(row: WalletTransaction) -> ChainTransaction {
    ChainTransaction {
        transaction: row.transaction,
        block: row.block.map(|mined| Anchor {
            height: mined.height,
            hash: mined.hash,
            position: mined.position,
            branch: mined.branch,
        }),
        seen: row.seen,
        gone: row.gone,
    }
}
