//! The binary as an operator meets it: signals, log, metrics, admin socket, one process per folder.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::house::{Signed, authority, connect};

pub(crate) struct Server {
    child: Child,
    pub(crate) ready: Value,
    pub(crate) folder: TempDir,
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twofold-server"));
    command.env_clear();
    command
}

impl Server {
    pub(crate) fn start(folder: TempDir) -> Self {
        Self::start_by(command(), folder)
    }

    pub(crate) fn start_by(mut command: Command, folder: TempDir) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut child = command
            .args(["run", "--dev", "--json", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("server"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, ready, folder }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// A stranger who asks for health, and then for more.
    pub(crate) fn visit(&self) {
        let url = self.ready["url"].as_str().unwrap();
        let address = url.trim_start_matches("https://").parse().unwrap();
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let authority = authority(&self.folder.path().join("server"));
            let mut connection = connect(address, &authority).await.unwrap();
            connection.get("/health/live").await;
            let hello = Signed::unsigned("/twofold.v1.CosignerService/Hello", Vec::new());
            assert_eq!(connection.send(&hello).await.unwrap().reason(), "SIGNATURE_MISSING");
        });
    }

    pub(crate) fn socket(&self) -> &Path {
        Path::new(self.ready["admin_socket"].as_str().unwrap())
    }

    pub(crate) fn admin(&self, words: &[&str]) -> Output {
        command()
            .args(words)
            .arg("--socket")
            .arg(self.socket())
            .output()
            .unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, at most half a minute.
    pub(crate) fn end(&mut self) -> i32 {
        let begun = now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "it does not end: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline of a test")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[test]
fn o01_f11_sigterm_ends_it_in_order_and_what_was_given_out_is_still_good() {
    let mut server = Server::start(tempfile::tempdir().unwrap());
    let minted: Value = serde_json::from_slice(&server.admin(&["invite", "--json"]).stdout).unwrap();
    assert!(minted["invitation"].as_str().unwrap().starts_with("twofold1"));
    server.signal("-TERM");
    assert_eq!(server.end(), 0);
    assert!(server.log().contains("\"stopped\""), "{}", server.log());
    assert!(!server.socket().exists());
}

#[test]
fn a_second_server_in_the_same_folder_says_that_another_holds_it() {
    let server = Server::start(tempfile::tempdir().unwrap());
    let second = command()
        .args(["run", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.folder.path().join("server"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(6), "{}", said(&second));
    assert!(said(&second).contains("another process uses"), "{}", said(&second));
    assert!(
        server.admin(&["status"]).status.success(),
        "the first one lost its socket"
    );
}

#[test]
fn a_port_in_use_is_told_in_a_sentence() {
    let server = Server::start(tempfile::tempdir().unwrap());
    let address = server.ready["url"]
        .as_str()
        .unwrap()
        .trim_start_matches("https://")
        .to_owned();
    let second = command().args(["run", "--dev", "--listen", &address]).output().unwrap();
    assert_eq!(second.status.code(), Some(5));
    assert!(said(&second).contains("the port is in use"), "{}", said(&second));
}

#[test]
fn another_kek_is_told_in_a_sentence() {
    let mut server = Server::start(tempfile::tempdir().unwrap());
    server.signal("-TERM");
    server.end();
    let kek = server.folder.path().join("server/kek");
    std::fs::write(&kek, "00".repeat(32)).unwrap();
    let second = command()
        .args(["run", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.folder.path().join("server"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(4), "{}", said(&second));
    assert!(said(&second).contains("KEK is not the one"), "{}", said(&second));
}

#[test]
fn f27_o03_every_line_of_the_log_parses_and_none_holds_a_code_or_a_key() {
    let server = Server::start(tempfile::tempdir().unwrap());
    let minted: Value = serde_json::from_slice(&server.admin(&["invite", "--json"]).stdout).unwrap();
    assert!(server.admin(&["log-level", "trace"]).status.success());
    server.admin(&["invite"]);
    server.admin(&["status"]);
    server.visit();
    let log = server.log();
    assert!(log.lines().count() >= 5, "{log}");
    let mut requests = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
        if ["refused", "health"].contains(&line["message"].as_str().unwrap()) {
            requests += 1;
            assert_eq!(line["request_id"].as_str().map(str::len), Some(16), "{line}");
        }
    }
    assert_eq!(requests, 2, "{log}");
    let kek = std::fs::read_to_string(server.folder.path().join("server/kek")).unwrap();
    for secret in [
        minted["invitation"].as_str().unwrap(),
        server.ready["invitation"].as_str().unwrap(),
        kek.trim(),
    ] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn a15_whoever_is_past_a_rate_writes_no_line_of_the_log_by_each_request() {
    let mut limited = command();
    limited
        .env("TWOFOLD__LIMITS__ADDRESS_PER_SECOND", "1")
        .env("TWOFOLD__LIMITS__ADDRESS_BURST", "5");
    let server = Server::start_by(limited, tempfile::tempdir().unwrap());
    let url = server.ready["url"].as_str().unwrap();
    let address = url.trim_start_matches("https://").parse().unwrap();
    let refused = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let authority = authority(&server.folder.path().join("server"));
        let mut connection = connect(address, &authority).await.unwrap();
        let hello = Signed::unsigned("/twofold.v1.CosignerService/Hello", Vec::new());
        let mut refused = 0;
        for _ in 0..300 {
            let answer = connection.send(&hello).await.unwrap();
            refused += usize::from(answer.reason() == "RATE_LIMITED");
        }
        refused
    });
    assert!(refused > 200, "{refused}");
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("\"Hello\"")).count();
    assert_eq!(lines, 300 - refused, "{log}");
}

#[test]
fn f29_the_log_level_changes_while_it_runs() {
    let server = Server::start(tempfile::tempdir().unwrap());
    assert!(server.admin(&["log-level", "error"]).status.success());
    let before = server.log().lines().count();
    server.admin(&["invite"]);
    assert_eq!(server.log().lines().count(), before, "{}", server.log());
    assert!(server.admin(&["log-level", "info"]).status.success());
    server.admin(&["invite"]);
    assert!(server.log().lines().count() > before);
    let wrong = server.admin(&["log-level", "loud"]);
    assert_eq!(wrong.status.code(), Some(7), "{}", said(&wrong));
}

#[test]
fn f29_a_signal_turns_the_log_to_debug_and_another_back() {
    let server = Server::start(tempfile::tempdir().unwrap());
    let said = |word: &str| server.log().lines().filter(|line| line.contains(word)).count();
    let signal = |name: &str, told: usize| {
        server.signal(name);
        let began = now();
        while said("by a signal") < told {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Who asks after life is told of at debug alone.
    let visits = || {
        server.visit();
        said("\"live\"")
    };
    assert_eq!(visits(), 0);
    signal("-USR1", 1);
    let loud = visits();
    assert!(loud > 0, "{}", server.log());
    signal("-USR2", 2);
    assert_eq!(visits(), loud, "{}", server.log());
    assert!(server.admin(&["status"]).status.success(), "no signal ends it");
}

#[test]
fn f28_the_metrics_are_there_and_move() {
    let server = Server::start(tempfile::tempdir().unwrap());
    let address = server.ready["metrics"].as_str().unwrap().to_owned();
    let read = || {
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let text = read();
    for name in [
        "connections_open",
        "connections_refused_total",
        "watchers_open",
        "signatures_total",
        "tip_height",
        "panics_total",
        "store_failed_commits_total",
        "store_commit_seconds_count",
        "store_commit_batches_count",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(&format!("twofold_{name} "))),
            "{name}: {text}"
        );
    }
    server.visit();
    let text = read();
    for (method, code) in [("live", "ok"), ("Hello", "unauthenticated")] {
        let told = |line: &str| {
            let named = line.contains(&format!("\"{method}\"")) && line.contains(&format!("\"{code}\""));
            line.starts_with("twofold_requests_total{") && named && line.ends_with(" 1")
        };
        assert!(text.lines().any(told), "{method}: {text}");
    }
    // There is no node behind this one, and each failed call counts.
    let calls = |text: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with("twofold_chain_calls_total{"))?;
        line.rsplit(' ').next()?.parse::<u64>().ok()
    };
    let begun = now();
    let first = calls(&text).unwrap_or(0);
    while calls(&read()).unwrap_or(0) <= first {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", read());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn without_a_server_the_admin_commands_say_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let asked = command()
        .args(["invite", "--socket"])
        .arg(folder.path().join("none"))
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(7));
    assert!(said(&asked).contains("no server is running"), "{}", said(&asked));
}

#[test]
fn a_span_or_url_that_can_t_be_is_a_wrong_command_line_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    for (url, span) in [
        ("http://wallet.example.org", "1h"),
        ("https://wallet.example.org", "soon"),
    ] {
        let asked = command()
            .args(["init", "--network", "signet", "--cookie-file", "none"])
            .args(["--public-url", url, "--expires", span])
            .args(["--dir", &place("etc"), "--data-dir", &place("var")])
            .output()
            .unwrap();
        assert_eq!(asked.status.code(), Some(2), "{}", said(&asked));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn init_makes_a_configuration_that_checks_and_an_invitation_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let init = || {
        command()
            .args([
                "init",
                "--json",
                "--public-url",
                "https://wallet.example.org",
                "--network",
                "signet",
                "--mode",
                "development",
            ])
            .args(["--cookie-file", "node/.cookie", "--dir", "etc", "--data-dir", "var"])
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    let made = init();
    assert!(made.status.success(), "{}", said(&made));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["invitation"].as_str().unwrap().starts_with("twofold1"));
    let file = made["config"].as_str().unwrap();
    let check = command().args(["config", "check", "--config", file]).output().unwrap();
    assert!(check.status.success(), "{}", said(&check));
    assert!(said(&check).contains("node/.cookie can't be read"), "{}", said(&check));
    // Wherever it is started from, the server finds its files.
    let config = std::fs::read_to_string(file).unwrap();
    for path in ["node/.cookie", "etc/kek", "etc/chain.pem", "var"] {
        let whole = folder.path().join(path).display().to_string();
        assert!(config.contains(&format!("\"{whole}\"")), "{whole}: {config}");
    }
    let kek = std::fs::read(folder.path().join("etc/kek")).unwrap();
    assert_eq!(init().status.code(), Some(3));
    assert_eq!(std::fs::read(folder.path().join("etc/kek")).unwrap(), kek);
}

/// A checkpoint that fails to reach the disk seals the store by itself, once the writer is idle.
#[cfg(feature = "failpoints")]
#[test]
fn a_store_that_is_sealed_ends_the_process_with_a_line_in_the_log_and_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut failing = command();
    failing.env("FAILPOINTS", "store-checkpoint=return");
    let mut server = Server::start_by(failing, folder);
    assert_eq!(server.end(), 6, "{}", server.log());
    let log = server.log();
    assert!(
        log.contains("\"level\":\"ERROR\"") && log.contains("look at the disk"),
        "{log}"
    );
    assert!(!server.socket().exists());
}
