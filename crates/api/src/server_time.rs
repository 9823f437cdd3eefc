//! The server's word on what time it is, for a device whose clock is wrong.

use twofold_threshold::{
    id::RequestDigest,
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
};

const DOMAIN: Domain = Domain::new("server-time");

/// The server's clock, signed for one request: nobody can answer with the time of another day. It comes with
/// `CLOCK_SKEW`; the device notes the offset and signs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerTime {
    /// Seconds since 1970.
    pub seconds: u64,
    /// By the server's identity, over the request's digest and the seconds.
    pub signature: Signature64,
}

/// The time is not signed by this server for this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server's time is not signed by the server: do not set a clock by it")]
pub struct ServerTimeFault;

impl ServerTime {
    /// Says the time in answer to a request.
    #[must_use]
    pub fn sign(server: &IdentitySecret, request: RequestDigest, seconds: u64) -> Self {
        Self {
            seconds,
            signature: server.sign(DOMAIN, &message(request, seconds)),
        }
    }

    /// The time, if the server with this identity said it in answer to this request.
    pub fn verify(&self, server: &IdentityKey, request: RequestDigest) -> Result<u64, ServerTimeFault> {
        server
            .verify(DOMAIN, &message(request, self.seconds), &self.signature)
            .map_err(|_| ServerTimeFault)?;
        Ok(self.seconds)
    }
}

fn message(request: RequestDigest, seconds: u64) -> [u8; 40] {
    let mut message = [0; 40];
    let (digest, time) = message.split_at_mut(32);
    digest.copy_from_slice(&request.0);
    time.copy_from_slice(&seconds.to_be_bytes());
    message
}

#[cfg(test)]
mod tests;
