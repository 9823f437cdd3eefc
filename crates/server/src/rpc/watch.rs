//! Tells who waits when something of a wallet changed.
//!
//! The stream looks at the server's own index twice a second and speaks where that shows something else than it said last
//! (docs/adr, "Watching looks, nobody calls"). So it can miss nothing that stays, and whatever writes need not know of it.

use std::{future::Future, sync::Arc, time::Duration};

use connectrpc::RequestContext;
use futures::stream::{self, StreamExt as _};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, sleep, sleep_until, timeout},
};
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
    request: Authenticated<Watch>,
    peer: Option<Peer>,
    said: Option<Pulse>,
    spoke: Instant,
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
    let place = rpc.watchers.enter(request.device(), request.user())?;
    let watching = Watching {
        cosigner: Arc::clone(&rpc.cosigner),
        request,
        peer: context.extensions().get::<Peer>().cloned(),
        said: None,
        spoke: now,
    };
    Ok(told(place, now + LONGEST, Arc::clone(&rpc.health), async move |tell| {
        watching.tell(&tell).await;
    }))
}

/// What `tell` says, as a stream. Its place is given back when its time is over, the server stops, or nobody is there to
/// listen, whether the stream is read or not: a reader who stands still keeps nothing of the server's.
fn told<F>(
    place: Place,
    end: Instant,
    health: Arc<Health>,
    tell: impl FnOnce(Sender<Result<Pulse, Refusal>>) -> F,
) -> Events<Pulse>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let telling = tell(sender.clone());
    tokio::spawn(async move {
        let _place = place;
        tokio::select! {
            biased;
            () = sender.closed() => {}
            () = health.stopped() => drop(sender.try_send(Err(Reason::ShuttingDown.into()))),
            () = sleep_until(end) => {}
            () = telling => {}
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    })
    .boxed()
}

impl<S: Store, C: Chain, K: Clock> Watching<S, C, K> {
    /// Says what there is to say until there is a refusal. It looks only where what it finds can be said at once.
    async fn tell(mut self, tell: &Sender<Result<Pulse, Refusal>>) {
        while let Ok(room) = tell.reserve().await {
            let next = self.next().await;
            let last = next.is_err();
            room.send(next);
            if last {
                break;
            }
        }
    }

    /// Waits until there is something to say.
    async fn next(&mut self) -> Result<Pulse, Refusal> {
        loop {
            if self.said.is_some() {
                sleep(LOOK).await;
            }
            let looked = timeout(PATIENCE, self.cosigner.pulse(&self.request)).await;
            let pulse = looked.unwrap_or_else(|_| Err(Reason::StoreUnavailable.into()))?;
            if self.said != Some(pulse) || self.spoke.elapsed() >= SILENCE {
                self.said = Some(pulse);
                self.spoke = Instant::now();
                // A connection on which somebody reads is not idle.
                if let Some(peer) = &self.peer {
                    peer.known();
                }
                return Ok(pulse);
            }
        }
    }
}

#[cfg(test)]
mod tests;
