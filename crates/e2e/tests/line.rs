//! The command line's own way to a server, with an ear on it and, where wanted, a hand.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use tokio::sync::Notify;
use twofold_api::invitation::Invitation;
use twofold_cli::transport::Https;
use twofold_client::port::{HttpCall, HttpReply, Transport, TransportFault};

use crate::oracle::Oracle;

/// What happens to requests for a signature on the way.
pub(crate) enum Mischief {
    /// Nothing.
    None,
    /// By chance: sent twice at once, its reply thrown away, or an earlier one sent again behind it.
    Chance(Mutex<Dice>),
    /// Sent so many times at once, each over a connection of its own.
    Crowd(usize),
    /// The first request of one kind, whatever it is for, meets a trick.
    Once(Mutex<Option<(&'static str, Trick)>>),
    /// The first to fail, whatever it is for, is told of before the client is.
    AtFault(Mutex<Option<Box<dyn FnOnce() + Send>>>),
    /// The client dies when the first of its requests fails, whatever it is for: both sides are gone.
    DieAtFault,
}

/// What can happen to one request on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trick {
    /// It never arrives.
    LoseRequest,
    /// It arrives, and the reply does not.
    LoseReply,
    /// It arrives twice at once, over two connections.
    Double,
    /// It arrives later.
    Delay,
    /// The client is told that it was lost; it arrives when [`Line::late`] is called, behind whatever came meanwhile.
    Late,
    /// The client dies before it has left.
    DieBefore,
    /// The client dies when the reply is there, before it has read it.
    DieAfter,
}

impl Trick {
    pub(crate) const ALL: [Self; 7] = [
        Self::LoseRequest,
        Self::LoseReply,
        Self::Double,
        Self::Delay,
        Self::Late,
        Self::DieBefore,
        Self::DieAfter,
    ];
}

/// How late a delayed request arrives.
const LATER: Duration = Duration::from_millis(200);

impl Mischief {
    pub(crate) fn once(path: &'static str, trick: Trick) -> Self {
        Self::Once(Mutex::new(Some((path, trick))))
    }

    pub(crate) fn by_chance(seed: u64) -> Self {
        Self::Chance(Mutex::new(Dice(seed)))
    }

    pub(crate) fn at_fault(hook: impl FnOnce() + Send + 'static) -> Self {
        Self::AtFault(Mutex::new(Some(Box::new(hook))))
    }
}

/// Chance that repeats itself (`SplitMix64`).
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % end
    }
}

/// A way to the server that tells the oracle of every request for a signature and of every reply.
pub(crate) struct Line {
    way: Https,
    second: Https,
    crowd: Vec<Https>,
    oracle: Arc<Oracle>,
    mischief: Mischief,
    past: Mutex<Vec<HttpCall>>,
    held_back: Mutex<Option<HttpCall>>,
    dead: Arc<Notify>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    pub(crate) fn new(invitation: &Invitation, oracle: Arc<Oracle>, mischief: Mischief) -> Result<Self> {
        let way = || Https::new(invitation.url.clone(), &invitation.trust);
        let crowd = match mischief {
            Mischief::Crowd(copies) => copies,
            _ => 0,
        };
        Ok(Self {
            way: way()?,
            second: way()?,
            crowd: (0..crowd).map(|_| way()).collect::<Result<_>>()?,
            oracle,
            mischief,
            past: Mutex::default(),
            held_back: Mutex::default(),
            dead: Arc::default(),
        })
    }

    /// Tells when the client has died: whoever waits for it may drop it.
    pub(crate) fn death(&self) -> Arc<Notify> {
        Arc::clone(&self.dead)
    }

    /// Delivers what was held back; the reply, if there was something.
    pub(crate) async fn late(&self) -> Option<Result<HttpReply, TransportFault>> {
        let call = held(&self.held_back).take()?;
        Some(self.deliver(&self.second, &call).await)
    }

    async fn deliver(&self, way: &Https, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        if call.path.ends_with("/Sign") {
            self.overheard(way, call).await
        } else {
            way.send(call).await
        }
    }

    async fn tricked(&self, call: &HttpCall, trick: Trick) -> Result<HttpReply, TransportFault> {
        let lost = || TransportFault::Cut { why: "lost".into() };
        match trick {
            Trick::LoseRequest => Err(lost()),
            Trick::LoseReply => {
                self.deliver(&self.way, call).await?;
                Err(lost())
            }
            Trick::Double => {
                let (first, second) = tokio::join!(self.deliver(&self.way, call), self.deliver(&self.second, call));
                second.and(first)
            }
            Trick::Delay => {
                tokio::time::sleep(LATER).await;
                self.deliver(&self.way, call).await
            }
            Trick::Late => {
                *held(&self.held_back) = Some(call.clone());
                Err(lost())
            }
            Trick::DieBefore => {
                self.dead.notify_one();
                std::future::pending().await
            }
            Trick::DieAfter => {
                self.deliver(&self.way, call).await?;
                self.dead.notify_one();
                std::future::pending().await
            }
        }
    }

    /// The trick that this call meets.
    fn trick(&self, call: &HttpCall) -> Option<Trick> {
        let Mischief::Once(trick) = &self.mischief else {
            return None;
        };
        let (_, trick) = held(trick).take_if(|(path, _)| call.path.ends_with(*path))?;
        Some(trick)
    }

    /// The last request for a signature that was answered with one.
    pub(crate) fn last_signed(&self) -> Option<HttpCall> {
        held(&self.past).last().cloned()
    }

    /// Sends it, byte for byte, with the oracle listening.
    pub(crate) async fn again(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        self.overheard(&self.second, call).await
    }

    async fn overheard(&self, way: &Https, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        self.oracle.sent();
        let outcome = way.send(call).await;
        if let Ok(reply) = &outcome {
            self.oracle.heard(call, reply);
        }
        outcome
    }

    fn earlier(&self, dice: &Mutex<Dice>) -> Option<HttpCall> {
        let past = held(&self.past);
        let newest = past.len().saturating_sub(32);
        let place = held(dice).below(past.len().max(1) as u64 - newest as u64);
        past.get(newest + usize::try_from(place).unwrap_or_default()).cloned()
    }

    async fn by_chance(&self, call: &HttpCall, dice: &Mutex<Dice>) -> Result<HttpReply, TransportFault> {
        let chance = held(dice).below(100);
        match chance {
            // Twice at once, over two connections: the client hears one of the two.
            0..8 => {
                let (first, second) = tokio::join!(self.overheard(&self.way, call), self.overheard(&self.second, call));
                if chance.is_multiple_of(2) { first } else { second }
            }
            // The server has answered, and the client does not hear of it: it sends the same bytes again.
            8..12 => {
                self.overheard(&self.way, call).await?;
                Err(TransportFault::Cut {
                    why: "the reply was thrown away".into(),
                })
            }
            // An earlier request once more, late; whatever comes back is for the oracle alone.
            12..15 => {
                if let Some(earlier) = self.earlier(dice) {
                    drop(self.again(&earlier).await);
                }
                self.overheard(&self.way, call).await
            }
            _ => self.overheard(&self.way, call).await,
        }
    }
}

impl Transport for Line {
    async fn send(&self, call: &HttpCall) -> Result<HttpReply, TransportFault> {
        if let Some(trick) = self.trick(call) {
            return self.tricked(call, trick).await;
        }
        let signs = call.path.ends_with("/Sign");
        let outcome = match &self.mischief {
            _ if !signs => self.way.send(call).await,
            Mischief::Chance(dice) => self.by_chance(call, dice).await,
            Mischief::Crowd(_) => {
                let copies = self.crowd.iter().map(|way| self.overheard(way, call));
                let mut answers = futures::future::try_join_all(copies).await?;
                assert!(answers.iter().all(|answer| answer.status == 200), "a copy was refused");
                Ok(answers.swap_remove(0))
            }
            Mischief::None | Mischief::Once(_) | Mischief::AtFault(_) | Mischief::DieAtFault => {
                self.overheard(&self.way, call).await
            }
        };
        match (&outcome, &self.mischief) {
            (Ok(reply), _) if signs && reply.status == 200 => held(&self.past).push(call.clone()),
            (Err(_), Mischief::AtFault(hook)) => {
                let hook = held(hook).take();
                if let Some(hook) = hook {
                    hook();
                }
            }
            (Err(_), Mischief::DieAtFault) => {
                self.dead.notify_one();
                std::future::pending::<()>().await;
            }
            _ => {}
        }
        outcome
    }
}
