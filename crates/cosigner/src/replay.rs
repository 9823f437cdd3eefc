//! A request runs once. Its reply is recorded, sealed, in the same batch as its effect; the same request again gets the
//! same bytes, and another request under the same nonce is refused.

use serde::{Serialize, de::DeserializeOwned};
use twofold_api::{Reason, Refusal, reply::Done};

use crate::{
    Cosigner,
    auth::Unique,
    fault,
    port::{
        Clock,
        chain::Chain,
        record::Replay,
        store::{Batch, Store, StoreFault, Write},
    },
    wallet::Change,
};

/// How long a record is kept past its request's window, in seconds: longer than any request takes, so that a copy of a
/// request that was let in just in time and then waited still finds the record.
const GRACE: u64 = 600;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// The recorded reply to this very request.
    pub(crate) async fn earlier<R: DeserializeOwned>(&self, request: &impl Unique) -> Result<Option<R>, Refusal> {
        let record = self.store.replay(request.signer(), request.nonce()).await?;
        self.recorded(request, record)
    }

    /// The same where the record, if there is one, was read with other things.
    pub(crate) fn recorded<R: DeserializeOwned>(
        &self,
        request: &impl Unique,
        record: Option<Replay>,
    ) -> Result<Option<R>, Refusal> {
        let Some(record) = record else {
            // No record: it never ran, or its record is gone. Records go only at a time that `time` has reached first.
            if self.time.now() > request.expires().saturating_add(GRACE) {
                return Err(Reason::ClockSkew.into());
            }
            return Ok(None);
        };
        if record.digest != request.digest().0 {
            return Err(Reason::NonceReused.into());
        }
        let opened = self.keys.get().open_reply(&bound(request), &record.sealed_reply);
        let opened = opened.map_err(|_| Refusal::from(Reason::RequestSpent))?;
        postcard::from_bytes(&opened)
            .map(Some)
            .map_err(|_| Reason::RequestSpent.into())
    }

    /// Commits what a request does together with its reply. If another copy of the request was quicker, its reply is
    /// the one that counts.
    pub(crate) async fn settle<R: Serialize + DeserializeOwned>(
        &self,
        request: &impl Unique,
        reply: R,
        mut batch: Batch,
    ) -> Result<R, Refusal> {
        let plain =
            postcard::to_allocvec(&reply).map_err(|cause| fault::internal("a reply does not encode", &cause))?;
        batch.writes.push(Write::AddReplay(Replay {
            device: request.signer(),
            nonce: request.nonce(),
            digest: request.digest().0,
            sealed_reply: self
                .keys
                .get()
                .now
                .replies
                .seal(&bound(request), &plain, &mut self.rng()),
            expires: request.expires().saturating_add(GRACE),
        }));
        match self.commit(batch).await {
            Ok(()) => Ok(reply),
            Err(fault @ (StoreFault::Conflict(_) | StoreFault::Exists(_))) => {
                self.earlier(request).await?.ok_or_else(|| fault.into())
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// The same of a request that changes one wallet and is told no more than that it is done.
    pub(crate) async fn settle_done(&self, request: &impl Unique, change: Change) -> Result<Done, Refusal> {
        let reply = Done {
            head: self.head(Some((change.row.id, &change.state))),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        self.settle(request, reply, batch).await
    }
}

/// What a sealed reply belongs to.
fn bound(request: &impl Unique) -> Vec<u8> {
    let mut bound = Vec::with_capacity(16 + 32 + 16 + 32);
    bound.extend_from_slice(b"twofold/reply/1\n");
    bound.extend_from_slice(&request.signer().0);
    bound.extend_from_slice(&request.nonce());
    bound.extend_from_slice(&request.digest().0);
    bound
}
