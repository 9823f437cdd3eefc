//! Real processes for the end-to-end tests: a bitcoind, a server, the command line, and a person who types.

pub mod deployment;
pub mod person;
pub mod process;

pub use deployment::Deployment;
pub use person::{Failure, Person};
