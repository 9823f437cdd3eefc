//! Typed data that moves tokens, and what only looks like it.

use alloy_primitives::{Address, U256, address};
use rstest::rstest;
use serde_json::{Value, json};

use crate::evm::typed::tests::{account, read};
use crate::evm::{Allowance, Approval, Asset, Effect, Order, OrderItem, Transfer, Until, Why};

const TOKEN: Address = Address::repeat_byte(0x70);
const EVE: Address = Address::repeat_byte(0xe0);
const END: u64 = 1_800_000_000;
const MAX: &str = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// Typed data of types as EIP-712 spells them: `Permit(address owner,...)` and those that it is made of.
fn data(types: &[&str], message: &Value) -> Value {
    let mut declared = json!({
        "EIP712Domain": [{ "name": "chainId", "type": "uint256" }, { "name": "verifyingContract", "type": "address" }],
    });
    for text in types {
        let (name, members) = text.strip_suffix(')').unwrap().split_once('(').unwrap();
        let members = members.split(',').map(|member| {
            let (written, name) = member.split_once(' ').unwrap();
            json!({ "name": name, "type": written })
        });
        declared[name] = members.collect();
    }
    json!({
        "types": declared,
        "primaryType": types[0].split_once('(').unwrap().0,
        "domain": { "chainId": 1, "verifyingContract": TOKEN },
        "message": message,
    })
}

fn effects(types: &[&str], message: &Value) -> Vec<Effect> {
    read(&data(types, message)).unwrap().effects
}

fn me() -> Address {
    account().address
}

fn lets(owner: Address, allowance: Allowance, given_by: Until, until: Until) -> Effect {
    Effect::Approval(Approval {
        token: TOKEN,
        kept_by: TOKEN,
        owner,
        spender: EVE,
        allowance,
        given_by,
        until,
    })
}

const ERC2612: &str = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";
const DAI: &str = "Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)";

fn erc2612() -> Value {
    json!({ "owner": me(), "spender": EVE, "value": MAX, "nonce": 0, "deadline": END })
}

#[rstest]
#[case::erc_2612(
    ERC2612,
    erc2612(),
    lets(me(), Allowance::Units(U256::MAX), Until::Time(END), Until::Never)
)]
#[case::dai(
    DAI,
    json!({ "holder": me(), "spender": EVE, "nonce": 0, "expiry": 0, "allowed": true }),
    lets(me(), Allowance::Everything, Until::Never, Until::Never),
)]
#[case::dai_taken_back(
    DAI,
    json!({ "holder": me(), "spender": EVE, "nonce": 0, "expiry": END, "allowed": false }),
    lets(me(), Allowance::Nothing, Until::Time(END), Until::Never),
)]
#[case::one_item(
    "Permit(address spender,uint256 tokenId,uint256 nonce,uint256 deadline)",
    json!({ "spender": EVE, "tokenId": 7, "nonce": 0, "deadline": MAX }),
    lets(me(), Allowance::Item(U256::from(7)), Until::Never, Until::Never),
)]
fn c18_a_permit_names_spender_amount_and_end(#[case] written: &str, #[case] message: Value, #[case] effect: Effect) {
    let effects = effects(&[written], &message);
    let unlimited = matches!(&effect, Effect::Approval(it) if it.allowance.unlimited());
    assert_eq!(effects[0].to_string().contains("UNLIMITED"), unlimited);
    assert_eq!(effects, [effect]);
}

#[rstest]
#[case("TransferWithAuthorization")]
#[case("ReceiveWithAuthorization")]
fn an_authorization_of_eip_3009_is_a_transfer_with_an_end(#[case] name: &str) {
    let written =
        format!("{name}(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)");
    let message = json!({ "from": me(), "to": EVE, "value": 5, "validAfter": 0, "validBefore": END, "nonce": MAX });
    let moved = Transfer {
        token: TOKEN,
        through: TOKEN,
        from: me(),
        to: EVE,
        asset: Asset::Units(U256::from(5)),
        until: Until::Time(END),
    };
    assert_eq!(effects(&[&written], &message), [Effect::Transfer(moved)]);
}

const DETAILS: &str = "PermitDetails(address token,uint160 amount,uint48 expiration,uint48 nonce)";
const PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";
const USDC: Address = address!("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48");
const DAI_TOKEN: Address = address!("0x6B175474E89094C44Da98b954EedeAC495271d0F");

fn through(token: Address, units: U256, until: Until) -> Effect {
    Effect::Approval(Approval {
        token,
        kept_by: TOKEN,
        owner: me(),
        spender: EVE,
        allowance: Allowance::Units(units),
        given_by: Until::Time(END),
        until,
    })
}

#[test]
fn permit2_names_each_token_and_when_its_allowance_ends() {
    let most: U256 = U256::MAX >> 96;
    let details = |token: Address, expiration: u64| json!({ "token": token, "amount": most.to_string(), "expiration": expiration, "nonce": 0 });
    let single = effects(
        &[
            "PermitSingle(PermitDetails details,address spender,uint256 sigDeadline)",
            DETAILS,
        ],
        &json!({ "details": details(USDC, END + 9), "spender": EVE, "sigDeadline": END }),
    );
    assert_eq!(single, [through(USDC, most, Until::Time(END + 9))]);
    assert!(single[0].to_string().contains("UNLIMITED"));
    let batch = effects(
        &[
            "PermitBatch(PermitDetails[] details,address spender,uint256 sigDeadline)",
            DETAILS,
        ],
        &json!({
            "details": [details(USDC, (1 << 48) - 1), details(DAI_TOKEN, 0)],
            "spender": EVE,
            "sigDeadline": END,
        }),
    );
    assert_eq!(
        batch,
        [
            through(USDC, most, Until::Never),
            through(DAI_TOKEN, most, Until::Time(END))
        ]
    );
}

#[test]
fn permit2_names_what_may_be_taken_once_and_a_witness_changes_nothing() {
    let five = U256::from(5);
    let permitted = |token: Address| json!({ "token": token, "amount": 5 });
    let one = json!({ "permitted": permitted(USDC), "spender": EVE, "nonce": 0, "deadline": END });
    let many = json!({
        "permitted": [permitted(USDC), permitted(DAI_TOKEN)], "spender": EVE, "nonce": 0, "deadline": END,
    });
    let with_witness = |message: &Value| {
        let mut message = message.clone();
        message["witness"] = json!({ "info": 1 });
        message
    };
    let head = "address spender,uint256 nonce,uint256 deadline";
    let usdc = through(USDC, five, Until::Time(END));
    let both = [usdc.clone(), through(DAI_TOKEN, five, Until::Time(END))];
    let text = format!("PermitTransferFrom(TokenPermissions permitted,{head})");
    assert_eq!(effects(&[&text, PERMISSIONS], &one), *std::slice::from_ref(&usdc));
    let text = format!("PermitBatchTransferFrom(TokenPermissions[] permitted,{head})");
    assert_eq!(effects(&[&text, PERMISSIONS], &many), both);
    let witness = "Witness(uint256 info)";
    let text = format!("PermitWitnessTransferFrom(TokenPermissions permitted,{head},Witness witness)");
    assert_eq!(effects(&[&text, PERMISSIONS, witness], &with_witness(&one)), [usdc]);
    let text = format!("PermitBatchWitnessTransferFrom(TokenPermissions[] permitted,{head},Witness witness)");
    assert_eq!(effects(&[&text, PERMISSIONS, witness], &with_witness(&many)), both);
}

const OFFER: &str =
    "OfferItem(uint8 itemType,address token,uint256 identifierOrCriteria,uint256 startAmount,uint256 endAmount)";
const CONSIDERATION: &str = "ConsiderationItem(uint8 itemType,address token,uint256 identifierOrCriteria,uint256 startAmount,uint256 endAmount,address recipient)";
const ORDER: &str = "OrderComponents(address offerer,address zone,OfferItem[] offer,ConsiderationItem[] consideration,uint8 orderType,uint256 startTime,uint256 endTime,bytes32 zoneHash,uint256 salt,bytes32 conduitKey,uint256 counter)";

fn order(item_type: u8, id: u64) -> Value {
    json!({
        "offerer": me(),
        "zone": Address::ZERO,
        "offer": [{ "itemType": item_type, "token": USDC, "identifierOrCriteria": id, "startAmount": 1, "endAmount": 2 }],
        "consideration": [{
            "itemType": 0, "token": Address::ZERO, "identifierOrCriteria": 0, "startAmount": 9, "endAmount": 8, "recipient": EVE,
        }],
        "orderType": 0,
        "startTime": 0,
        "endTime": END,
        "zoneHash": format!("0x{}", "0".repeat(64)),
        "salt": 0,
        "conduitKey": format!("0x{}", "0".repeat(64)),
        "counter": 0,
    })
}

fn offered(asset: Asset) -> Effect {
    Effect::Order(Order {
        market: TOKEN,
        offerer: me(),
        gives: vec![OrderItem {
            token: Some(USDC),
            asset,
        }],
        takes: vec![(
            OrderItem {
                token: None,
                asset: Asset::Units(U256::from(8)),
            },
            EVE,
        )],
        until: Until::Time(END),
    })
}

#[rstest]
#[case::units(1, 0, Asset::Units(U256::from(2)))]
#[case::an_item(2, 7, Asset::Item { id: U256::from(7), count: U256::from(2) })]
#[case::some_of_an_item(3, 7, Asset::Item { id: U256::from(7), count: U256::from(2) })]
#[case::any_item(4, 0, Asset::AnyOf { root: U256::ZERO, count: U256::from(2) })]
#[case::some_of_any(5, 7, Asset::AnyOf { root: U256::from(7), count: U256::from(2) })]
fn an_order_names_the_most_that_leaves_and_the_least_that_comes(
    #[case] item_type: u8,
    #[case] id: u64,
    #[case] asset: Asset,
) {
    let types = [ORDER, OFFER, CONSIDERATION];
    assert_eq!(effects(&types, &order(item_type, id)), [offered(asset)]);
    let unknown = effects(&types, &order(6, id));
    assert!(matches!(unknown.as_slice(), [Effect::Unknown(_)]));
}

#[test]
fn a_tree_of_orders_is_every_order_in_it() {
    let leaf = |id: u64| order(2, id);
    let types = ["BulkOrder(OrderComponents[2][2] tree)", ORDER, OFFER, CONSIDERATION];
    let message = json!({ "tree": [[leaf(1), leaf(2)], [leaf(3), leaf(4)]] });
    let item = |id: u64| {
        offered(Asset::Item {
            id: U256::from(id),
            count: U256::from(2),
        })
    };
    assert_eq!(effects(&types, &message), [item(1), item(2), item(3), item(4)]);
    // A list is no tree: nobody knows a contract that takes one.
    let types = ["BulkOrder(OrderComponents[] tree)", ORDER, OFFER, CONSIDERATION];
    let unknown = effects(&types, &json!({ "tree": [leaf(1)] }));
    assert!(matches!(unknown.as_slice(), [Effect::Unknown(_)]));
}

#[rstest]
#[case::another_order_of_members("Permit(address spender,address owner,uint256 value,uint256 nonce,uint256 deadline)")]
#[case::another_type("Permit(address owner,address spender,uint128 value,uint256 nonce,uint256 deadline)")]
#[case::another_name("Permit(address owner,address spender,uint256 amount,uint256 nonce,uint256 deadline)")]
#[case::a_member_more(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline,uint256 more)"
)]
#[case::another_primary_type("Permits(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")]
fn c18_a_type_that_only_has_a_known_name_is_unknown(#[case] written: &str) {
    let mut message = erc2612();
    message["value"] = json!(5);
    if written.contains("amount") {
        message["amount"] = json!(5);
        message.as_object_mut().unwrap().remove("value");
    }
    if written.contains("more") {
        message["more"] = json!(5);
    }
    let effects = effects(&[written], &message);
    let name = written.split_once('(').unwrap().0;
    assert!(
        matches!(effects.as_slice(), [Effect::Unknown(unknown)] if unknown.why == Why::Type(name.into())),
        "{effects:?}"
    );
}

#[test]
fn c18_a_permit_for_no_contract_is_unknown() {
    let mut data = data(&[ERC2612], &erc2612());
    data["types"]["EIP712Domain"].as_array_mut().unwrap().pop();
    data["domain"].as_object_mut().unwrap().remove("verifyingContract");
    let effects = read(&data).unwrap().effects;
    assert!(matches!(effects.as_slice(), [Effect::Unknown(unknown)] if unknown.contract.is_none()));
}

#[rstest]
#[case::permissions_of_another_shape(
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)",
    "TokenPermissions(address token,uint256 amount,uint256 more)"
)]
#[case::two_witnesses(
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness,Witness more)",
    PERMISSIONS
)]
#[case::no_witness(
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline)",
    PERMISSIONS
)]
fn c18_a_witness_that_is_not_alone_is_unknown(#[case] written: &str, #[case] permissions: &str) {
    let mut message = json!({
        "permitted": { "token": USDC, "amount": 5 }, "spender": EVE, "nonce": 0, "deadline": END,
    });
    if permissions.contains("more") {
        message["permitted"]["more"] = json!(1);
    }
    if written.contains("witness") {
        message["witness"] = json!({ "info": 1 });
    }
    if written.contains("Witness more") {
        message["more"] = json!({ "info": 1 });
    }
    let effects = effects(&[written, permissions, "Witness(uint256 info)"], &message);
    assert!(matches!(effects.as_slice(), [Effect::Unknown(_)]), "{effects:?}");
}

#[test]
fn every_effect_says_whom_it_concerns() {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(effects(&[ERC2612], &erc2612()).iter().map(ToString::to_string));
    let types = [ORDER, OFFER, CONSIDERATION];
    for item_type in 1..=5 {
        lines.extend(effects(&types, &order(item_type, 0)).iter().map(ToString::to_string));
    }
    let mut empty = order(1, 0);
    empty["offer"] = json!([]);
    empty["consideration"] = json!([]);
    lines.extend(effects(&types, &empty).iter().map(ToString::to_string));
    insta::assert_snapshot!(lines.join("\n"));
}
