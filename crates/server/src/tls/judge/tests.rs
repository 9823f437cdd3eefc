use super::{Flaw, days_left, judged};
use crate::{
    certificate,
    config::{Tls, Trust},
};

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 86_400;

#[test]
fn a_certificate_is_judged_as_a_device_judges_it() {
    let folder = tempfile::tempdir().unwrap();
    certificate::make(folder.path(), vec!["wallet.example.org".into()], NOW).unwrap();
    let tls = |trust| Tls {
        certificate: folder.path().join("chain.pem"),
        key: folder.path().join("key.pem"),
        trust,
    };
    let pinned = tls(Trust::Pinned);
    assert_eq!(judged(&pinned, "wallet.example.org", NOW), Ok(()));
    assert_eq!(judged(&pinned, "other.example.org", NOW), Err(Flaw::Name));
    assert_eq!(judged(&pinned, "wallet.example.org", NOW + 4000 * DAY), Err(Flaw::Time));
    assert_eq!(judged(&pinned, "wallet.example.org", NOW - 2 * DAY), Err(Flaw::Time));
    assert_eq!(judged(&tls(Trust::Web), "wallet.example.org", NOW), Err(Flaw::Issuer));

    // Ten years of 366 days.
    assert_eq!(days_left(&pinned, "wallet.example.org", NOW, 90), 90);
    let late = NOW + (3660 - 12) * DAY;
    let left = days_left(&pinned, "wallet.example.org", late, 90);
    assert!((11..=12).contains(&left), "{left}");
}

#[test]
fn a_certificates_life_is_known_to_the_second() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["wallet.example.org".into()]).unwrap();
    let at = |seconds: u64| rcgen::date_time_ymd(1970, 1, 1) + core::time::Duration::from_secs(seconds);
    (params.not_before, params.not_after) = (at(NOW - 5), at(NOW + 90 * DAY));
    let chain = [params.self_signed(&key).unwrap().der().clone()];
    let life = |now| super::life(&chain, "wallet.example.org", now);
    assert_eq!(life(NOW), Some((NOW - 5, NOW + 90 * DAY)));
    assert_eq!(life(NOW + 90 * DAY), Some((NOW - 5, NOW + 90 * DAY)));
    assert_eq!(life(NOW - 6), None);
    assert_eq!(life(NOW + 90 * DAY + 1), None);
    assert_eq!(super::life(&[], "wallet.example.org", NOW), None);
}
