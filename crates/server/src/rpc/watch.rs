//! Tells who waits when something of a wallet changed.
//!
//! The stream looks at the server's own index twice a second and speaks where that shows something else than it said last
//! (docs/adr, "Watching looks, nobody calls"). So it can miss nothing that stays, and whatever writes need not know of it.

use std::{sync::Arc, time::Duration};

use connectrpc::RequestContext;
use futures::stream::{self, StreamExt as _};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use twofold_api::{Reason, Refusal, reply::Pulse, request::Watch};
use twofold_cosigner::{
    Authenticated, Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_wire::service::Events;

use super::Rpc;
use crate::{health::Health, listen::Peer, watchers::Place};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// Longest silence.
const SILENCE: Duration = Duration::from_secs(20);
/// Longest stream.
const LONGEST: Duration = Duration::from_secs(300);
/// Longest look: then the store does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

struct Watching<S, C, K> {
    cosigner: Arc<Cosigner<S, C, K>>,
    health: Arc<Health>,
    request: Authenticated<Watch>,
    peer: Option<Peer>,
    said: Option<Pulse>,
    spoke: Instant,
    end: Instant,
    _place: Place,
}

pub(super) async fn watch<S: Store, C: Chain, K: Clock>(
    rpc: &Rpc<S, C, K>,
    context: &RequestContext,
    caller: Caller,
    request: Watch,
) -> Result<Events<Pulse>, Refusal> {
    let request = caller.bind(request)?;
    // What can be refused is refused before there is a stream.
    rpc.cosigner.watching(&request).await?;
    let now = Instant::now();
    let watching = Watching {
        _place: rpc.watchers.enter(request.device(), request.user())?,
        cosigner: Arc::clone(&rpc.cosigner),
        health: Arc::clone(&rpc.health),
        request,
        peer: context.extensions().get::<Peer>().cloned(),
        said: None,
        spoke: now,
        end: now + LONGEST,
    };
    let events = stream::unfold(Some(watching), |watching| async move {
        let mut watching = watching?;
        match watching.next().await? {
            Ok(pulse) => Some((Ok(pulse), Some(watching))),
            Err(refusal) => Some((Err(refusal), None)),
        }
    });
    Ok(events.boxed())
}

impl<S: Store, C: Chain, K: Clock> Watching<S, C, K> {
    /// Waits until there is something to say; none once the stream's time is over.
    async fn next(&mut self) -> Option<Result<Pulse, Refusal>> {
        loop {
            if self.said.is_some() {
                tokio::select! {
                    biased;
                    () = self.health.stopped() => return Some(Err(Reason::ShuttingDown.into())),
                    () = sleep_until(self.end) => return None,
                    () = sleep(LOOK) => {}
                }
            }
            let looked = timeout(PATIENCE, self.cosigner.pulse(&self.request)).await;
            let pulse = match looked.unwrap_or_else(|_| Err(Reason::StoreUnavailable.into())) {
                Ok(pulse) => pulse,
                Err(refusal) => return Some(Err(refusal)),
            };
            if self.said != Some(pulse) || self.spoke.elapsed() >= SILENCE {
                self.said = Some(pulse);
                self.spoke = Instant::now();
                // A connection on which somebody reads is not idle.
                if let Some(peer) = &self.peer {
                    peer.known();
                }
                return Some(Ok(pulse));
            }
        }
    }
}
