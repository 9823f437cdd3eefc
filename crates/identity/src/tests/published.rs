//! Row A4: a provider whose keys can't be had.

use rstest::rstest;
use serde_json::{Value, json};
use twofold_testkit::{Answer, SigningKey};

use super::{NOW, Stand, ask};
use crate::{Fault, Oidc, Refused, Rule, Trust};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// A good token made at a moment.
fn made(stand: &Stand, key: &SigningKey, at: u64) -> String {
    key.token(&stand.claims_but(json!({ "iat": at, "exp": at + 600 })))
}

#[track_caller]
fn unavailable<T: std::fmt::Debug>(answer: &Result<T, Fault>) -> u64 {
    match answer {
        Err(Fault::Unavailable { retry_after, .. }) => *retry_after,
        other => panic!("the provider is in trouble, and the answer is {other:?}"),
    }
}

#[rstest]
#[case::down(Answer::HangUp)]
#[case::too_busy(Answer::Json(429, json!({})))]
#[case::failing(Answer::Json(500, json!({})))]
#[case::gone(Answer::Json(404, json!({})))]
#[case::garbage(Answer::Bytes(b"<html>".to_vec()))]
#[case::without_keys(Answer::Json(200, json!({ "keys": [] })))]
#[case::with_another_issuers_document(Answer::Json(200, json!({ "issuer": "https://a", "jwks_uri": "https://a/" })))]
#[case::far_too_long(Answer::Bytes(vec![b' '; 200 << 10]))]
#[case::leading_elsewhere(Answer::Elsewhere("https://elsewhere.example/".into()))]
#[tokio::test]
async fn a04_a_provider_in_trouble_is_never_a_bad_token(#[case] answer: Answer) {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let wrong = answer.clone();
    stand.site.answer(move |_| wrong.clone());
    unavailable(&ask(&identity, &made(&stand, &key, NOW), NOW).await);

    // It is asked once a minute, whatever comes.
    let asked = stand.site.asked().len();
    for _ in 0..20 {
        let retry = unavailable(&ask(&identity, &made(&stand, &key, NOW), NOW + 10).await);
        assert_eq!(retry, 50);
    }
    assert_eq!(stand.site.asked().len(), asked, "nobody asks again within the minute");

    // It is back, and so are the people.
    stand.publish(&[&key]);
    let later = NOW + MINUTE;
    assert!(ask(&identity, &made(&stand, &key, later), later).await.is_ok());

    // In trouble again: what is known serves for an hour, and not for longer.
    stand.site.answer(move |_| answer.clone());
    let at = later + HOUR;
    assert!(ask(&identity, &made(&stand, &key, at), at).await.is_ok());
    unavailable(&ask(&identity, &made(&stand, &key, at + 1), at + 1).await);
}

#[tokio::test]
async fn a04_a_provider_that_says_nothing_is_given_up() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    stand.site.answer(|_| Answer::Silence);
    let mut trust = Trust::default();
    trust.patience = std::time::Duration::from_millis(50);
    let (rule, keys) = (stand.rule(), None);
    let identity = super::only(Oidc { rule, keys, trust }.provider().expect("a provider"));
    unavailable(&ask(&identity, &made(&stand, &key, NOW), NOW).await);
}

#[tokio::test]
async fn a04_a_new_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (SigningKey::p256("old"), SigningKey::p256("new"));
    let stand = Stand::new(&[&old]);
    let identity = stand.identity();
    assert!(ask(&identity, &made(&stand, &old, NOW), NOW).await.is_ok());

    // Rotated at once: within the minute nothing can be said of a token that was made since.
    stand.publish(&[&new]);
    let soon = NOW + 10;
    assert_eq!(unavailable(&ask(&identity, &made(&stand, &new, soon), soon).await), 50);
    assert_eq!(stand.fetched(), 1);

    let later = NOW + MINUTE;
    assert!(ask(&identity, &made(&stand, &new, later), later).await.is_ok());
    assert_eq!(
        ask(&identity, &made(&stand, &old, later), later).await,
        Err(Refused::KeyUnknown.into())
    );
    assert_eq!(stand.fetched(), 2);
}

#[tokio::test]
async fn a04_an_unknown_key_is_no_bad_token_while_its_provider_is_in_trouble() {
    let (old, new) = (SigningKey::p256("old"), SigningKey::p256("new"));
    let stand = Stand::new(&[&old]);
    let identity = stand.identity();
    assert!(ask(&identity, &made(&stand, &old, NOW), NOW).await.is_ok());
    stand.site.answer(|_| Answer::HangUp);
    let later = NOW + MINUTE;
    unavailable(&ask(&identity, &made(&stand, &new, NOW), later).await);
    assert!(
        ask(&identity, &made(&stand, &old, later), later).await.is_ok(),
        "the known ones serve"
    );
    stand.publish(&[&old]);
    let answer = ask(&identity, &made(&stand, &new, NOW), later + MINUTE).await;
    assert_eq!(answer, Err(Refused::KeyUnknown.into()));
}

#[tokio::test]
async fn a04_a_flood_of_unknown_keys_makes_one_question_a_minute() {
    let (key, stranger) = (SigningKey::p256("k"), SigningKey::p256("x"));
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    assert!(ask(&identity, &made(&stand, &key, NOW), NOW).await.is_ok());
    let flood = (0..50_u64).map(|number| {
        let header = json!({ "alg": "ES256", "kid": format!("x{number}") });
        let token = stranger.sign(&header, &stand.claims());
        let identity = &identity;
        async move { ask(identity, &token, NOW + MINUTE).await }
    });
    let mut flood: Vec<_> = flood.map(Box::pin).collect();
    // All at once, by hand: each is polled until it waits, then each to its end.
    for answer in &mut flood {
        assert_eq!(answer.await, Err(Refused::KeyUnknown.into()));
    }
    assert_eq!(stand.fetched(), 2);
    assert!(ask(&identity, &made(&stand, &key, NOW), NOW + MINUTE).await.is_ok());
}

#[tokio::test]
async fn a04_many_who_come_at_once_are_one_question() {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    let identity = std::sync::Arc::new(stand.identity());
    let token = made(&stand, &key, NOW);
    let all: Vec<_> = (0..30)
        .map(|_| {
            let (identity, token) = (std::sync::Arc::clone(&identity), token.clone());
            tokio::spawn(async move { ask(&identity, &token, NOW).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.expect("no panic"));
    }
    assert_eq!(stand.fetched(), 1);
}

#[tokio::test]
async fn a04_while_a_provider_hangs_a_thousand_who_come_hold_no_more_than_so_many_places() {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    stand.site.answer(|_| Answer::Silence);
    let (rule, mut trust) = (stand.rule(), Trust::default());
    trust.patience = std::time::Duration::from_millis(100);
    let identity = std::sync::Arc::new(super::only(
        Oidc {
            rule,
            keys: None,
            trust,
        }
        .provider()
        .expect("a provider"),
    ));
    let token = made(&stand, &key, NOW);
    let all = (0..1_000).map(|_| {
        let (identity, token) = (std::sync::Arc::clone(&identity), token.clone());
        tokio::spawn(async move { ask(&identity, &token, NOW).await })
    });
    let mut sent_away = 0;
    for one in all.collect::<Vec<_>>() {
        let answer = one.await.expect("no panic");
        // Whoever had no place was told at once, in a word of its own.
        sent_away += usize::from(unavailable(&answer) == crate::waiting::SOON);
    }
    assert_eq!(sent_away, 1_000 - crate::waiting::MOST);
    assert_eq!(stand.site.asked().len(), 1);
    // Nothing is held when it is over.
    stand.publish(&[&key]);
    let later = NOW + MINUTE;
    assert!(ask(&identity, &made(&stand, &key, later), later).await.is_ok());
}

#[tokio::test]
async fn a02_a_forged_token_from_the_future_is_no_trouble_of_its_provider() {
    let (key, forger) = (SigningKey::p256("k"), SigningKey::p256("x"));
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    assert!(ask(&identity, &made(&stand, &key, NOW), NOW).await.is_ok());
    let answer = ask(&identity, &made(&stand, &forger, NOW + HOUR), NOW + 10).await;
    assert_eq!(answer, Err(Refused::KeyUnknown.into()));
    assert_eq!(stand.fetched(), 1);
}

#[tokio::test]
async fn a04_who_leaves_takes_no_answer_along() {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let token = made(&stand, &key, NOW);
    {
        // Polled once, so that the question is on its way, and dropped.
        let mut leaving = Box::pin(ask(&identity, &token, NOW));
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(leaving.as_mut().poll(context))).await;
        assert!(polled.is_pending());
    }
    assert!(ask(&identity, &token, NOW).await.is_ok());
    assert_eq!(stand.fetched(), 1, "the second waits for the first one's answer");
}

#[tokio::test]
async fn a04_a_set_of_keys_is_bounded() {
    let key = SigningKey::p256("k");
    let stand = Stand::new(&[&key]);
    let keys = vec![key.jwk(); 65];
    stand.site.answer(super::publishes(
        {
            let issuer = stand.issuer.clone();
            move || issuer.clone()
        },
        keys,
    ));
    unavailable(&ask(&stand.identity(), &made(&stand, &key, NOW), NOW).await);

    // One name for two keys is the provider's mistake, not the token's.
    let twice: Vec<Value> = vec![key.jwk(), SigningKey::p256("k").jwk()];
    stand.site.answer(super::publishes(
        {
            let issuer = stand.issuer.clone();
            move || issuer.clone()
        },
        twice,
    ));
    unavailable(&ask(&stand.identity(), &made(&stand, &key, NOW), NOW).await);
}

#[tokio::test]
async fn a04_keys_over_tls_come_from_who_they_say_they_do() {
    use twofold_testkit::Site;
    let key = SigningKey::p256("k");
    let jwk = key.jwk();
    let site = Site::tls(move |_| Answer::Json(200, json!({ "keys": [jwk.clone()] })));
    let provider = |trust: Trust| {
        let rule = Rule::new("https://issuer.example", vec![super::AUDIENCE.into()]);
        let keys = Some(super::url(&format!("{}/keys", site.url())));
        super::only(Oidc { rule, keys, trust }.provider().expect("a provider"))
    };
    let claims =
        json!({ "iss": "https://issuer.example", "aud": super::AUDIENCE, "sub": "a", "iat": NOW, "exp": NOW + 60 });
    let token = key.token(&claims);
    let known = Trust::default()
        .authorities(site.authority().pem().as_bytes())
        .expect("PEM");
    assert!(ask(&provider(known), &token, NOW).await.is_ok());
    unavailable(&ask(&provider(Trust::default()), &token, NOW).await);
}

#[rstest]
#[case("http://192.0.2.1/")]
#[case("http://localhost/")]
#[case("http://127.0.0.1.example.org/")]
#[case("https://user:password@example.org/")]
#[case("ftp://example.org/")]
#[case("example.org")]
#[case("https://example.org/#here")]
fn a04_providers_are_asked_over_tls(#[case] text: &str) {
    assert!(crate::WebUrl::parse(text).is_err());
    assert!(crate::WebUrl::parse("https://example.org/a?b").is_ok());
    assert!(crate::WebUrl::parse("http://127.0.0.1:8080/").is_ok());
    assert!(crate::WebUrl::parse("http://[::1]:8080/").is_ok());
}
