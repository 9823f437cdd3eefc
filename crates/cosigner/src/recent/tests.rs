use super::*;

#[test]
fn what_is_in_use_stays_and_memory_is_bounded() {
    let recent = Recent::new(10);
    recent.put(0, 0);
    for value in 1..1_000 {
        recent.put(value, value);
        assert_eq!(recent.get(&0), Some(0), "a value in use was forgotten");
    }
    let kept = (0..1_000).filter(|value| recent.get(value).is_some()).count();
    assert!(kept <= 20, "{kept} values are kept");
}
