//! What a server holds in memory, however many people there are and however long it runs.

use std::{fs, path::Path, time::Duration};

use futures::executor::block_on;
use http::StatusCode;
use tokio::time::Instant;
use twofold_api::request::{GetWallet, Hello, ListWallets};
use twofold_cosigner::{
    port::{
        record::{User, UserId, Wallet},
        store::{Batch, Store as _, Write},
    },
    testing::SetClock,
};
use twofold_store::SqliteStore;
use twofold_threshold::id::WalletId;

use crate::house::{Connection, Device, House, START};

/// Wallets, each of a user of its own.
const WALLETS: u32 = 100_000;
/// How many of their devices ask before it is looked how much memory that took, and how many ask then.
const FIRST: usize = 1_000;
const THEN: usize = 3_000;
/// What a server has at hand for somebody who asks (rates, the newest of what was verified), at most, in bytes. One that had
/// an instance for each user, as long as it runs, would have more; so would one that reads everybody's wallet at its start.
const AT_HAND: usize = 4 << 10;
const AT_THE_START: usize = 32 << 20;

/// Resident memory of this process, server and devices, in bytes.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() << 10
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn name(number: u32) -> [u8; 16] {
    let mut name = [0xa5; 16];
    name[..4].copy_from_slice(&number.to_be_bytes());
    name
}

/// Writes users with a wallet each into the database, and devices of the first of them. What a wallet's state says is
/// nothing that the server believes: it is read and refused.
fn fill(data: &Path, devices: &[Device]) {
    let store = SqliteStore::open(data).unwrap();
    let numbers: Vec<u32> = (0..WALLETS).collect();
    for some in numbers.chunks(5_000) {
        let mut writes = Vec::new();
        for number in some {
            let user = UserId(name(*number));
            writes.push(Write::AddUser(User {
                id: user,
                issuer: "elsewhere".into(),
                subject: number.to_string(),
            }));
            writes.push(Write::AddWallet(Wallet {
                id: WalletId(name(*number)),
                user,
                name: "savings".into(),
                version: 1,
                birthday: 1,
                state: vec![7; 400],
                public: Some(vec![7; 300]),
            }));
            if let Some(device) = devices.get(*number as usize) {
                writes.push(Write::AddDevice(device.row(user)));
            }
        }
        let batch = Batch {
            expect: Vec::new(),
            writes,
        };
        block_on(store.commit(batch)).unwrap();
    }
}

async fn ask(house: &House, connection: &mut Connection, device: &Device, number: usize) {
    let wallet = WalletId(name(u32::try_from(number).unwrap()));
    let list = connection
        .send(&device.sign(house, &ListWallets::default(), START))
        .await
        .unwrap();
    assert_eq!(list.status, StatusCode::OK, "{list:?}");
    let asked = GetWallet {
        wallet,
        checkpoint: None,
    };
    let refused = connection.send(&device.sign(house, &asked, START)).await.unwrap();
    assert_eq!(refused.reason(), "STATE_TAMPERED");
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_with_a_hundred_thousand_wallets_memory_is_flat_whoever_asks() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let devices: Vec<_> = (0..FIRST + THEN).map(|_| Device::new()).collect();
    let port = house.running.address().port();
    let folder = house.close().await;
    fill(&folder.path().join("data"), &devices);
    let before = resident();
    let house = House::open_on(folder, port, clock, |_| ()).await;
    assert!(house.running.address().port() == port);
    let mut connection = house.connect().await;
    let mut asked = devices.iter().enumerate();
    for (number, device) in asked.by_ref().take(FIRST) {
        ask(&house, &mut connection, device, number).await;
    }
    let early = resident();
    for (number, device) in asked {
        ask(&house, &mut connection, device, number).await;
    }
    let late = resident();
    let grown = late.saturating_sub(early);
    assert!(
        grown <= THEN * AT_HAND,
        "{early} bytes after {FIRST} users, {late} after {THEN} more"
    );
    let started = early.saturating_sub(before);
    assert!(
        started <= AT_THE_START + FIRST * AT_HAND,
        "{before} bytes without a server, {early} with one"
    );
    drop(connection);
    house.close().await;
}

/// Memory's growth in an hour, as a part of what it is, by the straight line through these (seconds, bytes).
fn slope_an_hour(seen: &[(f64, f64)]) -> f64 {
    let count = f64::from(u32::try_from(seen.len()).unwrap());
    let mean = |of: fn(&(f64, f64)) -> f64| seen.iter().map(of).sum::<f64>() / count;
    let (at, size) = (mean(|(at, _)| *at), mean(|(_, size)| *size));
    let along: f64 = seen.iter().map(|(x, y)| (x - at) * (y - size)).sum();
    let across: f64 = seen.iter().map(|(x, _)| (x - at).powi(2)).sum();
    along / across * 3600.0 / size
}

#[test]
fn o10_a_slope_is_told_from_noise() {
    let line = |per_second: f64, noise: f64| {
        let at = |second: u32| {
            let wave = if second.is_multiple_of(2) { noise } else { -noise };
            (f64::from(second), 1e8 + f64::from(second) * per_second + wave)
        };
        slope_an_hour(&(0..1_800).map(at).collect::<Vec<_>>())
    };
    assert!(line(0.0, 1e5).abs() < 0.001);
    // A byte for each of a thousand requests a second, for half an hour.
    assert!(line(1e3, 1e5) > 0.03);
}

/// Asks of every kind for as long as `TWOFOLD_SOAK_SECONDS` says, half an hour unless it says otherwise; the first quarter,
/// in which caches fill, is not looked at.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "nightly: half an hour of load"]
async fn o10_under_load_for_long_neither_memory_nor_open_files_grow() {
    let seconds = std::env::var("TWOFOLD_SOAK_SECONDS").map_or(1_800, |text| text.parse().unwrap());
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    let (begun, whole) = (Instant::now(), Duration::from_secs(seconds));
    let (mut seen, mut files, mut looked) = (Vec::new(), Vec::new(), 0);
    while begun.elapsed() < whole {
        // Replay records and rates go by the server's own clock.
        let now = START + begun.elapsed().as_secs();
        clock.set(now);
        let mut connection = house.connect().await;
        for _ in 0..50 {
            let well = connection.send(&device.sign(&house, &Hello, now)).await.unwrap();
            assert_eq!(well.status, StatusCode::OK, "{well:?}");
        }
        let list = connection
            .send(&device.sign(&house, &ListWallets::default(), now))
            .await
            .unwrap();
        assert_eq!(list.status, StatusCode::OK);
        let mut forged = device.sign(&house, &Hello, now);
        forged.header("twofold-protocol").push_str(";x=1");
        let refused = house.send(&forged).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let stranger = Device::new();
        let refused = house.send(&stranger.sign(&house, &Hello, now)).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        drop(connection);
        let at = begun.elapsed();
        if at.as_secs() > looked && at > whole / 4 {
            looked = at.as_secs();
            seen.push((at.as_secs_f64(), f64::from(u32::try_from(resident() >> 10).unwrap())));
            files.push(open_files());
        }
    }
    let slope = slope_an_hour(&seen);
    assert!(slope < 0.01, "memory grows by {:.2}% an hour: {seen:?}", slope * 100.0);
    let quarter = files.len() / 4;
    let most = |files: &[usize]| files.iter().max().copied().unwrap_or_default();
    let (early, late) = (most(&files[..quarter]), most(&files[files.len() - quarter..]));
    assert!(late <= early + 4, "{early} files were open, and {late} in the end");
    house.close().await;
}
