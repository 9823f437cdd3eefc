//! How strict the server is with its surroundings.

use serde::{Deserialize, Serialize};

/// How strict the server is with its surroundings. A configuration that says nothing means production.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Refuses to start as long as something around it is unsafe, and names all of it at once.
    #[default]
    Production,
    /// Starts all the same: for trying.
    Development,
}
