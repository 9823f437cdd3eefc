use super::*;

fn whole() -> String {
    write(FileKind::Reply, "What a person reads.", &[7; 100])
}

#[test]
fn what_is_written_is_read_whatever_stands_around_it() {
    let text = whole();
    for text in [
        text.clone(),
        format!("forwarded:\r\n{text}\nsent from a phone"),
        text.replace('\n', "\r\n"),
    ] {
        assert_eq!(read(FileKind::Reply, &text).expect("reads"), [7; 100]);
        assert!(is_whole(FileKind::Reply, &text));
    }
}

#[test]
fn a_file_that_is_not_whole_another_one_or_none_of_ours_is_told_apart() {
    let text = whole();
    for length in 0..text.len() {
        let cut = &text[..length];
        if !cut.contains("-----END TWOFOLD SIGNING REPLY-----") {
            assert!(!is_whole(FileKind::Reply, cut));
            let fault = read(FileKind::Reply, cut).expect_err("is cut");
            assert!(matches!(fault, FileFault::Cut(_) | FileFault::Foreign(_)), "{fault}");
        }
    }
    assert_eq!(
        read(FileKind::Request, &text),
        Err(FileFault::Other {
            found: FileKind::Reply,
            wanted: FileKind::Request
        })
    );
    assert_eq!(
        read(FileKind::Reply, "dear diary"),
        Err(FileFault::Foreign(FileKind::Reply))
    );
    let damaged = text.replace("BwcH", "Bw!H");
    assert_eq!(
        read(FileKind::Reply, &damaged),
        Err(FileFault::Damaged(FileKind::Reply))
    );
}

#[test]
fn a_file_beyond_every_bound_is_refused_unread() {
    let text = format!("{}{}", whole(), " ".repeat(MAX_BYTES));
    assert_eq!(read(FileKind::Reply, &text), Err(FileFault::TooLarge(FileKind::Reply)));
}

#[test]
fn a_newer_format_says_so() {
    let fault = reader(FileKind::Package, &[VERSION + 1, 0]).expect_err("is newer");
    assert_eq!(
        fault,
        FileFault::Newer {
            kind: FileKind::Package,
            found: VERSION + 1
        }
    );
}
