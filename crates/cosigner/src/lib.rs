//! The server's mind: who asks, what it means, whether it may be, what it costs, and only then the share.
//!
//! It does no I/O of its own. Storage, chain, clock and randomness come in through [`port`].

pub mod port;
