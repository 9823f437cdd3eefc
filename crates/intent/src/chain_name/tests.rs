use proptest::prelude::*;

use super::*;

fn script(hex: &str) -> ScriptBuf {
    ScriptBuf::from_hex(hex).expect("hex")
}

#[test]
fn a_signet_is_named_by_the_magic_that_follows_from_its_challenge() {
    let shared = ChainName::signet(&script(ChainName::SIGNET_CHALLENGE), 600).expect("a signet");
    assert_eq!((shared, shared.to_string()), (Network::Signet.into(), "signet".into()));
    // The magic of the shared signet and of MutinyNet as their nodes have it on the wire.
    let own = ChainName::signet(&script(ChainName::SIGNET_CHALLENGE), 30).expect("a signet");
    assert_eq!(own.to_string(), "signet/0a03cf40/30");
    let mutiny = ChainName::signet(
        &script(ChainName::MUTINYNET_CHALLENGE),
        ChainName::MUTINYNET_BLOCK_SECONDS,
    );
    let mutiny = mutiny.expect("a signet");
    assert_eq!(mutiny.to_string(), "signet/a5df2dcb/30");
    assert_eq!((mutiny.period(), mutiny.network()), (40_320, Network::Signet));
    assert_eq!(ChainName::from(Network::Bitcoin).period(), 2016);
}

#[test]
fn what_names_no_chain_is_refused() {
    for text in [
        "",
        "Bitcoin",
        "testnet",
        "main",
        "signet/",
        "signet/0a03cf40",
        "signet/0a03cf40/",
        "signet/0A03CF40/30",
        "signet/0a03cf4/30",
        "signet/+a03cf40/30",
        "signet/0a03cf40/030",
        "signet/0a03cf40/0",
        "signet/0a03cf40/601",
        "signet/0a03cf40/30/1",
        &"x".repeat(10_000),
    ] {
        let fault = text.parse::<ChainName>().expect_err(text);
        assert!(fault.to_string().len() < 200, "{fault}");
    }
    assert_eq!(
        ChainName::signet(&ScriptBuf::new(), 600),
        Err(ChainNameError::Challenge)
    );
    assert_eq!(ChainName::signet(&script("51"), 0), Err(ChainNameError::BlockSeconds));
}

proptest! {
    #[test]
    fn a_name_reads_back_as_itself(challenge in prop::collection::vec(any::<u8>(), 1..100), seconds in 1u32..=600) {
        let name = ChainName::signet(&ScriptBuf::from_bytes(challenge), seconds).expect("a signet");
        prop_assert_eq!(name.to_string().parse::<ChainName>(), Ok(name));
        prop_assert!(name.to_string().len() <= 32, "fits the wire");
    }

    #[test]
    fn no_text_is_read_otherwise_than_it_is_written(text in "(signet)?[/0-9a-f]{0,20}") {
        if let Ok(name) = text.parse::<ChainName>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
