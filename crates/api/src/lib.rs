//! The API as plain types: what a request says, what a reply says, every error's stable reason, and the profile of
//! HTTP Message Signatures (RFC 9421) that proves which device asks.
//!
//! Both sides share this crate. It knows no protobuf (that is `wire`), no storage and no network.

extern crate alloc;

pub mod address;
pub mod audit;
pub mod invitation;
pub mod limits;
pub mod pairing;
pub mod procedure;
pub mod public_url;
pub mod reason;
pub mod recovery;
pub mod reply;
pub mod request;
pub mod seal_key;
pub mod server_link;
pub mod server_time;
pub mod shape;
pub mod signature;

pub use reason::{Code, Reason, Refusal};
