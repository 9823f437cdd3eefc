//! Against a provider that others wrote: npm's `oidc-provider`, which `./dev test` fetches at pinned versions.

use twofold_identity::{Fault, Identity, Oidc, Refused, Rule, StepUp, Token, TokenKind, Trust};
use twofold_testkit::OidcProvider;

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

fn identity(provider: &OidcProvider, kind: TokenKind, audiences: Vec<String>) -> Identity {
    let step_up = StepUp {
        amr: vec!["otp".into()],
        acr: Vec::new(),
    };
    let rule = Rule {
        kind,
        step_up,
        ..Rule::new(provider.issuer(), audiences)
    };
    let (keys, trust) = (None, Trust::default());
    let provider = Oidc { rule, keys, trust }.provider().expect("a provider");
    Identity::new(vec![provider]).expect("one provider")
}

/// The provider's clock is this machine's.
#[expect(clippy::disallowed_methods, reason = "a process of its own has no other clock")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

async fn ask(identity: &Identity, token: &str, now: u64) -> Result<String, Fault> {
    let person = identity.person(&Token::parse(token)?, now).await?;
    Ok(person.subject)
}

#[tokio::test]
async fn people_of_a_real_provider_are_known_by_each_algorithm_and_after_its_keys_changed() {
    let Some(mut provider) = OidcProvider::start().expect("a provider") else {
        return;
    };
    let clients: Vec<_> = ALGORITHMS.iter().map(|name| format!("the-app-{name}")).collect();
    let people = identity(&provider, TokenKind::Id, clients);
    let apis = identity(&provider, TokenKind::Access, vec!["https://wallet.test".into()]);
    let mut told = |what: &str| provider.ask(what).expect("a line");
    for algorithm in ALGORITHMS {
        let id = told(&format!("id alice {algorithm}"));
        assert_eq!(ask(&people, &id, now()).await, Ok("alice".into()), "{algorithm}");
        let access = told(&format!("access {algorithm}"));
        assert_eq!(ask(&apis, &access, now()).await, Ok(format!("the-app-{algorithm}")));
        // One kind is not the other.
        assert_eq!(ask(&people, &access, now()).await, Err(Refused::Kind.into()));
        assert_eq!(ask(&apis, &id, now()).await, Err(Refused::Kind.into()));
        assert_eq!(ask(&people, &id, now() + 2 * 3600).await, Err(Refused::Expired.into()));
    }

    let old = told("id alice ES256");
    let person = people
        .person(&Token::parse(&old).expect("a token"), now())
        .await
        .expect("a person");
    assert!(
        person.stepped_up(now(), 60),
        "just now and with a second factor: {person:?}"
    );
    assert!(!person.stepped_up(now() + 300, 60));
    assert_eq!(told("rotate"), "rotated");
    let new = told("id bob ES256");
    assert_eq!(ask(&people, &new, now() + 60).await, Ok("bob".into()));
    assert_eq!(ask(&people, &old, now() + 60).await, Err(Refused::KeyUnknown.into()));

    // Down: what is known serves for an hour.
    let (late, later) = (now() + 1800, now() + 2 * 3600);
    drop(provider);
    assert_eq!(ask(&people, &new, late).await, Ok("bob".into()));
    assert!(matches!(
        ask(&people, &new, later).await,
        Err(Fault::Unavailable { .. })
    ));
}
