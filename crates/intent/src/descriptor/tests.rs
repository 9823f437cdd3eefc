//! BIP-380's own vectors.

use super::checksum;

#[test]
fn bip380_vectors_come_out() {
    assert_eq!(checksum("raw(deadbeef)").as_deref(), Some("89f8spxm"));
}

#[test]
fn one_changed_character_changes_the_sum() {
    assert_ne!(checksum("raw(deadbeef)"), checksum("raw(deedbeef)"));
    assert_ne!(checksum("raw(deadbeef)"), checksum("raw(Deadbeef)"));
}

#[test]
fn a_character_outside_the_alphabet_has_no_sum() {
    assert_eq!(checksum("raw(Ü)"), None);
    assert_eq!(checksum("raw(\n)"), None);
}
