//! Connections that read. A read takes 15 to 50 microseconds, and handing it to another thread and back took twice as
//! long when it was tried, so it runs where it is asked for, on whichever connection is free.

use std::{
    num::NonZero,
    sync::{
        Mutex, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rusqlite::Connection;

use super::open::OpenFault;
use crate::fault::Fault;

/// A fixed set of connections.
#[derive(Debug)]
pub(crate) struct Readers {
    connections: Vec<Mutex<Connection>>,
    turn: AtomicUsize,
}

impl Readers {
    pub(crate) fn open(connect: impl Fn() -> Result<Connection, OpenFault>) -> Result<Self, OpenFault> {
        let count = thread::available_parallelism().map_or(2, NonZero::get).clamp(2, 8);
        let connections = (0..count)
            .map(|_| connect().map(Mutex::new))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            connections,
            turn: AtomicUsize::new(0),
        })
    }

    /// Runs a read on a free connection, or waits for one whose turn it is.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let start = self.turn.fetch_add(1, Ordering::Relaxed);
        let at = |offset: usize| &self.connections[(start.wrapping_add(offset)) % self.connections.len()];
        for offset in 0..self.connections.len() {
            match at(offset).try_lock() {
                Ok(connection) => return read(&connection),
                // A reader that panicked left nothing half done: its statement was reset on the way out.
                Err(TryLockError::Poisoned(poisoned)) => return read(&poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        read(&at(0).lock().unwrap_or_else(PoisonError::into_inner))
    }
}
