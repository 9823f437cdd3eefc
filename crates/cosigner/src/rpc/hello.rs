//! Who the server is, what time it is, and the key to seal unlock keys to.

use twofold_api::{Refusal, reply::Greeting, request::Hello};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Answers a greeting.
    #[expect(clippy::unused_async, reason = "every request is answered alike")]
    pub async fn hello(&self, _request: Authenticated<Hello>) -> Result<Greeting, Refusal> {
        Ok(Greeting {
            head: self.head(None),
            identity: self.identity.public().to_bytes(),
            network: self.config.chain.to_string(),
            version: self.config.version.clone(),
        })
    }
}
