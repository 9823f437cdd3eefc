//! How long a request's head may take, told apart from how long a connection may be quiet.
//!
//! hyper has one timer for both: it runs from the end of a request until the next one's head is whole. Here it rings only
//! while a head has begun and is not whole; a connection that is quiet is left to its idle time.

use std::{
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::frames::Frames;

/// How much has come over a connection, and how much of that belongs to requests that were answered.
#[derive(Debug, Default)]
pub(super) struct Heard {
    bytes: AtomicU64,
    answered: AtomicU64,
    flooded: Notify,
}

impl Heard {
    /// A request was answered: whatever has come so far belongs to it.
    pub(super) fn answered(&self) {
        self.answered
            .store(self.bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Resolves once too much came that asks for nothing.
    pub(super) async fn flooded(&self) {
        self.flooded.notified().await;
    }

    fn begun(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.answered.load(Ordering::Relaxed)
    }
}

/// A connection that counts what comes. After a flood nothing more is read.
pub(super) struct Listening<S> {
    stream: S,
    heard: Arc<Heard>,
    frames: Frames,
    flooded: bool,
}

impl<S> Listening<S> {
    pub(super) fn new(stream: S, heard: Arc<Heard>) -> Self {
        Self {
            stream,
            heard,
            frames: Frames::new(tokio::time::Instant::now()),
            flooded: false,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Listening<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.flooded {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = pin!(&mut self.stream).poll_read(cx, buf);
        let came = buf.filled().get(before..).unwrap_or_default();
        self.heard.bytes.fetch_add(came.len() as u64, Ordering::Relaxed);
        if self.frames.flood(came, tokio::time::Instant::now()) {
            self.flooded = true;
            self.heard.flooded.notify_one();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        pin!(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// hyper's timer for heads on one connection.
#[derive(Debug, Clone)]
pub(super) struct HeadTimer {
    pub(super) heard: Arc<Heard>,
    pub(super) patience: Duration,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.ring(tokio::time::Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.ring(deadline.into())
    }
}

impl HeadTimer {
    fn ring(&self, deadline: tokio::time::Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Ring {
            timer: self.clone(),
            sleep: Box::pin(tokio::time::sleep_until(deadline)),
        })
    }
}

struct Ring {
    timer: HeadTimer,
    sleep: Pin<Box<tokio::time::Sleep>>,
}

impl Sleep for Ring {}

impl Future for Ring {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.timer.heard.begun() {
                return Poll::Ready(());
            }
            let later = tokio::time::Instant::now() + self.timer.patience;
            self.sleep.as_mut().reset(later);
        }
    }
}
