use super::*;
use crate::{fixture::Parties, id::WalletId};

#[test]
fn an_entry_that_decodes_is_signed_and_every_changed_byte_is_noticed() {
    let entry = Parties::new(1).entry();
    let bytes = entry.to_bytes();
    assert_eq!(Entry::try_from(bytes.as_slice()).unwrap(), entry);
    for at in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(Entry::try_from(bad.as_slice()).is_err(), "byte {at}");
        assert!(Entry::try_from(&bytes[..at]).is_err());
    }
}

#[test]
fn the_head_names_the_wallet_and_the_device() {
    let one = Parties::new(1);
    let mut other = Parties::new(1);
    other.wallet = WalletId([9; 16]);
    assert_ne!(one.entry().head(), other.entry().head());
    one.entry().check_first(one.wallet).unwrap();
    assert_eq!(
        one.entry().check_first(other.wallet).unwrap_err().kind,
        FaultKind::ForeignCeremony
    );
}
