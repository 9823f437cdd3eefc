//! One verification context for the process: making one is dearer than the derivation that it is made for.

use std::sync::LazyLock;

use bitcoin::secp256k1::{Secp256k1, VerifyOnly};

static SECP: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

pub(crate) fn secp() -> &'static Secp256k1<VerifyOnly> {
    &SECP
}
