//! Requests that are being answered, and whether more are taken: the operator holds them off before work on the machine, so
//! that it cuts nobody off.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

/// Between two looks whether anything is under way.
const LOOK: Duration = Duration::from_millis(10);

/// Whether requests are taken, and how many are being answered.
pub(crate) struct Drain {
    held_off: watch::Sender<bool>,
    under_way: Arc<AtomicUsize>,
}

/// A request while it is being answered.
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drain {
    pub(crate) fn new() -> Self {
        Self {
            held_off: watch::Sender::new(false),
            under_way: Arc::default(),
        }
    }

    /// From now on no request is taken.
    pub(crate) fn begin(&self) {
        self.held_off.send_replace(true);
    }

    /// From now on they are taken again.
    pub(crate) fn end(&self) {
        self.held_off.send_replace(false);
    }

    /// Whether none is taken.
    pub(crate) fn is_on(&self) -> bool {
        *self.held_off.borrow()
    }

    /// Resolves once none is taken.
    pub(crate) async fn begun(&self) {
        // The sender is here.
        let _ = self.held_off.subscribe().wait_for(|held_off| *held_off).await;
    }

    /// Counts a request. Who counts first and looks then whether it is taken is never missed by [`Drain::emptied`].
    pub(crate) fn enter(&self) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        UnderWay(Arc::clone(&self.under_way))
    }

    /// How many are being answered.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Resolves once none is.
    pub(crate) async fn emptied(&self) {
        while self.under_way() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    }
}
