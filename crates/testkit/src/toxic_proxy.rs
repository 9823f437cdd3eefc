//! A TCP proxy that spoils what passes, on command: between a client and the server, or the server and its node.
//!
//! It sees bytes, not messages: over TLS it cannot repeat a request, and a test that wants one sent twice does so at
//! the client's transport. What it can do is lose requests and replies, at any byte, late or never.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

mod chaos;
#[cfg(test)]
mod tests;

pub use chaos::Chaos;

/// What happens on the way. It holds for open connections too, from the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Toxic {
    /// Nothing.
    #[default]
    Pass,
    /// New connections are closed at once; open ones at their next byte.
    Refuse,
    /// Connections stay open, also to an end that has hung up, and nothing moves: half-open, as seen from both.
    Stall,
    /// Each piece waits this long.
    Delay(Duration),
    /// One byte, then this long nothing, and so on.
    Trickle(Duration),
    /// Each connection passes so many more bytes towards the server, then it is cut.
    CutRequestAfter(u64),
    /// Each connection passes so many more bytes towards the client, then it is cut: the server has done its work and
    /// the client does not know.
    CutReplyAfter(u64),
    /// Cuts and delays by chance, the same for the same seed and the same pieces.
    Chaos(Chaos),
}

/// What has passed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Connections taken since the start, refused ones included.
    pub connections: u64,
    /// Connections open now.
    pub open: u64,
    /// Bytes passed towards the server.
    pub request_bytes: u64,
    /// Bytes passed towards the client.
    pub reply_bytes: u64,
}

/// The proxy. Dropped, it cuts everything.
#[derive(Debug)]
pub struct ToxicProxy {
    address: SocketAddr,
    wire: Arc<Wire>,
}

impl ToxicProxy {
    /// A proxy to a server, on a port picked by the system, that lets everything pass.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let wire = Arc::new(Wire {
            upstream,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&wire);
        thread::Builder::new().name("toxic proxy".into()).spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !accepting.take(client) {
                    break;
                }
            }
        })?;
        Ok(Self { address, wire })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happens from now on.
    pub fn set(&self, toxic: Toxic) {
        let mut state = self.wire.state();
        state.toxic = toxic;
        state.era += 1;
        drop(state);
        self.wire.changed.notify_all();
    }

    /// Cuts every open connection, once.
    pub fn cut_all(&self) {
        for ends in self.wire.state().open.values() {
            ends.cut();
        }
    }

    /// What has passed so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.wire.state().seen()
    }

    /// Waits until the traffic is as wanted; false if it is not within the time given.
    #[must_use]
    pub fn wait_until(&self, within: Duration, wanted: impl Fn(Traffic) -> bool) -> bool {
        let state = self.wire.state();
        let (_state, late) = self
            .wire
            .changed
            .wait_timeout_while(state, within, |state| !wanted(state.seen()))
            .unwrap_or_else(PoisonError::into_inner);
        !late.timed_out()
    }
}

impl Drop for ToxicProxy {
    fn drop(&mut self) {
        self.wire.state().ended = true;
        self.wire.changed.notify_all();
        self.cut_all();
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(self.address);
    }
}

#[derive(Debug)]
struct Wire {
    upstream: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    toxic: Toxic,
    /// Counts commands, so that byte counts start anew with each.
    era: u64,
    ended: bool,
    traffic: Traffic,
    open: HashMap<u64, Arc<Ends>>,
}

impl State {
    fn seen(&self) -> Traffic {
        Traffic {
            open: self.open.len() as u64,
            ..self.traffic
        }
    }
}

#[derive(Debug)]
struct Ends {
    client: TcpStream,
    server: TcpStream,
}

impl Ends {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Request,
    Reply,
}

/// What to do with the bytes at hand.
enum Step {
    /// Pass so many now.
    Pass(usize),
    /// Pass so many, then cut.
    Cut(usize),
    /// Look again once the command has changed.
    Hold,
    /// Wait, then pass so many.
    Wait(Duration, usize),
    /// Pass so many, then wait.
    PassThenWait(usize, Duration),
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection; false once the proxy has ended.
    fn take(self: &Arc<Self>, client: TcpStream) -> bool {
        let mut state = self.state();
        if state.ended {
            return false;
        }
        state.traffic.connections += 1;
        let number = state.traffic.connections;
        let refused = state.toxic == Toxic::Refuse;
        drop(state);
        self.changed.notify_all();
        if !refused {
            let wire = Arc::clone(self);
            let _ = thread::Builder::new()
                .name(format!("toxic proxy {number}"))
                .spawn(move || {
                    // A server that is away closes the connection, as it would without us.
                    let _ = wire.connect(number, client);
                });
        }
        true
    }

    fn connect(self: Arc<Self>, number: u64, client: TcpStream) -> Result<()> {
        let server = TcpStream::connect(self.upstream)?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let ends = Arc::new(Ends { client, server });
        self.state().open.insert(number, Arc::clone(&ends));
        self.changed.notify_all();
        let (wire, replying) = (Arc::clone(&self), Arc::clone(&ends));
        let replies = thread::Builder::new()
            .name(format!("toxic proxy {number} replies"))
            .spawn(move || wire.pump(&replying, number, Way::Reply))?;
        self.pump(&ends, number, Way::Request);
        let _ = replies.join();
        self.state().open.remove(&number);
        self.changed.notify_all();
        Ok(())
    }

    /// Moves bytes one way until either end is gone.
    fn pump(&self, ends: &Ends, number: u64, way: Way) {
        let (mut from, mut to) = match way {
            Way::Request => (&ends.client, &ends.server),
            Way::Reply => (&ends.server, &ends.client),
        };
        let mut piece = [0; 16 * 1024];
        let mut passed = Passed::default();
        loop {
            let length = match from.read(&mut piece) {
                Ok(0) | Err(_) => break self.hang_up(to),
                Ok(length) => length,
            };
            passed.pieces += 1;
            let mut rest = &piece[..length];
            while !rest.is_empty() {
                let mut state = self.state();
                if state.ended {
                    return ends.cut();
                }
                let era = state.era;
                if passed.era != era {
                    passed = Passed {
                        era,
                        bytes: 0,
                        pieces: passed.pieces,
                    };
                }
                let (now, pause, cut) = match state.toxic.step(way, number, &passed, rest.len()) {
                    Step::Pass(bytes) => (bytes, None, false),
                    Step::Cut(bytes) => (bytes, None, true),
                    Step::PassThenWait(bytes, pause) => (bytes, Some(pause), false),
                    Step::Wait(pause, bytes) => {
                        state = self.pause(state, pause);
                        // A new command meanwhile decides anew.
                        if state.era != era || state.ended {
                            continue;
                        }
                        (bytes, None, false)
                    }
                    Step::Hold => {
                        drop(self.hold(state, era));
                        continue;
                    }
                };
                // Before they leave, so that who has received them finds them counted.
                match way {
                    Way::Request => state.traffic.request_bytes += now as u64,
                    Way::Reply => state.traffic.reply_bytes += now as u64,
                }
                drop(state);
                self.changed.notify_all();
                if to.write_all(&rest[..now]).is_err() || cut {
                    return ends.cut();
                }
                passed.bytes += now as u64;
                rest = &rest[now..];
                if let Some(pause) = pause {
                    drop(self.pause(self.state(), pause));
                }
            }
        }
    }

    /// Passes on that one end has hung up; in a stall the other does not learn of it.
    fn hang_up(&self, to: &TcpStream) {
        let mut state = self.state();
        while state.toxic == Toxic::Stall && !state.ended {
            let era = state.era;
            state = self.hold(state, era);
        }
        drop(state);
        let _ = to.shutdown(Shutdown::Write);
    }

    fn hold<'wire>(&'wire self, state: MutexGuard<'wire, State>, era: u64) -> MutexGuard<'wire, State> {
        self.changed
            .wait_while(state, |state| state.era == era && !state.ended)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn pause<'wire>(&'wire self, state: MutexGuard<'wire, State>, pause: Duration) -> MutexGuard<'wire, State> {
        let era = state.era;
        self.changed
            .wait_timeout_while(state, pause, |state| state.era == era && !state.ended)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }
}

/// What one way of one connection has passed under the command in force, and how many pieces came in all.
#[derive(Default)]
struct Passed {
    era: u64,
    bytes: u64,
    pieces: u64,
}

impl Toxic {
    fn step(self, way: Way, connection: u64, passed: &Passed, length: usize) -> Step {
        match self {
            Self::Refuse => Step::Cut(0),
            Self::Stall => Step::Hold,
            Self::Delay(pause) => Step::Wait(pause, length),
            Self::Trickle(pause) => Step::PassThenWait(1, pause),
            Self::CutRequestAfter(limit) if way == Way::Request => up_to(limit, passed.bytes, length),
            Self::CutReplyAfter(limit) if way == Way::Reply => up_to(limit, passed.bytes, length),
            Self::Chaos(chaos) => chaos.step(way, connection, passed.pieces, length),
            Self::Pass | Self::CutRequestAfter(_) | Self::CutReplyAfter(_) => Step::Pass(length),
        }
    }
}

fn up_to(limit: u64, passed: u64, length: usize) -> Step {
    let left = usize::try_from(limit.saturating_sub(passed)).unwrap_or(usize::MAX);
    if length < left {
        Step::Pass(length)
    } else {
        Step::Cut(left.min(length))
    }
}
