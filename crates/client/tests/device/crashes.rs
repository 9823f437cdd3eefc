//! Commands that are killed, and run again.
