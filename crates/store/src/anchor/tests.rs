use futures::executor::block_on;
use tempfile::TempDir;

use super::*;

#[test]
fn lines_are_there_after_opening_again_and_a_cut_one_is_dropped() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("apart/anchor");
    let anchor = AnchorFile::open(&path).unwrap();
    for line in ["one", "two"] {
        block_on(anchor.append(line.to_owned())).unwrap();
    }
    drop(anchor);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"tor");
    fs::write(&path, bytes).unwrap();
    assert_eq!(AnchorFile::peek(&path).unwrap(), ["one", "two"]);
    let anchor = AnchorFile::open(&path).unwrap();
    block_on(anchor.append("four".to_owned())).unwrap();
    assert_eq!(anchor.lines().unwrap(), ["one", "two", "four"]);
}

#[test]
fn s12_one_process_has_the_anchor() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("anchor");
    let _first = AnchorFile::open(&path).unwrap();
    assert!(matches!(AnchorFile::open(&path), Err(OpenFault::InUse(_))));
}

#[test]
fn a_line_that_does_not_fit_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("anchor");
    let anchor = AnchorFile::open(&path).unwrap();
    block_on(anchor.append("one".to_owned())).unwrap();
    // A handle that only reads stands for a disk that takes nothing.
    let reading = Open {
        file: File::open(&path).unwrap(),
        length: 4,
        broken: false,
    };
    let writing = std::mem::replace(&mut *anchor.open.lock().unwrap(), reading);
    assert!(matches!(
        block_on(anchor.append("two".to_owned())),
        Err(AnchorFault::Unavailable(_))
    ));
    *anchor.open.lock().unwrap() = writing;
    block_on(anchor.append("three".to_owned())).unwrap();
    assert_eq!(anchor.lines().unwrap(), ["one", "three"]);
}
