//! Who may hold a connection: so many in all, so many from one address, so many whose handshake is not done.
//!
//! What is kept of an address goes with its last connection, so the table is never longer than connections are open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    config::Limits,
    rate::{Block, block},
};

/// Fewest handshakes that go on at once, however few connections there may be.
const LEAST_HANDSHAKES: u32 = 8;

/// Counts who is inside.
pub(crate) struct Door {
    all: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    per_address: u32,
    guests: Arc<Guests>,
}

/// How many connections each address holds; none has an entry of 0.
#[derive(Default)]
struct Guests(Mutex<HashMap<Block, u32>>);

/// A connection's place, until it is dropped.
pub(crate) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _one_of_its_address: Option<Guest>,
}

/// A connection whose handshake goes on, until it is dropped.
pub(crate) struct Handshake {
    _one_of_all: OwnedSemaphorePermit,
}

struct Guest {
    guests: Arc<Guests>,
    block: Block,
}

impl Door {
    pub(crate) fn new(limits: &Limits) -> Self {
        let permits = |count: u32| Arc::new(Semaphore::new(count as usize));
        Self {
            all: permits(limits.connections),
            handshakes: permits((limits.connections / 4).max(LEAST_HANDSHAKES)),
            per_address: limits.connections_per_address,
            guests: Arc::default(),
        }
    }

    /// Lets one in who begins a handshake; nobody where there is no room.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<(Place, Handshake)> {
        let guest = Guest::of(&self.guests, block(address), self.per_address)?;
        self.enter_as(Some(guest))
    }

    /// Lets one in that speaks for many addresses, as a proxy does.
    pub(crate) fn enter_for_many(&self) -> Option<(Place, Handshake)> {
        self.enter_as(None)
    }

    fn enter_as(&self, guest: Option<Guest>) -> Option<(Place, Handshake)> {
        let place = Place {
            _one_of_all: Arc::clone(&self.all).try_acquire_owned().ok()?,
            _one_of_its_address: guest,
        };
        let handshake = Handshake {
            _one_of_all: Arc::clone(&self.handshakes).try_acquire_owned().ok()?,
        };
        Some((place, handshake))
    }
}

impl Guests {
    fn table(&self) -> MutexGuard<'_, HashMap<Block, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    fn of(guests: &Arc<Guests>, block: Block, most: u32) -> Option<Self> {
        let mut table = guests.table();
        let held = table.get(&block).copied().unwrap_or(0);
        if held >= most {
            return None;
        }
        table.insert(block, held.saturating_add(1));
        Some(Self {
            guests: Arc::clone(guests),
            block,
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut table = self.guests.table();
        match table.get_mut(&self.block) {
            Some(held) if *held > 1 => *held = held.saturating_sub(1),
            _ => {
                table.remove(&self.block);
            }
        }
    }
}

#[cfg(test)]
mod tests;
