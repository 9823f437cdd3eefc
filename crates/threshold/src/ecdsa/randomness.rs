//! The library's randomness.

use crate::{Fault, FaultKind};

/// Seeds anew, from the operating system, the generator that the library's next step draws from. A memory that was copied
/// between two steps and run twice draws other numbers in each.
pub(super) fn reseed() -> Result<(), Fault> {
    rand::rng().reseed().map_err(|_| FaultKind::Internal.into())
}
