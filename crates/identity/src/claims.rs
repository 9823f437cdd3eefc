//! A token's claims (RFC 7519, `OpenID` Connect Core 3.1.3.7), after its signature was checked.

use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::{
    person::Person,
    refused::{Fault, Refused},
    rule::{Rule, email_verified},
};

/// Seconds that the provider's clock may differ from ours.
pub(crate) const SKEW: u64 = 30;
/// Longest time from when a token was made to its end.
pub(crate) const LONGEST_LIFE: u64 = 24 * 3600;
/// Longest subject, in bytes.
pub(crate) const LONGEST_SUBJECT: usize = 255;
/// Most audiences that a token may name.
const MOST_AUDIENCES: usize = 16;

/// What is asked of every token, and the rest as it came.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: Audience,
    exp: Number,
    iat: Number,
    nbf: Option<Number>,
    auth_time: Option<Number>,
    azp: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl Claims {
    /// A claim that is not asked of every token.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.rest.get(name)
    }

    /// When the person last proved who they are.
    pub(crate) fn auth_time(&self) -> Result<Option<u64>, Refused> {
        let at = self.auth_time.as_ref();
        at.map(|at| seconds(at).ok_or(Refused::Claim("auth_time"))).transpose()
    }

    /// Holds the claims to the rule and the time; what comes out is the person.
    pub(crate) fn judge(&self, rule: &Rule, now: u64) -> Result<Person, Fault> {
        if self.iss != rule.issuer {
            return Err(Refused::Issuer.into());
        }
        self.audience(&rule.audiences)?;
        let times = self.times(now);
        let authenticated = times.and_then(|()| self.auth_time())?;
        if authenticated.is_some_and(|at| at > now.saturating_add(SKEW)) {
            return Err(Refused::Claim("auth_time").into());
        }
        // A security event (RFC 8417), of which a logout is one, tells about a session and opens none.
        if self.rest.contains_key("events") {
            return Err(Refused::Kind.into());
        }
        let subject = self.subject(rule)?;
        if rule.verified_email && !email_verified(&self.rest) {
            return Err(Fault::Forbidden(
                "verify your e-mail address where you sign in, then try again",
            ));
        }
        let amr = self.rest.get("amr").and_then(Value::as_array);
        let methods = amr.into_iter().flatten().filter_map(Value::as_str);
        let class = self.rest.get("acr").and_then(Value::as_str);
        Ok(Person {
            issuer: rule.issuer.clone(),
            admitted: rule.admission.admits(&subject, &self.rest),
            second_factor: rule.step_up.met(methods, class),
            subject,
            authenticated,
        })
    }

    fn audience(&self, ours: &[String]) -> Result<(), Refused> {
        let named = self.aud.names();
        let is_ours = |name: &String| ours.contains(name);
        if named.len() > MOST_AUDIENCES || !named.iter().any(is_ours) {
            return Err(Refused::Audience);
        }
        // A token for several was asked for by one of them, which must be ours.
        let others = named.iter().any(|name| !is_ours(name));
        match &self.azp {
            Some(party) if others && !is_ours(party) => Err(Refused::Audience),
            None if others => Err(Refused::Audience),
            _ => Ok(()),
        }
    }

    fn times(&self, now: u64) -> Result<(), Refused> {
        let expires = seconds(&self.exp).ok_or(Refused::Claim("exp"))?;
        let made = seconds(&self.iat).ok_or(Refused::Claim("iat"))?;
        let begins = match &self.nbf {
            Some(begins) => seconds(begins).ok_or(Refused::Claim("nbf"))?,
            None => 0,
        };
        if expires.saturating_add(SKEW) <= now {
            return Err(Refused::Expired);
        }
        if made.max(begins) > now.saturating_add(SKEW) {
            return Err(Refused::TooEarly);
        }
        if expires.saturating_sub(made) > LONGEST_LIFE {
            return Err(Refused::TooLongLived);
        }
        Ok(())
    }

    fn subject(&self, rule: &Rule) -> Result<String, Refused> {
        let subject = self.rest.get(rule.subject.name()).and_then(Value::as_str);
        let subject = subject.filter(|subject| is_subject(subject));
        subject.map(str::to_owned).ok_or(Refused::Claim("sub"))
    }
}

/// Whether a text can name a person.
pub(crate) fn is_subject(text: &str) -> bool {
    (1..=LONGEST_SUBJECT).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

/// A `NumericDate`, its fraction dropped.
fn seconds(number: &Number) -> Option<u64> {
    number.as_u64().filter(|at| *at < 1 << 48).or_else(|| {
        let at = number.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded to what a u64 holds"
        )]
        (0.0..281_474_976_710_656.0).contains(&at).then_some(at as u64)
    })
}
