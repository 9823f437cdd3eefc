//! Who a person is, said by the app's own sign-in: a token becomes a [`Person`], or is refused, or the provider behind it
//! is in trouble. The three are never confused.
//!
//! Several [`Provider`]s stand side by side. A token that names one's issuer is that one's alone: its keys, its algorithms,
//! its audience. Whatever names none goes to the app's webhook, where there is one. A person is an issuer and a subject,
//! and nothing else: no e-mail address ever makes two people one.
//!
//! Nothing here says which device asks; the request's own signature does. The time comes from the caller.

mod claims;
mod keys;
mod person;
mod provider;
mod refused;
mod rule;
mod step_up;
mod token;
mod url;
mod waiting;
mod web;

pub use keys::Algorithm;
pub use person::Person;
pub use provider::{
    Provider, firebase::Firebase, hmac::SharedSecret, oidc::Oidc, supabase::Supabase, supabase::SupabaseKeys,
    webhook::Webhook,
};
pub use refused::{Fault, Refused, SetupFault};
pub use rule::{Admission, Rule, SubjectClaim, TokenKind};
pub use step_up::StepUp;
pub use token::Token;
pub use url::WebUrl;
pub use web::{Trust, Web};

use twofold_link::Standing;

/// All providers of a server.
#[derive(Debug)]
pub struct Identity {
    providers: Vec<Provider>,
}

/// Users of the operator's invitations have this issuer; no provider may.
const RESERVED: [&str; 1] = ["invitation"];

impl Identity {
    /// Puts providers side by side: no issuer twice, and one webhook at most, for a token does not say which it is for.
    pub fn new(providers: Vec<Provider>) -> Result<Self, SetupFault> {
        for (place, provider) in providers.iter().enumerate() {
            let issuer = provider.issuer();
            if RESERVED.contains(&issuer) {
                return Err(SetupFault::Issuer(
                    issuer.to_owned(),
                    "that name is taken by invitations",
                ));
            }
            let mut others = providers.iter().skip(place.saturating_add(1));
            if others.clone().any(|other| other.issuer() == issuer) {
                return Err(SetupFault::Issuer(issuer.to_owned(), "it is named twice"));
            }
            if provider.is_webhook() && others.any(Provider::is_webhook) {
                return Err(SetupFault::Issuer(
                    issuer.to_owned(),
                    "it is the second webhook: one is all there can be",
                ));
            }
        }
        Ok(Self { providers })
    }

    /// Whether anybody can sign in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// Whether somebody of this name vouches for people.
    #[must_use]
    pub fn knows(&self, issuer: &str) -> bool {
        self.providers.iter().any(|provider| provider.issuer() == issuer)
    }

    /// How the links to the providers are, by their issuers, in the order in which they were named; none where a secret that
    /// both sides hold needs no link.
    #[must_use]
    pub fn standings(&self) -> Vec<(&str, Option<Standing>)> {
        let standings = self.providers.iter();
        standings
            .map(|provider| (provider.issuer(), provider.standing()))
            .collect()
    }

    /// Finds out whose token it is. `now` is in seconds since 1970.
    ///
    /// The issuer that an unchecked token names only chooses whose rules it is held to; nothing is fetched for a token that
    /// names nobody's.
    pub async fn person(&self, token: &Token, now: u64) -> Result<Person, Fault> {
        let named = token::Jws::split(token.expose()).ok().and_then(|jws| jws.issuer());
        let provider = self
            .providers
            .iter()
            .find(|provider| !provider.is_webhook() && named.as_deref() == Some(provider.issuer()))
            .or_else(|| self.providers.iter().find(|provider| provider.is_webhook()))
            .ok_or(Refused::UnknownIssuer)?;
        provider.person(token, now).await
    }
}

#[cfg(test)]
mod tests;
