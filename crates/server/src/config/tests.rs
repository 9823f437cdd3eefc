use std::path::Path;

use rstest::rstest;

use super::{Config, LogFormat, Network, Trust};

pub(super) const GOOD: &str = r#"
public_url = "https://wallet.example.org"
listen = "0.0.0.0:8443"
data_dir = "/var/lib/twofold"
kek_file = "/etc/twofold/kek"
[tls]
certificate = "/etc/twofold/chain.pem"
key = "/etc/twofold/key.pem"
trust = "pinned"
[bitcoin]
network = "signet"
rpc_url = "http://127.0.0.1:38332"
cookie_file = "/var/lib/bitcoin/signet/.cookie"
"#;

pub(super) fn load(text: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofold.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&path).map_err(|fault| fault.to_string().replace(&path.display().to_string(), "FILE"))
}

#[test]
fn a_minimal_file_gets_defaults_for_the_rest() {
    let config = load(GOOD).unwrap();
    assert_eq!(config.bitcoin.network, Network::Signet);
    assert_eq!(config.tls.trust, Trust::Pinned);
    assert_eq!(config.limits.connections, 1024);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.admin_socket(), Path::new("/var/lib/twofold/admin.sock"));
    assert_eq!(config.metrics.listen, None);
}

#[test]
fn a_network_is_a_chain_and_the_main_one_takes_a_word_more() {
    let chain = |extra: &str, network: &str| {
        let text = GOOD.replace("network = \"signet\"", &format!("network = \"{network}\"\n{extra}"));
        load(&text).unwrap().bitcoin.chain().map(|chain| chain.to_string())
    };
    assert_eq!(chain("", "signet").unwrap(), "signet");
    assert_eq!(chain("", "mutinynet").unwrap(), "signet/a5df2dcb/30");
    assert_eq!(chain("", "testnet4").unwrap(), "testnet4");
    let own = chain("signet_challenge = \"51\"", "signet").unwrap();
    assert!(own.starts_with("signet/") && own.ends_with("/600"), "{own}");
    assert!(
        chain("", "bitcoin")
            .unwrap_err()
            .to_string()
            .contains("coins may be lost")
    );
    assert_eq!(chain("risk_real_money = true", "bitcoin").unwrap(), "bitcoin");
}

#[test]
fn what_init_writes_is_what_run_reads() {
    let config = load(GOOD).unwrap();
    let again = load(&config.to_toml().unwrap()).unwrap();
    assert_eq!(config.to_toml().unwrap(), again.to_toml().unwrap());
}

#[rstest]
#[case::at_the_top("listn = \"x\"", "", "FILE: unknown key `listn`; did you mean `listen`?")]
#[case::in_a_section(
    "",
    "[limits]\nconections = 5",
    "FILE: unknown key `limits.conections`; did you mean `connections`?"
)]
#[case::nothing_near("", "[limits]\nzebra = 5", "FILE: unknown key `limits.zebra`")]
fn an_unknown_key_is_refused_by_its_name(#[case] before: &str, #[case] after: &str, #[case] said: &str) {
    assert_eq!(load(&format!("{before}\n{GOOD}\n{after}")).unwrap_err(), said);
}

#[test]
fn a_missing_key_is_named() {
    let text = GOOD.replace("trust = \"pinned\"", "");
    assert_eq!(load(&text).unwrap_err(), "FILE: `tls.trust` is missing");
}

#[rstest]
#[case(
    "\"https://wallet.example.org\"",
    "\"http://wallet.example.org\"",
    "must start with https://"
)]
#[case("\"signet\"", "\"mainnet\"", "`bitcoin.network`")]
#[case("\"0.0.0.0:8443\"", "\"everywhere\"", "`listen`")]
fn a_wrong_value_names_its_key(#[case] from: &str, #[case] to: &str, #[case] said: &str) {
    let fault = load(&GOOD.replace(from, to)).unwrap_err();
    assert!(fault.contains(said), "{fault}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = load(&text);
    }
}

#[rstest]
#[case::anchor_missing(|config: &mut Config| config.anchor_file = None, "anchor_file is missing")]
#[case::anchor_inside_the_data(|config: &mut Config| config.anchor_file = Some(config.data_dir.join("anchor")), "lies inside data_dir")]
#[case::kek_inside_the_data(|config: &mut Config| config.kek_file = config.data_dir.join("x/../kek"), "lies inside data_dir")]
#[case::no_connections(|config: &mut Config| config.limits.connections = 0, "limits.connections = 0")]
#[case::fee_over_all(|config: &mut Config| config.policy.max_fee_percent = 101, "policy.max_fee_percent = 101")]
#[case::waits_for_years(|config: &mut Config| config.waits.notice_seconds = u64::MAX, "waits.notice_seconds")]
#[case::open_metrics(|config: &mut Config| config.metrics.listen = Some(([0, 0, 0, 0], 1).into()), "metrics.listen")]
#[case::two_logins(|config: &mut Config| config.bitcoin.user = Some("x".into()), "not both")]
#[case::no_login(|config: &mut Config| config.bitcoin.cookie_file = None, "needs cookie_file")]
#[case::password_in_url(|config: &mut Config| config.bitcoin.rpc_url = "http://a:b@127.0.0.1:1".into(), "must not hold a password")]
#[case::node_without_url(|config: &mut Config| config.bitcoin.rpc_url = "127.0.0.1:1".into(), "bitcoin.rpc_url")]
#[case::main_network_unasked(|config: &mut Config| config.bitcoin.network = Network::Bitcoin, "bitcoin.risk_real_money")]
#[case::challenge_elsewhere(|config: &mut Config| config.bitcoin.signet_challenge = Some("51".into()), "go with network = \"signet\"")]
#[case::challenge_no_hex(|config: &mut Config| { config.bitcoin.network = Network::Signet; config.bitcoin.signet_challenge = Some("5g".into()); }, "bitcoin.signet_challenge")]
#[case::challenge_empty(|config: &mut Config| { config.bitcoin.network = Network::Signet; config.bitcoin.signet_challenge = Some(String::new()); }, "bitcoin.signet_challenge")]
#[case::blocks_too_seldom(|config: &mut Config| { config.bitcoin.network = Network::Signet; config.bitcoin.signet_block_seconds = Some(601); }, "bitcoin.signet_block_seconds")]
#[case::mutinynet_is_fixed(|config: &mut Config| { config.bitcoin.network = Network::Mutinynet; config.bitcoin.signet_block_seconds = Some(30); }, "go with network = \"signet\"")]
#[case::bad_level(|config: &mut Config| config.log.level = "loud".into(), "log.level")]
#[case::kek_missing(|config: &mut Config| config.kek_file = "/nonexistent/kek".into(), "can't read the KEK file")]
#[case::certificate_missing(|config: &mut Config| config.tls.certificate = "/nonexistent/chain.pem".into(), "certificate")]
fn check_names_what_is_wrong(#[case] spoil: fn(&mut Config), #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::development::prepare(folder.path(), 1_700_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    config.check().unwrap();
    let mut config = config;
    spoil(&mut config);
    let fault = config.check().unwrap_err().to_string();
    assert!(fault.contains(said), "{fault}");
}
