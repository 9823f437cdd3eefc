//! Who watches: how many streams are open, for each device, each user, and in all.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use twofold_api::{Reason, Refusal};
use twofold_cosigner::port::record::UserId;
use twofold_threshold::id::DeviceId;

use crate::metric;

const PER_DEVICE: usize = 4;
const PER_USER: usize = 6;
const IN_ALL: usize = 2_000;
/// When who finds no room may come back, in seconds.
const COME_BACK: u32 = 30;

/// The streams that are open.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Open>);

#[derive(Default)]
struct Open {
    devices: HashMap<DeviceId, usize>,
    users: HashMap<UserId, usize>,
    all: usize,
}

/// A stream's place, until it is dropped.
pub(crate) struct Place {
    watchers: Arc<Watchers>,
    device: DeviceId,
    user: UserId,
}

impl Watchers {
    /// A place for one more stream.
    pub(crate) fn enter(self: &Arc<Self>, device: DeviceId, user: UserId) -> Result<Place, Refusal> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |what: &'static str| Err(Refusal::new(Reason::QuotaExceeded, what).retry_after(COME_BACK));
        if open.devices.get(&device).is_some_and(|count| *count >= PER_DEVICE) {
            return full("this device watches often enough already");
        }
        if open.users.get(&user).is_some_and(|count| *count >= PER_USER) {
            return full("this user's devices watch often enough already");
        }
        if open.all >= IN_ALL {
            return full("as many watch as this server can tell");
        }
        *open.devices.entry(device).or_default() += 1;
        *open.users.entry(user).or_default() += 1;
        open.all += 1;
        metrics::gauge!(metric::WATCHERS).increment(1.0);
        Ok(Place {
            watchers: Arc::clone(self),
            device,
            user,
        })
    }

    /// How many are open.
    #[cfg(test)]
    pub(crate) fn open(&self) -> (usize, usize, usize) {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (open.devices.len(), open.users.len(), open.all)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        leave(&mut open.devices, &self.device);
        leave(&mut open.users, &self.user);
        open.all = open.all.saturating_sub(1);
        metrics::gauge!(metric::WATCHERS).decrement(1.0);
    }
}

/// One less; nothing is kept of who has none.
fn leave<N: Eq + Hash>(counts: &mut HashMap<N, usize>, name: &N) {
    if let Some(count) = counts.get_mut(name) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(name);
        }
    }
}

#[cfg(test)]
mod tests;
