//! What honest transactions do.

use alloy_primitives::{TxKind, U256, address, hex};

use super::{BOB, Owner, dynamic, honest};
use crate::evm::transaction::facts;
use crate::evm::{Creation, Effect, Native, Unknown, Why};

#[test]
fn a_payment_names_value_payee_and_the_most_that_it_costs() {
    let account = Owner::new([0x46; 32]).account;
    let facts = facts(&dynamic(), &account).unwrap();
    assert_eq!(
        facts.effects,
        [Effect::Native(Native {
            from: account.address,
            to: BOB,
            value: dynamic().value,
        })]
    );
    assert_eq!(facts.fee_ceiling, U256::from(21_000_u64 * 20_000_000_000));
    assert_eq!(facts.charge(), facts.value + facts.fee_ceiling);
    assert_eq!((facts.nonce, facts.digest), (9, dynamic().digest()));
    assert_eq!(
        facts.to_string(),
        "pays     1000000000000000000 wei from 0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F to 0x3535353535353535353535353535353535353535\n\
         fee      420000000000000 wei at most, 21000 gas at 20000000000 wei\n\
         chain    1, 0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F with nonce 9"
    );
}

#[test]
fn a_payment_of_nothing_is_still_named() {
    let account = Owner::new([0x46; 32]).account;
    let mut transaction = honest();
    transaction.value = U256::ZERO;
    let effects = facts(&transaction, &account).unwrap().effects;
    assert!(matches!(effects.as_slice(), [Effect::Native(native)] if native.value.is_zero()));
}

#[test]
fn a_creation_is_named_as_such_with_its_address() {
    // Published by many: the first contract of this account.
    let mut account = Owner::new([0x46; 32]).account;
    account.address = address!("0x6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0");
    let mut transaction = honest();
    transaction.nonce = 0;
    transaction.to = TxKind::Create;
    transaction.data = hex!("6001").into();
    let effects = facts(&transaction, &account).unwrap().effects;
    assert_eq!(
        effects,
        [Effect::Creation(Creation {
            at: address!("0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
            value: transaction.value,
            code_hash: alloy_primitives::keccak256(hex!("6001")),
            code_length: 2,
        })]
    );
}

#[test]
fn an_unknown_call_is_an_unknown_effect_beside_its_value() {
    let account = Owner::new([0x46; 32]).account;
    let mut transaction = honest();
    for (data, why) in [
        (vec![0xde, 0xad, 0xbe, 0xef], Why::Function([0xde, 0xad, 0xbe, 0xef])),
        (vec![0xde, 0xad, 0xbe], Why::NoFunction),
    ] {
        transaction.data = data.into();
        let effects = facts(&transaction, &account).unwrap().effects;
        let unknown = Effect::Unknown(Unknown {
            from: account.address,
            contract: Some(BOB),
            why,
        });
        assert!(matches!(&effects[0], Effect::Native(native) if native.value == transaction.value));
        assert_eq!(effects[1..], *std::slice::from_ref(&unknown));
        let without_value = super::Transaction {
            value: U256::ZERO,
            ..transaction.clone()
        };
        assert_eq!(facts(&without_value, &account).unwrap().effects, [unknown]);
    }
}
