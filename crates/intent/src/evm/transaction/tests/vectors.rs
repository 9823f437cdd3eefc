//! Transactions whose digests, signatures and hashes others have published.

use alloy_primitives::{Address, B256, Signature, TxKind, U256, address, b256, hex};
use rstest::rstest;

use super::{Owner, honest};
use crate::evm::transaction::{Access, Fee, Transaction, finish, parse};
use crate::evm::{Account, BadSignature, ChainId};

fn account(address: Address) -> Account {
    Account {
        chain: ChainId::MAINNET,
        address,
    }
}

#[test]
fn the_example_of_eip_155_comes_out_byte_by_byte() {
    let transaction = honest();
    assert_eq!(
        hex::encode(transaction.unsigned()),
        "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080"
    );
    assert_eq!(
        transaction.digest(),
        b256!("0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
    );
    let owner = Owner::new([0x46; 32]);
    assert_eq!(
        owner.account.address,
        address!("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")
    );
    let signature = Signature::from_scalars_and_parity(
        b256!("0x28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"),
        b256!("0x67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"),
        false,
    );
    let signed = finish(&transaction, &owner.account, &signature).unwrap();
    assert_eq!(
        hex::encode(&signed.bytes),
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe\
         537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    assert_eq!(owner.sign(transaction.digest()), signature);
}

#[test]
fn go_ethereums_transaction_of_eip_2930_comes_out_byte_by_byte() {
    let transaction = Transaction {
        chain: ChainId::MAINNET,
        nonce: 3,
        gas_limit: 25_000,
        fee: Fee::AccessList {
            gas_price: 1,
            access: Vec::new(),
        },
        to: TxKind::Call(address!("0xb94f5374fce5edbc8e2a8697c15331677e6ebf0b")),
        value: U256::from(10),
        data: hex!("5544").into(),
    };
    assert_eq!(
        transaction.digest(),
        b256!("0x49b486f0ec0a60dfbbca2d30cb07c9e8ffb2a2ff41f29a1ab6737475f6ff69f3")
    );
    let signature = Signature::from_bytes_and_parity(
        &hex!(
            "c9519f4f2b30335884581971573fadf60c6204f59a911df35ee8a540456b266032f1e8e2c5dd761f9e4f88f41c8310aeaba26a8bfcdacfedfa12ec3862d37521"
        ),
        true,
    );
    let by = signature.recover_address_from_prehash(&transaction.digest()).unwrap();
    let signed = finish(&transaction, &account(by), &signature).unwrap();
    assert_eq!(
        hex::encode(signed.bytes),
        "01f8630103018261a894b94f5374fce5edbc8e2a8697c15331677e6ebf0b0a825544c001a0c9519f4f2b30335884581971573fadf60c6204\
         f59a911df35ee8a540456b2660a032f1e8e2c5dd761f9e4f88f41c8310aeaba26a8bfcdacfedfa12ec3862d37521"
    );
}

/// Mined on Ethereum's main network.
fn mined() -> (Transaction, Signature) {
    let transaction = Transaction {
        chain: ChainId::MAINNET,
        nonce: 0x42,
        gas_limit: 44_386,
        fee: Fee::Dynamic {
            max_fee_per_gas: 0x4_a817_c800,
            max_priority_fee_per_gas: 0x3b9a_ca00,
            access: Vec::new(),
        },
        to: TxKind::Call(address!("0x6069a6c32cf691f5982febae4faf8a6f3ab2f0f6")),
        value: U256::ZERO,
        data: hex!("a22cb4650000000000000000000000005eee75727d804a2b13038928d36f8b188945a57a0000000000000000000000000000000000000000000000000000000000000000").into(),
    };
    let signature = Signature::from_scalars_and_parity(
        b256!("0x840cfc572845f5786e702984c2a582528cad4b49b2a10b9db1be7fca90058565"),
        b256!("0x25e7109ceb98168d95b09b18bbf6b685130e0562f233877d492b94eee0c5b6d1"),
        false,
    );
    (transaction, signature)
}

#[test]
fn a_mined_transaction_of_eip_1559_has_its_hash() {
    let (transaction, signature) = mined();
    assert_eq!(
        transaction.digest(),
        b256!("0x0d5688ac3897124635b6cf1bc0e29d6dfebceebdc10a54d74f2ef8b56535b682")
    );
    let by = address!("0xdd6b8b3dc6b7ad97db52f08a275ff4483e024cea");
    let signed = finish(&transaction, &account(by), &signature).unwrap();
    assert_eq!(
        signed.hash,
        b256!("0x0ec0b6a2df4d87424e5f6ad2a654e27aaeb7dac20ae9e8385cc09087ad532ee0")
    );
}

#[test]
fn an_access_list_is_listed() {
    let (mut transaction, _) = mined();
    let Fee::Dynamic { access, .. } = &mut transaction.fee else {
        unreachable!("it has a dynamic fee");
    };
    access.push(Access {
        address: Address::repeat_byte(0x11),
        keys: vec![B256::ZERO, B256::repeat_byte(0x22)],
    });
    let bytes = transaction.unsigned();
    // address, and a list of two keys
    let line = [
        &[0xf8, 0x59, 0x94][..],
        &[0x11; 20],
        &[0xf8, 0x42, 0xa0],
        &[0; 32],
        &[0xa0],
        &[0x22; 32],
    ]
    .concat();
    assert!(
        bytes.ends_with(&[&[0xf8, 0x5b][..], &line].concat()),
        "{}",
        hex::encode(bytes)
    );
    assert_eq!(parse(&transaction.unsigned()), Ok(transaction));
}

#[rstest]
#[case::another_parity(|s: Signature| s.with_parity(true))]
#[case::another_s(|s: Signature| Signature::new(s.r(), s.s() + U256::from(1), s.v()))]
#[case::another_r(|s: Signature| Signature::new(s.r() + U256::from(1), s.s(), s.v()))]
#[case::nothing(|_| Signature::new(U256::ZERO, U256::ZERO, false))]
#[case::beyond_the_order(|s: Signature| Signature::new(U256::MAX, s.s(), s.v()))]
fn p17_a_signature_that_is_not_the_accounts_is_not_broadcast(#[case] spoil: fn(Signature) -> Signature) {
    let (transaction, signature) = mined();
    let account = account(address!("0xdd6b8b3dc6b7ad97db52f08a275ff4483e024cea"));
    assert_eq!(
        finish(&transaction, &account, &spoil(signature)),
        Err(BadSignature::Other)
    );
    finish(&transaction, &account, &signature).unwrap();
}

#[test]
fn p17_the_larger_s_is_not_broadcast() {
    let (transaction, signature) = mined();
    let order = U256::from_str_radix("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141", 16).unwrap();
    let high = Signature::new(signature.r(), order - signature.s(), !signature.v());
    let account = account(address!("0xdd6b8b3dc6b7ad97db52f08a275ff4483e024cea"));
    let refused = finish(&transaction, &account, &high).unwrap_err();
    assert_eq!(refused, BadSignature::HighS);
    assert_ne!(refused.reason(), BadSignature::Other.reason());
}
