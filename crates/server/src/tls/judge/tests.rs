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
