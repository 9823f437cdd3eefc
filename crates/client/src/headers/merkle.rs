//! Bitcoin's merkle branches: proof that a block holds a transaction.

pub use twofold_intent::merkle::proves;

#[cfg(test)]
pub(crate) mod tests;
