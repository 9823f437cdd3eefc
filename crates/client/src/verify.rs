//! An address, heard from the server too.

use bitcoin::Address;
use twofold_api::request::DeriveAddress;
use twofold_intent::{Keychain, WalletView};
use twofold_threshold::identity::Signature64;

use crate::client::Client;
use crate::fault::{Breach, Fault, Usage};
use crate::port::{Clock, Platform};
use crate::session::{Answer, Caution, Session, request_nonce};
use crate::wallet::Wallet;

/// An address that two machines derived alike, each from its own record of the wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its index on the external keychain.
    pub index: u32,
    /// The server looks for payments to it.
    pub watched: bool,
}

impl<P: Platform> Client<P> {
    /// Has the server derive an address of this wallet from its own record, and compares. The answer is signed by the
    /// server's identity over this very request, so neither an old answer nor another server's passes.
    ///
    /// It catches a record that was damaged or swapped on either side. It can't catch malware that shows another address
    /// than the one compared here.
    pub async fn verify_address(&mut self, wallet: &mut Wallet, address: &Address) -> Result<Verified, Fault> {
        let Some((Keychain::External, index)) = wallet.ledger.script(&address.script_pubkey()) else {
            return Err(Usage::NotOurAddress {
                address: address.to_string(),
            }
            .into());
        };
        let (id, checkpoint) = (wallet.id(), wallet.checkpoint);
        let request = DeriveAddress {
            wallet: id,
            index,
            checkpoint,
        };
        let mut again = true;
        let (reply, digest) = loop {
            let nonce = request_nonce(&mut self.random);
            let prepared = self.session.prepare(&request, nonce, self.clock.now())?;
            let reply = Session::deliver::<P>(&self.transport, &self.clock, &prepared).await?;
            let answer = self
                .session
                .understand::<DeriveAddress>(&prepared, &reply, self.clock.now())?;
            match answer {
                Answer::Reply(reply) => break (reply, prepared.digest()),
                Answer::Anew(_) if core::mem::take(&mut again) => self.settle_clock().await?,
                Answer::Anew(fault) => return Err(fault),
            }
        };
        self.session
            .check_head(&reply.head, Some(id), checkpoint.as_ref(), Caution::Notice)?;
        let signature = Signature64::try_from(reply.signature.as_slice()).map_err(|_| Breach::Address)?;
        reply
            .said
            .verify(&self.session.server, digest, id, index, &signature)
            .map_err(|_| Breach::Address)?;
        if reply.said.address != address.to_string() {
            return Err(Breach::OtherAddress {
                ours: address.to_string(),
                theirs: reply.said.address,
            }
            .into());
        }
        Ok(Verified {
            index,
            watched: reply.said.watched,
        })
    }
}
