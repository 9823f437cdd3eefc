//! Sends a wallet's transaction to the network.

use bitcoin::{Transaction, consensus::encode, hashes::Hash};
use twofold_api::{Reason, Refusal, audit::Event, reply::Sent, request::Broadcast};

use super::sign::outpoint;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    wallet::Owned,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Broadcasts a transaction that spends from this wallet. The audit entry is stored before it is sent; sending again
    /// is harmless, so a retry sends again and gets the same reply. A fence does not stop it: nothing is signed.
    pub async fn broadcast(&self, request: Authenticated<Broadcast>) -> Result<Sent, Refusal> {
        let transaction: Transaction = encode::deserialize(&request.request().transaction)
            .map_err(|_| Refusal::new(Reason::Malformed, "the transaction can't be read"))?;
        let reply = self.log_broadcast(&request, &transaction).await?;
        failpoint!("broadcast::before_send");
        self.chain.broadcast(&transaction).await?;
        Ok(reply)
    }

    async fn log_broadcast(
        &self,
        request: &Authenticated<Broadcast>,
        transaction: &Transaction,
    ) -> Result<Sent, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(request).await? {
            return Ok(reply);
        }
        let owned = self.owned(request, asked.wallet).await?;
        let owned = self.heed(request, owned, &asked.checkpoint).await?;
        if !self.spends_from(&owned, transaction).await? {
            return Err(Reason::NotYourTransaction.into());
        }
        let txid = transaction.compute_txid().to_byte_array();
        let mut change = owned.change();
        change.log(
            request.now(),
            Event::Broadcast {
                device: request.device(),
                txid,
            },
        );
        let reply = Sent {
            head: self.head(Some((change.row.id, &change.state))),
            txid,
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        self.settle(request, reply, batch).await
    }

    /// Whether a transaction spends a coin of this wallet, or is one that signatures were given out for.
    async fn spends_from(&self, owned: &Owned, transaction: &Transaction) -> Result<bool, Refusal> {
        let spent: Vec<_> = transaction
            .input
            .iter()
            .map(|input| outpoint(input.previous_output))
            .collect();
        if self
            .store
            .coins(spent)
            .await?
            .iter()
            .any(|coin| coin.wallet == owned.id())
        {
            return Ok(true);
        }
        let txid = transaction.compute_txid().to_byte_array();
        Ok(self.store.is_issued(owned.id(), txid).await?)
    }
}
