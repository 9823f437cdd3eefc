//! The whole mind from request to reply, with real devices on the other side.

mod auth;
mod backends;
mod ceremonies;
pub(crate) mod chain;
mod chains;
mod checkpoints;
mod create;
mod devices;
mod drill;
mod fences;
mod follow;
mod forward;
mod messages;
mod model;
mod nonces;
mod overview;
mod people;
mod recovery;
mod refresh;
mod sign_in;
mod signing;
mod storage;
mod switches;
mod watch;
mod words;
