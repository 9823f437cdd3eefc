//! How it is known, when a commit's own answer was lost, whether it is there.
//!
//! The transaction's number does not say: a crash of the server's forgets numbers that reached no disk, and gives them
//! out again. A row does, if no other batch could have written it.

use tokio_postgres::Row;
use twofold_cosigner::port::{
    record::{AuditEntry, Replay},
    store::{Batch, Write},
};

use super::{
    pool::Taken,
    write::{Param, with},
};
use crate::fault::Fault;

/// Names the transaction, and whose database it finds.
const BEGUN: &str = "SELECT pg_current_xact_id()::text, (SELECT token FROM twofold_instance), NULL::text";
/// The same, with a row for nothing else than to be found.
const MARKED: &str = "INSERT INTO twofold_commits DEFAULT VALUES
     RETURNING pg_current_xact_id()::text, (SELECT token FROM twofold_instance), id::text";

/// Which row of a batch shows that it was committed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Evidence<'a> {
    /// A recorded reply: it is sealed with randomness of its own.
    Reply(&'a Replay),
    /// An entry of the audit chain: it is never changed and never goes.
    Entry(&'a AuditEntry),
    /// None that is surely its own.
    None,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        let entry = batch.writes.iter().find_map(|write| match write {
            Write::Audit(entry) => Some(Self::Entry(entry)),
            _ => None,
        });
        let reply = batch.writes.iter().find_map(|write| match write {
            Write::AddReplay(replay) => Some(Self::Reply(replay)),
            _ => None,
        });
        reply.or(entry).unwrap_or(Self::None)
    }

    /// The statement that a transaction begins with.
    pub(super) const fn begins(self) -> &'static str {
        match self {
            Self::Reply(_) | Self::Entry(_) => BEGUN,
            Self::None => MARKED,
        }
    }

    /// Whether it is there. `mark` is what the row was called that stands for nothing else.
    pub(super) async fn is_there(self, session: &mut Taken<'_>, mark: Option<&str>) -> Result<bool, Fault> {
        let found: Vec<Row> = match self {
            Self::Reply(replay) => {
                let sql = "SELECT 1 FROM replays WHERE device = $1 AND nonce = $2 AND sealed_reply = $3";
                let params = with![&replay.device.0, &replay.nonce, &replay.sealed_reply];
                session.rows(sql, &params).await?
            }
            Self::Entry(entry) => {
                let sql = "SELECT 1 FROM audit WHERE wallet = $1 AND seq = $2 AND entry = $3 AND chain = $4";
                let seq = i64::try_from(entry.seq).unwrap_or(i64::MAX);
                let params = with![&entry.wallet.0, seq, &entry.entry, &entry.chain];
                session.rows(sql, &params).await?
            }
            Self::None => {
                let sql = "SELECT 1 FROM twofold_commits WHERE id = $1::text::uuid";
                session.rows(sql, &[mark.map_or(Param::Null, Param::Text)]).await?
            }
        };
        Ok(!found.is_empty())
    }
}
