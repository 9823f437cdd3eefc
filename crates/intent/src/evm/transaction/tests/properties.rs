//! Whatever arrives: a refusal, or a transaction with one spelling.

use alloy_primitives::{Address, B256, TxKind, U256};
use proptest::prelude::*;

use super::{BOB, Owner};
use crate::evm::transaction::{Access, Fee, Limits, Transaction, facts_within, finish, parse};
use crate::evm::{Account, ChainId};

fn access() -> impl Strategy<Value = Vec<Access>> {
    let line = (any::<[u8; 20]>(), prop::collection::vec(any::<[u8; 32]>(), 0..3)).prop_map(|(address, keys)| Access {
        address: Address::from(address),
        keys: keys.into_iter().map(B256::from).collect(),
    });
    prop::collection::vec(line, 0..3)
}

fn fee() -> impl Strategy<Value = Fee> {
    prop_oneof![
        any::<u128>().prop_map(|gas_price| Fee::Legacy { gas_price }),
        (any::<u128>(), access()).prop_map(|(gas_price, access)| Fee::AccessList { gas_price, access }),
        (any::<u128>(), any::<u128>(), access()).prop_map(|(one, other, access)| Fee::Dynamic {
            max_fee_per_gas: one.max(other),
            max_priority_fee_per_gas: one.min(other),
            access,
        }),
    ]
}

prop_compose! {
    pub(crate) fn transactions()(
        chain in 1..u64::MAX / 2 - 18,
        nonce in 0..u64::MAX,
        gas_limit in any::<u64>(),
        fee in fee(),
        to in prop::option::weighted(0.8, any::<[u8; 20]>()),
        value in any::<[u8; 32]>(),
        shift in 0..256_usize,
        data in prop::collection::vec(any::<u8>(), 0..200),
    ) -> Transaction {
        Transaction {
            chain: ChainId::try_from(chain).unwrap(),
            nonce,
            gas_limit,
            fee,
            to: to.map_or(TxKind::Create, |to| TxKind::Call(to.into())),
            value: U256::from_be_bytes(value) >> shift,
            data: data.into(),
        }
    }
}

fn no_limits() -> Limits {
    Limits {
        max_gas: u64::MAX,
        max_fee_per_gas: u128::MAX,
        max_fee: U256::MAX,
        ..Limits::default()
    }
}

proptest! {
    #[test]
    fn any_transaction_is_read_as_it_was_written(transaction in transactions()) {
        let bytes = transaction.unsigned();
        prop_assert_eq!(parse(&bytes), Ok(transaction));
    }

    #[test]
    fn c11_what_is_read_has_no_second_spelling(
        transaction in transactions(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = transaction.unsigned();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = parse(&bytes) {
            prop_assert_eq!(read.unsigned(), bytes);
        }
    }

    #[test]
    fn any_bytes_are_a_transaction_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0..3_u8) {
        for bytes in [bytes.clone(), [&[kind], bytes.as_slice()].concat()] {
            if let Ok(read) = parse(&bytes) {
                prop_assert_eq!(read.unsigned(), bytes);
            }
        }
    }

    #[test]
    fn what_has_facts_can_be_finished_and_every_effect_is_named(transaction in transactions(), secret in 1..u8::MAX) {
        let owner = Owner::new([secret; 32]);
        let account = Account { chain: transaction.chain, ..owner.account };
        if let Ok(facts) = facts_within(&transaction, &account, &no_limits()) {
            prop_assert!(!facts.effects.is_empty());
            prop_assert!(facts.charge() >= facts.value);
            prop_assert_eq!(facts.digest, transaction.digest());
            let signed = finish(&transaction, &account, &owner.sign(facts.digest)).unwrap();
            prop_assert!(parse(&signed.bytes).is_err());
            let other = Account { address: BOB, ..account };
            prop_assert!(finish(&transaction, &other, &owner.sign(facts.digest)).is_err());
        }
    }

    #[test]
    fn two_transactions_never_share_a_digest(one in transactions(), other in transactions()) {
        prop_assert_eq!(one == other, one.digest() == other.digest());
    }

    #[test]
    fn a_transaction_has_another_digest_on_every_chain(transaction in transactions(), chain in 1..1_000_u64) {
        let chain = ChainId::try_from(chain).unwrap();
        let there = Transaction { chain, ..transaction.clone() };
        prop_assert_eq!(chain == transaction.chain, there.digest() == transaction.digest());
    }
}
