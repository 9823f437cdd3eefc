mod certificates;
mod faults;
mod hostile;
mod second;

use std::{net::SocketAddr, time::Duration};

use tokio::time::{Instant, sleep};
use twofold_cosigner::port::chain::Chain;
use twofold_testkit::{Asked, Say};

use super::{Address, Config, Electrum, Pace, Trust};

/// Nothing that a test waits for takes longer, on whatever machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// As [`Pace::default`], thirty times as fast.
fn hasty() -> Pace {
    Pace {
        connect: Duration::from_millis(600),
        heartbeat: Duration::from_millis(400),
        restore: Duration::from_secs(5),
        first_pause: Duration::from_millis(10),
        last_pause: Duration::from_millis(100),
        patience: Duration::from_millis(400),
    }
}

/// For what is answered: nothing of it ends because the machine is busy.
fn config(address: SocketAddr) -> Config {
    Config {
        pace: Pace {
            first_pause: Duration::from_millis(10),
            last_pause: Duration::from_millis(100),
            ..Pace::default()
        },
        ..Config::new(format!("tcp://{address}").parse().unwrap(), Trust::Web)
    }
}

fn client(address: SocketAddr) -> Electrum {
    Electrum::new(config(address)).unwrap()
}

/// For what is not answered.
fn hasty_client(address: SocketAddr) -> Electrum {
    let config = Config {
        deadline: Duration::from_secs(1),
        pace: hasty(),
        ..config(address)
    };
    Electrum::new(config).unwrap()
}

/// Waits until something holds; gives how long that took.
async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Asks until there is an answer; gives how long that took.
async fn until_answered(chain: &Electrum) -> Duration {
    let began = Instant::now();
    while let Err(fault) = chain.minimum_rate().await {
        assert!(began.elapsed() < PATIENCE, "never answers: {fault}");
        sleep(Duration::from_millis(5)).await;
    }
    began.elapsed()
}

/// Output keys to watch: any 32 bytes will do.
fn keys(count: u16) -> Vec<[u8; 32]> {
    (0..count)
        .map(|n| {
            let mut key = [7; 32];
            key[..2].copy_from_slice(&n.to_be_bytes());
            key
        })
        .collect()
}

/// Says this of one method, and what an honest server says of the others.
fn of(wanted: &'static str, say: impl Fn(&Asked) -> Vec<Say>) -> impl Fn(&Asked) -> Option<Vec<Say>> {
    move |asked| (asked.method == wanted).then(|| say(asked))
}

#[test]
fn only_an_address_with_scheme_and_port_is_taken() {
    for (text, exposed) in [
        ("ssl://electrum.example:50002", false),
        ("tcp://127.0.0.1:50001", false),
        ("tcp://localhost:50001/", false),
        ("tcp://[::1]:50001", false),
        ("ssl://[2001:db8::1]:50002", false),
        ("tcp://electrum.example:50001", true),
        ("tcp://192.168.0.7:50001", true),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!(address.is_exposed(), exposed, "{text}");
    }
    for text in [
        "",
        "electrum.example:50002",
        "http://electrum.example:50002",
        "ssl://electrum.example",
        "ssl://electrum.example:0",
        "ssl://electrum.example:99999",
        "ssl://user@electrum.example:50002",
        "ssl://2001:db8::1:50002",
        "ssl://:50002",
        "ssl://a/b:50002",
    ] {
        let refused = text.parse::<Address>().unwrap_err().to_string();
        assert!(refused.contains("ssl://host:port"), "{text}: {refused}");
    }
}

#[test]
fn the_default_pace_notices_within_thirty_seconds_and_is_back_within_five() {
    let (pace, config) = (
        Pace::default(),
        Config::new("tcp://[::1]:1".parse().unwrap(), Trust::Web),
    );
    assert!(config.deadline <= Duration::from_secs(30));
    assert!(pace.heartbeat * 2 <= Duration::from_secs(25));
    assert!(pace.last_pause <= Duration::from_secs(4));
    assert!(pace.patience < config.deadline);
}
