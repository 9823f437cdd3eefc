//! Drops what is past its time. The server calls it now and then.

use twofold_api::Refusal;

use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, Write},
    },
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Drops expired replay records, ceremonies and invitations. The time they are judged by is stored in the same
    /// batch: after a restart with a clock that has gone back, no request whose record was dropped is let in. Nothing is
    /// dropped by a clock that may be wrong.
    pub async fn purge(&self) -> Result<(), Refusal> {
        // An idle server forgets its sealing keys in time, too.
        let _ = self.seal_key(self.time.now());
        let Some((now, floor)) = self.time.settled() else {
            return Ok(());
        };
        let writes = vec![floor, Write::Purge { now }];
        Ok(self
            .store
            .commit(Batch {
                expect: Vec::new(),
                writes,
            })
            .await?)
    }
}
