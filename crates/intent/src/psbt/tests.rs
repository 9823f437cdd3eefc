//! PSBTs, honest and not.

mod honest;
mod ownership;
mod properties;
mod refusals;
pub(super) mod scene;
