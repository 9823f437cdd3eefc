use rstest::rstest;

use super::Second;
use crate::config::Config;

fn checked(section: &Second) -> Result<(), String> {
    section.check("bitcoin").map_err(|fault| fault.to_string())
}

fn electrum(url: &str) -> Second {
    Second {
        electrum_url: Some(url.to_owned()),
        ..Second::default()
    }
}

#[test]
fn an_electrum_server_needs_no_node() {
    for url in [
        "ssl://electrum.example:50002",
        "tcp://127.0.0.1:50001",
        "tcp://[::1]:50001",
    ] {
        checked(&electrum(url)).unwrap();
    }
    checked(&Second {
        electrum_plaintext: true,
        ..electrum("tcp://10.0.0.7:50001")
    })
    .unwrap();
    checked(&Second {
        electrum_pin: Some("5d".repeat(32)),
        ..electrum("ssl://10.0.0.7:50002")
    })
    .unwrap();
}

#[rstest]
#[case::nothing(Second::default(), "bitcoin.electrum_url")]
#[case::both(Second { rpc_url: "http://127.0.0.1:1".into(), ..electrum("ssl://e.example:1") }, "not both")]
#[case::no_port(electrum("ssl://e.example"), "ssl://host:port")]
#[case::a_page(electrum("https://e.example:1"), "ssl://host:port")]
#[case::plaintext(electrum("tcp://e.example:1"), "bitcoin.electrum_plaintext = true")]
#[case::short_pin(Second { electrum_pin: Some("5d".repeat(31)), ..electrum("ssl://e.example:1") }, "64 hex digits")]
#[case::pin_and_roots(
    Second { electrum_pin: Some("5d".repeat(32)), electrum_roots_file: Some("/nonexistent".into()), ..electrum("ssl://e.example:1") },
    "not both"
)]
#[case::roots_missing(
    Second { electrum_roots_file: Some("/nonexistent".into()), ..electrum("ssl://e.example:1") },
    "bitcoin.electrum_roots_file /nonexistent can't be read"
)]
fn what_is_unsafe_or_unclear_is_refused_by_its_name(#[case] section: Second, #[case] said: &str) {
    let fault = checked(&section).unwrap_err();
    assert!(fault.contains(said), "{fault}");
}

#[test]
fn roots_without_a_certificate_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.pem");
    std::fs::write(&file, "no certificate\n").unwrap();
    let section = Second {
        electrum_roots_file: Some(file),
        ..electrum("ssl://e.example:1")
    };
    assert!(checked(&section).unwrap_err().contains("holds no certificate"));
}

#[test]
fn a_second_source_is_read_checked_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut config =
        crate::development::prepare(folder.path(), 1_700_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    config.bitcoin.second = Some(electrum("tcp://e.example:1"));
    let fault = config.check().unwrap_err().to_string();
    assert!(fault.contains("bitcoin.second.electrum_plaintext"), "{fault}");
    config.bitcoin.second = Some(electrum("ssl://e.example:1"));
    config.check().unwrap();
    let written = config.to_toml().unwrap();
    let file = folder.path().join("twofold.toml");
    std::fs::write(&file, &written).unwrap();
    let read = Config::load(&file).unwrap();
    assert_eq!(
        read.bitcoin.second.unwrap().electrum_url.as_deref(),
        Some("ssl://e.example:1")
    );
}
