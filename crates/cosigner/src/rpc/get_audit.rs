//! Reads a wallet's audit chain.

use twofold_api::{
    Refusal, limits,
    reply::{Audit, AuditLine},
    request::GetAudit,
};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads entries from a number on. The reply's checkpoint is of the head at that moment or an earlier one, so that
    /// a reader who goes on until there is no more can hold the chain against it.
    pub async fn get_audit(&self, request: Authenticated<GetAudit>) -> Result<Audit, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        let limit = u32::try_from(limits::AUDIT_ENTRIES).unwrap_or(u32::MAX);
        let rows = self.store.audit(asked.wallet, asked.from, limit).await?;
        let head = owned.state().head().seq;
        let lines: Vec<_> = rows
            .into_iter()
            // What was written since the wallet was read belongs to the next reply.
            .filter(|row| row.seq <= head)
            .map(|row| AuditLine {
                seq: row.seq,
                entry: row.entry,
                chain: row.chain,
            })
            .collect();
        let more = lines.last().is_some_and(|last| last.seq < head);
        Ok(Audit {
            head: self.head(Some((asked.wallet, owned.state()))),
            lines,
            more,
        })
    }
}
