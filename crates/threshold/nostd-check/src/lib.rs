//! The device's half of a taproot signature as a freestanding WebAssembly module.
//!
//! Build it with
//!
//! ```sh
//! cargo build --release --target wasm32-unknown-unknown
//! ```
//!
//! A crate that needs the standard library anywhere below would not link here: the module brings its own panic handler
//! and allocator, of which there can be one each.
#![no_std]

extern crate alloc;

#[cfg(target_arch = "wasm32")]
mod bare;

use alloc::vec::Vec;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use twofold_threshold::{
    Fault, FaultKind,
    id::{DeviceId, RequestDigest},
    identity::IdentityKey,
    share::{PublicShares, Share},
    sign::{CosignReply, DeviceSession, InputToSign},
};

/// What the host hands over for one signature.
struct Request<'a> {
    seed: [u8; 32],
    message: [u8; 32],
    server: IdentityKey,
    share: Share,
    public: PublicShares,
    reply: &'a [u8],
}

/// Commits, and signs if there is a reply. A browser keeps the nonces between the two; here it is enough that all of it
/// links.
fn sign(request: &Request<'_>) -> Result<Vec<u8>, Fault> {
    let Request {
        seed,
        message,
        server,
        share,
        public,
        reply,
    } = request;
    let mut rng = ChaCha20Rng::from_seed(*seed);
    let input = InputToSign {
        path: [0, 0],
        message: *message,
    };
    let (nonces, commitments) =
        DeviceSession::commit(share, public, &DeviceId([0; 32]), &[input], message, &[], &mut rng)?;
    if reply.is_empty() {
        return Ok(commitments
            .iter()
            .flat_map(|commitment| commitment.to_bytes())
            .collect());
    }
    let reply = CosignReply::try_from(*reply)?;
    let signatures = nonces
        .bind(RequestDigest(*message))
        .receive(&reply, share, public, server, &[0; 32])?;
    Ok(signatures.iter().flat_map(|signature| signature.0).collect())
}

fn parse(bytes: &[u8]) -> Result<Request<'_>, Fault> {
    const SHARE: usize = 88;
    const PUBLIC: usize = 203;
    let short = || Fault::new(FaultKind::Length);
    let (seed, rest) = bytes.split_first_chunk::<32>().ok_or_else(short)?;
    let (message, rest) = rest.split_first_chunk::<32>().ok_or_else(short)?;
    let (server, rest) = rest.split_first_chunk::<33>().ok_or_else(short)?;
    let (share, rest) = rest.split_first_chunk::<SHARE>().ok_or_else(short)?;
    let (public, reply) = rest.split_first_chunk::<PUBLIC>().ok_or_else(short)?;
    Ok(Request {
        seed: *seed,
        message: *message,
        server: IdentityKey::try_from(server.as_slice())?,
        share: Share::from_secret_bytes(share)?,
        public: PublicShares::try_from(public.as_slice())?,
        reply,
    })
}

/// Runs one request and tells how many bytes came out, or which class of fault.
#[must_use]
pub fn run(request: &[u8]) -> i32 {
    match parse(request).and_then(|request| sign(&request)) {
        Ok(bytes) => i32::try_from(bytes.len()).unwrap_or(i32::MAX),
        Err(fault) => -1 - fault.class() as i32,
    }
}
