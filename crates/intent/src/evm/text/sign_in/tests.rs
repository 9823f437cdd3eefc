use proptest::prelude::*;
use rstest::rstest;

use super::{SignIn, SignInFault, read_time};
use crate::evm::text::{Refused, facts};
use crate::evm::{Account, ChainId, Effect, Until, address};

/// EIP-4361's own example.
const FULL: &str = "example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Expiration Time: 2021-10-01T16:25:24Z
Not Before: 2021-09-30T16:25:00Z
Request ID: one
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json";

/// The least that one says.
const SHORT: &str = "https://example.com:3388 wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2


URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24.123+02:00";

fn account() -> Account {
    Account {
        chain: ChainId::MAINNET,
        address: address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2").unwrap(),
    }
}

fn read(text: &str) -> Result<SignIn, Refused> {
    facts(text.as_bytes(), &account()).map(|mut facts| match facts.effects.pop() {
        Some(Effect::SignIn(sign_in)) => sign_in,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_sign_in_says_who_is_let_in_where_and_until_when() {
    let full = read(FULL).unwrap();
    assert_eq!(full.domain, "example.com");
    assert_eq!(full.address, account().address);
    assert_eq!(
        full.statement.as_deref(),
        Some("I accept the ExampleOrg Terms of Service: https://example.com/tos")
    );
    assert_eq!((full.chain, full.nonce.as_str()), (ChainId::MAINNET, "32891756"));
    assert_eq!(full.issued_at, 1_633_019_124);
    assert_eq!(full.not_before, Some(1_633_019_100));
    assert_eq!(full.until, Until::Time(1_633_105_524));
    assert_eq!(full.request_id.as_deref(), Some("one"));
    assert_eq!(full.resources.len(), 2);
    assert_eq!(
        Effect::SignIn(full).to_string(),
        "signs in 0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2 at example.com for https://example.com/login, until \
         1633105524 seconds since 1970; it says \"I accept the ExampleOrg Terms of Service: https://example.com/tos\"; \
         it also asks for ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/; it also asks for \
         https://example.com/my-web2-claim.json"
    );
    let short = read(SHORT).unwrap();
    assert_eq!(short.domain, "example.com:3388");
    assert_eq!((short.statement, short.until), (None, Until::Never));
    assert_eq!(short.issued_at, 1_633_011_924);
}

#[rstest]
#[case::a_word_before("Hi! example.com wants", "example.com wants", SignInFault::Domain)]
#[case::no_site(" wants you", "example.com wants you", SignInFault::Domain)]
#[case::a_path_as_site("example.com/a wants", "example.com wants", SignInFault::Domain)]
#[case::a_user_as_site("bank.com@example.com wants", "example.com wants", SignInFault::Domain)]
#[case::a_letter_that_looks_alike("ex\u{430}mple.com wants", "example.com wants", SignInFault::Domain)]
#[case::a_line_before("Hello\nexample.com wants", "example.com wants", SignInFault::Form)]
#[case::the_address_in_one_case(
    "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
    "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    SignInFault::Address
)]
#[case::a_statement_of_two_lines("I accept\nall of the", "I accept the", SignInFault::Form)]
#[case::no_uri("Version", "URI: https://example.com/login\nVersion", SignInFault::Form)]
#[case::no_scheme("URI: example", "URI: https://example", SignInFault::Uri)]
#[case::another_version("Version: 2", "Version: 1", SignInFault::Version)]
#[case::no_chain("Nonce", "Chain ID: 1\nNonce", SignInFault::Form)]
#[case::chain_zero("Chain ID: 0", "Chain ID: 1", SignInFault::Chain)]
#[case::chain_spelled_otherwise("Chain ID: 01", "Chain ID: 1", SignInFault::Chain)]
#[case::chain_with_a_sign("Chain ID: +1", "Chain ID: 1", SignInFault::Chain)]
#[case::chain_overflows("Chain ID: 18446744073709551617", "Chain ID: 1", SignInFault::Chain)]
#[case::short_nonce("Nonce: 3289175\n", "Nonce: 32891756\n", SignInFault::Nonce)]
#[case::nonce_with_a_mark("Nonce: 3289175-", "Nonce: 32891756", SignInFault::Nonce)]
#[case::no_issue("Expiration", "Issued At: 2021-09-30T16:25:24Z\nExpiration", SignInFault::Form)]
#[case::a_day_that_is_none("2021-09-31T16:25:24Z", "2021-09-30T16:25:24Z", SignInFault::Time)]
#[case::over_before_it_was_asked_for("Time: 2021-09-30T16:25:24Z", "Time: 2021-10-01T16:25:24Z", SignInFault::Over)]
#[case::over_before_it_holds("Before: 2021-10-01T16:25:24Z", "Before: 2021-09-30T16:25:00Z", SignInFault::Over)]
#[case::out_of_order(
    "Not Before: 2021-09-30T16:25:00Z\nExpiration Time: 2021-10-01T16:25:24Z",
    "Expiration Time: 2021-10-01T16:25:24Z\nNot Before: 2021-09-30T16:25:00Z",
    SignInFault::Form
)]
#[case::a_line_more(
    "- https://example.com/my-web2-claim.json\n",
    "- https://example.com/my-web2-claim.json",
    SignInFault::Form
)]
#[case::a_resource_that_is_none("- here", "- https://example.com/my-web2-claim.json", SignInFault::Form)]
#[case::two_in_one(
    "I accept. a.com wants you to sign in with your Ethereum account:",
    "I accept the",
    SignInFault::Form
)]
#[case::of_another_network("your Polygon account", "your Ethereum account", SignInFault::Form)]
#[case::of_a_network_of_three_words("your BNB Smart Chain account", "your Ethereum account", SignInFault::Form)]
#[case::of_no_network("your account", "your Ethereum account", SignInFault::Form)]
#[case::loudly("WANTS YOU TO SIGN IN", "wants you to sign in", SignInFault::Form)]
#[case::two_in_one_of_another_network(
    "I accept. a.com wants you to sign in with your Base account:",
    "I accept the",
    SignInFault::Form
)]
#[case::a_statement_with_a_quote("I \"accept\" the", "I accept the", SignInFault::Characters)]
#[case::a_statement_with_an_accent("J\u{e9} accept the", "I accept the", SignInFault::Characters)]
#[case::a_statement_with_a_percent_sign("I accept 100% of the", "I accept the", SignInFault::Characters)]
#[case::a_statement_with_a_backslash("I accept\\n the", "I accept the", SignInFault::Characters)]
#[case::a_statement_with_another_space("I accept\u{a0}the", "I accept the", SignInFault::Characters)]
#[case::a_request_with_a_space("Request ID: one two", "Request ID: one", SignInFault::Characters)]
#[case::a_request_with_an_accent("Request ID: \u{e9}", "Request ID: one", SignInFault::Characters)]
#[case::a_request_with_a_slash("Request ID: a/b", "Request ID: one", SignInFault::Characters)]
#[case::a_request_that_escapes_nothing("Request ID: a%4", "Request ID: one", SignInFault::Characters)]
#[case::a_request_that_escapes_no_digits("Request ID: a%4g", "Request ID: one", SignInFault::Characters)]
#[case::carriage_returns("Version: 1\r", "Version: 1", SignInFault::Form)]
fn c18_what_says_that_it_is_a_sign_in_and_is_none_is_refused(
    #[case] bad: &str,
    #[case] good: &str,
    #[case] fault: SignInFault,
) {
    assert!(FULL.contains(good), "{good}");
    assert_eq!(read(&FULL.replacen(good, bad, 1)), Err(Refused::SignIn(fault)));
}

#[test]
fn c18_a_sign_in_of_another_network_is_no_text_however_it_goes_on() {
    for text in [
        "example.com wants you to sign in with your Base account: do so",
        "Hello! example.com wants you to sign in with your Polygon zkEVM account",
        "example.com wants you to sign in with your\nEthereum account",
        "Wants You To Sign In With Your Starknet Account:",
    ] {
        assert_eq!(read(text), Err(Refused::SignIn(SignInFault::Form)), "{text}");
    }
    // Without an account nobody is let in by this form.
    facts(b"Bob wants you to sign in with your badge", &account()).unwrap();
    facts(b"My account wants you to sign in with your badge", &account()).unwrap();
}

#[test]
fn what_eip_4361_lets_a_site_say_is_read() {
    let statement = "aZ09 -._~ :/?#[]@ !$&'()*+,;=";
    let said = read(&FULL.replacen(
        "I accept the ExampleOrg Terms of Service: https://example.com/tos",
        statement,
        1,
    ));
    assert_eq!(said.unwrap().statement.as_deref(), Some(statement));
    for id in ["", "aZ09-._~!$&'()*+,;=:@", "%41%fF", "a%20b"] {
        let read = read(&FULL.replacen("Request ID: one", &format!("Request ID: {id}"), 1));
        assert_eq!(read.unwrap().request_id.as_deref(), Some(id));
    }
}

#[test]
fn c18_a_sign_in_for_another_account_or_chain_is_refused() {
    let other = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    let text = FULL.replacen("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", other, 1);
    assert_eq!(
        read(&text),
        Err(Refused::OtherAccount {
            asked: address(other).unwrap(),
            expected: account().address,
        })
    );
    let refused = read(&FULL.replacen("Chain ID: 1", "Chain ID: 137", 1)).unwrap_err();
    assert_eq!(refused.reason(), "WRONG_CHAIN");
}

#[rstest]
#[case("1970-01-01T00:00:00Z", Some(0))]
#[case("1972-02-29T00:00:00Z", Some(68_169_600))]
#[case("2000-02-29T23:59:59.999Z", Some(951_868_799))]
#[case("2000-03-01T00:00:00+00:00", Some(951_868_800))]
#[case("2024-12-31T23:59:60Z", Some(1_735_689_600))]
#[case("2026-11-22T10:00:00-01:30", Some(1_795_347_000))]
#[case("2100-03-01T00:00:00Z", Some(4_107_542_400))]
#[case("9999-12-31T23:59:59Z", Some(253_402_300_799))]
#[case("2100-02-29T00:00:00Z", None)]
#[case("1900-01-01T00:00:00Z", None)]
#[case("1970-01-01T00:00:00+00:01", None)]
#[case("2021-13-01T00:00:00Z", None)]
#[case("2021-00-01T00:00:00Z", None)]
#[case("2021-01-00T00:00:00Z", None)]
#[case("2021-01-01T24:00:00Z", None)]
#[case("2021-01-01T00:60:00Z", None)]
#[case("2021-01-01T00:00:61Z", None)]
#[case("2021-01-01T00:00:00", None)]
#[case("2021-01-01T00:00:00.Z", None)]
#[case("2021-01-01T00:00:00+24:00", None)]
#[case("2021-01-01T00:00:00+00:60", None)]
#[case("2021-01-01T00:00:00+0000", None)]
#[case("2021-01-01 00:00:00Z", None)]
#[case("2021-1-01T00:00:00Z", None)]
#[case("+021-01-01T00:00:00Z", None)]
#[case("", None)]
fn a_time_is_read_to_the_second(#[case] text: &str, #[case] seconds: Option<u64>) {
    assert_eq!(read_time(text), seconds);
}

proptest! {
    #[test]
    fn a_sign_in_that_was_cut_or_altered_is_a_sign_in_or_refused(
        at in any::<prop::sample::Index>(),
        with in "\\PC{0,3}|\n",
        cut in any::<bool>(),
    ) {
        let mut text = FULL.to_owned();
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text.insert_str(at, &with) }
        if let Ok(facts) = facts(text.as_bytes(), &account()) {
            let signs_in = matches!(facts.effects.as_slice(), [Effect::SignIn(_)]);
            prop_assert_eq!(signs_in, text.contains("wants you to sign in with your Ethereum account"));
        }
    }

    #[test]
    fn any_text_is_a_time_or_none(text in "[-0-9TZ:.+]{0,32}|\\PC{0,30}") {
        let _ = read_time(&text);
    }
}
