use super::*;
use rstest::rstest;

#[rstest]
#[case::as_the_node_says(&[Some(9_000), Some(5_000), Some(2_000)], &[9_000, 5_000, 2_000])]
#[case::below_what_is_relayed(&[Some(0), Some(500), Some(999)], &[1_000, 1_000, 1_000])]
#[case::above_what_is_sane(&[Some(u64::MAX), Some(1_000_000_000), Some(2_000)], &[100_000, 100_000, 2_000])]
#[case::rising_with_the_target(&[Some(2_000), Some(9_000), Some(1_500)], &[2_000, 2_000, 1_500])]
#[case::gaps(&[None, Some(5_000), None], &[5_000, 5_000, 5_000])]
#[case::nothing(&[None, None, None], &[3_000, 3_000, 3_000])]
fn c07_rates_stay_within_bounds(#[case] known: &[Option<u64>], #[case] told: &[u64]) {
    assert_eq!(clamped(known, 1_000, 100_000, 3_000), told);
}

#[test]
fn c07_a_node_that_relays_nothing_below_the_cap_gets_the_cap() {
    assert_eq!(clamped(&[Some(5)], u64::MAX, 100_000, 3_000), [100_000]);
}
