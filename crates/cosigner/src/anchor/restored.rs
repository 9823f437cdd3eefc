//! The first start after a restore: every wallet is fenced, or goes on at once where the anchor says that nothing of it is
//! missing but spends.

use std::collections::HashMap;

use rand_core::RngCore as _;
use serde::{Deserialize, Serialize};
use twofold_api::audit::Lift;
use twofold_threshold::id::WalletId;

use crate::{
    Cosigner,
    failpoint::failpoint,
    fence::Fence,
    identity::StartFault,
    port::{
        Clock,
        anchor::Mark,
        chain::Chain,
        record,
        store::{Batch, Store, StoreFault, Write},
    },
};

/// Counters in the store: how often the database was restored, and how often its wallets were fenced for it.
pub const RESTORED: &str = "restored";
const FENCED: &str = "restored-fenced";
/// Name in the store: how far the fencing is.
const PROGRESS: &str = "restored-progress";
/// Name in the store: which of the database's histories this is, in eight bytes; none is 0.
const TIMELINE: &str = "timeline";
/// Wallets in one batch.
const PAGE: u32 = 256;

/// What became of the wallets of a restored server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Fenced until somebody lifts it.
    pub fenced: u64,
    /// Goes on, by the anchor's word.
    pub lifted: u64,
    /// Does not authenticate, and signs nothing anyway.
    pub tampered: u64,
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    /// For which restore.
    restored: u64,
    /// The last wallet that is done.
    after: Option<[u8; 16]>,
    /// The anchor was begun after the restore: its silence says nothing.
    blind: bool,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Whether the database was restored and its wallets are not all settled.
    pub(super) async fn is_restored(&self) -> Result<bool, StoreFault> {
        Ok(self.store.counter(RESTORED).await? > self.store.counter(FENCED).await?)
    }

    /// Notes, where a restore is not settled yet, that the anchor begins only now.
    pub(super) async fn without_anchor(&self) -> Result<Option<Write>, StartFault> {
        if !self.is_restored().await? {
            return Ok(None);
        }
        let mut progress = self.progress().await?;
        progress.blind = true;
        progress.write().map(Some)
    }

    async fn progress(&self) -> Result<Progress, StartFault> {
        let restored = self.store.counter(RESTORED).await?;
        let stored = self.store.server_secret(PROGRESS).await?;
        let stored: Option<Progress> = stored.and_then(|bytes| postcard::from_bytes(&bytes).ok());
        Ok(stored.filter(|stored| stored.restored == restored).unwrap_or(Progress {
            restored,
            ..Progress::default()
        }))
    }

    /// Settles what a restore left to do; nothing where there was none. To be called before anything is served. A crash
    /// in it loses nothing: it goes on from where it was.
    pub async fn settle_restore(&mut self) -> Result<Settled, StartFault> {
        let mut settled = Settled::default();
        if !self.is_restored().await? {
            return Ok(settled);
        }
        let mut progress = self.progress().await?;
        // Without an anchor, nobody vouches for anything.
        let marks = if progress.blind { None } else { self.marks()? };
        // This start's own, so greater than that of any before.
        let line = self.lines().await;
        loop {
            let rows = self.store.wallets(None, progress.after.map(WalletId), PAGE).await?;
            let Some(last) = rows.last() else { break };
            progress.after = Some(last.id.0);
            let mut batch = Batch::default();
            for row in rows {
                self.settle_wallet(row, marks.as_ref(), line, &mut settled, &mut batch)?;
            }
            batch.writes.push(progress.write()?);
            failpoint!("restored::before_page");
            self.store.commit(batch).await?;
            failpoint!("restored::after_page");
        }
        // Numbers of changes are given out anew from where the backup was. A device that has later ones must not take
        // them for its own.
        let timeline = self.rng().next_u64().max(1);
        self.write(vec![
            Write::RaiseCounter(FENCED, progress.restored),
            Write::ServerSecret(TIMELINE, timeline.to_be_bytes().to_vec()),
        ])
        .await?;
        self.timeline = timeline;
        Ok(settled)
    }

    fn settle_wallet(
        &self,
        row: record::Wallet,
        marks: Option<&HashMap<WalletId, Mark>>,
        line: Option<u64>,
        settled: &mut Settled,
        batch: &mut Batch,
    ) -> Result<(), StartFault> {
        let id = row.id;
        let Ok(owned) = self.load(row) else {
            tracing::error!(wallet = %id, "a restored wallet does not authenticate");
            settled.tampered += 1;
            return Ok(());
        };
        let mut change = owned.change();
        // Silence says that nothing has changed since the anchor began, and the backup is younger than that.
        let last = marks.and_then(|marks| marks.get(&id));
        let agrees = marks.is_some() && last.is_none_or(|mark| mark.lets_go_on(&change.stands()));
        let lacking = last.filter(|_| !agrees).map(|mark| mark.epoch.number);
        // Who objected, who cancelled and what the operator refused since the backup is forgotten: everybody hears again of
        // what waits, and has all its time to speak.
        let now = self.time.now();
        change.state.shape.waiting.begin_anew(now);
        match &mut change.state.fence {
            Some(fence) => {
                change.state.contacts.fenced(None);
                fence.again(now, lacking);
            }
            None if agrees => self.lift(&mut change, Lift::Anchor, line),
            none => {
                change.state.contacts.fenced(None);
                *none = Some(Fence::restored(now, lacking));
            }
        }
        if change.state.fence.is_some() {
            settled.fenced += 1;
        } else {
            settled.lifted += 1;
        }
        self.store_change(change, batch)
            .map_err(|refusal| StoreFault::Damaged(refusal.to_string()).into())
    }
}

/// Which of its histories a database is in: each restore begins another, since the numbers that its rows had before it are
/// given out once more. 0 in one that was never restored.
pub(crate) async fn timeline(store: &impl Store) -> Result<u64, StoreFault> {
    let stored = store.server_secret(TIMELINE).await?;
    Ok(stored
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_be_bytes))
}

impl Progress {
    fn write(&self) -> Result<Write, StartFault> {
        let bytes = postcard::to_allocvec(self)
            .map_err(|_| StoreFault::Damaged("the progress of a restore does not encode".into()))?;
        Ok(Write::ServerSecret(PROGRESS, bytes))
    }
}
