//! Firebase Authentication: ID tokens as its page "Verify ID tokens" describes them.

use serde_json::Value;

use super::{
    Flavour, Keys, Provider,
    published::{Place, Published},
};
use crate::{
    claims::Claims,
    keys::Cache,
    person::Person,
    refused::{Fault, Refused, SetupFault},
    rule::{Admission, Rule},
    url::WebUrl,
    web::{Trust, Web},
};

/// Where Google publishes the keys.
const KEYS: &str = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com";
/// Longest user id that Firebase gives.
const LONGEST_ID: usize = 128;

/// Settings of a Firebase project.
#[derive(Debug)]
pub struct Firebase {
    /// The project's id, which is the audience and ends the issuer.
    pub project: String,
    /// Who may become a user.
    pub admission: Admission,
    /// Whether only people whose e-mail address was verified may use the server.
    pub verified_email: bool,
    /// Whether people who have not signed in at all count.
    pub anonymous: bool,
    /// Where the keys are, if not at Google's.
    pub keys: Option<WebUrl>,
    /// Whose certificates are believed.
    pub trust: Trust,
}

impl Firebase {
    /// Ready to be asked.
    pub fn provider(self) -> Result<Provider, SetupFault> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.project.is_empty() || !self.project.bytes().all(fits) {
            return Err(SetupFault::Setting {
                issuer: self.project,
                what: "a Firebase project's id has small letters, digits and hyphens",
            });
        }
        let issuer = format!("https://securetoken.google.com/{}", self.project);
        let rule = Rule {
            admission: self.admission,
            verified_email: self.verified_email,
            ..Rule::new(&issuer, vec![self.project])
        };
        rule.check()?;
        let url = match self.keys {
            Some(url) => url,
            None => WebUrl::parse(KEYS)?,
        };
        let published = Published {
            web: Web::new(self.trust)?,
            place: Place::Keys(url),
        };
        let keys = Keys::Published(Cache::new(&issuer, published));
        let flavour = Flavour::Firebase {
            anonymous: self.anonymous,
        };
        Ok(Provider::signed(rule, keys, flavour))
    }
}

pub(super) fn judge(person: Person, claims: &Claims, anonymous: bool) -> Result<Person, Fault> {
    if person.subject.len() > LONGEST_ID {
        return Err(Refused::Claim("sub").into());
    }
    if person.authenticated.is_none() {
        return Err(Refused::Claim("auth_time").into());
    }
    let about = claims.get("firebase").and_then(Value::as_object);
    // Each tenant of a project names its people for itself: one's `alice` is not the other's.
    if about.is_some_and(|about| about.contains_key("tenant")) {
        return Err(Refused::Issuer.into());
    }
    let way = about
        .and_then(|about| about.get("sign_in_provider"))
        .and_then(Value::as_str);
    if way == Some("anonymous") && !anonymous {
        return Err(Fault::Forbidden(
            "sign in with an account first: this app's guests have no wallet",
        ));
    }
    let second = about.and_then(|about| about.get("sign_in_second_factor"));
    Ok(Person {
        second_factor: second.is_some_and(Value::is_string),
        ..person
    })
}
