//! Signing with two shares in one request.
//!
//! The device sends what is to be signed with its commitments; the server makes its nonce, its commitment and its
//! share inside that one request. A nonce is made of fresh randomness, the share, the signer's identity, the input's
//! index and a digest of what is asked, all at once; it is never stored, cloned or printed, and dies with the request.
//!
//! What hedging cannot cure: a device whose whole memory is copied and run twice against a hostile server, with its
//! source of randomness copied too, makes the same nonces twice.

mod device;
mod nonce;
#[cfg(test)]
pub(crate) mod pair;
mod recovery;
mod reply;
mod server;
mod test_signature;
mod verify;

pub use device::{AwaitingReply, DeviceNonces, DeviceSession, InputToSign};
pub use recovery::cosign_as_recovery;
pub use reply::{Commitment, CosignReply, SignatureShare};
pub use server::{Cosigned, InputToCosign, cosign};
pub use verify::verify_bip340;

#[cfg(test)]
pub(crate) use test_signature::test_message;
pub(crate) use test_signature::{DeviceTest, server_test_share};

/// The most inputs of one request.
pub const MAX_INPUTS: usize = 256;

#[cfg(test)]
mod tests;
