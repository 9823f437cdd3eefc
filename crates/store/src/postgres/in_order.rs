//! Futures begun in the order they are given, and awaited together.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use futures::future::{MaybeDone, maybe_done};

/// What the futures come to. Each is polled before the next one is for the first time: so what each sends when it is
/// first polled goes out in order, and no answer is waited for in between.
pub(super) async fn in_order<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut begun: Vec<Pin<Box<MaybeDone<F>>>> =
        futures.into_iter().map(|future| Box::pin(maybe_done(future))).collect();
    let mut done = 0;
    let mut first = true;
    poll_fn(|context| {
        let from = if first { 0 } else { done };
        for (at, future) in begun.iter_mut().enumerate().skip(from) {
            let ready = future.as_mut().poll(context).is_ready();
            if ready && at == done {
                done += 1;
            } else if !ready && !first {
                // Answers come in the order of the questions.
                return Poll::Pending;
            }
        }
        first = false;
        if done == begun.len() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    begun
        .iter_mut()
        .filter_map(|future| future.as_mut().take_output())
        .collect()
}
