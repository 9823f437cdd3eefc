use std::net::IpAddr;

use twofold_api::Reason;
use twofold_cosigner::port::record::UserId;
use twofold_threshold::id::{DeviceId, WalletId};

use super::Rates;
use crate::config::Limits;

fn rates() -> Rates {
    Rates::new(&Limits {
        address_per_second: 1,
        address_burst: 3,
        device_per_second: 1,
        device_burst: 3,
        user_per_second: 1,
        user_burst: 3,
        wallet_per_second: 1,
        wallet_burst: 3,
        ..Limits::default()
    })
}

#[test]
fn f12_each_rate_holds_and_says_when_to_come_back() {
    let rates = rates();
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for _ in 0..3 {
        rates.address(address).unwrap();
        rates.device(DeviceId([1; 32])).unwrap();
        rates.user((UserId([1; 16]), false)).unwrap();
        rates.wallet((UserId([1; 16]), false), WalletId([1; 16])).unwrap();
    }
    for refusal in [
        rates.address(address).unwrap_err(),
        rates.device(DeviceId([1; 32])).unwrap_err(),
        rates.user((UserId([1; 16]), false)).unwrap_err(),
        rates.wallet((UserId([1; 16]), false), WalletId([1; 16])).unwrap_err(),
    ] {
        assert_eq!(refusal.reason, Reason::RateLimited);
        assert!(refusal.retry_after.is_some_and(|seconds| seconds >= 1));
    }
    rates.address("192.0.2.2".parse().unwrap()).unwrap();
    rates.device(DeviceId([2; 32])).unwrap();
    rates.user((UserId([2; 16]), false)).unwrap();
}

#[test]
fn f12_a_stranger_cannot_spend_the_rate_of_somebody_elses_wallet() {
    let rates = rates();
    while rates.wallet((UserId([9; 16]), false), WalletId([1; 16])).is_ok() {}
    rates.wallet((UserId([1; 16]), false), WalletId([1; 16])).unwrap();
}

#[test]
fn f12_devices_that_are_new_hold_up_none_of_their_users_that_was_there_before() {
    let rates = rates();
    let (new, old) = ((UserId([1; 16]), true), (UserId([1; 16]), false));
    while rates.user(new).is_ok() {}
    while rates.wallet(new, WalletId([1; 16])).is_ok() {}
    rates.user(old).unwrap();
    rates.wallet(old, WalletId([1; 16])).unwrap();
}

#[test]
fn f12_neighbours_in_one_ipv6_block_share_a_rate_and_mapped_addresses_are_ipv4() {
    let rates = rates();
    for last in 1..=3 {
        rates.address(format!("2001:db8::{last}").parse().unwrap()).unwrap();
        rates
            .address(format!("::ffff:192.0.2.{last}").parse().unwrap())
            .unwrap();
    }
    rates.address("2001:db8::4".parse().unwrap()).unwrap_err();
    rates.address("2001:db8:0:1::1".parse().unwrap()).unwrap();
    rates.address("192.0.2.4".parse().unwrap()).unwrap();
}

#[test]
fn a08_what_is_kept_shrinks_back_after_a_flood_of_addresses() {
    let rates = Rates::new(&Limits {
        address_per_second: 1_000_000,
        address_burst: 1,
        ..Limits::default()
    });
    for n in 0..20_000_u32 {
        rates.address(IpAddr::from(n.to_be_bytes())).unwrap();
    }
    rates.device(DeviceId([1; 32])).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    rates.tidy();
    assert!(rates.kept() <= 1, "{} entries are left", rates.kept());
}
