use super::*;
use proptest::prelude::*;
use rand_core::OsRng;

fn kek(byte: u8) -> Kek {
    Kek::new(Secret32::new([byte; 32]))
}

#[test]
fn each_use_has_a_key_of_its_own_and_another_kek_has_others() {
    let (first, second) = (kek(1).subkeys(), kek(2).subkeys());
    let sealed = first.replies.seal(b"bound", b"plain", &mut OsRng);
    assert_eq!(**first.replies.open(b"bound", &sealed).unwrap(), *b"plain");
    assert_eq!(first.secrets.open(b"bound", &sealed).unwrap_err(), Unopened);
    assert_eq!(second.replies.open(b"bound", &sealed).unwrap_err(), Unopened);

    let mac = first.state.mac("label", &[b"part"]);
    assert!(first.state.verify("label", &[b"part"], &mac));
    assert!(!first.charges.verify("label", &[b"part"], &mac));
    assert!(!second.state.verify("label", &[b"part"], &mac));
    let keys = [first.outer.expose(), first.secrets.0.expose(), first.replies.0.expose()];
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn a_file_opens_under_its_kek_and_for_its_purpose_alone() {
    let sealed = kek(1).seal_file("one", b"plain");
    assert_eq!(kek(1).open_file("one", &sealed).unwrap().as_slice(), b"plain");
    assert!(kek(1).open_file("another", &sealed).is_err() && kek(2).open_file("one", &sealed).is_err());
}

#[test]
fn a_mac_tells_where_parts_begin_and_end() {
    let keys = kek(1).subkeys();
    let mac = keys.state.mac("label", &[b"ab", b"c"]);
    assert_ne!(mac, keys.state.mac("label", &[b"a", b"bc"]));
    assert_ne!(mac, keys.state.mac("label", &[b"ab", b"c", b""]));
    assert_ne!(mac, keys.state.mac("labela", &[b"b", b"c"]));
}

#[test]
fn no_key_is_printed() {
    let printed = format!("{:?} {:?}", kek(0xab), kek(0xab).subkeys());
    assert!(
        !printed.contains("171") && !printed.to_lowercase().contains("abab"),
        "{printed}"
    );
}

proptest! {
    #[test]
    fn a_sealed_record_with_any_byte_changed_or_cut_does_not_open(place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let keys = kek(1).subkeys();
        let sealed = keys.replies.seal(b"bound", b"something plain", &mut OsRng);
        prop_assert!(keys.replies.open(b"another", &sealed).is_err());
        let place = place.index(sealed.len());
        prop_assert!(keys.replies.open(b"bound", &sealed[..place]).is_err());
        let mut flipped = sealed;
        flipped[place] ^= 1 << bit;
        prop_assert!(keys.replies.open(b"bound", &flipped).is_err());
    }
}
