//! Derives an address for a device that wants to hear it from somebody else too.

use twofold_api::{Reason, Refusal, address::Statement, reply::Derived, request::DeriveAddress};
use twofold_intent::Keychain;

use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Derives an address from the wallet's public shares, which its state record vouches for, and signs it over the
    /// request. Reading: nothing is stored, no share is opened.
    pub async fn derive_address(&self, request: Authenticated<DeriveAddress>) -> Result<Derived, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        let address = owned
            .keys()
            .account
            .address(Keychain::External, asked.index)
            .map_err(|cause| {
                tracing::debug!(%cause, "no such address");
                Refusal::new(Reason::Malformed, "there is no address of that index")
            })?;
        let [watched, _] = self.store.watched(owned.id()).await?;
        let said = Statement {
            address: address.to_string(),
            watched: asked.index < watched,
        };
        let signature = said.sign(&self.identity, request.digest(), owned.id(), asked.index);
        Ok(Derived {
            head: self.head(Some((owned.id(), owned.state()))),
            said,
            signature: signature.0.to_vec(),
        })
    }
}
