//! Work that can wait, in bits, beside work that can't.

use std::{
    io::{self, Write},
    thread,
    time::{Duration, Instant},
};

/// Longest rest after one bit of work, so that a disk that hangs for a moment does not stop it for long.
const LONGEST: Duration = Duration::from_millis(250);
/// Bytes that are worked on before there is a rest. More of them pushed to a disk at once are what a commit waits for.
pub(crate) const BIT: u64 = 64 << 10;

/// Rests as long as it has worked, so that whoever can't wait has half the machine at least, whatever is short on it.
pub(crate) struct Pace {
    since: Option<Instant>,
}

impl Pace {
    /// Nobody is there to make room for.
    pub(crate) const fn hurried() -> Self {
        Self { since: None }
    }

    /// Beside others. Where the system knows such a thing, the thread that calls this gives way to all others from now on,
    /// so it is one that ends with the work.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it has worked is the rim's to measure"
    )]
    pub(crate) fn beside_others() -> Self {
        // Elsewhere it is the whole process that gives way, or nothing; a thread that does not is no harm.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::nice(19);
        Self {
            since: Some(Instant::now()),
        }
    }

    /// A bit is done.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it has worked is the rim's to measure"
    )]
    pub(crate) fn rest(&mut self) {
        if let Some(since) = &mut self.since {
            thread::sleep(since.elapsed().min(LONGEST));
            *since = Instant::now();
        }
    }
}

/// Takes what is written on, and rests between its bits.
pub(crate) struct Paced<'p, W> {
    inner: W,
    pace: &'p mut Pace,
    written: u64,
}

impl<'p, W> Paced<'p, W> {
    pub(crate) const fn new(inner: W, pace: &'p mut Pace) -> Self {
        Self {
            inner,
            pace,
            written: 0,
        }
    }

    pub(crate) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Paced<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.written += count as u64;
        if self.written >= BIT {
            self.written = 0;
            self.inner.flush()?;
            self.pace.rest();
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_written_gets_through_and_each_bit_is_flushed() {
        #[derive(Default)]
        struct Seen {
            bytes: Vec<u8>,
            flushed: Vec<usize>,
        }
        impl Write for &mut Seen {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                self.flushed.push(self.bytes.len());
                Ok(())
            }
        }
        let (mut seen, mut pace) = (Seen::default(), Pace::hurried());
        let bit = usize::try_from(BIT).unwrap();
        let bytes: Vec<u8> = (0_u8..=255).cycle().take(3 * bit + 5).collect();
        let mut paced = Paced::new(&mut seen, &mut pace);
        for chunk in bytes.chunks(bit / 4) {
            paced.write_all(chunk).unwrap();
        }
        assert_eq!(seen.bytes, bytes);
        assert_eq!(seen.flushed, [bit, 2 * bit, 3 * bit]);
    }
}
