//! What the server tells of itself: metrics that the shipped dashboard and alerts can rely on, and traces.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    time::Duration,
};

use twofold_testkit::{Collector, SpanSeen};

use crate::operating::{Server, command};

/// The names of all series that a server shows.
fn series(server: &Server) -> BTreeSet<String> {
    let mut stream = std::net::TcpStream::connect(server.ready["metrics"].as_str().unwrap()).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("twofold_"));
    lines
        .filter_map(|line| line.split(['{', ' ']).next().map(str::to_owned))
        .collect()
}

/// Every series that a file names.
fn named(file: &str) -> BTreeSet<String> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(file);
    let text = fs::read_to_string(path).unwrap();
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    words
        .filter(|word| word.starts_with("twofold_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn f28_each_series_that_dashboard_and_alerts_name_is_one_that_the_server_shows() {
    let mut operated = command();
    // A second source, so that there are both kinds; neither answers.
    operated.env("TWOFOLD__BITCOIN__SECOND__ELECTRUM_URL", "tcp://127.0.0.1:9");
    let server = Server::start_by(operated, tempfile::tempdir().unwrap());
    let data = server.folder.path().join("server/data");
    for done in ["last-backup", "last-drill"] {
        fs::write(data.join(done), "1790000000").unwrap();
    }
    server.visit();
    let wanted: BTreeSet<_> = ["dashboard.json", "alerts.yml"].into_iter().flat_map(named).collect();
    assert!(wanted.len() > 15, "{wanted:?}");
    let begun = crate::operating::now();
    loop {
        let missing: Vec<_> = wanted.difference(&series(&server)).cloned().collect();
        if missing.is_empty() {
            break;
        }
        // The first call to the chain has yet to fail.
        assert!(begun.elapsed() < Duration::from_secs(60), "{missing:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// All that a span may say, and of what.
const SAID: [&str; 7] = ["call", "code", "method", "outcome", "reason", "request_id", "level"];

#[test]
fn a_request_is_traced_to_a_collector_with_its_parts_and_nothing_of_what_it_was_about() {
    let collector = Collector::start().unwrap();
    let mut operated = command();
    operated.env("TWOFOLD__TRACES__URL", collector.url());
    let mut server = Server::start_by(operated, tempfile::tempdir().unwrap());
    assert!(
        server.admin(&["log-level", "error"]).status.success(),
        "the log's level is not the traces'"
    );
    server.visit();
    // What waits is sent before the end.
    server.signal("-TERM");
    assert_eq!(server.end(), 0, "{}", server.log());
    let mut spans: Vec<SpanSeen> = Vec::new();
    while let Some(span) = collector.next(Duration::from_millis(500)) {
        spans.push(span);
    }
    let of = |name: &str| spans.iter().find(|span| span.name == name);
    let said = |span: &SpanSeen, name: &str| {
        let found = span.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let hello = of("Hello").unwrap_or_else(|| panic!("{spans:?}"));
    assert!(
        hello.parent.is_empty() && hello.service == "twofold-server",
        "{hello:?}"
    );
    assert_eq!(
        (said(hello, "method"), said(hello, "code")),
        ("Hello".into(), "unauthenticated".into())
    );
    assert_eq!(
        (said(hello, "reason").as_str(), said(hello, "request_id").len()),
        ("SIGNATURE_MISSING", 16)
    );
    let admitted = spans
        .iter()
        .find(|span| span.name == "admit" && span.parent == hello.span);
    assert!(
        admitted.is_some_and(|admitted| admitted.trace == hello.trace && admitted.took <= hello.took),
        "{spans:?}"
    );
    assert!(of("live").is_some() && of("commit").is_some(), "{spans:?}");
    for span in &spans {
        assert_eq!(span.events, 0, "no line of the log goes along: {span:?}");
        for (name, value) in &span.attributes {
            assert!(SAID.contains(&name.as_str()), "{name}: {span:?}");
            let word = value.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
            assert!(word && value.len() < 40 || name == "request_id", "{name}: {value}");
        }
    }
}

#[test]
fn a_collector_that_is_away_holds_nothing_up_and_one_elsewhere_is_refused() {
    let mut operated = command();
    operated.env("TWOFOLD__TRACES__URL", "http://127.0.0.1:9/v1/traces");
    let mut server = Server::start_by(operated, tempfile::tempdir().unwrap());
    server.visit();
    server.signal("-TERM");
    assert_eq!(server.end(), 0, "{}", server.log());

    let folder = tempfile::tempdir().unwrap();
    let refused = command()
        .args(["run", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env("TWOFOLD__TRACES__URL", "http://traces.example.org/v1/traces")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", crate::operating::said(&refused));
}
