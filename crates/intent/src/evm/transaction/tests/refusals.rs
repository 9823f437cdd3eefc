//! One spoiled thing at a time, in a transaction that is otherwise accepted.

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_rlp::{Encodable, encode_list};
use rstest::rstest;

use super::{BOB, Owner, dynamic, honest, listed};
use crate::evm::transaction::{Access, Fee, Limits, MAX_BYTES, Refused, Transaction, facts, facts_within, parse};
use crate::evm::{Account, ChainId};

fn account() -> Account {
    Owner::new([0x46; 32]).account
}

/// A legacy list of any fields.
fn list(fields: &[&dyn Encodable]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_list::<&dyn Encodable, dyn Encodable>(fields, &mut out);
    out
}

/// A field of any bytes.
fn raw(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

#[rstest]
#[case::no_bytes(vec![], "TRANSACTION_EMPTY")]
#[case::too_many(vec![0xc0; MAX_BYTES + 1], "TRANSACTION_TOO_LARGE")]
#[case::type_zero(vec![0, 0xc0], "TRANSACTION_TYPE")]
#[case::type_five(vec![5, 0xc0], "TRANSACTION_TYPE")]
#[case::a_string(vec![0x83, 1, 2, 3], "TRANSACTION_TYPE")]
#[case::type_of_a_message(vec![0x19, 1], "TRANSACTION_TYPE")]
#[case::type_255(vec![0xff], "TRANSACTION_TYPE")]
#[case::blobs([&[3], &dynamic().unsigned()[1..]].concat(), "BLOB_TRANSACTION")]
#[case::a_type_alone(vec![2], "TRANSACTION_NOT_RLP")]
#[case::a_type_and_a_string(vec![2, 0x80], "TRANSACTION_NOT_RLP")]
#[case::an_empty_list(vec![0xc0], "TRANSACTION_FIELDS")]
#[case::a_type_and_an_empty_list(vec![1, 0xc0], "TRANSACTION_FIELDS")]
#[case::cut_short(honest().unsigned()[..40].to_vec(), "TRANSACTION_NOT_RLP")]
#[case::cut_short_with_type(dynamic().unsigned()[..40].to_vec(), "TRANSACTION_NOT_RLP")]
#[case::a_byte_more([honest().unsigned(), vec![0]].concat(), "TRANSACTION_TRAILING_BYTES")]
#[case::a_byte_more_with_type([listed().unsigned(), vec![0]].concat(), "TRANSACTION_TRAILING_BYTES")]
#[case::fields_of_another_type([&[1], &dynamic().unsigned()[1..]].concat(), "TRANSACTION_FIELDS")]
#[case::a_list_of_the_longer_form([&[0xf8, 44], &honest().unsigned()[1..]].concat(), "TRANSACTION_NOT_RLP")]
fn c11_what_is_no_unsigned_transaction_is_refused(#[case] bytes: Vec<u8>, #[case] reason: &str) {
    assert_eq!(parse(&bytes).unwrap_err().reason(), reason);
}

#[test]
fn c11_a_transaction_from_before_eip_155_is_refused() {
    let bytes = list(&[&9_u64, &20_u64, &21_000_u64, &BOB, &1_u64, &raw(&[])]);
    assert_eq!(parse(&bytes), Err(Refused::NoChain));
}

#[rstest]
#[case::none(0)]
#[case::one(1)]
fn c18_an_authorization_is_refused_for_any_chain(#[case] chain: u64) {
    // EIP-7702: the code of `BOB` for the account, for one chain or, with 0, for all.
    let authorization = list(&[&chain, &BOB, &0_u64, &0_u8, &1_u64, &1_u64]);
    let mut fields = dynamic().unsigned()[1..].to_vec();
    fields.extend(authorization);
    assert_eq!(parse(&[&[4], fields.as_slice()].concat()), Err(Refused::Authorizations));
    assert_eq!(parse(&[4]), Err(Refused::Authorizations));
    // The message of EIP-7702 itself, which would be signed as such.
    assert_eq!(
        parse(&[vec![5], list(&[&chain, &BOB, &0_u64])].concat()),
        Err(Refused::UnknownType(5))
    );
}

#[rstest]
#[case::legacy(honest())]
#[case::access_list(listed())]
#[case::dynamic(dynamic())]
fn c11_a_signed_transaction_is_not_signed_again(#[case] transaction: Transaction) {
    let owner = Owner::new([0x46; 32]);
    let signed = transaction.signed(&owner.sign(transaction.digest()));
    assert_eq!(parse(&signed), Err(Refused::AlreadySigned));
}

#[test]
fn c11_a_transaction_signed_before_eip_155_is_not_signed_again() {
    // Whole, and with half of a signature.
    for r in [1_u64, 0] {
        let bytes = list(&[
            &9_u64,
            &20_u64,
            &21_000_u64,
            &BOB,
            &1_u64,
            &raw(&[]),
            &27_u8,
            &r,
            &1_u64,
        ]);
        assert_eq!(parse(&bytes), Err(Refused::AlreadySigned));
    }
}

#[rstest]
#[case::nonce(0, raw(&[1; 9]), "TRANSACTION_OVERFLOW")]
#[case::gas_price(1, raw(&[1; 17]), "TRANSACTION_OVERFLOW")]
#[case::gas_limit(2, raw(&[1; 9]), "TRANSACTION_OVERFLOW")]
#[case::value(4, raw(&[1; 33]), "TRANSACTION_OVERFLOW")]
#[case::chain_id(6, raw(&[1; 33]), "TRANSACTION_OVERFLOW")]
#[case::r(7, raw(&[1; 33]), "TRANSACTION_OVERFLOW")]
#[case::nonce_with_a_zero_before(0, raw(&[0, 9]), "TRANSACTION_FIELD")]
#[case::nonce_as_a_zero_byte(0, raw(&[0]), "TRANSACTION_FIELD")]
#[case::value_with_a_zero_before(4, raw(&[0, 1]), "TRANSACTION_FIELD")]
#[case::chain_with_a_zero_before(6, raw(&[0, 1]), "TRANSACTION_FIELD")]
#[case::short_address(3, raw(&[0x35; 19]), "TRANSACTION_FIELD")]
#[case::long_address(3, raw(&[0x35; 21]), "TRANSACTION_FIELD")]
#[case::no_chain(6, raw(&[]), "CHAIN_ID")]
#[case::a_chain_of_64_bits(6, raw(&[0xff; 8]), "CHAIN_ID")]
#[case::a_chain_of_256_bits(6, raw(&[0xff; 32]), "CHAIN_ID")]
fn c11_a_field_out_of_shape_is_refused(#[case] place: usize, #[case] spoiled: Bytes, #[case] reason: &str) {
    let fields: [&dyn Encodable; 9] = [
        &9_u64,
        &20_u64,
        &21_000_u64,
        &BOB,
        &1_u64,
        &raw(&[]),
        &1_u64,
        &0_u64,
        &0_u64,
    ];
    parse(&list(&fields)).unwrap();
    let mut fields = fields;
    fields[place] = &spoiled;
    assert_eq!(parse(&list(&fields)).unwrap_err().reason(), reason);
}

#[test]
fn c11_a_field_that_is_a_list_is_refused() {
    let empty: Vec<u64> = Vec::new();
    for place in 0..9 {
        let mut fields: [&dyn Encodable; 9] = [
            &9_u64,
            &20_u64,
            &21_000_u64,
            &BOB,
            &1_u64,
            &raw(&[]),
            &1_u64,
            &0_u64,
            &0_u64,
        ];
        fields[place] = &empty;
        assert_eq!(
            parse(&list(&fields)).unwrap_err().reason(),
            "TRANSACTION_FIELD",
            "{place}"
        );
    }
}

#[rstest]
#[case::a_string(&raw(&[]))]
#[case::a_number_in_it(&vec![1_u64])]
#[case::a_line_of_an_address_alone(&vec![vec![BOB]])]
#[case::a_line_with_a_third(&vec![Line(1)])]
fn c11_an_access_list_out_of_shape_is_refused(#[case] access: &dyn Encodable) {
    let fields: [&dyn Encodable; 8] = [&1_u64, &9_u64, &20_u64, &21_000_u64, &BOB, &1_u64, &raw(&[]), access];
    let bytes = [vec![1], list(&fields)].concat();
    assert_eq!(parse(&bytes), Err(Refused::Field { field: "access list" }));
    let mut fields = fields;
    let good = vec![Line(0)];
    fields[7] = &good;
    parse(&[vec![1], list(&fields)].concat()).unwrap();
}

/// A line of an access list with so many fields too many.
struct Line(usize);

impl Encodable for Line {
    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        let keys: Vec<u64> = Vec::new();
        let fields: [&dyn Encodable; 3] = [&BOB, &keys, &1_u64];
        encode_list::<&dyn Encodable, dyn Encodable>(&fields[..2 + self.0], out);
    }
}

#[rstest]
#[case::another_chain(|t: &mut Transaction| t.chain = ChainId::try_from(137).unwrap(), "WRONG_CHAIN")]
#[case::the_last_nonce(|t: &mut Transaction| t.nonce = u64::MAX, "NONCE_OUT_OF_RANGE")]
#[case::much_gas(|t: &mut Transaction| t.gas_limit = 30_000_001, "GAS_TOO_HIGH")]
#[case::all_gas(|t: &mut Transaction| t.gas_limit = u64::MAX, "GAS_TOO_HIGH")]
#[case::dear_gas(|t: &mut Transaction| t.fee = fee(1_000_000_000_001, 0), "FEE_PER_GAS_TOO_HIGH")]
#[case::dearest_gas(|t: &mut Transaction| t.fee = fee(u128::MAX, 0), "FEE_PER_GAS_TOO_HIGH")]
#[case::dear_legacy_gas(|t: &mut Transaction| t.fee = Fee::Legacy { gas_price: 1_000_000_000_001 }, "FEE_PER_GAS_TOO_HIGH")]
#[case::a_tip_above_all(|t: &mut Transaction| t.fee = fee(1, 2), "PRIORITY_ABOVE_MAX")]
#[case::a_fee_above_half_an_ether(|t: &mut Transaction| { t.gas_limit = 30_000_000; t.fee = fee(16_666_666_667, 0); }, "FEE_TOO_HIGH")]
#[case::all_value(|t: &mut Transaction| t.value = U256::MAX, "AMOUNT_OUT_OF_RANGE")]
#[case::to_nobody(|t: &mut Transaction| t.to = TxKind::Call(Address::ZERO), "ZERO_ADDRESS")]
#[case::no_code(|t: &mut Transaction| t.to = TxKind::Create, "NO_CODE")]
#[case::long_code(|t: &mut Transaction| { t.to = TxKind::Create; t.data = vec![0; 49_153].into(); }, "CODE_TOO_LONG")]
#[case::a_long_access_list(|t: &mut Transaction| {
    t.fee = Fee::AccessList { gas_price: 1, access: vec![Access { address: BOB, keys: vec![<_>::default(); 1_000] }] };
}, "ACCESS_LIST_TOO_LONG")]
fn c11_what_no_chain_should_be_asked_is_refused(#[case] spoil: fn(&mut Transaction), #[case] reason: &str) {
    let mut transaction = dynamic();
    facts(&transaction, &account()).unwrap();
    spoil(&mut transaction);
    assert_eq!(parse(&transaction.unsigned()), Ok(transaction.clone()));
    assert_eq!(facts(&transaction, &account()).unwrap_err().reason(), reason);
}

const fn fee(max_fee_per_gas: u128, max_priority_fee_per_gas: u128) -> Fee {
    Fee::Dynamic {
        max_fee_per_gas,
        max_priority_fee_per_gas,
        access: Vec::new(),
    }
}

#[rstest]
#[case::the_last_but_one_nonce(|t: &mut Transaction| t.nonce = u64::MAX - 1)]
#[case::all_the_gas(|t: &mut Transaction| { t.gas_limit = 30_000_000; t.fee = fee(16_666_666_666, 0); })]
#[case::the_dearest_gas(|t: &mut Transaction| t.fee = fee(1_000_000_000_000, 0))]
#[case::all_of_it_a_tip(|t: &mut Transaction| t.fee = fee(7, 7))]
#[case::free_gas(|t: &mut Transaction| t.fee = fee(0, 0))]
#[case::all_that_there_can_be(|t: &mut Transaction| t.value = U256::MAX - U256::from(21_000_u64 * 20_000_000_000))]
#[case::the_longest_code(|t: &mut Transaction| { t.to = TxKind::Create; t.data = vec![0; 49_152].into(); })]
#[case::the_longest_access_list(|t: &mut Transaction| {
    t.fee = Fee::AccessList { gas_price: 1, access: vec![Access { address: BOB, keys: vec![<_>::default(); 999] }] };
})]
fn a_transaction_at_the_limit_is_accepted(#[case] change: fn(&mut Transaction)) {
    let mut transaction = dynamic();
    change(&mut transaction);
    let parsed = parse(&transaction.unsigned()).unwrap();
    facts(&parsed, &account()).unwrap();
}

#[test]
fn f18_the_largest_transaction_is_read_and_one_byte_more_is_not() {
    let mut transaction = dynamic();
    let other = transaction.unsigned().len();
    // The longer lengths take some bytes more.
    transaction.data = vec![1; MAX_BYTES - other - 6].into();
    let bytes = transaction.unsigned();
    assert_eq!(bytes.len(), MAX_BYTES, "set the difference above");
    assert_eq!(parse(&bytes), Ok(transaction));
    assert_eq!(
        parse(&[bytes, vec![0]].concat()),
        Err(Refused::TooLarge { limit: MAX_BYTES })
    );
}

#[test]
fn limits_are_the_callers_to_choose() {
    let limits = Limits {
        max_gas: 20_999,
        ..Limits::default()
    };
    assert_eq!(
        facts_within(&honest(), &account(), &limits),
        Err(Refused::GasTooHigh {
            gas: 21_000,
            limit: 20_999
        })
    );
}

#[test]
fn every_refusal_has_a_stable_reason_and_says_what_to_do() {
    let chain = ChainId::MAINNET;
    let all = [
        Refused::Empty,
        Refused::TooLarge { limit: 131_072 },
        Refused::NotRlp,
        Refused::TrailingBytes(2),
        Refused::UnknownType(5),
        Refused::Blobs,
        Refused::Authorizations,
        Refused::NoChain,
        Refused::AlreadySigned,
        Refused::FieldCount { expected: 9, got: 8 },
        Refused::Field { field: "to" },
        Refused::Overflow { field: "value" },
        Refused::ChainId,
        Refused::WrongChain {
            asked: ChainId::try_from(137).unwrap(),
            expected: chain,
        },
        Refused::Nonce,
        Refused::GasTooHigh { gas: 3, limit: 2 },
        Refused::PriorityAboveMax,
        Refused::FeePerGasTooHigh { limit: 2 },
        Refused::FeeTooHigh {
            fee: U256::from(3),
            limit: U256::from(2),
        },
        Refused::AmountOutOfRange,
        Refused::AccessTooLong { limit: 1_000 },
        Refused::ZeroAddress,
        Refused::NoCode,
        Refused::CodeTooLong { limit: 49_152 },
    ];
    let mut reasons: Vec<_> = all.iter().map(Refused::reason).collect();
    let lines: Vec<_> = all
        .iter()
        .map(|refused| format!("{}: {refused}", refused.reason()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all.len());
}
