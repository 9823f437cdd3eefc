//! Reading a wallet's log, and checking that nothing in it was changed or left out.

use twofold_api::audit::{self, ChainHead, Entry};
use twofold_api::request::GetAudit;
use twofold_threshold::checkpoint::Head;

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::session::Caution;
use crate::wallet::Wallet;

/// A log that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Every entry, the first one first; entry `n` has number `n + 1`.
    pub entries: Vec<Entry>,
    /// Where the log stands.
    pub head: ChainHead,
}

impl<P: Platform> Client<P> {
    /// Fetches a wallet's log from its first entry and checks every hash, that it ends where the server's signed checkpoint
    /// says, and that the checkpoint which this machine held before is on it.
    pub async fn audit(&mut self, wallet: &mut Wallet) -> Result<Audited, Fault> {
        let known = wallet.checkpoint.map(|checkpoint| self.read(&checkpoint)).transpose()?;
        let (mut head, mut entries) = (ChainHead::START, Vec::new());
        let mut known_is_on_it = known.is_none();
        for _ in 0..deadline::SYNC_PAGES {
            let request = GetAudit {
                wallet: wallet.id(),
                from: head.seq + 1,
            };
            let (page, newest) = self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await?;
            for line in &page.lines {
                let (next, entry) =
                    audit::verify(wallet.id(), head, core::slice::from_ref(line)).map_err(Breach::Audit)?;
                head = next;
                entries.extend(entry);
                known_is_on_it |= known.is_some_and(|known| known.seq == head.seq && known.chain == head.chain);
            }
            if page.more && !page.lines.is_empty() {
                continue;
            }
            if let Some(known) = known.filter(|_| !known_is_on_it) {
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
            let signed = newest.as_ref().map(|newest| self.read(newest)).transpose()?;
            if signed.is_none_or(|signed| signed.seq != head.seq || signed.chain != head.chain) {
                return Err(Breach::Forked { seq: head.seq }.into());
            }
            self.note_checkpoint(wallet, newest).await?;
            return Ok(Audited { entries, head });
        }
        Err(Breach::Forked { seq: head.seq }.into())
    }

    fn read(&self, checkpoint: &twofold_threshold::checkpoint::Checkpoint) -> Result<Head, Fault> {
        Ok(*checkpoint
            .verify(&self.session.server)
            .map_err(|_| Breach::Checkpoint)?)
    }
}
