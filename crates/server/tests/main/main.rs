//! The server as its clients meet it: over TLS, on a port of its own, with the real store in a folder of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod admin;
mod backends;
mod bodies;
mod doctor;
mod encodings;
mod floods;
mod frames;
mod growth;
mod house;
mod limits;
mod listening;
mod operating;
mod panics;
mod proxied;
mod replay;
mod requests;
mod sign_in;
mod signatures;
mod slow;
mod stopping;
mod strangers;
mod telemetry;
