use http::{HeaderName, HeaderValue};
use serde_json::json;
use twofold_testkit::{Answer, Site};

use super::*;
use crate::{development, doctor::Verdict};

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let list = list.iter();
    list.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

const STRICT: (&str, &str) = ("strict-transport-security", "max-age=63072000");
const POLICY: (&str, &str) = ("content-security-policy", "default-src 'self'; frame-ancestors 'none'");
const PLAIN: (&str, &str) = ("x-content-type-options", "nosniff");

#[test]
fn what_a_web_host_leaves_out_is_named() {
    assert!(lacking(&headers(&[STRICT, POLICY, PLAIN]), true).is_empty());
    assert!(lacking(&headers(&[POLICY, PLAIN]), false).is_empty(), "a developer's");
    for (list, wanted) in [
        (&[POLICY, PLAIN][..], "Strict-Transport-Security"),
        (
            &[("strict-transport-security", "max-age=0"), POLICY, PLAIN],
            "Strict-Transport-Security",
        ),
        (&[STRICT, POLICY], "X-Content-Type-Options"),
        (
            &[STRICT, PLAIN, ("content-security-policy", "frame-ancestors 'none'")],
            "Content-Security-Policy that says which scripts run",
        ),
        (
            &[STRICT, PLAIN, ("content-security-policy", "script-src 'self'")],
            "frame-ancestors",
        ),
    ] {
        assert_eq!(lacking(&headers(list), true), [wanted], "{list:?}");
    }
    let framed = headers(&[
        STRICT,
        PLAIN,
        ("content-security-policy", "script-src 'self'"),
        ("x-frame-options", "DENY"),
    ]);
    assert!(lacking(&framed, true).is_empty());
    assert_eq!(lacking(&HeaderMap::new(), true).len(), 4);
}

#[test]
fn o11_the_doctor_asks_the_hosts_of_pages_what_they_tell_browsers_and_whether_they_are_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    config.allowed_origins.clear();
    let verdict = |findings: &[Finding]| findings.iter().map(|finding| finding.verdict).collect::<Vec<_>>();
    assert_eq!(verdict(&pages(&config, 0)), [Verdict::Ok]);

    let site = Site::plain(|_| Answer::Json(200, json!({})));
    config.allowed_origins = vec![site.url()];
    let found = pages(&config, 0);
    assert_eq!(verdict(&found), [Verdict::Warn, Verdict::Warn], "{found:?}");
    assert!(found[0].found.contains("Content-Security-Policy"), "{found:?}");
    assert!(found[1].found.contains("this machine"), "{found:?}");
    assert_eq!(site.asked()[0].method, "HEAD");

    // Nobody is there, and no host has that name.
    config.allowed_origins = vec!["http://127.0.0.1:1".into(), "https://pages.invalid".into()];
    let found = pages(&config, 0);
    assert!(
        found.iter().all(|finding| finding.verdict == Verdict::Warn),
        "{found:?}"
    );
    assert!(
        found.iter().any(|finding| finding.found.contains("pages.invalid")),
        "{found:?}"
    );
}
