//! Bodies, read into memory before anything is known of who sent them: a bound on each and a bound on all together.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use twofold_api::{Reason, Refusal, limits::BODY_BYTES};

/// When a sender who found no room may come back, in seconds.
const COME_BACK: u32 = 5;

/// The memory that all bodies share. Room is taken as bytes arrive: a sender who only announces takes none.
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    patience: Duration,
}

/// A body, and its room until it is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// Room for so many bytes in all; a body has so long to arrive, the wait for room included.
    pub(super) fn new(bytes: usize, patience: Duration) -> Self {
        Self {
            room: Arc::new(Semaphore::new(bytes)),
            patience,
        }
    }

    pub(super) async fn read<B>(&self, body: B) -> Result<Held, Refusal>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let deadline = Instant::now() + self.patience;
        let mut body = Limited::new(body, BODY_BYTES);
        let mut bytes = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(|_| too_slow())? {
            let Ok(data) = frame.map_err(|error| broken(error.as_ref()))?.into_data() else {
                continue;
            };
            let more = Arc::clone(&self.room).acquire_many_owned(u32::try_from(data.len()).unwrap_or(u32::MAX));
            let Ok(Ok(more)) = timeout_at(deadline, more).await else {
                return Err(no_room());
            };
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held {
            bytes: bytes.freeze(),
            _room: room,
        })
    }
}

pub(super) fn too_large() -> Refusal {
    Refusal::new(
        Reason::TooLarge,
        format!("a request body has at most {} KiB", BODY_BYTES / 1024),
    )
}

fn broken(error: &(dyn core::error::Error + Send + Sync + 'static)) -> Refusal {
    if error.is::<LengthLimitError>() {
        too_large()
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
