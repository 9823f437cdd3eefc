//! Bodies, read into memory before they are understood: a bound on each, on those of one address together, and on all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use twofold_api::{Reason, Refusal, limits::BODY_BYTES};

use crate::rate::{Block, block};

/// When a sender who found no room may come back, in seconds.
const COME_BACK: u32 = 5;

/// The memory that all bodies share, and the part of it that one address may have. Room is taken as bytes arrive: a
/// sender who only announces takes none.
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    share: usize,
    shares: Arc<Shares>,
    patience: Duration,
}

/// A body, and its room until it is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Taken,
}

/// Room taken of one's share and of all.
struct Taken {
    share: Share,
    of_share: Option<OwnedSemaphorePermit>,
    of_all: Option<OwnedSemaphorePermit>,
}

/// What is left of each address's share. An entry goes with the last body of its address.
#[derive(Default)]
struct Shares(Mutex<HashMap<Block, (usize, Arc<Semaphore>)>>);

struct Share {
    shares: Arc<Shares>,
    block: Block,
    left: Arc<Semaphore>,
}

impl Bodies {
    /// Room for so many bytes in all, `share` of them from one address; a body has so long to arrive, the wait for room
    /// included.
    pub(super) fn new(bytes: usize, share: usize, patience: Duration) -> Self {
        Self {
            room: Arc::new(Semaphore::new(bytes)),
            share,
            shares: Arc::default(),
            patience,
        }
    }

    /// Reads a body of at most so many bytes.
    pub(super) async fn read<B>(&self, body: B, most: usize, address: IpAddr) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let deadline = Instant::now() + self.patience;
        let mut body = Limited::new(body, most);
        let mut bytes = BytesMut::new();
        let mut taken = Taken {
            share: Share::of(&self.shares, block(address), self.share),
            of_share: None,
            of_all: None,
        };
        while let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| too_slow())? {
            let Ok(data) = frame.map_err(|error| broken(error.as_ref(), most))?.into_data() else {
                continue;
            };
            let more = u32::try_from(data.len()).unwrap_or(u32::MAX);
            timeout_at(deadline, taken.more(&self.room, more))
                .await
                .unwrap_or(None)
                .ok_or_else(no_room)?;
            bytes.extend_from_slice(&data);
        }
        Ok(Held {
            bytes: bytes.freeze(),
            _room: taken,
        })
    }

    /// Lets a body pass by and keeps nothing of it, so that its sender comes to read why it was refused. One that is
    /// too long or too slow is cut off.
    pub(super) async fn discard<B>(&self, body: &mut B)
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let pass = async {
            let mut passed = 0_usize;
            while let Some(Ok(frame)) = body.frame().await {
                passed = passed.saturating_add(frame.data_ref().map_or(0, Bytes::len));
                if passed > BODY_BYTES {
                    break;
                }
            }
        };
        // Whatever comes of it, the refusal stands.
        let _ = timeout_at(Instant::now() + self.patience, pass).await;
    }
}

impl Taken {
    /// Waits for its own share first: who has used that up stands in nobody's way.
    async fn more(&mut self, room: &Arc<Semaphore>, bytes: u32) -> Option<()> {
        let of_share = Arc::clone(&self.share.left).acquire_many_owned(bytes).await.ok()?;
        let of_all = Arc::clone(room).acquire_many_owned(bytes).await.ok()?;
        for (held, more) in [(&mut self.of_share, of_share), (&mut self.of_all, of_all)] {
            match held {
                Some(held) => held.merge(more),
                None => *held = Some(more),
            }
        }
        Some(())
    }
}

impl Shares {
    fn table(&self) -> MutexGuard<'_, HashMap<Block, (usize, Arc<Semaphore>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    fn of(shares: &Arc<Shares>, block: Block, bytes: usize) -> Self {
        let mut table = shares.table();
        let (bodies, left) = table
            .entry(block)
            .or_insert_with(|| (0, Arc::new(Semaphore::new(bytes))));
        *bodies = bodies.saturating_add(1);
        let left = Arc::clone(left);
        Self {
            shares: Arc::clone(shares),
            block,
            left,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut table = self.shares.table();
        match table.get_mut(&self.block) {
            Some((bodies, _)) if *bodies > 1 => *bodies = bodies.saturating_sub(1),
            _ => {
                table.remove(&self.block);
            }
        }
    }
}

pub(super) fn too_large(most: usize) -> Refusal {
    Refusal::new(
        Reason::TooLarge,
        format!("the body of this request has at most {} KiB", most / 1024),
    )
}

fn broken(error: &(dyn core::error::Error + Send + Sync + 'static), most: usize) -> Refusal {
    if error.is::<LengthLimitError>() {
        too_large(most)
    } else {
        Refusal::new(Reason::Malformed, "the body broke off")
    }
}

fn too_slow() -> Refusal {
    Refusal::new(Reason::DeadlineExceeded, "the body took too long to arrive")
}

fn no_room() -> Refusal {
    Refusal::new(Reason::RateLimited, "too many requests are arriving at once").retry_after(COME_BACK)
}

#[cfg(test)]
mod tests;
