//! How the command line reaches a server, apart from the rest of it so that a test goes the same way.

#![forbid(unsafe_code)]

pub mod transport;
mod trust;
