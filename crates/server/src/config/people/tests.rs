//! What stands under `[people]` and `[[backend]]`.

use rstest::rstest;

use super::{Backend, Config, Scope};
use crate::config::{Audience, SignIn};

const KEY: &str = "ed25519:ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
const ISSUER: &str = "https://login.example.org";

fn config(tweak: impl FnOnce(&mut Config)) -> Config {
    let folder = std::path::Path::new("/nowhere");
    let url = "https://127.0.0.1:8443".parse().unwrap();
    let bitcoin = serde_json::from_str(r#"{ "network": "regtest" }"#).unwrap();
    let mut config = Config::development(folder, ([127, 0, 0, 1], 0).into(), url, bitcoin);
    config.sign_in = vec![SignIn::Oidc {
        issuer: ISSUER.into(),
        audience: Audience::One("the-app".into()),
        jwks_url: None,
        subject: None,
        access_tokens: false,
        verified_email: false,
        second_factor_amr: None,
        second_factor_acr: None,
        ca_file: None,
        admit: None,
    }];
    config.backend = vec![Backend {
        name: "shop".into(),
        key: KEY.into(),
        issuers: vec![ISSUER.into()],
        scopes: vec![Scope::Addresses],
    }];
    tweak(&mut config);
    config
}

#[test]
fn a_backend_is_known_by_its_key_and_has_the_scopes_that_are_listed() {
    let backends = config(|_| ()).backends().unwrap();
    assert_eq!(backends.len(), 1);
    assert_eq!(backends[0].name, "shop");
    assert!(backends[0].scopes.addresses && !backends[0].scopes.wallets);
}

#[rstest]
#[case::name(|config: &mut Config| config.backend[0].name = "a shop".into(), "letters")]
#[case::no_key(|config: &mut Config| config.backend[0].key = "shop".into(), "no public key")]
#[case::weak_key(|config: &mut Config| config.backend[0].key = format!("ed25519:{}", "00".repeat(32)), "no public key")]
#[case::secret_key(|config: &mut Config| config.backend[0].key = "-----BEGIN PRIVATE KEY-----".into(), "no public key")]
#[case::twice(|config: &mut Config| { let backend = config.backend[0].clone(); config.backend.push(backend); }, "listed twice")]
#[case::nobody(|config: &mut Config| config.backend[0].issuers.clear(), "issuers")]
#[case::nothing(|config: &mut Config| config.backend[0].scopes.clear(), "scopes")]
#[case::owners_without_an_app(|config: &mut Config| config.backend[0].issuers = vec!["invitation".into()], "no [[sign_in]]")]
#[case::elsewhere(|config: &mut Config| config.backend[0].issuers = vec!["https://other.example".into()], "no [[sign_in]]")]
fn o11_a_backend_that_is_not_whole_is_no_backend(#[case] spoil: fn(&mut Config), #[case] says: &str) {
    let fault = config(spoil).backends().unwrap_err().to_string();
    assert!(fault.contains(says), "{fault}");
    assert!(!fault.contains("PRIVATE"), "what may be a secret is not repeated");
}

#[test]
fn what_is_not_there_yet_can_t_be_switched_on_and_a_step_up_is_recent() {
    let mut config = config(|_| ());
    config.people.check().unwrap();
    config.people.step_up_seconds = Some(300);
    config.people.check().unwrap();
    for seconds in [0, 29, 3_601] {
        config.people.step_up_seconds = Some(seconds);
        assert!(config.people.check().is_err(), "{seconds}");
    }
    config.people.step_up_seconds = None;
    config.people.export = true;
    assert!(config.people.check().unwrap_err().to_string().contains("leave it off"));
}
