//! Row A3: what a well signed token says.

use rstest::rstest;
use serde_json::{Value, json};
use twofold_testkit::SigningKey;

use super::{AUDIENCE, NOW, Stand, ask};
use crate::{Admission, Refused, Rule, SubjectClaim, TokenKind};

#[rstest]
#[case::expired(json!({ "iat": NOW - 600, "exp": NOW - 30 }), Refused::Expired)]
#[case::expired_in_the_year_1970(json!({ "exp": 0 }), Refused::Expired)]
#[case::without_an_end(json!({ "exp": null }), Refused::Malformed)]
#[case::with_an_end_in_words(json!({ "exp": "tomorrow" }), Refused::Malformed)]
#[case::with_an_end_below_zero(json!({ "exp": -1 }), Refused::Claim("exp"))]
#[case::with_an_end_past_all_numbers(json!({ "exp": 1e300 }), Refused::Claim("exp"))]
#[case::for_a_year(json!({ "exp": NOW + 31_536_000 }), Refused::TooLongLived)]
#[case::not_yet(json!({ "nbf": NOW + 31 }), Refused::TooEarly)]
#[case::made_tomorrow(json!({ "iat": NOW + 31 }), Refused::TooEarly)]
#[case::without_its_making(json!({ "iat": null }), Refused::Malformed)]
#[case::for_another_app(json!({ "aud": "another-app" }), Refused::Audience)]
#[case::for_nobody(json!({ "aud": [] }), Refused::Audience)]
#[case::for_two_and_asked_for_by_the_other(json!({ "aud": [AUDIENCE, "b"], "azp": "b" }), Refused::Audience)]
#[case::for_two_and_asked_for_by_nobody(json!({ "aud": [AUDIENCE, "b"] }), Refused::Audience)]
#[case::of_nobody(json!({ "sub": null }), Refused::Claim("sub"))]
#[case::of_a_number(json!({ "sub": 7 }), Refused::Claim("sub"))]
#[case::of_an_empty_name(json!({ "sub": "" }), Refused::Claim("sub"))]
#[case::of_a_line_break(json!({ "sub": "a\nb" }), Refused::Claim("sub"))]
#[case::of_a_name_without_end(json!({ "sub": "a".repeat(256) }), Refused::Claim("sub"))]
#[case::of_somebody_who_signs_in_tomorrow(json!({ "auth_time": NOW + 31 }), Refused::Claim("auth_time"))]
#[case::a_logout(json!({ "events": {} }), Refused::Kind)]
#[tokio::test]
async fn a03_a_token_that_says_the_wrong_thing_is_refused(#[case] claims: Value, #[case] why: Refused) {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    assert!(ask(&identity, &key.token(&stand.claims()), NOW).await.is_ok());
    let wrong = key.token(&stand.claims_but(claims));
    assert_eq!(ask(&identity, &wrong, NOW).await, Err(why.into()));
}

#[tokio::test]
async fn a03_a_clock_may_differ_by_half_a_minute() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    for claims in [
        json!({ "exp": NOW - 29, "iat": NOW - 60 }),
        json!({ "nbf": NOW + 30, "iat": NOW + 30 }),
    ] {
        assert!(ask(&identity, &key.token(&stand.claims_but(claims)), NOW).await.is_ok());
    }
    let fractions = json!({ "iat": 1_790_000_000.75, "exp": 1_790_000_600.25 });
    assert!(
        ask(&identity, &key.token(&stand.claims_but(fractions)), NOW)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a03_the_time_is_the_servers_own() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let token = key.token(&stand.claims());
    assert!(ask(&identity, &token, NOW + 600).await.is_ok());
    assert_eq!(ask(&identity, &token, NOW + 630).await, Err(Refused::Expired.into()));
}

#[rstest]
#[case::an_access_token_where_id_tokens_are_taken(TokenKind::Id, json!("at+jwt"))]
#[case::a_logout_token(TokenKind::Id, json!("logout+jwt"))]
#[case::a_proof_of_possession(TokenKind::Id, json!("dpop+jwt"))]
#[case::an_id_token_where_access_tokens_are_taken(TokenKind::Access, json!("JWT"))]
#[case::one_that_does_not_say(TokenKind::Access, json!(null))]
#[tokio::test]
async fn a03_a_token_of_another_kind_is_refused(#[case] kind: TokenKind, #[case] named: Value) {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = super::identity_with(Rule { kind, ..stand.rule() });
    let mut header = key.header();
    header["typ"] = named;
    let token = key.sign(&header, &stand.claims());
    assert_eq!(ask(&identity, &token, NOW).await, Err(Refused::Kind.into()));
    header["typ"] = if kind == TokenKind::Id {
        json!("jwt")
    } else {
        json!("application/at+jwt")
    };
    assert!(ask(&identity, &key.sign(&header, &stand.claims()), NOW).await.is_ok());
}

#[tokio::test]
async fn a03_a_token_of_another_issuer_is_held_against_no_key_of_ours() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let slash = format!("{}/", stand.issuer);
    for issuer in ["https://elsewhere.example", "", slash.as_str()] {
        let token = key.token(&stand.claims_but(json!({ "iss": issuer })));
        assert_eq!(
            ask(&identity, &token, NOW).await,
            Err(Refused::UnknownIssuer.into()),
            "{issuer}"
        );
    }
    assert!(stand.site.asked().is_empty(), "nothing is fetched for a stranger");
}

#[tokio::test]
async fn who_may_become_a_user_is_the_operators_choice() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let admitted = async |admission: Admission, claims: Value| {
        let identity = super::identity_with(Rule {
            admission,
            ..stand.rule()
        });
        ask(&identity, &key.token(&stand.claims_but(claims)), NOW)
            .await
            .expect("a person")
            .admitted
    };
    let listed = || Admission::Listed(vec!["alice".into()]);
    let staff = || Admission::Claim {
        name: "groups".into(),
        value: "staff".into(),
    };
    assert!(admitted(listed(), json!({})).await);
    assert!(!admitted(listed(), json!({ "sub": "mallory" })).await);
    assert!(admitted(staff(), json!({ "groups": ["guests", "staff"] })).await);
    assert!(admitted(staff(), json!({ "groups": "staff" })).await);
    assert!(!admitted(staff(), json!({ "groups": ["staffers"] })).await);
    assert!(!admitted(staff(), json!({})).await);
}

#[tokio::test]
async fn a_person_can_be_named_by_another_claim() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let subject = SubjectClaim::new("oid").expect("a claim");
    let identity = super::identity_with(Rule {
        subject,
        ..stand.rule()
    });
    let token = key.token(&stand.claims_but(json!({ "oid": "0000-1" })));
    assert_eq!(ask(&identity, &token, NOW).await.expect("a person").subject, "0000-1");
    assert!(
        ask(&identity, &key.token(&stand.claims()), NOW).await.is_err(),
        "sub does not stand in"
    );
}
