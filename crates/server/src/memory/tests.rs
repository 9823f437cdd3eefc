use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

#[test]
fn o05_a_server_writes_no_core_dump_and_its_memory_is_nobody_elses_to_read() {
    super::keep_private().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    let private = dumpable_behavior().unwrap() == DumpableBehavior::NotDumpable;
    assert_eq!(private, !cfg!(feature = "failpoints"));
}
