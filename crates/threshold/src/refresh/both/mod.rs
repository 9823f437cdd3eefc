//! One refresh of both keys of a wallet, in the two round trips of one: both shares roll over together, under one new unlock
//! key, and neither without the other.
//!
//! It is two refreshes of one run. What dealers sign is a hash of both transcripts, so that nobody can show one of them alone:
//! a link names the other key's ([`SignedRefresh::beside`](super::SignedRefresh::beside)), and recovery holds its two chains to
//! each other ([`check`]). The device keeps both epochs to come in one record and the server both in one state; each stores
//! what comes of both, and erases what there was of both, in one step.

pub mod device;
mod message;
pub mod server;

pub use message::{Closing, Opening, ServerRound};

use super::Ground;
use crate::{Fault, FaultKind, id::Party, package::ChainFrom, share::PublicShares, transcript::FirstTranscript};

/// Where a wallet with two keys stands.
#[derive(Clone, Debug)]
pub struct Grounds {
    first: Ground,
    second: Ground,
}

impl Grounds {
    /// `ground` is of the key that the wallet was made with; `second` is what everybody knows of the key that it gained.
    #[must_use]
    pub fn new(ground: Ground, second: PublicShares) -> Self {
        Self {
            second: Ground {
                public: second,
                ..ground.clone()
            },
            first: ground,
        }
    }
}

/// Holds the chain of the key that a wallet gained to the wallet's own: since then every refresh was of both.
pub fn check<A: FirstTranscript, B: FirstTranscript>(
    wallet: &ChainFrom<A>,
    gained: &ChainFrom<B>,
) -> Result<(), Fault> {
    let foreign = || Fault {
        kind: FaultKind::ForeignCeremony,
        culprits: [Party::Server, Party::Device].into(),
    };
    let links = wallet.links();
    let mut epochs = core::iter::once(wallet.created().transcript().epoch())
        .chain(links.iter().map(|link| link.signed().transcript().epoch()));
    let since = gained.created().transcript().previous();
    let place = epochs.position(|epoch| epoch == since).ok_or_else(foreign)?;
    let links = links.get(place..).unwrap_or_default();
    let beside = |(one, other): (&super::Link, &super::Link)| {
        let (one, other) = (one.signed(), other.signed());
        one.beside() == Some(&other.transcript().hash()) && other.beside() == Some(&one.transcript().hash())
    };
    if links.len() == gained.links().len() && links.iter().zip(gained.links()).all(beside) {
        Ok(())
    } else {
        Err(foreign())
    }
}
