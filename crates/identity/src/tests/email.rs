//! Row A5: an e-mail address is nobody.

use serde_json::{Value, json};
use twofold_testkit::SigningKey;

use super::{NOW, Stand, ask};
use crate::{Admission, Fault, Rule, SubjectClaim};

#[tokio::test]
async fn a05_an_email_address_makes_nobody_somebody_else() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let identity = stand.identity();
    let of = async |subject: &str, verified: bool| {
        let claims = json!({ "sub": subject, "email": "alice@example.org", "email_verified": verified });
        ask(&identity, &key.token(&stand.claims_but(claims)), NOW)
            .await
            .expect("a person")
    };
    // Verified or not: the issuer and the subject are the person.
    assert_eq!(of("mallory", true).await.subject, "mallory");
    assert_eq!(of("mallory", false).await.subject, "mallory");
    for claim in ["email", "preferred_username", "phone_number", "upn"] {
        assert!(SubjectClaim::new(claim).is_err(), "{claim} names nobody for good");
    }
}

#[tokio::test]
async fn a05_an_unverified_address_opens_nothing_that_is_for_its_owner() {
    let key = SigningKey::ed25519("k");
    let stand = Stand::new(&[&key]);
    let verified = super::identity_with(Rule {
        verified_email: true,
        ..stand.rule()
    });
    let admission = Admission::Claim {
        name: "email".into(),
        value: "alice@example.org".into(),
    };
    let listed = super::identity_with(Rule {
        admission,
        ..stand.rule()
    });
    let claims =
        |verified: Value| stand.claims_but(json!({ "email": "alice@example.org", "email_verified": verified }));

    for claimed in [json!(false), json!(null), json!("true"), json!("yes"), json!(1)] {
        let token = key.token(&claims(claimed.clone()));
        let answer = ask(&verified, &token, NOW).await;
        assert!(matches!(answer, Err(Fault::Forbidden(_))), "{claimed}: {answer:?}");
        assert!(
            !ask(&listed, &token, NOW).await.expect("a person").admitted,
            "{claimed}"
        );
    }
    let token = key.token(&claims(json!(true)));
    assert!(ask(&verified, &token, NOW).await.is_ok());
    assert!(ask(&listed, &token, NOW).await.expect("a person").admitted);
}
