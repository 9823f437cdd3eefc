//! Row A2: signatures that are none.

use rstest::rstest;
use serde_json::{Value, json};
use twofold_testkit::{Answer, SigningKey, Site, token};

use super::{NOW, Stand, ask};
use crate::{Fault, Refused};

#[rstest]
#[case::none("none")]
#[case::none_in_another_spelling("NoNe")]
#[case::empty("")]
#[case::one_that_nobody_allowed("RS512")]
#[case::one_with_a_secret("HS256")]
#[tokio::test]
async fn a02_a_token_says_itself_that_nothing_signed_it(#[case] algorithm: &str) {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let header = json!({ "alg": algorithm, "kid": "k" });
    let unsigned = token(&header, &stand.claims(), |_| Vec::new());
    assert_eq!(ask(&identity, &unsigned, NOW).await, Err(Refused::Algorithm.into()));
    assert_eq!(stand.fetched(), 0, "and nobody is asked about it");
}

#[tokio::test]
async fn a02_a_public_key_is_no_secret() {
    let key = SigningKey::rsa("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    ask(&identity, &key.token(&stand.claims()), NOW)
        .await
        .expect("a good one");
    let forger = SigningKey::secret("k", &key.public());
    let bad = forger.token(&stand.claims());
    assert_eq!(ask(&identity, &bad, NOW).await, Err(Refused::Algorithm.into()));

    // Nor is a secret that the provider publishes by mistake.
    let published = SigningKey::secret("s", b"a secret of more than thirty-two bytes");
    stand.publish(&[&key, &published]);
    let bad = published.token(&stand.claims());
    assert_eq!(ask(&identity, &bad, NOW + 120).await, Err(Refused::Algorithm.into()));
}

#[rstest]
#[case::a_key_set_elsewhere("jku")]
#[case::a_certificate_elsewhere("x5u")]
#[case::a_key_brought_along("jwk")]
#[case::a_certificate_brought_along("x5c")]
#[case::an_extension("crit")]
#[tokio::test]
async fn a02_a_token_brings_its_own_key(#[case] name: &'static str) {
    let (key, forger) = (SigningKey::p256("k"), SigningKey::p256("k"));
    let stand = Stand::new(&[&key]);
    let lair = forger.jwk();
    let elsewhere = Site::plain(move |_| Answer::Json(200, json!({ "keys": [lair.clone()] })));
    let value = match name {
        "jwk" => forger.jwk(),
        "crit" => json!(["exp"]),
        "x5c" => json!(["AAAA"]),
        _ => Value::String(elsewhere.url()),
    };
    let mut header = forger.header();
    header[name] = value;
    let bad = forger.sign(&header, &stand.claims());
    assert_eq!(
        ask(&stand.identity(), &bad, NOW).await,
        Err(Refused::Header(name).into())
    );
    // By the right key it is refused as well: what is not understood is not overlooked.
    let signed = key.sign(&header, &stand.claims());
    assert_eq!(
        ask(&stand.identity(), &signed, NOW).await,
        Err(Refused::Header(name).into())
    );
    assert!(elsewhere.asked().is_empty(), "nobody looks there");
}

#[tokio::test]
async fn a02_a_token_names_a_key_that_its_provider_does_not_have() {
    let (key, stranger) = (SigningKey::p256("k"), SigningKey::p256("other"));
    let stand = Stand::new(&[&key]);
    let bad = stranger.token(&stand.claims());
    assert_eq!(ask(&stand.identity(), &bad, NOW).await, Err(Refused::KeyUnknown.into()));
    // Nor does the right name make it the right key.
    let header = key.header();
    let bad = stranger.sign(&header, &stand.claims());
    assert_eq!(ask(&stand.identity(), &bad, NOW).await, Err(Refused::Signature.into()));
}

#[tokio::test]
async fn a02_a_key_is_for_its_own_algorithm_alone() {
    let (rsa, p256) = (SigningKey::rsa("r"), SigningKey::p256("p"));
    let stand = Stand::new(&[&rsa, &p256]);
    let identity = stand.identity();
    let header = json!({ "alg": "RS256", "kid": "p" });
    let crossed = p256.sign(&header, &stand.claims());
    assert_eq!(ask(&identity, &crossed, NOW).await, Err(Refused::KeyUnknown.into()));
}

#[tokio::test]
async fn a02_a_token_must_name_its_key_where_there_are_several() {
    let (one, other) = (SigningKey::p256("1"), SigningKey::p256("2"));
    let stand = Stand::new(&[&one, &other]);
    let nameless = one.sign(&json!({ "alg": "ES256" }), &stand.claims());
    assert_eq!(
        ask(&stand.identity(), &nameless, NOW).await,
        Err(Refused::KeyNotNamed.into())
    );
    let alone = Stand::new(&[&one]);
    let nameless = one.sign(&json!({ "alg": "ES256" }), &alone.claims());
    assert!(
        ask(&alone.identity(), &nameless, NOW).await.is_ok(),
        "a lone key needs no name"
    );
}

#[tokio::test]
async fn a02_one_character_changed_is_another_token() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let good = key.token(&stand.claims());
    assert!(ask(&identity, &good, NOW).await.is_ok());
    for place in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("text");
        let answer = ask(&identity, &changed, NOW).await;
        assert!(matches!(answer, Err(Fault::Refused(_))), "{place}: {answer:?}");
    }
}

#[tokio::test]
async fn a02_published_keys_that_are_weak_or_for_something_else_are_not_used() {
    let key = SigningKey::p256("k");
    let mut jwk = key.jwk();
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("ES384")),
        ("d", json!("AAAA")),
        ("crv", json!("P-384")),
        ("x", json!("AAAA")),
    ] {
        let before = jwk[name].clone();
        jwk[name] = value;
        let set = json!({ "keys": [jwk] }).to_string();
        assert!(crate::keys::KeySet::parse(set.as_bytes()).is_err(), "{name}");
        jwk[name] = before;
        if jwk[name].is_null() {
            jwk.as_object_mut().expect("a key").remove(name);
        }
    }
    let rsa = json!({ "keys": [{ "kty": "RSA", "n": "A".repeat(170), "e": "AQAB" }] }).to_string();
    assert!(crate::keys::KeySet::parse(rsa.as_bytes()).is_err(), "1024 bits");
    assert!(crate::keys::KeySet::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).is_ok());
}

#[rstest]
#[case::nothing("")]
#[case::two_parts("e30.e30")]
#[case::four_parts("e30.e30.e30.e30")]
#[case::no_base64("a+b.e30.AA")]
#[case::an_encrypted_one("e30.e30.e30.e30.e30")]
#[tokio::test]
async fn a02_what_is_no_token_is_refused(#[case] text: &str) {
    let key = SigningKey::ed25519("k");
    let answer = ask(&Stand::new(&[&key]).identity(), text, NOW).await;
    assert!(matches!(answer, Err(Fault::Refused(_))), "{answer:?}");
}

#[tokio::test]
async fn a02_a_claim_that_stands_twice_is_refused() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    // The JSON of a library would drop one of the two; this one is written by hand.
    let twice = format!(
        r#"{{"iss":"{}","aud":"the-app","aud":"other","sub":"a","iat":{NOW},"exp":{}}}"#,
        stand.issuer,
        NOW + 60
    );
    let (header, payload) = (key.header().to_string(), twice);
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let good = key.token(&stand.claims());
    let signature = good.rsplit('.').next().expect("a signature");
    let bad = format!("{}.{}.{signature}", encode(&header), encode(&payload));
    assert!(ask(&stand.identity(), &bad, NOW).await.is_err());
    assert!(
        crate::token::Jws::split(&bad)
            .expect("three parts")
            .claims::<crate::claims::Claims>()
            .is_err()
    );
}

#[test]
fn a_token_is_bounded_and_shown_to_nobody() {
    use crate::Token;
    assert!(Token::parse(&"a".repeat(8192)).is_ok());
    assert_eq!(Token::parse(&"a".repeat(8193)).err(), Some(Refused::TooLong));
    assert_eq!(Token::parse("a b").err(), Some(Refused::Malformed));
    assert_eq!(Token::from_header("Basic abc").err(), Some(Refused::Malformed));
    let token = Token::from_header("bearer s3cr3t").expect("a token");
    assert_eq!(format!("{token:?}"), "redacted");
}
