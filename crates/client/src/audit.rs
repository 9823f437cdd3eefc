//! Reading a wallet's log, and checking that nothing in it was changed or left out.

mod lifts;

use twofold_api::audit::{self, ChainHead, Entry, Event};
use twofold_api::limits;
use twofold_api::request::GetAudit;
use twofold_threshold::checkpoint::{Checkpoint, Head};

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault};
use crate::forward::Tail;
use crate::port::Platform;
use crate::session::{Caution, Notice};
use crate::wallet::Wallet;
use lifts::Lifts;

/// A log that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Every entry, the first one first; entry `n` has number `n + 1`.
    pub entries: Vec<Entry>,
    /// Where the log stands.
    pub head: ChainHead,
}

/// A way through the log.
struct Walked {
    audited: Audited,
    /// The server's checkpoint of its end.
    end: Checkpoint,
    /// The last of the entries on the way, as they came.
    read: Tail,
}

/// Which entries are kept in memory on the way along a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// All, for a person to read.
    All,
    /// Those that open a generation: a proof needs no other.
    Lifts,
}

impl Keep {
    const fn keeps(self, entry: &Entry) -> bool {
        matches!((self, &entry.event), (Self::All, _) | (_, Event::Lifted { .. }))
    }

    const fn pages(self) -> usize {
        match self {
            Self::All => deadline::SYNC_PAGES,
            Self::Lifts => deadline::LOG_PAGES,
        }
    }
}

/// What may be asked of the server while its log is in doubt, and what not.
///
/// The rule: a device proves the log before each thing that it lets the server sign or send.
///
/// - `proved` moves only along the log: entries are read from it on, hash by hash, and must lead through every checkpoint
///   that the server signed since, to one it signs now.
/// - A reply to a request of ours (a co-signature, a broadcast) brings a checkpoint that no entry was read for. It is kept
///   beside those before it, replaces none of them, and the next proof must come past it. So the first signature after a
///   sync takes one round trip, and a second one without a sync between reads the log first.
/// - A server that contradicts what it had signed puts the log in doubt. That is kept over restarts. Reads go on; signing,
///   sending and renaming read the log and stop at the [`Breach`] until a log is shown that holds all that was signed.
impl<P: Platform> Client<P> {
    /// Fetches a wallet's log from its first entry and checks every hash, that it ends where the server's signed
    /// checkpoint says, and that the checkpoints which this machine held before are on it.
    pub async fn audit(&mut self, wallet: &mut Wallet) -> Result<Audited, Fault> {
        self.follow_log(wallet, ChainHead::START, None, Keep::All).await
    }

    /// Reads what the log grew by since it was last proved, where a sync has shown that there is something to read. A
    /// server that shows another log than it had confirmed is told of and remembered; reading goes on.
    pub(crate) async fn prove_shown(&mut self, wallet: &mut Wallet, shown: Checkpoint) -> Result<(), Fault> {
        if !wallet.in_doubt && wallet.is_proved() && wallet.checkpoint == Some(shown) {
            return Ok(());
        }
        match self.prove_log(wallet, Some(&shown)).await {
            Err(Fault::Breach(breach)) if breach.doubts_the_log() => {
                let seq = self.read(&shown)?.seq;
                let wallet = wallet.id();
                self.session.notices.add(Notice::Forked { wallet, seq });
                Ok(())
            }
            Err(Fault::Breach(Breach::LogUnread)) => {
                let wallet = wallet.id();
                self.session.notices.add(Notice::LogUnread { wallet });
                Ok(())
            }
            other => other,
        }
    }

    /// Before a signature: nothing that the server signed may be unproved.
    pub(crate) async fn stand_on_proof(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        if wallet.in_doubt || !wallet.is_proved() {
            self.prove_log(wallet, None).await?;
        }
        Ok(())
    }

    /// Before another change: the log is not known to be false.
    pub(crate) async fn stand_undoubted(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        if wallet.in_doubt {
            self.prove_log(wallet, None).await?;
        }
        Ok(())
    }

    /// Remembers that the server contradicted itself, where that is what a call failed of.
    pub(crate) async fn heed_doubt<T>(&mut self, wallet: &mut Wallet, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if matches!(&outcome, Err(Fault::Breach(breach)) if breach.doubts_the_log()) {
            self.doubt(wallet).await?;
        }
        outcome
    }

    /// Remembers that the server contradicted itself.
    pub(crate) async fn doubt(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        if core::mem::replace(&mut wallet.in_doubt, true) {
            return Ok(());
        }
        self.save_checkpoints(wallet).await
    }

    async fn prove_log(&mut self, wallet: &mut Wallet, shown: Option<&Checkpoint>) -> Result<(), Fault> {
        let from = match &wallet.proved {
            Some(proved) => self.read(proved)?,
            None => return Ok(()),
        };
        let from = ChainHead {
            seq: from.seq,
            chain: from.chain,
        };
        self.follow_log(wallet, from, shown, Keep::Lifts).await.map(drop)
    }

    /// Follows the log from a place to its end, and holds what it finds for proved; else the log is in doubt.
    async fn follow_log(
        &mut self,
        wallet: &mut Wallet,
        from: ChainHead,
        shown: Option<&Checkpoint>,
        keep: Keep,
    ) -> Result<Audited, Fault> {
        let outcome = self.walk_log(wallet, from, shown, keep).await;
        let walked = self.heed_doubt(wallet, outcome).await?;
        // Before the place that it leads to: what is read again is there once.
        self.keep_tail(wallet.id(), walked.read).await?;
        wallet.settle(walked.end);
        self.save_checkpoints(wallet).await?;
        Ok(walked.audited)
    }

    /// The checkpoints held past a place, and the one `shown`, must lie on the way from there, and the end is where the
    /// server's checkpoint says. Where a fence was lifted, the log may part from what is held before its end: it is read
    /// from its beginning, and the entry of the lift must be there.
    async fn walk_log(
        &mut self,
        wallet: &Wallet,
        from: ChainHead,
        shown: Option<&Checkpoint>,
        keep: Keep,
    ) -> Result<Walked, Fault> {
        let known = wallet.held().chain(shown);
        let known = known
            .map(|checkpoint| self.read(checkpoint))
            .collect::<Result<Vec<_>, _>>()?;
        let mut generation = match (&wallet.proved, from) {
            (_, ChainHead::START) | (None, _) => 0,
            (Some(proved), _) => self.read(proved)?.generation,
        };
        let mut missing: Vec<Head> = known.iter().filter(|known| known.seq > from.seq).copied().collect();
        let (mut head, mut entries) = (from, Vec::new());
        let mut read = Tail::after(from);
        let mut short = 0;
        for _ in 0..keep.pages() {
            let request = GetAudit {
                wallet: wallet.id(),
                from: head.seq + 1,
                checkpoint: wallet.checkpoint,
            };
            let (page, newest) = self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await?;
            if let Some(newest) = &newest
                && head == from
                && head != ChainHead::START
                && self.read(newest)?.generation > generation
            {
                (head, generation) = (ChainHead::START, 0);
                read = Tail::after(head);
                missing.clone_from(&known);
                continue;
            }
            let (count, before) = (page.lines.len(), head);
            for line in &page.lines {
                let (next, entry) =
                    audit::verify(wallet.id(), head, core::slice::from_ref(line)).map_err(Breach::Audit)?;
                head = next;
                entries.extend(entry.into_iter().filter(|entry| keep.keeps(entry)));
                missing.retain(|known| known.seq != head.seq || known.chain != head.chain);
            }
            let lines = page.lines.into_iter().map(|line| line.entry);
            read.read_on(wallet.id(), before, lines.collect());
            if page.more && count > 0 {
                short += usize::from(count < limits::AUDIT_ENTRIES);
                if short > deadline::SHORT_PAGES {
                    break;
                }
                continue;
            }
            let end = newest.ok_or(Breach::Forked { seq: head.seq })?;
            let signed = self.read(&end)?;
            let lifts = Lifts::of(&entries);
            lifts.lead(generation, signed.generation)?;
            let lost = |known: &Head| lifts.forget(known, signed.generation);
            if let Some(had) = missing.iter().filter(|known| lost(known)).map(|known| known.seq).max() {
                let (wallet, fork) = (wallet.id(), lifts.fork());
                self.session.notices.add(Notice::Lifted { wallet, fork, had });
            }
            missing.retain(|known| !lost(known));
            if let Some(known) = missing.first() {
                let breach = if head.seq < known.seq {
                    Breach::RolledBack {
                        had: known.seq,
                        shows: head.seq,
                    }
                } else {
                    Breach::Forked { seq: known.seq }
                };
                return Err(breach.into());
            }
            if signed.seq != head.seq || signed.chain != head.chain {
                return Err(Breach::Forked { seq: head.seq }.into());
            }
            let audited = Audited { entries, head };
            return Ok(Walked { audited, end, read });
        }
        // No word of it was false: any device may have filled it.
        Err(Breach::LogUnread.into())
    }

    fn read(&self, checkpoint: &Checkpoint) -> Result<Head, Fault> {
        Ok(*checkpoint
            .verify(&self.session.server)
            .map_err(|_| Breach::Checkpoint)?)
    }
}
