use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Flaw, Renewal, taken};
use crate::{
    certificate,
    config::{Config, Trust},
    development,
    tls::Chain,
};

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

fn server(folder: &Path) -> (Chain, Renewal, Config) {
    let config = development::prepare(folder, NOW, ([127, 0, 0, 1], 1).into(), None).unwrap();
    let chain = Chain::load(&config.tls).unwrap();
    let renewal = Renewal::of(&chain, &config);
    (chain, renewal, config)
}

/// A certificate of another authority, for these names and this time, in place of the one in `folder`.
fn replace(folder: &Path, name: &str, at: u64) {
    let other = tempfile::tempdir().unwrap();
    certificate::make(other.path(), vec![name.into()], at).unwrap();
    for file in ["key.pem", "chain.pem"] {
        fs::rename(other.path().join(file), folder.join(file)).unwrap();
    }
}

#[test]
fn a19_a_new_certificate_is_taken_and_a_bad_one_leaves_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, mut config) = server(folder.path());
    // Devices are told of no authority: another one changes nothing for them.
    config.tls.trust = Trust::Web;
    let chain = Chain::load(&config.tls).unwrap();
    let renewal = Renewal::of(&chain, &config);
    let shown = || chain.shown.now().cert.clone();
    let first = shown();
    assert!(!renewal.renew(NOW).unwrap(), "it is the same");

    replace(folder.path(), "127.0.0.1", NOW);
    assert!(renewal.renew(NOW).unwrap());
    let second = shown();
    assert_ne!(first, second);

    let refused = |said: &str| {
        let fault = renewal.renew(NOW).unwrap_err().to_string();
        assert!(fault.contains(said), "{fault}");
        assert_eq!(shown(), second, "{said}");
    };
    // Half of a pair, as it stands there while the other half is written.
    let other = tempfile::tempdir().unwrap();
    certificate::make(other.path(), vec!["127.0.0.1".into()], NOW).unwrap();
    fs::copy(other.path().join("chain.pem"), folder.path().join("chain.pem")).unwrap();
    refused("don't go together");
    fs::write(folder.path().join("chain.pem"), "rubbish").unwrap();
    refused("there is no certificate");
    fs::remove_file(folder.path().join("chain.pem")).unwrap();
    refused("can't read the certificate");
    replace(folder.path(), "127.0.0.1", NOW);
    assert!(renewal.renew(NOW).unwrap());
}

#[test]
fn a19_a_certificate_that_no_device_would_take_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, renewal, _) = server(folder.path());
    let first = chain.shown.now().cert.clone();
    replace(folder.path(), "127.0.0.1", NOW);
    let fault = renewal.renew(NOW).unwrap_err().to_string();
    assert!(fault.contains("another authority"), "{fault}");
    assert_eq!(chain.shown.now().cert, first);

    let folder = tempfile::tempdir().unwrap();
    let (_, _, config) = server(folder.path());
    let (chain, mut renewal) = (
        Chain::load(&config.tls).unwrap(),
        Renewal::of(&Chain::load(&config.tls).unwrap(), &config),
    );
    renewal.host = "wallet.example.org".into();
    drop(chain);
    // The same authority goes on, under the same pin, with a certificate for another host or from another time.
    fs::write(folder.path().join("chain.pem"), reissued(folder.path())).unwrap();
    let fault = renewal.renew(NOW).unwrap_err().to_string();
    assert!(fault.contains("public_url"), "{fault}");
    renewal.host = "127.0.0.1".into();
    let fault = renewal.renew(NOW + 4000 * DAY).unwrap_err().to_string();
    assert!(fault.contains("not valid at this time"), "{fault}");
    assert!(renewal.renew(NOW).unwrap());
}

#[test]
fn a19_a_certificate_that_nobody_vouches_for_takes_no_good_ones_place() {
    let (good, unvouched) = (|| Ok(()), || Err(Flaw::Issuer));
    assert_eq!(taken(Err(Flaw::Issuer), good), Err(Flaw::Issuer));
    assert_eq!(taken(Err(Flaw::Issuer), unvouched), Ok(()));
    assert_eq!(
        taken(Err(Flaw::Issuer), || Err(Flaw::Time)),
        Ok(()),
        "the old one's time is over"
    );
    assert_eq!(taken(Err(Flaw::Time), unvouched), Err(Flaw::Time));
    assert_eq!(taken(Ok(()), good), Ok(()));
}

#[test]
fn a19_the_end_of_the_certificate_that_is_shown_is_known_before_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (_, renewal, _) = server(folder.path());
    assert!(renewal.end(NOW) > NOW + 300 * DAY, "it is good for years");
    let end = renewal.end(NOW + 3_600 * DAY);
    assert!(end > NOW + 3_600 * DAY && renewal.end(end - DAY) == end, "{end}");
    assert_eq!(renewal.end(end + 1), 0, "it is over");
    assert_eq!(renewal.end(NOW - 30 * DAY), 0, "it has not begun");
}

#[test]
fn a19_a_key_that_others_may_read_is_looked_at_again_when_its_rights_change() {
    let folder = tempfile::tempdir().unwrap();
    let (_, renewal, config) = server(folder.path());
    let rights = |mode| fs::set_permissions(&config.tls.key, fs::Permissions::from_mode(mode)).unwrap();
    rights(0o644);
    let open = renewal.stamp();
    rights(0o600);
    assert_ne!(open, renewal.stamp());
}

/// The chain in `folder` with a middle that nobody needs: other bytes, the same certificate and authority.
fn reissued(folder: &Path) -> String {
    let chain = fs::read_to_string(folder.join("chain.pem")).unwrap();
    let (leaf, ca) = chain.split_once("-----END CERTIFICATE-----\n").unwrap();
    format!("{leaf}-----END CERTIFICATE-----\n{ca}{ca}")
}
