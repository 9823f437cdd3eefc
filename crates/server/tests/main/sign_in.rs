//! Joining by the token of an app's own provider, and who else may ask: rows A2 to A5 and A18 over TLS.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use twofold_api::request::{AskRecovery, GetRecovery, Hello};
use twofold_cosigner::testing::SetClock;
use twofold_server::config::{Audience, Config, SignIn};
use twofold_testkit::{Answer, SigningKey, Site};
use twofold_threshold::id::WalletId;

use crate::house::{Device, House, START, Signed};

const JOIN: &str = "/twofold.v1.CosignerService/Join";

/// A provider and a server that listens to it.
struct Stand {
    site: Site,
    key: SigningKey,
    house: House,
    clock: SetClock,
}

fn publish(site: &Site, key: &SigningKey) {
    let (issuer, jwk) = (site.url(), key.jwk());
    site.answer(move |asked| match asked.target.as_str() {
        "/keys" => Answer::Json(200, json!({ "keys": [jwk.clone()] })),
        _ => Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") })),
    });
}

pub(crate) fn oidc(issuer: String, verified_email: bool) -> SignIn {
    SignIn::Oidc {
        issuer,
        audience: Audience::One("the-app".into()),
        jwks_url: None,
        subject: None,
        access_tokens: false,
        verified_email,
        second_factor_amr: None,
        second_factor_acr: None,
        ca_file: None,
        admit: None,
    }
}

impl Stand {
    /// A device that has joined with this token.
    async fn joined(&self, token: &str) -> Device {
        let device = Device::new();
        let joined = self.house.send(&device.sign_in(&self.house, JOIN, token, START)).await;
        assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
        device
    }

    async fn open() -> Self {
        Self::open_with(false, |_| ()).await
    }

    async fn open_with(verified_email: bool, tweak: impl FnOnce(&mut Config)) -> Self {
        let site = Site::plain(|_| Answer::HangUp);
        let key = SigningKey::p256("k");
        publish(&site, &key);
        let clock = SetClock::at(START);
        let issuer = site.url();
        let house = House::open_in(tempfile::tempdir().unwrap(), clock.clone(), |config| {
            config.sign_in = vec![oidc(issuer, verified_email)];
            tweak(config);
        });
        let house = house.await;
        Self {
            site,
            key,
            house,
            clock,
        }
    }

    fn claims(&self, more: &Value) -> Value {
        let mut claims =
            json!({ "iss": self.site.url(), "aud": "the-app", "sub": "alice", "iat": START, "exp": START + 600 });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn token(&self, more: &Value) -> String {
        self.key.token(&self.claims(more))
    }

    /// What a new device with a token is told.
    async fn told(&self, token: &str) -> (StatusCode, &'static str) {
        let answer = self
            .house
            .send(&Device::new().sign_in(&self.house, JOIN, token, START))
            .await;
        match answer.status {
            StatusCode::OK => (StatusCode::OK, ""),
            status => (status, answer.reason()),
        }
    }
}

#[tokio::test]
async fn a_token_lets_a_device_in_that_is_known_from_then_on() {
    let stand = Stand::open().await;
    let device = Device::new();
    let joined = stand
        .house
        .send(&device.sign_in(&stand.house, JOIN, &stand.token(&json!({})), START))
        .await;
    assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
    let hello = stand.house.send(&device.sign(&stand.house, &Hello, START)).await;
    assert_eq!(hello.status, StatusCode::OK, "{hello:?}");
    stand.house.close().await;
}

#[tokio::test]
async fn a02_a_forged_token_is_unauthenticated() {
    let stand = Stand::open().await;
    let claims = stand.claims(&json!({}));
    let unauthenticated = (StatusCode::UNAUTHORIZED, "TOKEN_INVALID");
    let unsigned = twofold_testkit::token(&json!({ "alg": "none" }), &claims, |_| Vec::new());
    assert_eq!(stand.told(&unsigned).await, unauthenticated);
    let confused = SigningKey::secret("k", &stand.key.public()).token(&claims);
    assert_eq!(stand.told(&confused).await, unauthenticated);
    let mut header = stand.key.header();
    header["jku"] = json!("https://elsewhere.example/");
    assert_eq!(stand.told(&stand.key.sign(&header, &claims)).await, unauthenticated);
    assert_eq!(stand.told(&SigningKey::p256("x").token(&claims)).await, unauthenticated);
    assert_eq!(stand.told("not.a.token").await, unauthenticated);
    assert_eq!(stand.told(&"a".repeat(8193)).await, unauthenticated);
    stand.house.close().await;
}

#[tokio::test]
async fn a03_a_token_for_somebody_else_or_another_time_is_unauthenticated() {
    let stand = Stand::open().await;
    for more in [
        json!({ "exp": START - 30, "iat": START - 600 }),
        json!({ "nbf": START + 31 }),
        json!({ "aud": "another" }),
        json!({ "iss": "https://elsewhere.example" }),
    ] {
        let told = stand.told(&stand.token(&more)).await;
        assert_eq!(told, (StatusCode::UNAUTHORIZED, "TOKEN_INVALID"), "{more}");
    }
    let mut header = stand.key.header();
    header["typ"] = json!("at+jwt");
    let access = stand.key.sign(&header, &stand.claims(&json!({})));
    assert_eq!(stand.told(&access).await, (StatusCode::UNAUTHORIZED, "TOKEN_INVALID"));
    stand.house.close().await;
}

#[tokio::test]
async fn a04_a_provider_in_trouble_is_unavailable_and_says_when_to_come_back() {
    let stand = Stand::open().await;
    stand.site.answer(|_| Answer::Json(429, json!({})));
    let token = stand.token(&json!({}));
    let answer = stand
        .house
        .send(&Device::new().sign_in(&stand.house, JOIN, &token, START))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.reason(), "SIGN_IN_UNAVAILABLE");
    assert!(answer.headers.contains_key(header::RETRY_AFTER), "{answer:?}");
    // The time that the pause and the hour are counted in is the server's own.
    publish(&stand.site, &stand.key);
    assert_eq!(stand.told(&token).await.0, StatusCode::SERVICE_UNAVAILABLE);
    stand.clock.set(START + 60);
    let device = Device::new();
    let joined = stand
        .house
        .send(&device.sign_in(&stand.house, JOIN, &token, START + 60))
        .await;
    assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
    stand.house.close().await;
}

#[tokio::test]
async fn a05_an_unverified_address_is_refused_where_the_operator_asks_for_a_verified_one() {
    let stand = Stand::open_with(true, |_| ()).await;
    let mail = |verified: bool| json!({ "email": "alice@example.org", "email_verified": verified });
    let told = stand.told(&stand.token(&mail(false))).await;
    assert_eq!(told, (StatusCode::FORBIDDEN, "SIGN_IN_REFUSED"));
    assert_eq!(stand.told(&stand.token(&mail(true))).await.0, StatusCode::OK);
    stand.house.close().await;
}

#[tokio::test]
async fn a06_a_token_that_was_exchanged_or_taken_out_on_the_way_is_noticed() {
    let stand = Stand::open().await;
    let signed = Device::new().sign_in(&stand.house, JOIN, &stand.token(&json!({})), START);
    let mut exchanged = signed.clone();
    *exchanged.header("authorization") = format!("Bearer {}", stand.token(&json!({ "sub": "mallory" })));
    assert_eq!(stand.house.send(&exchanged).await.reason(), "SIGNATURE_INVALID");
    let mut without = signed.clone();
    without.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(stand.house.send(&without).await.reason(), "SIGNATURE_MISSING");
    let mut added = Device::new().sign(&stand.house, &stand.house.join().await, START);
    added.headers.push(("authorization".into(), "Bearer abc".into()));
    assert_eq!(stand.house.send(&added).await.reason(), "SIGNATURE_MISSING");
    stand.house.close().await;
}

#[tokio::test]
async fn a18_a_token_in_the_query_is_an_invalid_argument() {
    let stand = Stand::open().await;
    let token = stand.token(&json!({}));
    for path in [format!("{JOIN}?access_token={token}"), format!("{JOIN}?token={token}")] {
        let signed = Device::new().sign_in(&stand.house, &path, &token, START);
        let answer = stand.house.send(&signed).await;
        assert_eq!((answer.status, answer.reason()), (StatusCode::BAD_REQUEST, "MALFORMED"));
        assert!(!String::from_utf8_lossy(&answer.body).contains(&token));
    }
    assert!(stand.site.asked().is_empty(), "nobody was asked about it");
    stand.house.close().await;
}

#[tokio::test]
async fn a18_a_page_of_a_foreign_origin_is_refused_and_can_read_nothing() {
    let listed = "https://app.example.org";
    let stand = Stand::open_with(false, |config| config.allowed_origins = vec![listed.into()]).await;
    let token = stand.token(&json!({}));
    for foreign in [
        "https://evil.example",
        "null",
        "https://app.example.org.evil.example",
        "http://app.example.org",
        "",
    ] {
        let mut signed = Device::new().sign_in(&stand.house, JOIN, &token, START);
        signed.headers.push(("origin".into(), foreign.into()));
        let answer = stand.house.send(&signed).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::FORBIDDEN, "ORIGIN_REFUSED"),
            "{foreign}"
        );
        assert!(
            !answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            "{foreign}"
        );
        let answer = stand.house.send(&preflight(foreign)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(
            !answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN),
            "{foreign}"
        );
    }
    let mut signed = Device::new().sign_in(&stand.house, JOIN, &token, START);
    signed.headers.push(("origin".into(), listed.into()));
    let answer = stand.house.send(&signed).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], listed);
    let answer = stand.house.send(&preflight(listed)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], listed);
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    stand.house.close().await;
}

#[tokio::test]
async fn a18_no_page_may_ask_unless_its_origin_is_listed() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let mut signed = Device::new().sign(&house, &house.join().await, START);
    signed.headers.push(("origin".into(), house.running.url().to_string()));
    assert_eq!(house.send(&signed).await.reason(), "ORIGIN_REFUSED");
    house.close().await;
}

#[tokio::test]
async fn a28_recovery_takes_the_token_of_the_machines_owner_and_no_other() {
    let stand = Stand::open().await;
    let (token, bob) = (stand.token(&json!({})), stand.token(&json!({ "sub": "bob" })));
    let (device, _) = (stand.joined(&token).await, stand.joined(&bob).await);
    let read = GetRecovery {
        wallet: WalletId([0x11; 16]),
        code: None,
        recovery: [0x12; 64],
    };
    let ask = AskRecovery {
        wallet: WalletId([0x11; 16]),
        code: None,
        entry: b"entry".to_vec(),
    };
    for (token, reason) in [
        // Her own: there is no such wallet.
        (token.as_str(), "WALLET_NOT_FOUND"),
        (bob.as_str(), "SIGN_IN_REFUSED"),
        ("not.a.token", "TOKEN_INVALID"),
    ] {
        let read = device.sign_with_token(&stand.house, &read, token, START);
        assert_eq!(stand.house.send(&read).await.reason(), reason);
        let ask = device.sign_with_token(&stand.house, &ask, token, START);
        assert_eq!(stand.house.send(&ask).await.reason(), reason);
    }
    // The signature covers the token here as well.
    let mut exchanged = device.sign_with_token(&stand.house, &ask, &bob, START);
    *exchanged.header("authorization") = format!("Bearer {token}");
    assert_eq!(stand.house.send(&exchanged).await.reason(), "SIGNATURE_INVALID");
    stand.house.close().await;
}

#[tokio::test]
async fn f12_whoever_joined_with_a_stolen_token_holds_up_no_device_that_was_there_before() {
    let stand = Stand::open_with(false, |config| {
        config.limits.user_per_second = 1;
        config.limits.user_burst = 3;
    })
    .await;
    let owner = stand.joined(&stand.token(&json!({}))).await;
    let now = START + 8 * 86_400;
    stand.clock.set(now);
    let stolen = stand.token(&json!({ "iat": now, "exp": now + 600 }));
    let thief = Device::new();
    let joined = stand.house.send(&thief.sign_in(&stand.house, JOIN, &stolen, now)).await;
    assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
    let mut told = StatusCode::OK;
    for _ in 0..60 {
        told = stand.house.send(&thief.sign(&stand.house, &Hello, now)).await.status;
        if told == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
    }
    assert_eq!(told, StatusCode::TOO_MANY_REQUESTS);
    let answer = stand.house.send(&owner.sign(&stand.house, &Hello, now)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    stand.house.close().await;
}

#[tokio::test]
async fn a04_recovery_by_sign_in_waits_for_a_provider_in_trouble_and_nothing_else_asks_it() {
    let stand = Stand::open().await;
    let device = stand.joined(&stand.token(&json!({}))).await;
    // The keys are past their hour.
    stand.clock.set(START + 7_200);
    stand.site.answer(|_| Answer::Json(500, json!({})));
    let now = START + 7_200;
    let token = stand.token(&json!({ "iat": now, "exp": now + 600 }));
    let asked = stand.site.asked().len();
    let hello = device.sign_with_token(&stand.house, &Hello, &token, now);
    assert_eq!(stand.house.send(&hello).await.status, StatusCode::OK);
    assert_eq!(
        stand.site.asked().len(),
        asked,
        "a token that is not heeded is not looked at"
    );
    let read = GetRecovery {
        wallet: WalletId([0x11; 16]),
        code: None,
        recovery: [0x12; 64],
    };
    let answer = stand
        .house
        .send(&device.sign_with_token(&stand.house, &read, &token, now))
        .await;
    assert_eq!(
        (answer.status, answer.reason()),
        (StatusCode::SERVICE_UNAVAILABLE, "SIGN_IN_UNAVAILABLE")
    );
    stand.house.close().await;
}

/// What a browser asks before a page's script may.
fn preflight(origin: &str) -> Signed {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,signature,signature-input",
        ),
    ];
    Signed {
        method: Method::OPTIONS,
        path: JOIN.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: Vec::new(),
    }
}
