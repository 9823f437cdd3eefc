use super::*;
use crate::fixture::{House, Phone};

#[test]
fn what_is_kept_is_what_the_account_derives() {
    let house = House::new();
    for _ in 0..3 {
        let purse = Phone::joined(&house).create(&house);
        for keychain in Keychain::ALL {
            for index in [0, 1, 2, 7, 1_000, (1 << 31) - 1] {
                let child = Child::derive(&purse.public, [keychain.number(), index]).unwrap();
                assert_eq!(child.keys, purse.account.child_keys(keychain, index).unwrap());
            }
        }
    }
}
