//! The ceremony in which a wallet gains an ECDSA key: three round trips to the server, the device as the hub that carries
//! recovery's messages.
//!
//! ```text
//! recovery            device               server
//!    |                  | Opening             |
//!    |                  |-------------------->|  deals, signs what it dealt and to whom
//!    |                  |             Dealing |
//!    | ToRecovery       |<--------------------|
//!    |<-----------------|  deals              |
//!    | RecoveryDealing  |                     |   deals; has its share, commits to its point
//!    |----------------->|  commits            |
//!    |                  | Committing          |
//!    |                  |-------------------->|  commits as the last, and opens
//!    |                  |         ServerProof |
//!    | ToProve          |<--------------------|
//!    |<-----------------|  opens              |
//!    | RecoveryProof    |                     |   opens, checks, own package, signs T
//!    |----------------->|  checks, signs T    |
//!    |                  | Closing             |
//!    |                  |-------------------->|  checks, stores, signs T
//!    |                  |          Completion |
//!    |                  |<--------------------|
//! ```
//!
//! What each commits to is a proof that it knows the logarithm of its share's point. Nobody opens before everybody has
//! committed, so nobody chooses a share by what another's is; the server is the last to commit, so its commitment and its
//! proof go in one message. In the library's proofs nothing says whose they are: two of one point are refused here.
//! Everybody checks all three points: they must lie on one line, and the own share on its place in it.
//!
//! The library shows no commitment to what is *dealt*, so who dealt wrongly cannot be told; the run ends.
//!
//! The shares that come of it are hollow: they sign once two parties have a [`Pair`](super::Pair).

mod dealing;
pub mod device;
mod message;
mod outcome;
pub mod recovery;
pub mod server;

pub use message::{
    Closing, Committing, Completion, Dealing, Opening, RecoveryDealing, RecoveryProof, ServerProof, ToProve, ToRecovery,
};

#[cfg(test)]
mod tests;
