//! A signed call of any procedure, for the curious.

use twofold_threshold::id::WalletId;
use twofold_wire::METHODS;

use crate::client::Client;
use crate::deadline;
use crate::fault::{Breach, Fault, Usage};
use crate::port::{Clock, Platform};
use crate::session::{Session, refusal, request_nonce};

impl<P: Platform> Client<P> {
    /// Signs and sends a JSON body to a procedure, such as `ListWallets`, and gives the reply's JSON. Nothing in the reply
    /// is checked or kept.
    pub async fn rpc(&mut self, method: &str, json: &str, wallet: Option<WalletId>) -> Result<String, Fault> {
        let known = METHODS
            .iter()
            .find(|known| known.path.rsplit('/').next() == Some(method));
        let known = known.ok_or_else(|| Usage::NoSuchMethod { method: method.into() })?;
        let mut again = true;
        loop {
            let nonce = request_nonce(&mut self.random);
            let (body, now) = (json.as_bytes().to_vec(), self.clock.now());
            let prepared = self.session.sign(
                known.path,
                "application/json",
                body,
                wallet,
                nonce,
                now,
                deadline::CHANGE,
            )?;
            let reply = Session::deliver::<P>(&self.transport, &self.clock, &prepared).await?;
            if reply.status == 200 {
                return String::from_utf8(reply.body).map_err(|_| Breach::Foreign { status: 200 }.into());
            }
            let fault = self.session.heed(&prepared, refusal(&reply)?, self.clock.now())?;
            if !core::mem::take(&mut again) {
                return Err(fault);
            }
            self.settle_clock().await?;
        }
    }
}
