//! What the operator asks of a running server, and who else may not.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::PathBuf,
    process::Output,
    time::Duration,
};

use http::StatusCode;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use twofold_api::{Reason, request::Hello};
use twofold_cosigner::testing::SetClock;
use twofold_testkit::open_folder;

use crate::{
    house::{House, START, authority, secure},
    operating::{Server, command, said},
};

const HELLO: &str = "/twofold.v1.CosignerService/Hello";
/// The user that nothing belongs to.
const NOBODY: u32 = 65_534;

/// What `twofold-server` answers to these words, as JSON, and its exit code.
async fn asked(socket: PathBuf, words: &'static [&'static str]) -> (Option<i32>, Value) {
    let run = move || {
        let mut asked = command();
        asked.args(words).arg("--json").arg("--socket").arg(socket).output()
    };
    let output: Output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    (output.status.code(), told)
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_takes_no_more_requests_finishes_what_runs_and_can_be_taken_back() {
    let house = House::open(&SetClock::at(START)).await;
    house.ready().await;
    let socket = || house.running.admin_socket().clone();
    let device = house.enrolled(START).await;
    // All of a request but its last byte: it is under way.
    let slow = device.sign_bytes(&house, HELLO, vec![0; 64], None, START);
    let stream = TcpStream::connect(house.running.address()).await.unwrap();
    let mut stream = secure(stream, &authority(house.folder.path())).await.unwrap();
    stream.write_all(slow.head().as_bytes()).await.unwrap();
    stream.write_all(&slow.body[1..]).await.unwrap();
    stream.flush().await.unwrap();
    while asked(socket(), &["stats"]).await.1["under_way"] != 1 {
        sleep(Duration::from_millis(20)).await;
    }

    let draining = tokio::spawn(asked(socket(), &["drain"]));
    while house.running.ready() {
        sleep(Duration::from_millis(10)).await;
    }
    let late = house.send(&device.sign(&house, &Hello, START)).await;
    assert_eq!(late.reason(), Reason::ShuttingDown.as_str());
    assert_eq!(
        house.connect().await.get("/health/ready").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(!draining.is_finished(), "one is under way");
    stream.write_all(&slow.body[..1]).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = vec![0; 4096];
    let read = timeout(Duration::from_secs(10), stream.read(&mut answer))
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 400"), "it was read and judged: {answer}");
    let (code, told) = draining.await.unwrap();
    assert_eq!(
        (code, &told["draining"], &told["under_way"]),
        (Some(0), &true.into(), &0.into())
    );
    let (_, status) = asked(socket(), &["status"]).await;
    assert!(
        status["troubles"][0].as_str().unwrap().contains("drain --resume"),
        "{status}"
    );

    assert_eq!(asked(socket(), &["drain", "--resume"]).await.1["draining"], false);
    house.ready().await;
    let answer = house.send(&device.sign(&house, &Hello, START)).await;
    assert_eq!(answer.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_sees_users_and_devices_page_by_page_and_of_one_user() {
    let house = House::open(&SetClock::at(START)).await;
    for _ in 0..3 {
        house.enrolled(START).await;
    }
    let socket = || house.running.admin_socket().clone();
    let (_, first) = asked(socket(), &["users", "--limit", "2"]).await;
    let rows = first["users"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["devices"], &rows[0]["wallets"]), (&1.into(), &0.into()));
    assert_eq!(
        (&rows[0]["issuer"], &rows[0]["subject"]),
        (&"invitation".into(), &Value::Null)
    );
    assert_eq!(first["next"], rows[1]["user"]);
    let (_, all) = asked(socket(), &["users"]).await;
    assert_eq!(
        (all["users"].as_array().unwrap().len(), &all["next"]),
        (3, &Value::Null)
    );

    let (_, devices) = asked(socket(), &["devices"]).await;
    let devices = devices["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 3);
    assert!(
        devices
            .iter()
            .all(|device| device["name"] == "laptop" && device["enrolled"] == START)
    );
    let his = command()
        .args([
            "devices",
            "--json",
            "--user",
            devices[0]["user"].as_str().unwrap(),
            "--socket",
        ])
        .arg(socket())
        .output()
        .unwrap();
    let his: Value = serde_json::from_slice(&his.stdout).unwrap();
    assert_eq!(his["devices"], Value::Array(vec![devices[0].clone()]));
    let remove = |device: &str| {
        let asked = command()
            .args(["remove-device", device, "--json", "--socket"])
            .arg(socket())
            .output()
            .unwrap();
        (asked.status.success(), String::from_utf8(asked.stderr).unwrap())
    };
    assert!(remove(devices[0]["device"].as_str().unwrap()).0);
    let (gone, why) = remove(devices[0]["device"].as_str().unwrap());
    assert!(!gone && why.contains("twofold-server devices"), "{why}");
    let (_, left) = asked(socket(), &["devices"]).await;
    assert_eq!(left["devices"].as_array().unwrap()[..], devices[1..]);
    let (_, stats) = asked(socket(), &["stats"]).await;
    assert_eq!((&stats["users"], &stats["devices"]), (&3.into(), &2.into()));
    let strange = command()
        .args(["devices", "--user", "x", "--socket"])
        .arg(socket())
        .output()
        .unwrap();
    assert_eq!(strange.status.code(), Some(7));
    assert!(said(&strange).contains("no user's id"), "{}", said(&strange));
    house.close().await;
}

#[test]
fn each_admin_command_explains_itself_with_examples() {
    for name in [
        "users",
        "wallets",
        "devices",
        "stats",
        "audit",
        "drain",
        "status",
        "log-level",
    ] {
        let help = command().args([name, "--help"]).output().unwrap();
        let help = said(&help);
        assert!(
            help.contains("Examples:") && help.contains(&format!("twofold-server {name}")),
            "{help}"
        );
        assert!(help.contains("--json") && help.contains("--socket"), "{help}");
    }
}

#[test]
fn whoever_does_not_run_the_server_gets_nothing_from_its_admin_socket() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: only root can try it as another user");
        return;
    }
    let server = Server::start(open_folder("twofold-admin").unwrap());
    let stranger = open_folder("twofold-stranger").unwrap();
    fs::set_permissions(stranger.path(), Permissions::from_mode(0o755)).unwrap();
    let binary = stranger.path().join("twofold-server");
    fs::copy(env!("CARGO_BIN_EXE_twofold-server"), &binary).unwrap();
    let ask = |words: &[&str]| {
        std::process::Command::new(&binary)
            .env_clear()
            .args(words)
            .arg("--socket")
            .arg(server.socket())
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap()
    };
    let wishes: [&[&str]; 8] = [
        &["users"],
        &["wallets"],
        &["devices"],
        &["stats"],
        &["audit", "--wallet", "00000000000000000000000000000000"],
        &["drain"],
        &["invite"],
        &["log-level", "trace"],
    ];
    // The folder above it is closed, and the socket itself.
    let refused = ask(&["users"]);
    assert_eq!(refused.status.code(), Some(7), "{}", said(&refused));
    // Were both open by mistake, the server looks who asks.
    let open = Permissions::from_mode(0o777);
    let mut folder = server.socket().parent();
    while let Some(path) = folder.filter(|path| path.starts_with(server.folder.path())) {
        fs::set_permissions(path, open.clone()).unwrap();
        folder = path.parent();
    }
    fs::set_permissions(server.socket(), open).unwrap();
    for words in wishes {
        let refused = ask(words);
        assert_eq!(refused.status.code(), Some(7), "{words:?}: {}", said(&refused));
        assert!(
            said(&refused).contains("only the user that runs the server"),
            "{}",
            said(&refused)
        );
        assert!(refused.stdout.is_empty(), "{words:?}: {}", said(&refused));
    }
    assert!(server.log().contains("a stranger knocked"), "{}", server.log());
    assert!(server.admin(&["status"]).status.success(), "its own user is answered");
}
