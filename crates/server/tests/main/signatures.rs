//! Who may ask: nobody without a signature that covers what arrived, made now, by a device that is known.

use http::StatusCode;
use rstest::rstest;
use twofold_api::{procedure::Kind, request::Hello};
use twofold_cosigner::testing::SetClock;
use twofold_threshold::id::WalletId;
use twofold_wire::{METHODS, stream};

use crate::{
    backends::{for_backends, house_with_backend},
    house::{Device, House, START, Signed},
    requests::body,
};

const WALLET: WalletId = WalletId([0x11; 16]);

#[tokio::test(flavor = "multi_thread")]
async fn a01_every_procedure_refuses_the_unsigned_the_expired_the_stranger_and_the_wrong_wallet() {
    let (house, device, backend) = house_with_backend().await;
    for method in METHODS {
        let path = method.path;
        let device = if for_backends(path) { &backend } else { &device };
        let named = method.needs_wallet.then_some(WALLET);

        let unsigned = house.send(&Signed::unsigned(path, body(path, WALLET))).await;
        assert_eq!(
            (unsigned.status, unsigned.reason()),
            (StatusCode::UNAUTHORIZED, "SIGNATURE_MISSING"),
            "{path}"
        );

        let old = house
            .send(&device.sign_bytes(&house, path, body(path, WALLET), named, START - 100))
            .await;
        assert_eq!(
            (old.status, old.reason()),
            (StatusCode::UNAUTHORIZED, "CLOCK_SKEW"),
            "{path}"
        );

        let stranger = house
            .send(&Device::new().sign_bytes(&house, path, body(path, WALLET), named, START))
            .await;
        if path.ends_with("/Join") {
            assert_eq!(
                (stranger.status, stranger.reason()),
                (StatusCode::FORBIDDEN, "INVITATION_INVALID")
            );
            continue;
        }
        assert_eq!(
            (stranger.status, stranger.reason()),
            (StatusCode::UNAUTHORIZED, "DEVICE_UNKNOWN"),
            "{path}"
        );

        let other = if method.needs_wallet {
            Some(WalletId([0x12; 16]))
        } else {
            Some(WALLET)
        };
        let mismatch = house
            .send(&device.sign_bytes(&house, path, body(path, WALLET), other, START))
            .await;
        assert_eq!(
            (mismatch.status, mismatch.reason()),
            (StatusCode::FORBIDDEN, "PARTY_MISMATCH"),
            "{path}"
        );

        // BeginCreate names a wallet that is to be, so there is nothing to be missing; both read their ceremony
        // message, which is none here, before anything is looked up.
        if method.needs_wallet && !path.ends_with("Create") {
            let missing = house
                .send(&device.sign_bytes(&house, path, body(path, WALLET), named, START))
                .await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND, "{path}: {missing:?}");
        }
    }
    house.close().await;
}

#[rstest]
#[case::body(|signed: &mut Signed| signed.body.push(0), "SIGNATURE_INVALID")]
#[case::digest(|signed: &mut Signed| *signed.header("content-digest") = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:".into(), "SIGNATURE_INVALID")]
#[case::content_type(|signed: &mut Signed| *signed.header("content-type") = "application/json".into(), "SIGNATURE_INVALID")]
#[case::wallet(|signed: &mut Signed| *signed.header("twofold-wallet") = "11".repeat(16), "SIGNATURE_INVALID")]
#[case::protocol(|signed: &mut Signed| *signed.header("twofold-protocol") = "1;sdk=\"other/1.0.0\"".into(), "SIGNATURE_INVALID")]
#[case::query(|signed: &mut Signed| signed.path.push_str("?a=b"), "SIGNATURE_INVALID")]
#[case::procedure(|signed: &mut Signed| signed.path = signed.path.replace("Hello", "ListWallets"), "SIGNATURE_INVALID")]
#[case::window(|signed: &mut Signed| { let later = signed.header("signature-input").replace("1790000060", "1790000059"); *signed.header("signature-input") = later; }, "SIGNATURE_INVALID")]
#[case::twice(|signed: &mut Signed| signed.headers.push(("twofold-wallet".into(), "none".into())), "SIGNATURE_MISSING")]
#[case::gone(|signed: &mut Signed| signed.headers.retain(|(name, _)| name != "signature"), "SIGNATURE_MISSING")]
#[case::encoded(|signed: &mut Signed| signed.headers.push(("content-encoding".into(), "gzip".into())), "SIGNATURE_MISSING")]
#[tokio::test(flavor = "multi_thread")]
async fn a06_whatever_is_altered_after_signing_is_refused(#[case] alter: fn(&mut Signed), #[case] reason: &str) {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    let mut signed = device.sign(&house, &Hello, START);
    assert_eq!(house.send(&signed).await.status, StatusCode::OK);
    alter(&mut signed);
    let refused = house.send(&signed).await;
    assert_eq!(
        (refused.status, refused.reason()),
        (StatusCode::UNAUTHORIZED, reason),
        "{refused:?}"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_f17_thirty_seconds_of_skew_are_taken_and_thirty_one_are_not() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    for (made, status) in [
        (START - 30, StatusCode::OK),
        (START - 31, StatusCode::UNAUTHORIZED),
        (START + 30, StatusCode::OK),
        (START + 31, StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(
            house.send(&device.sign(&house, &Hello, made)).await.status,
            status,
            "made at {made}"
        );
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a30_a_clock_an_hour_wrong_is_told_the_signed_time_and_the_next_try_works() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let device = house.enrolled(START).await;
    let wrong = house.send(&device.sign(&house, &Hello, START + 3600)).await.refusal();
    let told = wrong.server_time.expect("the server's signed time").seconds;
    assert_eq!(told, START);
    assert_eq!(
        house.send(&device.sign(&house, &Hello, told)).await.status,
        StatusCode::OK
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_malformed_ids_and_garbage_are_refused_as_arguments() {
    let (house, device, backend) = house_with_backend().await;
    for method in METHODS.iter().filter(|method| !method.path.ends_with("/Join")) {
        let device = if for_backends(method.path) { &backend } else { &device };
        let named = method.needs_wallet.then_some(WALLET);
        // A field that nobody knows, a wallet id of 3 bytes, and noise.
        for garbage in [vec![0xfa, 0x07, 1, 0], vec![0x0a, 3, 1, 2, 3], vec![0xff; 64]] {
            let garbage = match method.kind {
                Kind::Stream => stream::envelope(&garbage),
                _ => garbage,
            };
            let refused = house
                .send(&device.sign_bytes(&house, method.path, garbage, named, START))
                .await;
            assert_eq!(
                (refused.status, refused.reason()),
                (StatusCode::BAD_REQUEST, "MALFORMED"),
                "{}",
                method.path
            );
        }
    }
    house.close().await;
}

/// Bytes in the server's folder: a ceremony, a wallet or a recorded reply would add to them.
fn stored(house: &House) -> u64 {
    let files = std::fs::read_dir(house.folder.path()).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_ceremony_calls_without_a_known_device_are_refused_and_leave_nothing_behind() {
    let clock = SetClock::at(START);
    let house = House::open(&clock).await;
    let known = house.enrolled(START).await;
    house.send(&known.sign(&house, &Hello, START)).await;
    let before = stored(&house);
    let ceremonies = [
        "/BeginCreate",
        "/FinishCreate",
        "/TestSign",
        "/Activate",
        "/BeginRefresh",
        "/FinishRefresh",
        "/RepairRecovery",
        "/ReplaceRecovery",
        "/RepairServer",
    ];
    let methods: Vec<_> = METHODS
        .iter()
        .filter(|method| ceremonies.iter().any(|name| method.path.ends_with(name)))
        .collect();
    assert_eq!(methods.len(), ceremonies.len());
    for method in methods {
        for _ in 0..25 {
            let unsigned = house
                .send(&Signed::unsigned(method.path, body(method.path, WALLET)))
                .await;
            assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "{}", method.path);
            let stranger = Device::new();
            let signed = stranger.sign_bytes(&house, method.path, body(method.path, WALLET), Some(WALLET), START);
            let answer = house.send(&signed).await;
            assert_eq!(
                (answer.status, answer.reason()),
                (StatusCode::UNAUTHORIZED, "DEVICE_UNKNOWN"),
                "{}",
                method.path
            );
        }
    }
    assert_eq!(stored(&house), before, "nothing was written for any of them");
    assert_eq!(
        house.send(&known.sign(&house, &Hello, START)).await.status,
        StatusCode::OK
    );
    house.close().await;
}
