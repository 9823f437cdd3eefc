//! One provider: how its tokens are known.

pub(crate) mod firebase;
pub(crate) mod hmac;
pub(crate) mod oidc;
pub(crate) mod published;
pub(crate) mod supabase;
pub(crate) mod webhook;

use std::sync::Arc;

use twofold_link::Standing;

use crate::{
    claims::Claims,
    keys::{Algorithm, Cache, Key},
    person::Person,
    refused::Fault,
    rule::Rule,
    token::{Jws, Token},
};
use published::Published;
use webhook::App;

/// Somebody whose word about people counts.
#[derive(Debug)]
pub struct Provider(Kind);

#[derive(Debug)]
enum Kind {
    Issuer(Box<Issuer>),
    App(Box<App>),
}

/// A provider whose tokens are signed.
#[derive(Debug)]
struct Issuer {
    rule: Rule,
    keys: Keys,
    flavour: Flavour,
}

/// Where keys come from, and with that which algorithms are good. The token's own word is never enough.
#[derive(Debug)]
enum Keys {
    Published(Arc<Cache<Published>>),
    Secret(Key),
}

/// What a provider's tokens say beyond the standard.
#[derive(Debug, Clone, Copy)]
enum Flavour {
    Plain,
    Firebase { anonymous: bool },
    Supabase { anonymous: bool },
}

impl Provider {
    fn signed(rule: Rule, keys: Keys, flavour: Flavour) -> Self {
        Self(Kind::Issuer(Box::new(Issuer { rule, keys, flavour })))
    }

    /// Its name, which goes with a subject to make a person.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match &self.0 {
            Kind::Issuer(issuer) => &issuer.rule.issuer,
            Kind::App(app) => app.issuer(),
        }
    }

    /// How the link to it is; none where a secret that both sides hold needs none.
    pub(crate) fn standing(&self) -> Option<Standing> {
        match &self.0 {
            Kind::App(app) => Some(app.standing()),
            Kind::Issuer(issuer) => match &issuer.keys {
                Keys::Published(cache) => Some(cache.standing()),
                Keys::Secret(_) => None,
            },
        }
    }

    /// Whether it is an app that is asked about tokens of its own.
    pub(crate) fn is_webhook(&self) -> bool {
        matches!(self.0, Kind::App(_))
    }

    pub(crate) async fn person(&self, token: &Token, now: u64) -> Result<Person, Fault> {
        match &self.0 {
            Kind::Issuer(issuer) => issuer.person(token, now).await,
            Kind::App(app) => app.person(token, now).await,
        }
    }
}

impl Issuer {
    async fn person(&self, token: &Token, now: u64) -> Result<Person, Fault> {
        let jws = Jws::split(token.expose())?;
        let algorithm = jws.algorithm(self.keys.algorithms())?;
        if !self.rule.kind.fits(jws.kind().as_deref()) {
            return Err(crate::refused::Refused::Kind.into());
        }
        self.keys.verify(&jws, algorithm, now).await?;
        let claims: Claims = jws.claims()?;
        let person = claims.judge(&self.rule, now)?;
        match self.flavour {
            Flavour::Plain => Ok(person),
            Flavour::Firebase { anonymous } => firebase::judge(person, &claims, anonymous),
            Flavour::Supabase { anonymous } => supabase::judge(person, &claims, anonymous),
        }
    }
}

impl Keys {
    const fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Published(_) => &Algorithm::PUBLIC,
            Self::Secret(_) => &[Algorithm::Hs256],
        }
    }

    async fn verify(&self, jws: &Jws<'_>, algorithm: Algorithm, now: u64) -> Result<(), Fault> {
        let published;
        let key = match self {
            Self::Secret(key) => key,
            Self::Published(cache) => {
                let asked = crate::keys::Asked {
                    name: jws.key_name(),
                    algorithm,
                    made: jws.made(),
                };
                published = cache.key(asked, now).await?;
                &*published
            }
        };
        Ok(key.verify(algorithm, jws.signed(), jws.signature())?)
    }
}
