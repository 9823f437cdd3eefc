use super::*;
use proptest::prelude::*;

#[test]
fn fields_come_back_in_order() {
    let long = vec![7; 10_000];
    let record = Writer::new(1)
        .fixed(&[1, 2])
        .var(&long)
        .optional(None)
        .optional(Some(b"x"))
        .var(b"text")
        .finish();
    let mut reader = Reader::new("device", &record, 1).expect("reads");
    assert_eq!(reader.array(), Ok([1, 2]));
    assert_eq!(reader.var(), Ok(long.as_slice()));
    assert_eq!(reader.optional(), Ok(None));
    assert_eq!(reader.optional(), Ok(Some(b"x".as_slice())));
    assert_eq!(reader.text(), Ok("text"));
    assert_eq!(reader.finish(), Ok(()));
}

#[test]
fn a_newer_record_is_told_apart_from_damage() {
    let record = Writer::new(2).finish();
    assert_eq!(
        Reader::new("device", &record, 1).err(),
        Some(KeystoreFault::Newer { found: 2, known: 1 })
    );
    let record = Writer::new(0).finish();
    assert_eq!(
        Reader::new("device", &record, 1).err(),
        Some(KeystoreFault::Damaged { name: "device".into() })
    );
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(mut reader) = Reader::new("device", &bytes, 1) {
            while reader.optional().is_ok() {}
            let _ = reader.var();
            let _ = reader.array::<4>();
            let _ = reader.finish();
        }
    }
}
