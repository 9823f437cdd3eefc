//! Any `OpenID` Connect provider.

use super::{
    Flavour, Keys, Provider,
    published::{Place, Published},
};
use crate::{
    keys::Cache,
    refused::SetupFault,
    rule::Rule,
    url::WebUrl,
    web::{Trust, Web},
};

/// Settings of an `OpenID` Connect provider.
#[derive(Debug)]
pub struct Oidc {
    /// What its tokens are held to. The issuer is its URL.
    pub rule: Rule,
    /// Where its keys are, if discovery is not to say.
    pub keys: Option<WebUrl>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

impl Oidc {
    /// Ready to be asked. Nothing is fetched before a token comes.
    pub fn provider(self) -> Result<Provider, SetupFault> {
        self.rule.check()?;
        let place = match self.keys {
            Some(url) => Place::Keys(url),
            None => Place::Discovery {
                url: WebUrl::below(&self.rule.issuer, "/.well-known/openid-configuration")?,
                issuer: self.rule.issuer.clone(),
            },
        };
        let web = Web::new(self.trust)?;
        let cache = Cache::new(&self.rule.issuer, Published { web, place });
        Ok(Provider::signed(self.rule, Keys::Published(cache), Flavour::Plain))
    }
}
