//! What two parties say to each other, signed by who says it over all of it and bound to all that was said before: a line
//! that garbles ends a session, and blames nobody for a proof.

use alloc::vec::Vec;

use super::pair::Side;
use crate::{
    Fault, FaultKind, hash,
    identity::{Domain, Signature64},
};

/// A message of the asker's, to be signed by its identity key, wherever that lives.
#[derive(Clone, Debug)]
#[must_use]
pub struct Unsigned<M>(pub(super) M);

/// Messages that an asker sends: a type with a `signed` and a `signature`.
macro_rules! asked {
    ($($name:ident),*) => {
        $(
            impl $crate::ecdsa::said::Unsigned<$name> {
                /// The bytes that the asker's identity key signs.
                #[must_use]
                pub fn signing_bytes(&self) -> alloc::vec::Vec<u8> {
                    $crate::identity::Domain::ECDSA_ASK.signing_bytes(&self.0.signed())
                }

                /// The message with its signature.
                #[must_use]
                pub fn signed(self, signature: $crate::identity::Signature64) -> $name {
                    $name { signature, ..self.0 }
                }
            }

            impl $name {
                /// Whether `asker` itself says this.
                pub(super) fn check(&self, asker: &$crate::ecdsa::pair::Side) -> Result<(), $crate::Fault> {
                    let domain = $crate::identity::Domain::ECDSA_ASK;
                    $crate::ecdsa::said::check(asker, domain, &self.signed(), &self.signature)
                }
            }
        )*
    };
}
pub(super) use asked;

/// Whether `side` itself said what these are the hash and the signature of.
pub(super) fn check(side: &Side, domain: Domain, signed: &[u8; 32], signature: &Signature64) -> Result<(), Fault> {
    let checked = side.identity.verify(domain, signed, signature);
    checked.map_err(|fault| fault.by(side.party))
}

/// Whether `side` says it after all that was said, and not after something else.
pub(super) fn follows(side: &Side, said: &[u8; 32], before: &[u8; 32]) -> Result<(), Fault> {
    if before == said {
        Ok(())
    } else {
        Err(Fault::of(FaultKind::ForeignReply, side.party))
    }
}

/// A hash of a message but for the signature at its end.
pub(super) fn unsigned(tag: &str, mut bytes: Vec<u8>) -> [u8; 32] {
    bytes.truncate(bytes.len() - 64);
    hash::tagged(tag, &[&bytes])
}

/// A hash of all that was said so far; the asker's signatures, which come later than its states, are left out.
pub(super) fn then(before: &[u8; 32], message: &[u8]) -> [u8; 32] {
    hash::tagged("twofold/ecdsa/said", &[before, message])
}
