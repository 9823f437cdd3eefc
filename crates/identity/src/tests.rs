//! Tokens of every kind, well made and not, against keys that a real site on loopback publishes.

mod claims;
mod email;
mod forged;
mod published;
mod shapes;
mod webhook;

use serde_json::{Value, json};
use twofold_testkit::{Answer, SigningKey, Site};

use crate::{Fault, Identity, Oidc, Person, Provider, Rule, Token, Trust, WebUrl};

/// A moment.
const NOW: u64 = 1_790_000_000;
const AUDIENCE: &str = "the-app";

/// A provider on loopback: discovery and keys.
struct Stand {
    site: Site,
    issuer: String,
}

/// Answers for a provider with these keys.
fn publishes(
    issuer: impl Fn() -> String + Send + 'static,
    keys: Vec<Value>,
) -> impl FnMut(&twofold_testkit::Visit) -> Answer + Send {
    move |asked| match asked.target.as_str() {
        "/.well-known/openid-configuration" => {
            let issuer = issuer();
            Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }))
        }
        "/keys" => Answer::Json(200, json!({ "keys": keys })),
        _ => Answer::Json(404, json!({})),
    }
}

impl Stand {
    fn new(keys: &[&SigningKey]) -> Self {
        let site = Site::plain(|_| Answer::HangUp);
        let stand = Self {
            issuer: site.url(),
            site,
        };
        stand.publish(keys);
        stand
    }

    fn publish(&self, keys: &[&SigningKey]) {
        let issuer = self.issuer.clone();
        let keys = keys.iter().map(|key| key.jwk()).collect();
        self.site.answer(publishes(move || issuer.clone(), keys));
    }

    fn rule(&self) -> Rule {
        Rule::new(&self.issuer, vec![AUDIENCE.into()])
    }

    fn identity(&self) -> Identity {
        identity_with(self.rule())
    }

    /// Good claims.
    fn claims(&self) -> Value {
        json!({ "iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 600 })
    }

    /// Good claims but for these.
    fn claims_but(&self, other: Value) -> Value {
        let mut claims = self.claims();
        let Value::Object(other) = other else { panic!("claims") };
        for (name, value) in other {
            claims[name] = value;
        }
        claims
    }

    /// How often the keys were asked for.
    fn fetched(&self) -> usize {
        self.site.asked().iter().filter(|asked| asked.target == "/keys").count()
    }
}

fn identity_with(rule: Rule) -> Identity {
    let provider = Oidc {
        rule,
        keys: None,
        trust: Trust::default(),
    };
    Identity::new(vec![provider.provider().expect("a provider")]).expect("one provider")
}

async fn ask(identity: &Identity, token: &str, now: u64) -> Result<Person, Fault> {
    identity.person(&Token::parse(token)?, now).await
}

fn url(text: &str) -> WebUrl {
    WebUrl::parse(text).expect("a URL")
}

fn only(provider: Provider) -> Identity {
    Identity::new(vec![provider]).expect("one provider")
}

#[tokio::test]
async fn a_token_of_any_of_its_providers_keys_makes_a_person_known() {
    let keys = [SigningKey::rsa("r"), SigningKey::p256("p"), SigningKey::ed25519("e")];
    let stand = Stand::new(&keys.each_ref());
    let identity = stand.identity();
    for key in &keys {
        let person = ask(&identity, &key.token(&stand.claims()), NOW)
            .await
            .unwrap_or_else(|fault| panic!("{}: {fault}", key.algorithm()));
        assert_eq!(
            (person.issuer, person.subject.as_str()),
            (stand.issuer.clone(), "alice")
        );
        assert!(person.admitted && !person.second_factor && person.authenticated.is_none());
    }
    assert_eq!(stand.fetched(), 1, "keys are kept");
}

#[tokio::test]
async fn each_of_several_providers_is_held_to_its_own_keys() {
    let (here, there) = (SigningKey::p256("k"), SigningKey::p256("k"));
    let (one, other) = (Stand::new(&[&here]), Stand::new(&[&there]));
    let provider = |stand: &Stand| {
        Oidc {
            rule: stand.rule(),
            keys: None,
            trust: Trust::default(),
        }
        .provider()
        .expect("a provider")
    };
    let identity = Identity::new(vec![provider(&one), provider(&other)]).expect("two providers");

    let person = ask(&identity, &there.token(&other.claims()), NOW)
        .await
        .expect("the other's");
    assert_eq!(person.issuer, other.issuer);
    let crossed = ask(&identity, &there.token(&one.claims()), NOW).await;
    assert_eq!(crossed, Err(crate::Refused::Signature.into()));
}

#[tokio::test]
async fn a_second_factor_counts_when_its_word_and_its_time_do() {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let with = async |claims: Value| {
        ask(&identity, &key.token(&stand.claims_but(claims)), NOW)
            .await
            .expect("a person")
    };

    let fresh = with(json!({ "auth_time": NOW - 100, "amr": ["pwd", "mfa"] })).await;
    assert!(fresh.stepped_up(NOW, 300) && !fresh.stepped_up(NOW, 99));
    assert!(
        !with(json!({ "auth_time": NOW - 100, "amr": ["pwd"] }))
            .await
            .stepped_up(NOW, 300)
    );
    assert!(
        !with(json!({ "amr": ["mfa"] })).await.stepped_up(NOW, 300),
        "without a time"
    );
}

#[test]
fn providers_that_cannot_be_told_apart_are_refused() {
    let provider = |issuer: &str| {
        let rule = Rule::new(issuer, vec!["a".into()]);
        let keys = Some(url("https://keys.example/"));
        Oidc {
            rule,
            keys,
            trust: Trust::default(),
        }
        .provider()
        .expect("a provider")
    };
    assert!(Identity::new(vec![provider("https://a"), provider("https://b")]).is_ok());
    assert!(Identity::new(vec![provider("https://a"), provider("https://a")]).is_err());
    assert!(
        Identity::new(vec![provider("invitation")]).is_err(),
        "users of invitations have that issuer"
    );
}
