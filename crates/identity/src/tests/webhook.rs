//! An app with sessions of its own, over HTTPS.

use serde_json::{Value, json};
use twofold_testkit::{Answer, Site, Visit};

use super::{NOW, ask, only, url};
use crate::{Admission, Fault, Identity, Refused, SharedSecret, Trust, Webhook};

const SECRET: &str = "the app and the server both know this";
const SECRET_WORD: &str = "0123456789abcdef0123456789abcdef";

fn webhook(site: &Site, trust: Trust, secret: bool) -> Webhook {
    Webhook {
        issuer: "my-app".into(),
        url: url(&format!("{}/whose", site.url())),
        secret: secret.then(|| SharedSecret::new(SECRET_WORD).expect("a secret")),
        trust,
        admission: Admission::Anyone,
    }
}

fn trusting(site: &Site) -> Trust {
    Trust::default()
        .authorities(site.authority().pem().as_bytes())
        .expect("PEM")
}

fn identity(site: &Site) -> Identity {
    only(webhook(site, trusting(site), true).provider().expect("a provider"))
}

/// Knows the session of alice, and says who is missing.
fn app(asked: &Visit) -> Answer {
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    let right =
        asked.method == "POST" && asked.target == "/whose" && body.as_object().is_some_and(|body| body.len() == 1);
    if !right || asked.header("authorization") != Some(&format!("Bearer {SECRET_WORD}")) {
        return Answer::Json(500, json!({}));
    }
    match body["token"].as_str() {
        Some("alices-session") => Answer::Json(
            200,
            json!({ "user_id": "alice", "auth_time": NOW - 5, "second_factor": true }),
        ),
        Some("bobs.old.session") => Answer::Json(401, json!({})),
        Some("malformed") => Answer::Json(400, json!({})),
        Some("of-a-deleted-user") => Answer::Json(404, json!({})),
        _ => Answer::Json(503, json!({})),
    }
}

#[tokio::test]
async fn an_app_says_whose_token_it_is() {
    let site = Site::tls(app);
    let identity = identity(&site);
    let person = ask(&identity, "alices-session", NOW).await.expect("a person");
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("my-app", "alice"));
    assert!(person.stepped_up(NOW, 5) && person.admitted);
    assert_eq!(
        ask(&identity, "bobs.old.session", NOW).await,
        Err(Refused::Disowned.into())
    );
    assert_eq!(ask(&identity, "malformed", NOW).await, Err(Refused::Disowned.into()));
    assert!(matches!(
        ask(&identity, "of-a-deleted-user", NOW).await,
        Err(Fault::Forbidden(_))
    ));
    assert_eq!(site.asked().len(), 4, "an answer is an answer");

    assert!(matches!(
        ask(&identity, "of-nobody-we-heard-of", NOW).await,
        Err(Fault::Unavailable { .. })
    ));
    assert_eq!(site.asked().len(), 6, "one retry");
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed() {
    let site = Site::tls(app);
    let mut first = true;
    site.answer(move |asked| {
        if std::mem::take(&mut first) {
            Answer::HangUp
        } else {
            app(asked)
        }
    });
    assert!(ask(&identity(&site), "alices-session", NOW).await.is_ok());
}

#[tokio::test]
async fn an_app_in_trouble_is_never_a_bad_token() {
    let site = Site::tls(app);
    let identity = identity(&site);
    let nonsense = [
        Answer::HangUp,
        Answer::Json(429, json!({})),
        Answer::Json(403, json!({})),
        Answer::Json(200, json!({ "user": "alice" })),
        Answer::Json(200, json!({ "user_id": "" })),
        Answer::Json(200, json!({ "user_id": "a\u{7}" })),
        Answer::Bytes(b"alice".to_vec()),
        Answer::Bytes(vec![b' '; 17 << 10]),
        Answer::Elsewhere("https://elsewhere.example/".into()),
    ];
    for answer in nonsense {
        site.answer(move |_| answer.clone());
        let said = ask(&identity, "alices-session", NOW).await;
        let Err(Fault::Unavailable { why, .. }) = said else {
            panic!("{said:?}")
        };
        assert!(!why.contains("alices-session") && !why.contains(SECRET_WORD), "{why}");
    }
}

#[tokio::test]
async fn an_app_that_says_nothing_is_given_up() {
    let site = Site::tls(|_| Answer::Silence);
    let mut trust = trusting(&site);
    trust.patience = std::time::Duration::from_millis(50);
    let identity = only(webhook(&site, trust, true).provider().expect("a provider"));
    let said = ask(&identity, "alices-session", NOW).await;
    assert!(matches!(said, Err(Fault::Unavailable { .. })), "{said:?}");
}

#[tokio::test]
async fn a04_while_an_app_hangs_a_thousand_who_come_hold_no_more_than_so_many_places() {
    let site = Site::tls(|_| Answer::Silence);
    let mut trust = trusting(&site);
    trust.patience = std::time::Duration::from_millis(100);
    let identity = std::sync::Arc::new(only(webhook(&site, trust, true).provider().expect("a provider")));
    let all = (0..1_000).map(|_| {
        let identity = std::sync::Arc::clone(&identity);
        tokio::spawn(async move { ask(&identity, "alices-session", NOW).await })
    });
    let mut sent_away = 0;
    for one in all.collect::<Vec<_>>() {
        let said = one.await.expect("no panic");
        let Err(Fault::Unavailable { why, .. }) = said else {
            panic!("{said:?}")
        };
        sent_away += usize::from(why.contains("too many wait"));
    }
    assert_eq!(sent_away, 1_000 - crate::waiting::MOST);
    site.answer(app);
    assert!(ask(&identity, "alices-session", NOW).await.is_ok(), "nothing is held");
}

#[tokio::test]
async fn an_app_can_know_the_server_by_its_certificate() {
    let site = Site::mutual_tls(|_| Answer::Json(200, json!({ "user_id": "alice" })));
    let (chain, key) = site.authority().client();
    let shown = trusting(&site)
        .showing(chain.as_bytes(), key.as_bytes())
        .expect("a certificate");
    let known = only(webhook(&site, shown, false).provider().expect("a provider"));
    assert!(ask(&known, "alices-session", NOW).await.is_ok());
    let nobody = identity(&site);
    assert!(matches!(
        ask(&nobody, "alices-session", NOW).await,
        Err(Fault::Unavailable { .. })
    ));
    assert!(
        webhook(&site, trusting(&site), false).provider().is_err(),
        "the app must know who asks"
    );
}

#[test]
fn a_secret_with_spaces_is_no_header() {
    assert!(SharedSecret::new(SECRET).is_err());
}
