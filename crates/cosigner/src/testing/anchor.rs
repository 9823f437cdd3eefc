//! An anchor in memory.

use std::sync::{Arc, Mutex, PoisonError};

use crate::port::anchor::{Anchor, AnchorFault, Appended};

/// An anchor whose lines a test can look at. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryAnchor(Arc<Mutex<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    down: bool,
}

impl MemoryAnchor {
    /// Looks at, or tampers with, the lines.
    pub fn with<R>(&self, look: impl FnOnce(&mut Vec<String>) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).lines)
    }

    /// Whether it refuses from now on.
    pub fn set_down(&self, down: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).down = down;
    }
}

impl Anchor for MemoryAnchor {
    fn append(&self, line: String) -> Appended<'_> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = if lines.down {
            Err(AnchorFault::Unavailable("as the test asked".into()))
        } else {
            lines.lines.push(line);
            Ok(())
        };
        Box::pin(std::future::ready(appended))
    }

    fn lines(&self) -> Result<Vec<String>, AnchorFault> {
        Ok(self.with(|lines| lines.clone()))
    }
}
