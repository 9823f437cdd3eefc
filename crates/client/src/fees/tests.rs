use super::*;
use rstest::rstest;
use twofold_api::reply::Head;

fn fees(estimates: &[(u16, u64)]) -> Fees {
    Fees {
        head: Head {
            checkpoint: None,
            seal_key: Vec::new(),
            time: 0,
            waiting: 0,
        },
        estimates: estimates.to_vec(),
        source: "node".into(),
    }
}

#[rstest]
#[case::exact(6, 6, 5_000, false)]
#[case::between_takes_the_faster(5, 2, 9_000, false)]
#[case::slower_than_all_takes_the_slowest(1000, 144, 1_000, false)]
#[case::faster_than_all_takes_the_fastest(1, 2, 9_000, false)]
fn the_estimate_is_never_slower_than_asked_where_there_is_one(
    #[case] target: u16,
    #[case] found: u16,
    #[case] per_kvb: u64,
    #[case] clamped: bool,
) {
    let fees = fees(&[(2, 9_000), (6, 5_000), (144, 1_000)]);
    let estimate = choose(&fees, target).expect("there are estimates");
    assert_eq!((estimate.target, estimate.clamped), (found, clamped));
    assert_eq!(estimate.rate, FeeRate::from_sat_per_kwu(per_kvb / 4));
}

#[rstest]
#[case::nothing(0, LEAST)]
#[case::absurd(1_000_000_000, MOST)]
#[case::overflowing(u64::MAX, MOST)]
fn c07_a_servers_absurd_estimate_is_not_followed(#[case] per_kvb: u64, #[case] expected: FeeRate) {
    let estimate = choose(&fees(&[(6, per_kvb)]), 6).expect("there is one");
    assert_eq!(estimate.rate, expected);
    assert!(estimate.clamped);
}

#[test]
fn no_estimates_are_no_estimate() {
    assert_eq!(choose(&fees(&[]), 6), None);
}
