use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

#[test]
fn o05_a_server_writes_no_core_dump_and_its_memory_is_nobody_elses_to_read() {
    super::keep_private().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    let private = dumpable_behavior().unwrap() == DumpableBehavior::NotDumpable;
    assert_eq!(private, !cfg!(feature = "failpoints"));
}

#[test]
fn o05_whether_memory_can_be_locked_is_read_off_the_capabilities() {
    let status = |set: &str| format!("Name:\ttwofold\nCapPrm:\tffffffffffffffff\nCapEff:\t{set}\n");
    assert!(super::may_lock_all(&status("000001fffeffffff")));
    assert!(super::may_lock_all(&status("0000000000004000")));
    assert!(!super::may_lock_all(&status("0000000000000000")));
    assert!(!super::may_lock_all(&status("ffffffffffffbfff")));
    assert!(!super::may_lock_all(""));
}
