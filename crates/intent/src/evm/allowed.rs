//! What is refused unless somebody says otherwise.

use std::collections::BTreeSet;

/// What an operator lets pass that is refused by default. Each is a capability of its own; the default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowed {
    /// A digest without what it is of: whoever signs it signs anything.
    pub bare_digests: bool,
    /// The names of domains whose typed data may name no chain, and so does on any.
    pub typed_data_without_chain: BTreeSet<String>,
}
