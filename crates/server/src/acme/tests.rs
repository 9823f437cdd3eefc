use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{Flaw, fits, proof, shown, write};

const DAY: u64 = 86_400;

#[test]
fn a_file_is_replaced_whole_and_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    for text in ["one", "another"] {
        // Left by a try that was cut short.
        fs::write(folder.path().join("key.pem.new"), "half").unwrap();
        write(&path, text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_an_authority_gives_is_held_to_the_name_and_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let now = 1_790_000_000;
    crate::certificate::make(folder.path(), vec!["wallet.example.org".into()], now).unwrap();
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (chain, key) = (text("chain.pem"), text("key.pem"));
    let fits = |chain: &str, key: &str, host: &str, now| fits(chain, key, host, now, || Err(Flaw::Time));
    fits(&chain, &key, "wallet.example.org", now).unwrap();
    assert!(
        fits(&chain, &key, "other.example.org", now)
            .unwrap_err()
            .contains("public_url")
    );
    assert!(
        fits(&chain, &key, "wallet.example.org", now - 30 * DAY)
            .unwrap_err()
            .contains("time")
    );
    assert!(fits(&chain, &text("ca-key.pem"), "wallet.example.org", now).is_err());
    assert!(fits("", &key, "wallet.example.org", now).is_err());
    // Nobody vouches for it, and there is one that devices take.
    let refused = super::fits(&chain, &key, "wallet.example.org", now, || Ok(())).unwrap_err();
    assert!(refused.contains("no root that browsers trust"), "{refused}");
}

#[test]
fn a_proof_is_a_certificate_that_names_the_digest() {
    let digest = [0xa7; 32];
    let shown = proof::certificate("wallet.example.org", &digest).unwrap();
    assert_eq!(shown.cert.len(), 1);
    assert!(shown.cert[0].windows(32).any(|part| part == digest));
    assert!(proof::is_proof(Some(b"acme-tls/1")) && !proof::is_proof(Some(b"h2")) && !proof::is_proof(None));
}

#[test]
fn an_authoritys_words_are_bounded_and_plain() {
    assert_eq!(shown("rate\nlimited \x1b[31m"), "rate limited  [31m");
    assert_eq!(shown(&"x".repeat(9_000)).len(), 300);
}
