//! Tokens in the shapes that Supabase and Firebase document, by keys of our own.

use serde_json::{Value, json};
use twofold_testkit::{Answer, SigningKey, Site};

use super::{NOW, ask, only, url};
use crate::{Admission, Fault, Firebase, Identity, Refused, SharedSecret, Supabase, SupabaseKeys, Trust};

const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
const USER: &str = "11111111-2222-3333-4444-555555555555";

fn supabase(site: &str, keys: SupabaseKeys) -> Identity {
    let supabase = Supabase {
        url: url(site),
        keys,
        admission: Admission::Anyone,
        anonymous: false,
        trust: Trust::default(),
    };
    only(supabase.provider().expect("a provider"))
}

fn supabase_claims(site: &str) -> Value {
    json!({
        "iss": format!("{site}/auth/v1"), "aud": "authenticated", "role": "authenticated", "sub": USER,
        "iat": NOW, "exp": NOW + 3600, "email": "a@example.org", "phone": "",
        "app_metadata": { "provider": "email", "providers": ["email"] }, "user_metadata": { "email_verified": true },
        "aal": "aal1", "amr": [{ "method": "password", "timestamp": NOW - 50 }],
        "session_id": "66666666-7777-8888-9999-000000000000", "is_anonymous": false,
    })
}

#[tokio::test]
async fn a_supabase_user_is_known_by_published_keys() {
    let key = SigningKey::p256("f8d1");
    let jwk = key.jwk();
    let site = Site::plain(move |asked| match asked.target.as_str() {
        "/auth/v1/.well-known/jwks.json" => Answer::Json(200, json!({ "keys": [jwk.clone()] })),
        _ => Answer::Json(404, json!({})),
    });
    let identity = supabase(&site.url(), SupabaseKeys::Published);
    let person = ask(&identity, &key.token(&supabase_claims(&site.url())), NOW)
        .await
        .expect("a person");
    assert_eq!(person.subject, USER);
    assert!(!person.stepped_up(NOW, 300), "one factor");

    let mut claims = supabase_claims(&site.url());
    claims["aal"] = json!("aal2");
    claims["amr"] =
        json!([{ "method": "totp", "timestamp": NOW - 20 }, { "method": "password", "timestamp": NOW - 9000 }]);
    let person = ask(&identity, &key.token(&claims), NOW).await.expect("a person");
    assert!(person.stepped_up(NOW, 20) && !person.stepped_up(NOW, 19));
    // The secret of its older way is not taken beside the keys.
    let old = SigningKey::secret("", SECRET.as_bytes()).token(&claims);
    assert_eq!(ask(&identity, &old, NOW).await, Err(Refused::Algorithm.into()));
}

#[tokio::test]
async fn a_supabase_project_with_the_older_secret_takes_its_users_alone() {
    let site = "https://abc.supabase.co";
    let secret = || SupabaseKeys::Secret(SharedSecret::new(&format!("{SECRET}\n")).expect("a secret"));
    let identity = supabase(site, secret());
    let key = SigningKey::secret("", SECRET.as_bytes());
    let claims = supabase_claims(site);
    assert_eq!(
        ask(&identity, &key.token(&claims), NOW)
            .await
            .expect("a person")
            .subject,
        USER
    );

    // The project's own two keys are tokens by the same secret.
    for role in ["anon", "service_role"] {
        let of_the_app = json!({ "iss": "supabase", "ref": "abc", "role": role, "iat": NOW, "exp": NOW + 3600 });
        assert_eq!(
            ask(&identity, &key.token(&of_the_app), NOW).await,
            Err(Refused::UnknownIssuer.into())
        );
        let mut dressed = claims.clone();
        dressed["role"] = json!(role);
        assert_eq!(
            ask(&identity, &key.token(&dressed), NOW).await,
            Err(Refused::Kind.into())
        );
    }
    let mut guest = claims.clone();
    guest["is_anonymous"] = json!(true);
    assert!(matches!(
        ask(&identity, &key.token(&guest), NOW).await,
        Err(Fault::Forbidden(_))
    ));
    let other = SigningKey::secret("", b"another secret of thirty-two bytes or more");
    assert_eq!(
        ask(&identity, &other.token(&claims), NOW).await,
        Err(Refused::Signature.into())
    );
    assert!(SharedSecret::new("short").is_err());
}

fn firebase_claims() -> Value {
    json!({
        "iss": "https://securetoken.google.com/my-app-1", "aud": "my-app-1", "sub": "Zx9Kq0aBcD", "user_id": "Zx9Kq0aBcD",
        "auth_time": NOW - 40, "iat": NOW, "exp": NOW + 3600, "email": "a@example.org", "email_verified": false,
        "firebase": { "identities": { "email": ["a@example.org"] }, "sign_in_provider": "password" },
    })
}

#[tokio::test]
async fn a_firebase_user_is_known_by_googles_keys() {
    let (key, old) = (SigningKey::rsa("c0ffee"), SigningKey::rsa("decaf"));
    let jwks = json!({ "keys": [key.jwk(), old.jwk()] });
    let site = Site::plain(move |_| Answer::Json(200, jwks.clone()));
    let identity = |anonymous: bool| {
        let firebase = Firebase {
            project: "my-app-1".into(),
            admission: Admission::Anyone,
            verified_email: false,
            anonymous,
            keys: Some(url(&site.url())),
            trust: Trust::default(),
        };
        only(firebase.provider().expect("a provider"))
    };
    let one = identity(false);
    let person = ask(&one, &key.token(&firebase_claims()), NOW).await.expect("a person");
    assert_eq!(
        (person.subject.as_str(), person.authenticated),
        ("Zx9Kq0aBcD", Some(NOW - 40))
    );
    assert!(!person.stepped_up(NOW, 300));

    let but = |name: &str, value: Value| {
        let mut claims = firebase_claims();
        claims[name] = value;
        key.token(&claims)
    };
    let second = but(
        "firebase",
        json!({ "sign_in_provider": "password", "sign_in_second_factor": "totp" }),
    );
    assert!(ask(&one, &second, NOW).await.expect("a person").stepped_up(NOW, 300));
    let guest = but("firebase", json!({ "sign_in_provider": "anonymous" }));
    assert!(matches!(ask(&one, &guest, NOW).await, Err(Fault::Forbidden(_))));
    assert!(ask(&identity(true), &guest, NOW).await.is_ok());
    let wrong = [
        but("aud", json!("another-app")),
        but("auth_time", json!(NOW + 100)),
        but("auth_time", json!(null)),
        but("sub", json!("a".repeat(129))),
        // Another tenant's person of the same name.
        but(
            "firebase",
            json!({ "sign_in_provider": "password", "tenant": "b-4711" }),
        ),
    ];
    for token in wrong {
        assert!(matches!(ask(&one, &token, NOW).await, Err(Fault::Refused(_))));
    }
}
