use super::*;

#[test]
fn a_clone_shows_the_time_that_the_test_sets() {
    let mine = FakeClock::at(100);
    let handed_out = mine.clone();
    mine.advance(31);
    assert_eq!(handed_out.seconds(), 131);
    mine.go_back(3_600);
    assert_eq!(handed_out.seconds(), 0);
    mine.set(7);
    assert_eq!(handed_out.seconds(), 7);
}

#[test]
fn a_clock_at_its_end_stays_there() {
    let clock = FakeClock::at(u64::MAX - 1);
    clock.advance(5);
    assert_eq!(clock.seconds(), u64::MAX);
}
