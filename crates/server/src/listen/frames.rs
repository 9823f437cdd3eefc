//! HTTP/2's frames as they come. Those that ask for nothing (`PING`, `SETTINGS`, `PRIORITY`, `RST_STREAM`, `WINDOW_UPDATE` and whatever
//! nobody knows) are answered or looked up all the same, and no flow control holds them back: so they are counted.
//!
//! Lengths and kinds are all that is read. hyper reads the same bytes behind, and what is no HTTP/2 is its to refuse.

use std::time::Duration;

use tokio::time::Instant;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

/// How long is looked at together.
const SPAN: Duration = Duration::from_secs(1);
/// Frames that ask for nothing, in one such time. A client sends a few, and more only where it has something to read.
const IDLE: u32 = 1_000;
/// As many more for each frame of a request in the same time.
const PER_ASKING: u32 = 64;

/// The frames of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    at: At,
    began: Instant,
    idle: u32,
    asking: u32,
}

/// Where in the stream of bytes it is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// So far into the preface.
    Preface(usize),
    /// So far into a frame's head.
    Head([u8; HEAD], usize),
    /// So many bytes before the next head.
    Body(usize),
    /// It is HTTP/1.
    Elsewhere,
}

impl Frames {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            at: At::Preface(0),
            began: now,
            idle: 0,
            asking: 0,
        }
    }

    /// Takes in what came; whether it is too much for nothing.
    pub(super) fn flood(&mut self, mut bytes: &[u8], now: Instant) -> bool {
        if now.saturating_duration_since(self.began) >= SPAN {
            (self.began, self.idle, self.asking) = (now, 0, 0);
        }
        while let Some((first, rest)) = bytes.split_first() {
            match self.at {
                At::Elsewhere => return false,
                At::Preface(place) if PREFACE.get(place) != Some(first) => self.at = At::Elsewhere,
                At::Preface(place) if place + 1 == PREFACE.len() => self.at = At::Head([0; HEAD], 0),
                At::Preface(place) => self.at = At::Preface(place + 1),
                At::Body(left) => {
                    let skipped = left.min(bytes.len());
                    self.at = if skipped == left {
                        At::Head([0; HEAD], 0)
                    } else {
                        At::Body(left - skipped)
                    };
                    bytes = bytes.get(skipped..).unwrap_or_default();
                    continue;
                }
                At::Head(mut head, have) => {
                    if let Some(place) = head.get_mut(have) {
                        *place = *first;
                    }
                    self.at = if have + 1 < HEAD {
                        At::Head(head, have + 1)
                    } else {
                        self.frame(head)
                    };
                }
            }
            bytes = rest;
        }
        self.idle > IDLE.saturating_add(self.asking.saturating_mul(PER_ASKING))
    }

    fn frame(&mut self, [a, b, c, kind, ..]: [u8; HEAD]) -> At {
        let count = if [DATA, HEADERS, CONTINUATION].contains(&kind) {
            &mut self.asking
        } else {
            &mut self.idle
        };
        *count = count.saturating_add(1);
        match u32::from_be_bytes([0, a, b, c]) {
            0 => At::Head([0; HEAD], 0),
            length => At::Body(length as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Frames, IDLE, Instant, PER_ASKING, PREFACE};

    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    const EMPTY_HEADERS: [u8; 9] = [0, 0, 0, 1, 4, 0, 0, 0, 1];

    /// How many bytes of these it takes, in pieces of this size, until it is a flood.
    fn taken(bytes: &[u8], piece: usize) -> Option<usize> {
        let now = Instant::now();
        let mut frames = Frames::new(now);
        bytes
            .chunks(piece)
            .position(|bytes| frames.flood(bytes, now))
            .map(|place| ((place + 1) * piece).min(bytes.len()))
    }

    #[test]
    fn a13_frames_that_ask_for_nothing_are_counted_however_they_are_cut() {
        let pings = PING.repeat(IDLE as usize + 1);
        let flood = [PREFACE.as_slice(), &pings].concat();
        for piece in [1, 2, 7, 9, 17, 100, 1 << 20] {
            let least = flood.len() - 8;
            assert!(taken(&flood, piece).is_some_and(|taken| taken >= least), "{piece}");
            assert_eq!(taken(&flood[..flood.len() - 17], piece), None, "{piece}");
        }
        // What asks makes room; and what is in a frame is no frame.
        let asking = [PREFACE.as_slice(), &EMPTY_HEADERS, &pings].concat();
        assert_eq!(taken(&asking, 64), None);
        let more = [asking.as_slice(), &PING.repeat(PER_ASKING as usize)].concat();
        assert!(taken(&more, 64).is_some());
        let within = [PREFACE.as_slice(), &[0, 0x40, 0, 0, 0, 0, 0, 0, 1], &vec![6; 0x4000]].concat();
        assert_eq!(taken(&within, 5), None);
        assert_eq!(taken(&[b"POST / HTTP/1.1\r\n".as_slice(), &pings].concat(), 64), None);
    }

    #[test]
    fn a13_a_quiet_clients_pings_never_add_up() {
        let start = Instant::now();
        let mut frames = Frames::new(start);
        assert!(!frames.flood(PREFACE, start));
        for second in 0..10_000 {
            assert!(!frames.flood(&PING, start + Duration::from_secs(second)));
        }
    }
}
