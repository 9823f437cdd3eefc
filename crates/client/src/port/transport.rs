//! One HTTPS exchange.

use core::future::Future;
use core::time::Duration;

/// A request, whole.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpCall {
    /// `POST`, always, today.
    pub method: &'static str,
    /// Path and nothing else: the transport knows the server's URL, as the invitation gave it.
    pub path: String,
    /// Header fields, names in lower case. The transport adds `host` and `content-length` and changes nothing else.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Longest time from the call to the last byte of the reply.
    pub deadline: Duration,
    /// Most bytes of reply body to accept; more is a [`TransportFault::Garbled`].
    pub reply_bytes: usize,
}

impl core::fmt::Debug for HttpCall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Whoever has a token is its owner.
        let shown = |header: &&(String, String)| header.0 != twofold_api::signature::AUTHORIZATION;
        f.debug_struct("HttpCall")
            .field("path", &self.path)
            .field("headers", &self.headers.iter().filter(shown).collect::<Vec<_>>())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// A reply, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Why an exchange failed. What matters to the caller is whether the server may have acted on the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportFault {
    /// No connection came about: nothing was sent.
    #[error("the server at {url} can't be reached: {why}; check that it runs and that this machine is online")]
    Unreachable {
        /// The server's URL.
        url: String,
        /// What the system said.
        why: String,
    },
    /// The server's certificate is not one the invitation vouches for: nothing was sent.
    #[error("the server at {url} did not prove who it is: {why}; if its certificate changed, ask the operator")]
    Untrusted {
        /// The server's URL.
        url: String,
        /// What the check said.
        why: String,
    },
    /// The connection broke after the request had left, at least in part.
    #[error("the connection broke before the reply came: {why}; run the command again")]
    Cut {
        /// What the system said.
        why: String,
    },
    /// The deadline passed.
    #[error("the server did not answer within {} seconds; check that it runs, then run the command again", .after.as_secs())]
    TimedOut {
        /// The deadline.
        after: Duration,
    },
    /// What came back is no acceptable HTTP reply.
    #[error("what came back is no acceptable reply: {why}; is there a proxy between here and the server?")]
    Garbled {
        /// What was wrong.
        why: String,
    },
}

impl TransportFault {
    /// Whether nobody answered, as far as one can tell: not a server that is someone else.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Cut { .. } | Self::TimedOut { .. }
        )
    }

    /// Whether sending the same bytes again may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Cut { .. })
    }
}

/// The way to one server. Implementations speak TLS 1.3 to the URL of the invitation and trust only what it names.
pub trait Transport {
    /// Sends one request and awaits its reply, no longer than the call's deadline. Never follows a redirect and never
    /// sends a request twice by itself.
    fn send(&self, call: &HttpCall) -> impl Future<Output = Result<HttpReply, TransportFault>>;
}

/// A transport whose answers can be read as they come, for streams.
pub trait Streams: Transport {
    /// What is left to come of an answer.
    type Body: Streamed;

    /// Sends one request and awaits the head of its answer, no longer than the call's deadline. An answer with another
    /// status than 200 comes whole, and nothing is left of it.
    fn open(&self, call: &HttpCall) -> impl Future<Output = Result<(HttpReply, Self::Body), TransportFault>>;
}

/// An answer that goes on.
pub trait Streamed {
    /// The next piece, at most 64 KiB; none at its end. Waits as long as it takes.
    fn more(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, TransportFault>>;
}
