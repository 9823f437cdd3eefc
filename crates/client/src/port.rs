//! What the platform lends this crate: a way to the server, a place for sealed bytes, a clock and randomness.
//!
//! Nothing else reaches outside. The command line lends sockets and files, a browser `fetch` and `IndexedDB`, a test
//! whatever it wants to go wrong.

mod clock;
mod keystore;
mod transport;

pub use clock::Clock;
pub use keystore::{BlobName, BlobNameFault, Keystore, KeystoreFault};
pub use transport::{HttpCall, HttpReply, Streamed, Streams, Transport, TransportFault};

use rand_core::{CryptoRng, RngCore};

/// One platform: which transport, keystore, clock and generator go together.
pub trait Platform {
    /// The way to the server.
    type Transport: Transport;
    /// The place for sealed bytes.
    type Keystore: Keystore;
    /// Time.
    type Clock: Clock;
    /// The operating system's randomness.
    type Random: RngCore + CryptoRng;
}
