mod hostile;
mod real;

use std::{fmt::Write as _, time::Duration};

use super::{Bitcoind, Config, Credentials, rpc::Rpc};

fn password() -> Credentials {
    Credentials::UserPassword {
        user: "twofold".to_owned(),
        password: "correct horse".to_owned(),
    }
}

/// A client of an address, with a deadline of so many milliseconds.
fn client(address: impl std::fmt::Display, credentials: Credentials, deadline: u64) -> Bitcoind {
    let config = Config {
        deadline: Duration::from_millis(deadline),
        ..Config::new(format!("http://{address}"), credentials)
    };
    Bitcoind::new(config).unwrap()
}

#[test]
fn only_a_plain_http_address_with_a_port_is_taken() {
    for url in [
        "http://127.0.0.1:8332",
        "http://node.internal:18443/",
        "http://[::1]:8332",
    ] {
        assert!(Bitcoind::new(Config::new(url, password())).is_ok(), "{url}");
    }
    for url in [
        "",
        "127.0.0.1:8332",
        "https://127.0.0.1:8332",
        "http://127.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:8332/wallet/hot",
        "http://127.0.0.1:8332/?x=1",
    ] {
        let refused = Bitcoind::new(Config::new(url, password())).unwrap_err().to_string();
        assert!(refused.contains("http://host:port"), "{refused}");
    }
}

#[test]
fn the_password_is_not_printed() {
    let config = Config::new("http://127.0.0.1:8332", password());
    let mut printed = format!("{config:?} {:?}", Bitcoind::new(config.clone()).unwrap());
    // As it is once it has been asked for.
    let rpc = Rpc::new(config).unwrap();
    let header = password().header().unwrap();
    rpc.authorization().unwrap();
    write!(printed, " {rpc:?}").unwrap();
    assert!(!printed.contains(header.trim_start_matches("Basic ")), "{printed}");
    assert!(
        printed.contains("twofold") && !printed.contains("correct horse"),
        "{printed}"
    );
}
