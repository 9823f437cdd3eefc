//! Misfortune by chance, the same for the same seed.

use std::time::Duration;

use super::{Step, Way};

/// Out of a thousand pieces, so many meet each fate. A piece is what one read gives: about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chaos {
    /// Decides everything; print it when a test fails.
    pub seed: u64,
    /// Pieces towards the server that are lost with their connection: the server never sees the request.
    pub lost_requests: u16,
    /// Pieces towards the client cut somewhere in the middle: the server has answered, the client does not know.
    pub cut_replies: u16,
    /// Pieces, either way, that come late.
    pub delayed: u16,
    /// How late at most.
    pub delay: Duration,
}

impl Chaos {
    pub(super) fn step(self, way: Way, connection: u64, piece: u64, length: usize) -> Step {
        let chance = mixed(mixed(mixed(self.seed) ^ connection) ^ (piece << 1 | u64::from(way == Way::Reply)));
        let (cut, late, how_much) = (chance % 1000, chance / 1000 % 1000, chance >> 32);
        match way {
            Way::Request if cut < u64::from(self.lost_requests) => Step::Cut(0),
            Way::Reply if cut < u64::from(self.cut_replies) => {
                Step::Cut(usize::try_from(how_much % length as u64).unwrap_or_default())
            }
            _ if late < u64::from(self.delayed) => {
                let most = u64::try_from(self.delay.as_micros()).unwrap_or(u64::MAX).max(1);
                Step::Wait(Duration::from_micros(how_much % most), length)
            }
            _ => Step::Pass(length),
        }
    }
}

/// One step of `SplitMix64`: spreads neighbouring numbers over all of them.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
