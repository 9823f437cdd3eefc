//! Backends of apps over TLS: a key that finds wallets and addresses, and opens nothing else.

use http::{StatusCode, header};
use twofold_api::{
    procedure::is_for_backends,
    request::{FindAddresses, FindWallets, Named},
};
use twofold_cosigner::testing::SetClock;
use twofold_server::config::{Backend, Config, Scope};
use twofold_threshold::id::WalletId;
use twofold_wire::{METHODS, client::decode};

use crate::{
    house::{Device, House, START},
    requests::body,
    sign_in::oidc,
};

/// Who vouches for the people of the app.
pub(crate) const ISSUER: &str = "https://login.example.org";
const WALLET: WalletId = WalletId([0x11; 16]);

/// Lists a key as a backend's.
pub(crate) fn list(config: &mut Config, backend: &Device) {
    config.sign_in = vec![oidc(ISSUER.into(), false)];
    config.backend.push(Backend {
        name: "shop".into(),
        key: backend.spelled(),
        issuers: vec![ISSUER.into()],
        scopes: vec![Scope::Wallets, Scope::Addresses],
    });
}

/// Whether a procedure, by its path, is a backend's.
pub(crate) fn for_backends(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(is_for_backends)
}

/// A server that knows a backend, beside a device that it knows.
pub(crate) async fn house_with_backend() -> (House, Device, Device) {
    let backend = Device::new();
    let house = House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), |config| {
        list(config, &backend);
    })
    .await;
    let device = house.enrolled(START).await;
    (house, device, backend)
}

fn alice() -> Named {
    Named {
        issuer: ISSUER.into(),
        subject: "alice".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_a_backends_key_is_refused_by_every_procedure_but_its_own() {
    let (house, _, backend) = house_with_backend().await;
    for method in METHODS {
        if for_backends(method.path) {
            continue;
        }
        let named = method.needs_wallet.then_some(WALLET);
        let answer = house
            .send(&backend.sign_bytes(&house, method.path, body(method.path, WALLET), named, START))
            .await;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::FORBIDDEN, "NOT_PERMITTED"),
            "{}",
            method.path
        );
    }
    // With a good invitation too, which stays unused.
    let join = house.join().await;
    let answer = house.send(&backend.sign(&house, &join, START)).await;
    assert_eq!(answer.reason(), "NOT_PERMITTED");
    let joined = house.send(&Device::new().sign(&house, &join, START)).await;
    assert_eq!(joined.status, StatusCode::OK, "{joined:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_no_device_asks_what_a_backend_may() {
    let (house, device, backend) = house_with_backend().await;
    let asked = FindWallets {
        person: alice(),
        after: None,
    };
    for who in [&device, &Device::new()] {
        let answer = house.send(&who.sign(&house, &asked, START)).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (StatusCode::UNAUTHORIZED, "DEVICE_UNKNOWN")
        );
    }
    let answer = house.send(&backend.sign(&house, &asked, START)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(decode::<FindWallets>(&answer.body).unwrap().wallets.is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_backend_has_the_rate_of_one_device() {
    let backend = Device::new();
    let house = House::open_in(tempfile::tempdir().unwrap(), SetClock::at(START), |config| {
        list(config, &backend);
        config.limits.device_per_second = 1;
        config.limits.device_burst = 3;
    })
    .await;
    let asked = FindAddresses {
        wallet: WALLET,
        person: alice(),
        from: 0,
    };
    let mut connection = house.connect().await;
    let mut last = None;
    for _ in 0..20 {
        let answer = connection.send(&backend.sign(&house, &asked, START)).await.unwrap();
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            last = Some(answer);
            break;
        }
        assert_eq!(answer.reason(), "WALLET_NOT_FOUND");
    }
    let answer = last.expect("the rate is kept");
    assert_eq!(answer.reason(), "RATE_LIMITED");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    house.close().await;
}
