//! Supabase Auth: access tokens of a project's users, as its pages on JWTs and on multi-factor authentication describe.

use serde_json::Value;

use super::{
    Flavour, Keys, Provider,
    hmac::SharedSecret,
    published::{Place, Published},
};
use crate::{
    claims::Claims,
    keys::{Cache, Key},
    person::Person,
    refused::{Fault, Refused, SetupFault},
    rule::{Admission, Rule},
    url::WebUrl,
    web::{Trust, Web},
};

/// The role, and the audience, of a person who has signed in. `anon` and `service_role` are keys of the app itself.
const SIGNED_IN: &str = "authenticated";

/// Settings of a Supabase project.
#[derive(Debug)]
pub struct Supabase {
    /// Its URL, such as `https://abc.supabase.co`.
    pub url: WebUrl,
    /// How its tokens are signed.
    pub keys: SupabaseKeys,
    /// Who may become a user.
    pub admission: Admission,
    /// Whether people who have not signed in at all count.
    pub anonymous: bool,
    /// Whose certificates are believed.
    pub trust: Trust,
}

/// How a project signs.
#[derive(Debug)]
pub enum SupabaseKeys {
    /// By keys that it publishes.
    Published,
    /// By its older shared secret.
    Secret(SharedSecret),
}

impl Supabase {
    /// Ready to be asked.
    pub fn provider(self) -> Result<Provider, SetupFault> {
        let base = self.url.to_string();
        let issuer = format!("{}/auth/v1", base.trim_end_matches('/'));
        let rule = Rule {
            admission: self.admission,
            ..Rule::new(&issuer, vec![SIGNED_IN.into()])
        };
        rule.check()?;
        let keys = match self.keys {
            SupabaseKeys::Secret(secret) => Keys::Secret(Key::secret(secret.expose().as_bytes())),
            SupabaseKeys::Published => {
                let published = Published {
                    web: Web::new(self.trust)?,
                    place: Place::Keys(WebUrl::below(&issuer, "/.well-known/jwks.json")?),
                };
                Keys::Published(Cache::new(&issuer, published))
            }
        };
        let flavour = Flavour::Supabase {
            anonymous: self.anonymous,
        };
        Ok(Provider::signed(rule, keys, flavour))
    }
}

pub(super) fn judge(person: Person, claims: &Claims, anonymous: bool) -> Result<Person, Fault> {
    if claims.get("role").and_then(Value::as_str) != Some(SIGNED_IN) {
        return Err(Refused::Kind.into());
    }
    if claims.get("is_anonymous") == Some(&Value::Bool(true)) && !anonymous {
        return Err(Fault::Forbidden(
            "sign in with an account first: this app's guests have no wallet",
        ));
    }
    // When each factor was proved; the second factor is the newest one at this level.
    let methods = claims.get("amr").and_then(Value::as_array);
    let times = methods
        .into_iter()
        .flatten()
        .filter_map(|method| method.get("timestamp")?.as_u64());
    Ok(Person {
        authenticated: times.max(),
        second_factor: claims.get("aal").and_then(Value::as_str) == Some("aal2"),
        ..person
    })
}
