//! What `doctor` says of a server that was set up and does not run.

use serde_json::Value;

use crate::operating::{command, said};

#[test]
fn o11_doctor_says_what_fails_and_what_to_do_in_a_table_and_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let made = command()
        .args([
            "init",
            "--json",
            "--public-url",
            "https://wallet.example.org",
            "--network",
            "regtest",
        ])
        .args([
            "--cookie-file",
            "none",
            "--dir",
            "etc",
            "--data-dir",
            "var/data",
            "--listen",
            "127.0.0.1:1",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let doctor = |more: &[&str]| {
        let words = ["doctor", "--config", "etc/twofold.toml"];
        command()
            .args(words.iter().chain(more))
            .env("TWOFOLD__LOG__LEVEL", "trace")
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let told = doctor(&["--json"]);
    assert_eq!(told.status.code(), Some(8), "{}", said(&told));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let found = |check: &str| {
        let mut findings = told["findings"].as_array().unwrap().iter();
        findings.find(|finding| finding["check"] == check).unwrap().clone()
    };
    assert_eq!(found("log.level")["verdict"], "fail");
    assert_eq!(found("tls")["verdict"], "ok");
    assert!(found("log.level")["remedy"].is_string() && found("tls")["remedy"].is_null());
    // These take their time where the machine is busy, and have a line all the same.
    for check in ["server", "certificate", "node", "backup"] {
        assert!(found(check)["found"].is_string());
    }

    let table = doctor(&[]);
    assert_eq!(table.status.code(), Some(8));
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("FAIL  log.level") && table.contains("ok    tls"),
        "{table}"
    );
}
