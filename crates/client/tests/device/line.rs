//! The line between device and server, which does as it is told.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use twofold_client::port::{Clock, HttpCall, HttpReply, Streamed, Streams, Transport, TransportFault};
use twofold_cosigner::testing::SetClock;

use crate::server::Server;

/// What becomes of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives and is answered.
    Deliver,
    /// Nothing gets through: no connection.
    Unreachable,
    /// It arrives, but the reply is lost.
    LoseReply,
    /// It arrives twice; the second reply comes back.
    Twice,
    /// Nothing is ever heard.
    Silence,
    /// Something else answers.
    Answer(HttpReply),
}

/// A request, and its reply where one came.
pub(crate) type Exchange = (HttpCall, Option<HttpReply>);

/// A line to one server. Clones are the same line.
#[derive(Clone)]
pub(crate) struct Line {
    server: Arc<Server>,
    /// The line that took over, where one did.
    successor: Arc<Mutex<Option<Line>>>,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    seen: Arc<Mutex<Vec<Exchange>>>,
}

impl Line {
    pub(crate) fn to(server: &Arc<Server>) -> Self {
        Self {
            server: Arc::clone(server),
            successor: Arc::default(),
            fates: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// What becomes of the coming requests, in order; after that all arrive.
    pub(crate) fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        *self.fates.lock().expect("not poisoned") = fates.into_iter().collect();
    }

    /// Every request that was sent, with its reply where one came.
    pub(crate) fn seen(&self) -> Vec<Exchange> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// The procedures that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|(call, _)| call.path.rsplit('/').next().unwrap_or_default().to_owned())
            .collect()
    }

    /// From here on everything goes over another line.
    pub(crate) fn hand_over(&self, to: &Self) {
        *self.successor.lock().expect("not poisoned") = Some(to.clone());
    }

    pub(crate) fn forget(&self) {
        self.seen.lock().expect("not poisoned").clear();
    }
}

/// What is left of an answer: all of it, at once.
pub(crate) struct Whole(Option<Vec<u8>>);

impl Streamed for Whole {
    async fn more(&mut self) -> Result<Option<Vec<u8>>, TransportFault> {
        Ok(self.0.take())
    }
}

impl Streams for Line {
    type Body = Whole;

    async fn open(&self, call: &HttpCall) -> Result<(HttpReply, Whole), TransportFault> {
        let mut reply = self.send(call).await?;
        let streamed = (reply.status == 200).then(|| std::mem::take(&mut reply.body));
        Ok((reply, Whole(streamed)))
    }
}

impl Transport for Line {
    async fn send(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        let successor = self.successor.lock().expect("not poisoned").clone();
        if let Some(line) = successor {
            return Box::pin(line.send(call)).await;
        }
        let fate = self
            .fates
            .lock()
            .expect("not poisoned")
            .pop_front()
            .unwrap_or(Fate::Deliver);
        let cut = || TransportFault::Cut {
            why: "as the test asked".into(),
        };
        let outcome = match fate {
            Fate::Deliver => Ok(self.server.answer(call).await),
            Fate::Unreachable => {
                let why = "as the test asked".into();
                Err(TransportFault::Unreachable {
                    url: "https://wallet.test:8443".into(),
                    why,
                })
            }
            Fate::LoseReply => {
                self.server.answer(call).await;
                Err(cut())
            }
            Fate::Twice => {
                let first = self.server.answer(call).await;
                let second = self.server.answer(call).await;
                assert_eq!(
                    first.status, second.status,
                    "the same request must be answered the same"
                );
                Ok(second)
            }
            Fate::Silence => pending().await,
            Fate::Answer(reply) => Ok(reply),
        };
        self.seen
            .lock()
            .expect("not poisoned")
            .push((call.clone(), outcome.as_ref().ok().cloned()));
        outcome
    }
}

/// The device's clock: it stands still, and sleeping moves it on. It may be off from the server's.
#[derive(Debug, Clone)]
pub(crate) struct DeviceClock(pub(crate) SetClock);

impl Clock for DeviceClock {
    fn now(&self) -> u64 {
        twofold_cosigner::port::Clock::now(&self.0)
    }

    async fn sleep(&self, span: Duration) {
        // Others get their turn first: an alarm must not go off before the work it guards had a chance.
        for _ in 0..1000 {
            yield_once().await;
        }
        self.0.pass(span.as_secs());
    }
}

async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
