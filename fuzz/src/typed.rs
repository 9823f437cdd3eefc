//! Typed data as JSON, and texts, through to the effects.

use twofold_intent::evm::{Account, Address, Allowed, ChainId, Effect, text, typed};

use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "typed",
    run,
    stages: &[
        "nothing",
        "TYPED_DATA_NOT_JSON",
        "TYPED_DATA_REPEATED",
        "TYPED_DATA_MISSING",
        "TYPED_DATA_SURPLUS",
        "TYPED_DATA_VALUE",
        "TYPED_DATA_OVERFLOW",
        "TYPED_DATA_NUMBER",
        "TYPED_DATA_ADDRESS",
        "TYPED_DATA_NAME",
        "TYPE_UNKNOWN",
        "TYPE_RECURSIVE",
        "PRIMARY_TYPE",
        "DOMAIN_TYPE",
        "NO_CHAIN_ID",
        "CHAIN_ID",
        "WRONG_CHAIN",
        "typed: unknown",
        "typed: known",
        "TEXT_LIKE_A_DIGEST",
        "TEXT_UNREADABLE",
        "SIGN_IN",
        "OTHER_ACCOUNT",
        "text",
        "sign-in",
    ],
    seeds,
};

const ACCOUNT: Account = Account {
    chain: ChainId::MAINNET,
    address: Address::repeat_byte(0x11),
};

const PERMIT: &str = r#"{"types":{"EIP712Domain":[{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],"Permit":[{"name":"owner","type":"address"},{"name":"spender","type":"address"},{"name":"value","type":"uint256"},{"name":"nonce","type":"uint256"},{"name":"deadline","type":"uint256"}]},"primaryType":"Permit","domain":{"chainId":1,"verifyingContract":"0x7070707070707070707070707070707070707070"},"message":{"owner":"0x1111111111111111111111111111111111111111","spender":"0x2222222222222222222222222222222222222222","value":"5","nonce":0,"deadline":1800000000}}"#;

const NESTED: &str = r#"{"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"chainId","type":"uint256"}],"Inner":[{"name":"a","type":"bytes4[2][]"},{"name":"b","type":"int8"}],"Outer":[{"name":"in","type":"Inner[]"},{"name":"s","type":"string"},{"name":"ok","type":"bool"},{"name":"raw","type":"bytes"}]},"primaryType":"Outer","domain":{"name":"x","chainId":"0x1"},"message":{"in":[{"a":[["0x01020304","0x00000000"]],"b":-5}],"s":"é","ok":true,"raw":"0x00"}}"#;

const SIGN_IN: &str = "example.com wants you to sign in with your Ethereum account:\n0x1111111111111111111111111111111111111111\n\nHello.\n\nURI: https://example.com/login\nVersion: 1\nChain ID: 1\nNonce: 32891756\nIssued At: 2021-09-30T16:25:24Z\nExpiration Time: 2021-10-01T16:25:24Z\nResources:\n- https://example.com/a";

fn run(input: &[u8]) -> &'static str {
    let Some((case, bytes)) = choice(input) else {
        return "nothing";
    };
    if case % 2 == 0 { typed_data(bytes) } else { said(bytes) }
}

fn typed_data(json: &[u8]) -> &'static str {
    match typed::facts(json, &ACCOUNT, &Allowed::default()) {
        Ok(facts) => {
            assert_eq!(facts.domain.chain, Some(ACCOUNT.chain));
            assert!(!facts.effects.is_empty(), "no effect");
            for effect in &facts.effects {
                let _ = effect.to_string();
            }
            if facts.effects.iter().any(|effect| matches!(effect, Effect::Unknown(_))) {
                "typed: unknown"
            } else {
                "typed: known"
            }
        }
        Err(refused) => {
            let told = refused.to_string();
            assert!(told.len() < 400 && !told.chars().any(char::is_control), "{told:?}");
            refused.reason()
        }
    }
}

fn said(bytes: &[u8]) -> &'static str {
    match text::facts(bytes, &ACCOUNT) {
        Ok(facts) => {
            assert_ne!(bytes.len(), 32);
            match facts.effects.as_slice() {
                [Effect::SignIn(sign_in)] => {
                    assert_eq!((sign_in.chain, sign_in.address), (ACCOUNT.chain, ACCOUNT.address));
                    "sign-in"
                }
                [Effect::Statement(_)] => "text",
                other => panic!("{other:?}"),
            }
        }
        Err(refused) => refused.reason(),
    }
}

fn seeds() -> Vec<Seed> {
    let spoiled = |once: &str, now: &str| {
        assert!(PERMIT.contains(once), "{once}");
        PERMIT.replacen(once, now, 1)
    };
    let typed = [
        ("permit", PERMIT.to_owned()),
        ("nested", NESTED.into()),
        ("no-json", "{".into()),
        ("repeated", spoiled(r#""nonce":0"#, r#""nonce":0,"nonce":1"#)),
        ("missing", spoiled(r#""nonce":0,"#, "")),
        ("surplus", spoiled(r#""nonce":0"#, r#""nonce":0,"more":1"#)),
        ("value", spoiled(r#""nonce":0"#, r#""nonce":true"#)),
        ("overflow", spoiled(r#""nonce":0"#, r#""nonce":-1"#)),
        ("number", spoiled(r#""nonce":0"#, r#""nonce":1.5"#)),
        ("address", spoiled("0x22", "0x2")),
        ("name", spoiled(r#""name":"nonce""#, r#""name":"a b""#)),
        (
            "unknown-type",
            spoiled(r#""name":"nonce","type":"uint256""#, r#""name":"nonce","type":"uint""#),
        ),
        (
            "recursive",
            spoiled(
                r#""name":"nonce","type":"uint256""#,
                r#""name":"nonce","type":"Permit[]""#,
            ),
        ),
        (
            "primary",
            spoiled(r#""primaryType":"Permit""#, r#""primaryType":"EIP712Domain""#),
        ),
        (
            "domain-type",
            spoiled(
                r#""name":"chainId","type":"uint256""#,
                r#""name":"chainId","type":"uint64""#,
            ),
        ),
        (
            "no-chain",
            spoiled(r#"{"name":"chainId","type":"uint256"},"#, "").replacen(r#""chainId":1,"#, "", 1),
        ),
        ("zero-chain", spoiled(r#""chainId":1"#, r#""chainId":0"#)),
        ("another-chain", spoiled(r#""chainId":1"#, r#""chainId":137"#)),
    ];
    let texts = [
        ("text", "Hello, Bob!".to_owned()),
        ("text-digest", "a".repeat(32)),
        ("text-control", "a\u{202e}b".into()),
        ("sign-in", SIGN_IN.into()),
        ("sign-in-cut", SIGN_IN[..200].into()),
        (
            "sign-in-other",
            SIGN_IN.replacen(
                "0x1111111111111111111111111111111111111111",
                "0x2222222222222222222222222222222222222222",
                1,
            ),
        ),
    ];
    let mut seeds = vec![("nothing".into(), Vec::new())];
    seeds.extend(typed.into_iter().map(|(name, text)| seed(name, 0, text.as_bytes())));
    seeds.extend(texts.into_iter().map(|(name, text)| seed(name, 1, text.as_bytes())));
    seeds
}
