//! Reading a wallet's log, and checking that nothing in it was changed or left out.

use twofold_api::audit::{self, ChainHead, Entry};
use twofold_api::request::GetAudit;
use twofold_threshold::checkpoint::{Checkpoint, Head};

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::session::{Caution, Notice};
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
    /// Fetches a wallet's log from its first entry and checks every hash, that it ends where the server's signed
    /// checkpoint says, and that the checkpoints which this machine held before are on it.
    pub async fn audit(&mut self, wallet: &mut Wallet) -> Result<Audited, Fault> {
        let audited = self.follow_log(wallet, ChainHead::START).await?;
        wallet.proved = wallet.checkpoint;
        self.save_checkpoints(wallet).await?;
        Ok(audited)
    }

    /// Reads what the log grew by since it was last proved. A server that shows another log than it had confirmed is
    /// told of; what was proved before stays as the evidence.
    pub(crate) async fn prove_log(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let (Some(newest), Some(proved)) = (wallet.checkpoint, wallet.proved) else {
            return Ok(());
        };
        if newest == proved {
            return Ok(());
        }
        let (old, new) = (self.read(&proved)?, self.read(&newest)?);
        if new.generation > old.generation {
            // A lift opened a generation; where it forks is for the whole log to tell.
            return Ok(());
        }
        match self
            .follow_log(
                wallet,
                ChainHead {
                    seq: old.seq,
                    chain: old.chain,
                },
            )
            .await
        {
            Ok(_) => {
                wallet.proved = wallet.checkpoint;
                self.save_checkpoints(wallet).await
            }
            Err(Fault::Breach(Breach::Audit(_) | Breach::Forked { .. } | Breach::RolledBack { .. })) => {
                self.session.notices.add(Notice::Forked {
                    wallet: wallet.id(),
                    seq: new.seq,
                });
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// Follows the log from a place to its end. The checkpoints held past that place must lie on the way, and the end is
    /// where the server's checkpoint says.
    async fn follow_log(&mut self, wallet: &mut Wallet, from: ChainHead) -> Result<Audited, Fault> {
        let known = [wallet.proved, wallet.checkpoint].into_iter().flatten();
        let known = known
            .map(|checkpoint| self.read(&checkpoint))
            .collect::<Result<Vec<_>, _>>()?;
        let mut missing: Vec<Head> = known.into_iter().filter(|known| known.seq > from.seq).collect();
        let (mut head, mut entries) = (from, Vec::new());
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
                missing.retain(|known| known.seq != head.seq || known.chain != head.chain);
            }
            if page.more && !page.lines.is_empty() {
                continue;
            }
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
            let signed = newest.as_ref().map(|newest| self.read(newest)).transpose()?;
            if signed.is_none_or(|signed| signed.seq != head.seq || signed.chain != head.chain) {
                return Err(Breach::Forked { seq: head.seq }.into());
            }
            self.note_checkpoint(wallet, newest).await?;
            return Ok(Audited { entries, head });
        }
        Err(Breach::Forked { seq: head.seq }.into())
    }

    fn read(&self, checkpoint: &Checkpoint) -> Result<Head, Fault> {
        Ok(*checkpoint
            .verify(&self.session.server)
            .map_err(|_| Breach::Checkpoint)?)
    }
}
