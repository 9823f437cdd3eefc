//! What the cosigner needs of the world, as traits; `store` and `chain` implement them.

pub mod chain;
#[cfg(feature = "testing")]
pub mod conformance;
pub mod record;
pub mod store;

/// Seconds since 1970. A clock may jump either way; the cosigner copes.
pub trait Clock: Send + Sync + 'static {
    /// The time now, in seconds since 1970.
    fn now(&self) -> u64;
}
