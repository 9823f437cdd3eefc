//! One spoiled thing at a time, in typed data that is otherwise accepted.

use rstest::rstest;
use serde_json::{Value, json};

use super::{account, mail, one, read};
use crate::evm::typed::{MAX_BYTES, Refused, facts};
use crate::evm::{AddressError, Allowed, ChainId};

fn reason(json: &str) -> &'static str {
    match facts(json.as_bytes(), &account(), &Allowed::default()) {
        Ok(_) => "accepted",
        Err(refused) => refused.reason(),
    }
}

fn remove(data: &mut Value, key: &str) {
    data.as_object_mut().unwrap().remove(key).unwrap();
}

#[rstest]
#[case::no_chain(|d: &mut Value| { remove(&mut d["domain"], "chainId"); d["types"]["EIP712Domain"].as_array_mut().unwrap().remove(2); }, "NO_CHAIN_ID")]
#[case::no_domain_at_all(|d: &mut Value| { d["domain"] = json!({}); d["types"]["EIP712Domain"] = json!([]); }, "NO_CHAIN_ID")]
#[case::a_chain_that_no_type_declares(|d: &mut Value| { d["types"]["EIP712Domain"].as_array_mut().unwrap().remove(2); }, "TYPED_DATA_SURPLUS")]
#[case::a_chain_that_is_not_there(|d: &mut Value| remove(&mut d["domain"], "chainId"), "TYPED_DATA_MISSING")]
#[case::a_null_chain(|d: &mut Value| d["domain"]["chainId"] = Value::Null, "TYPED_DATA_VALUE")]
#[case::chain_zero(|d: &mut Value| d["domain"]["chainId"] = json!(0), "CHAIN_ID")]
#[case::a_chain_of_256_bits(|d: &mut Value| d["domain"]["chainId"] = json!("0x10000000000000001"), "CHAIN_ID")]
#[case::another_chain(|d: &mut Value| d["domain"]["chainId"] = json!(137), "WRONG_CHAIN")]
fn c18_typed_data_for_no_chain_or_another_is_refused(#[case] spoil: fn(&mut Value), #[case] reason: &str) {
    refuses(spoil, reason);
}

#[rstest]
#[case::top(|d: &mut Value| d["more"] = json!(1), "TYPED_DATA_SURPLUS")]
#[case::message(|d: &mut Value| d["message"]["more"] = json!(1), "TYPED_DATA_SURPLUS")]
#[case::struct_within(|d: &mut Value| d["message"]["to"]["more"] = json!(1), "TYPED_DATA_SURPLUS")]
#[case::domain(|d: &mut Value| d["domain"]["salt"] = json!(1), "TYPED_DATA_SURPLUS")]
#[case::member(|d: &mut Value| d["types"]["Mail"][0]["more"] = json!(1), "TYPED_DATA_SURPLUS")]
#[case::no_types(|d: &mut Value| remove(d, "types"), "TYPED_DATA_MISSING")]
#[case::no_primary_type(|d: &mut Value| remove(d, "primaryType"), "TYPED_DATA_MISSING")]
#[case::no_domain(|d: &mut Value| remove(d, "domain"), "TYPED_DATA_MISSING")]
#[case::no_message(|d: &mut Value| remove(d, "message"), "TYPED_DATA_MISSING")]
#[case::no_member(|d: &mut Value| remove(&mut d["message"], "contents"), "TYPED_DATA_MISSING")]
#[case::no_member_within(|d: &mut Value| remove(&mut d["message"]["to"], "wallet"), "TYPED_DATA_MISSING")]
#[case::no_domain_type(|d: &mut Value| remove(&mut d["types"], "EIP712Domain"), "TYPE_UNKNOWN")]
#[case::a_list(|d: &mut Value| *d = json!([]), "TYPED_DATA_VALUE")]
#[case::types_as_a_list(|d: &mut Value| d["types"] = json!([]), "TYPED_DATA_VALUE")]
#[case::members_as_an_object(|d: &mut Value| d["types"]["Mail"] = json!({}), "TYPED_DATA_VALUE")]
#[case::member_as_a_list(|d: &mut Value| d["types"]["Mail"][0] = json!([]), "TYPED_DATA_VALUE")]
#[case::member_without_a_name(|d: &mut Value| remove(&mut d["types"]["Mail"][0], "name"), "TYPED_DATA_VALUE")]
#[case::member_without_a_type(|d: &mut Value| remove(&mut d["types"]["Mail"][0], "type"), "TYPED_DATA_VALUE")]
#[case::primary_type_as_a_number(|d: &mut Value| d["primaryType"] = json!(1), "TYPED_DATA_VALUE")]
#[case::struct_as_a_list(|d: &mut Value| d["message"]["to"] = json!([]), "TYPED_DATA_VALUE")]
#[case::message_as_null(|d: &mut Value| d["message"] = Value::Null, "TYPED_DATA_VALUE")]
#[case::an_unknown_primary_type(|d: &mut Value| d["primaryType"] = json!("Letter"), "TYPE_UNKNOWN")]
#[case::the_domain_as_message(|d: &mut Value| { d["primaryType"] = json!("EIP712Domain"); d["message"] = d["domain"].clone(); }, "PRIMARY_TYPE")]
#[case::an_address_off_by_a_digit(|d: &mut Value| d["message"]["to"]["wallet"] = json!("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbA"), "TYPED_DATA_ADDRESS")]
#[case::an_address_cut_short(|d: &mut Value| d["message"]["to"]["wallet"] = json!("0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBb"), "TYPED_DATA_ADDRESS")]
#[case::a_number_as_address(|d: &mut Value| d["message"]["to"]["wallet"] = json!(1), "TYPED_DATA_VALUE")]
fn c18_typed_data_that_is_not_what_it_declares_is_refused(#[case] spoil: fn(&mut Value), #[case] reason: &str) {
    refuses(spoil, reason);
}

#[rstest]
#[case::an_unknown_type(|d: &mut Value| d["types"]["Mail"][0]["type"] = json!("Human"), "TYPE_UNKNOWN")]
#[case::an_unknown_type_that_nobody_uses(|d: &mut Value| d["types"]["Other"] = json!([{ "name": "a", "type": "Human" }]), "TYPE_UNKNOWN")]
#[case::an_alias(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("uint"), "TYPE_UNKNOWN")]
#[case::an_alias_of_int(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("int"), "TYPE_UNKNOWN")]
#[case::odd_bits(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("uint7"), "TYPE_UNKNOWN")]
#[case::no_bits(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("uint0"), "TYPE_UNKNOWN")]
#[case::many_bits(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("int264"), "TYPE_UNKNOWN")]
#[case::bits_spelled_otherwise(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("uint08"), "TYPE_UNKNOWN")]
#[case::many_bytes(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("bytes33"), "TYPE_UNKNOWN")]
#[case::no_bytes(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("bytes0"), "TYPE_UNKNOWN")]
#[case::a_function(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("function"), "TYPE_UNKNOWN")]
#[case::a_tuple(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("(string,string)"), "TYPE_UNKNOWN")]
#[case::an_open_array(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("string["), "TYPE_UNKNOWN")]
#[case::an_array_of_none(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("string[0]"), "TYPE_UNKNOWN")]
#[case::an_array_spelled_otherwise(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("string[01]"), "TYPE_UNKNOWN")]
#[case::something_after_an_array(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("string[]x"), "TYPE_UNKNOWN")]
#[case::no_type(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!(""), "TYPE_UNKNOWN")]
#[case::a_space(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("string "), "TYPE_UNKNOWN")]
#[case::deep_arrays(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!(format!("string{}", "[]".repeat(25))), "TYPE_UNKNOWN")]
#[case::a_type_named_like_a_built_in(|d: &mut Value| d["types"]["uint256"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_type_named_like_an_alias(|d: &mut Value| d["types"]["uint"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_type_named_like_odd_bits(|d: &mut Value| d["types"]["uint7"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_type_that_ends_early(|d: &mut Value| d["types"]["A(uint256 b)C"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_type_that_sorts_before_itself(|d: &mut Value| d["types"]["Person$"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_type_that_starts_with_a_dollar_sign(|d: &mut Value| d["types"]["$Person"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_member_of_a_type_that_sorts_before_itself(|d: &mut Value| d["types"]["Mail"][2]["type"] = json!("Person$"), "TYPE_UNKNOWN")]
#[case::a_type_without_a_name(|d: &mut Value| d["types"][""] = json!([]), "TYPED_DATA_NAME")]
#[case::a_name_that_starts_with_a_digit(|d: &mut Value| d["types"]["1A"] = json!([]), "TYPED_DATA_NAME")]
#[case::a_member_that_ends_early(|d: &mut Value| d["types"]["Mail"][2]["name"] = json!("contents)Person(string name"), "TYPED_DATA_NAME")]
#[case::a_member_without_a_name(|d: &mut Value| d["types"]["Mail"][2]["name"] = json!(""), "TYPED_DATA_NAME")]
#[case::a_long_name(|d: &mut Value| d["types"]["Mail"][2]["name"] = json!("a".repeat(65)), "TYPED_DATA_NAME")]
#[case::a_member_twice(|d: &mut Value| d["types"]["Mail"][1]["name"] = json!("from"), "TYPED_DATA_REPEATED")]
#[case::made_of_itself(|d: &mut Value| d["types"]["Person"][0]["type"] = json!("Person"), "TYPE_RECURSIVE")]
#[case::made_of_many_of_itself(|d: &mut Value| d["types"]["Person"][0]["type"] = json!("Person[]"), "TYPE_RECURSIVE")]
#[case::made_of_each_other(|d: &mut Value| d["types"]["Person"][0]["type"] = json!("Mail[]"), "TYPE_RECURSIVE")]
#[case::many_types(|d: &mut Value| for n in 0..62 { d["types"][format!("T{n}")] = json!([]); }, "TOO_MANY_TYPES")]
#[case::many_members(|d: &mut Value| {
    let members = (0..65).map(|n| json!({ "name": format!("m{n}"), "type": "bool" }));
    d["types"]["Other"] = members.collect();
}, "TOO_MANY_MEMBERS")]
#[case::a_long_type(|d: &mut Value| {
    // Each is made of two of the one before: 2^20 in all, looked at once.
    d["types"]["T0"] = json!([]);
    for n in 1..20 {
        let one = json!({ "name": "a", "type": format!("T{}", n - 1) });
        let other = json!({ "name": "b", "type": format!("T{}", n - 1) });
        d["types"][format!("T{n}")] = json!([one, other]);
    }
}, "TYPE_TOO_LONG")]
#[case::a_domain_in_another_order(|d: &mut Value| d["types"]["EIP712Domain"].as_array_mut().unwrap().swap(0, 1), "DOMAIN_TYPE")]
#[case::a_domain_with_a_member_of_its_own(|d: &mut Value| {
    d["types"]["EIP712Domain"].as_array_mut().unwrap().push(json!({ "name": "more", "type": "bool" }));
    d["domain"]["more"] = json!(true);
}, "DOMAIN_TYPE")]
#[case::a_chain_of_another_type(|d: &mut Value| d["types"]["EIP712Domain"][2]["type"] = json!("uint64"), "DOMAIN_TYPE")]
#[case::a_chain_in_words(|d: &mut Value| {
    d["types"]["EIP712Domain"][2]["type"] = json!("string");
    d["domain"]["chainId"] = json!("1");
}, "DOMAIN_TYPE")]
fn c18_types_that_libraries_may_read_differently_are_refused(#[case] spoil: fn(&mut Value), #[case] reason: &str) {
    refuses(spoil, reason);
}

/// Keys stand twice only in text.
#[rstest]
#[case::top(r#""primaryType":"Mail""#, r#""primaryType":"Mail","primaryType":"Person""#)]
#[case::domain(r#""chainId":1"#, r#""chainId":1,"chainId":137"#)]
#[case::the_same_again(r#""chainId":1"#, r#""chainId":1,"chainId":1"#)]
#[case::escaped(r#""chainId":1"#, r#""chainId":1,"ch\u0061inId":137"#)]
#[case::message(r#""contents":"Hello, Bob!""#, r#""contents":"Hello, Bob!","contents":"""#)]
#[case::types(r#""Person":["#, r#""Person":[],"Person":["#)]
#[case::member(r#""name":"contents""#, r#""name":"contents","name":"other""#)]
fn c18_a_key_that_stands_twice_is_refused(#[case] once: &str, #[case] twice: &str) {
    let json = mail().to_string();
    assert!(json.contains(once), "{json}");
    assert_eq!(reason(&json.replacen(once, twice, 1)), "TYPED_DATA_REPEATED");
}

#[rstest]
#[case::nothing("")]
#[case::cut("{\"types\":")]
#[case::two("{} {}")]
#[case::a_comma("{\"types\":{},}")]
#[case::a_comment("{} // mail")]
#[case::not_a_number("{\"types\":NaN}")]
#[case::half_a_character("{\"types\":\"\\ud800\"}")]
#[case::very_deep(&"[".repeat(100_000))]
fn a17_what_is_no_json_is_refused(#[case] json: &str) {
    assert_eq!(reason(json), "TYPED_DATA_NOT_JSON");
    assert_eq!(reason("\u{feff}{}"), "TYPED_DATA_NOT_JSON");
}

#[rstest]
#[case("uint8", json!(255), json!(256))]
#[case("uint8", json!("255"), json!("256"))]
#[case("uint8", json!("0xff"), json!("0x100"))]
#[case("uint8", json!(0), json!(-1))]
#[case("uint256", json!("0"), json!("-1"))]
#[case("uint160", json!("1461501637330902918203684832716283019655932542975"), json!("1461501637330902918203684832716283019655932542976"))]
#[case("uint256", json!(format!("0x{}", "f".repeat(64))), json!(format!("0x1{}", "0".repeat(64))))]
#[case("uint256", json!("115792089237316195423570985008687907853269984665640564039457584007913129639935"), json!("115792089237316195423570985008687907853269984665640564039457584007913129639936"))]
#[case("uint256", json!(0), json!("9".repeat(200)))]
#[case("int8", json!(127), json!(128))]
#[case("int8", json!(-128), json!(-129))]
#[case("int8", json!("-0x80"), json!("-0x81"))]
#[case("int8", json!("0x7f"), json!("0x80"))]
#[case("int256", json!(format!("0x7f{}", "f".repeat(62))), json!(format!("0x80{}", "0".repeat(62))))]
#[case("int256", json!(format!("-0x80{}", "0".repeat(62))), json!(format!("-0x80{}1", "0".repeat(61))))]
fn c18_a_number_that_its_type_does_not_hold_is_refused(
    #[case] written: &str,
    #[case] last: Value,
    #[case] next: Value,
) {
    read(&one(written, &last)).unwrap();
    assert_eq!(read(&one(written, &next)).unwrap_err().reason(), "TYPED_DATA_OVERFLOW");
}

#[rstest]
#[case::past_what_a_double_holds("9007199254740992")]
#[case::past_64_bits("18446744073709551616")]
#[case::a_part("1.5")]
#[case::a_whole_part("1.0")]
#[case::an_exponent("1e3")]
#[case::less_than_nothing("-0")]
#[case::huge("1e300")]
fn c18_a_number_that_some_readers_round_is_refused(#[case] number: &str) {
    let json = one("uint256", &json!(9_007_199_254_740_991_u64)).to_string();
    assert_eq!(reason(&json), "accepted");
    assert_eq!(reason(&json.replace("9007199254740991", number)), "TYPED_DATA_NUMBER");
}

#[rstest]
#[case("uint256", json!(""))]
#[case("uint256", json!("-"))]
#[case("uint256", json!("0x"))]
#[case("uint256", json!("0X1"))]
#[case("uint256", json!("01"))]
#[case("uint256", json!("+1"))]
#[case("uint256", json!(" 1"))]
#[case("uint256", json!("1_000"))]
#[case("uint256", json!("0b1"))]
#[case("uint256", json!("0x0x1"))]
#[case("uint256", json!("1e3"))]
#[case("uint256", json!("0xg"))]
#[case("int256", json!("-0"))]
#[case("int256", json!("--1"))]
#[case("uint256", json!(true))]
#[case("uint256", json!([1]))]
#[case("bool", json!(1))]
#[case("bool", json!("true"))]
#[case("bool", Value::Null)]
#[case("string", json!(1))]
#[case("string", Value::Null)]
#[case("bytes", json!("00"))]
#[case("bytes", json!("0x0"))]
#[case("bytes", json!("0xzz"))]
#[case("bytes", json!("0x0x00"))]
#[case("bytes", json!([0]))]
#[case("bytes4", json!("0x000000"))]
#[case("bytes4", json!("0x0000000000"))]
#[case("bytes4", json!("0x"))]
#[case("uint8[]", json!(1))]
#[case("uint8[]", json!({ "0": 1 }))]
#[case("uint8[2]", json!([1]))]
#[case("uint8[2]", json!([1, 2, 3]))]
#[case("uint8[][2]", json!([[1]]))]
#[case("uint8[2][]", json!([[1]]))]
fn c18_a_value_of_another_kind_is_refused(#[case] written: &str, #[case] value: Value) {
    assert_eq!(read(&one(written, &value)).unwrap_err().reason(), "TYPED_DATA_VALUE");
}

#[rstest]
#[case("bytes", json!("0x"))]
#[case("bytes", json!("0xABcd"))]
#[case("bytes4", json!("0x00000000"))]
#[case("uint8[]", json!([]))]
#[case("uint8[2]", json!([1, 2]))]
#[case("uint8[][2]", json!([[], [1]]))]
#[case("uint8[2][]", json!([[1, 2], [3, 4], [5, 6]]))]
#[case("int16", json!(-1))]
#[case("string", json!("\u{0}"))]
fn a_value_of_its_kind_is_accepted(#[case] written: &str, #[case] value: Value) {
    read(&one(written, &value)).unwrap();
}

#[test]
fn f18_the_largest_typed_data_is_read_and_one_byte_more_is_not() {
    let mut data = mail();
    let rest = data.to_string().len() - "Hello, Bob!".len();
    data["message"]["contents"] = json!("a".repeat(MAX_BYTES - rest));
    let json = data.to_string();
    assert_eq!(json.len(), MAX_BYTES);
    assert_eq!(reason(&json), "accepted");
    assert_eq!(reason(&format!("{json} ")), "TYPED_DATA_TOO_LARGE");
}

#[test]
fn f18_more_values_than_are_read_are_refused() {
    // The member itself is a value, and the domain has one.
    assert!(read(&one("uint8[]", &json!(vec![0; 8_190]))).is_ok());
    assert_eq!(
        read(&one("uint8[]", &json!(vec![0; 8_191]))),
        Err(Refused::TooManyValues { limit: 8_192 })
    );
    let people = |count: usize| {
        let mut data = mail();
        data["types"]["Mail"] = json!([{ "name": "to", "type": "None[]" }]);
        data["types"]["None"] = json!([]);
        data["message"] = json!({ "to": vec![json!({}); count] });
        read(&data)
    };
    // The domain and the message are structs too.
    assert!(people(1_022).is_ok());
    assert_eq!(people(1_023), Err(Refused::TooManyValues { limit: 1_024 }));
}

#[test]
fn f18_types_that_take_long_to_hash_for_all_structs_are_refused() {
    // 250 structs of one value each, whose types come to 4,194 bytes; the last name fills the million to the byte.
    let structs = |last: usize| {
        let mut data = one("Short[]", &json!(vec![json!({ "a": [] }); 249]));
        let long = (0..60).map(|place| {
            let width = if place == 0 { 35 } else { 63 };
            json!({ "name": format!("m{place:0>width$}"), "type": "bool" })
        });
        data["types"]["Long"] = long.collect();
        data["types"]["Short"] = json!([{ "name": "a", "type": "Long[]" }]);
        let name = "b".repeat(last);
        let members = data["types"]["One"].as_array_mut().unwrap();
        members.push(json!({ "name": name, "type": "bool[]" }));
        data["message"][name] = json!([]);
        read(&data)
    };
    structs(22).unwrap();
    assert_eq!(structs(23), Err(Refused::TypesTooLong { limit: 1 << 20 }));
}

#[test]
fn f18_values_deeper_than_are_read_are_refused() {
    let nested = |levels: usize| {
        let mut data = one("T1", &json!({}));
        let mut value = json!({});
        for level in 1..levels {
            data["types"][format!("T{level}")] = json!([{ "name": "a", "type": format!("T{}", level + 1) }]);
            value = json!({ "a": value });
        }
        data["types"][format!("T{levels}")] = json!([]);
        data["message"]["it"] = value;
        read(&data)
    };
    assert!(nested(32).is_ok());
    assert_eq!(nested(33), Err(Refused::TooDeep { limit: 32 }));
}

#[test]
fn every_refusal_has_a_stable_reason_and_says_what_to_do() {
    let name = || "to".to_owned();
    let all = [
        Refused::TooLarge { limit: 131_072 },
        Refused::NotJson { line: 1, column: 2 },
        Refused::Repeated { name: name() },
        Refused::Missing { name: name() },
        Refused::surplus("to\u{1b}[2J"),
        Refused::value("to", "address"),
        Refused::overflow("to", "uint8"),
        Refused::Number { name: name() },
        Refused::Address {
            name: name(),
            fault: AddressError::Checksum,
        },
        Refused::Name { name: name() },
        Refused::TypeUnknown { name: name() },
        Refused::Recursive { name: name() },
        Refused::PrimaryType,
        Refused::DomainType,
        Refused::TooManyTypes { limit: 64 },
        Refused::TooManyMembers { limit: 64 },
        Refused::TypeTooLong { limit: 8_192 },
        Refused::TypesTooLong { limit: 1 << 20 },
        Refused::TooManyValues { limit: 8_192 },
        Refused::TooDeep { limit: 32 },
        Refused::NoChain,
        Refused::ChainId,
        Refused::WrongChain {
            asked: ChainId::try_from(137).unwrap(),
            expected: ChainId::MAINNET,
        },
        Refused::Encoding,
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

/// Accepted before, refused for this reason after.
fn refuses(spoil: fn(&mut Value), reason: &str) {
    let mut data = mail();
    read(&data).unwrap();
    spoil(&mut data);
    assert_eq!(read(&data).unwrap_err().reason(), reason);
}
