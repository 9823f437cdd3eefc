//! An address as the server derived it from its own record of the wallet, signed over the request that asked.
//!
//! It says that two machines agree. What it can't say is that the address on the screen is the one that was compared:
//! whoever owns the terminal shows what they like.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};
use twofold_threshold::{
    id::{RequestDigest, WalletId},
    identity::{Domain, IdentityKey, IdentitySecret, Signature64},
};

const DOMAIN: Domain = Domain::new("address");

/// What the server says of one index of the wallet's external keychain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The address, derived by the server.
    pub address: String,
    /// The server looks for payments to it.
    pub watched: bool,
}

/// Not signed by that server, for that request, wallet and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address is not signed by the server for this request")]
pub struct AddressFault;

impl Statement {
    /// Signs it with the server's identity.
    #[must_use]
    pub fn sign(&self, server: &IdentitySecret, request: RequestDigest, wallet: WalletId, index: u32) -> Signature64 {
        server.sign(DOMAIN, &self.message(request, wallet, index))
    }

    /// Checks that the server with this identity said it, in answer to this request.
    pub fn verify(
        &self,
        server: &IdentityKey,
        request: RequestDigest,
        wallet: WalletId,
        index: u32,
        signature: &Signature64,
    ) -> Result<(), AddressFault> {
        server
            .verify(DOMAIN, &self.message(request, wallet, index), signature)
            .map_err(|_| AddressFault)
    }

    /// Fields of fixed length first, so that no two statements have the same bytes.
    fn message(&self, request: RequestDigest, wallet: WalletId, index: u32) -> Vec<u8> {
        let mut message = Vec::with_capacity(32 + 16 + 4 + 1 + self.address.len());
        message.extend_from_slice(&request.0);
        message.extend_from_slice(&wallet.0);
        message.extend_from_slice(&index.to_be_bytes());
        message.push(u8::from(self.watched));
        message.extend_from_slice(self.address.as_bytes());
        message
    }
}

#[cfg(test)]
mod tests;
