use bitcoin::hashes::Hash;
use proptest::prelude::*;

use super::*;

const NETWORK: Network = Network::Regtest;
const TXID: &str = "f91d0a8a78462bc59398f2c5d7a84fcff491c26ba54c4833478b202796c8aafd";

fn label(text: &str) -> Label {
    text.parse().expect("a label")
}

fn coin(number: u32) -> OutPoint {
    OutPoint::new(TXID.parse().expect("a txid"), number)
}

#[test]
fn bip_329s_own_lines_come_in_and_go_out_again() {
    // The types of the BIP's examples; the address is regtest's, since another network's is none of ours.
    let file = format!(
        r#"{{"type":"tx","ref":"{TXID}","label":"Transaction","origin":"wpkh([d34db33f/84'/0'/0'])"}}
{{"type":"addr","ref":"bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6","label":"Address"}}
{{"type":"pubkey","ref":"0283409659355b6d1cc3c32decd5d561abaac86c37a353b52895a5e6c196d6f448","label":"Public Key"}}
{{"type":"input","ref":"{TXID}:0","label":"Input"}}

{{"type":"output","ref":"{TXID}:1","label":"Output","spendable":false}}
{{"type":"xpub","ref":"xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8","label":"Extended Public Key"}}
"#
    );
    let mut labels = Labels::default();
    let imported = labels.import(&file, NETWORK).expect("imports");
    assert_eq!((imported.taken, imported.skipped, imported.frozen), (6, 0, 1));
    assert_eq!(
        labels.of(&Reference::transaction(TXID.parse().expect("a txid"))),
        Some("Transaction")
    );
    assert_eq!(labels.frozen().collect::<Vec<_>>(), [coin(1)]);

    let out = labels.export();
    let mut again = Labels::default();
    again.import(&out, NETWORK).expect("imports its own");
    assert_eq!((again.clone(), again.export()), (labels, out.clone()));
    assert!(out.contains(r#""origin":"wpkh([d34db33f/84'/0'/0'])""#), "{out}");
}

#[test]
fn an_import_leaves_the_rest_and_says_what_it_left_away() {
    let mut labels = Labels::default();
    labels.write(Reference::coin(coin(0)), &label("kept")).expect("writes");
    labels.freeze(coin(7), true).expect("freezes");
    let long = "x".repeat(LABEL_CHARS + 1);
    let file = format!(
        "{{\"type\":\"output\",\"ref\":\"{TXID}:7\",\"spendable\":true}}\n\
         {{\"type\":\"addr\",\"ref\":\"1BoatSLRHtKNngkdXEeobR76b53LETtpyT\",\"label\":\"another network's\"}}\n\
         {{\"type\":\"thought\",\"ref\":\"x\",\"label\":\"y\"}}\n\
         {{\"type\":\"tx\",\"ref\":\"{TXID}\",\"label\":\"{long}\"}}\n\
         {{\"type\":\"tx\",\"ref\":\"{TXID}\",\"label\":\"\\u001b[2Jgone\"}}\n"
    );
    let imported = labels.import(&file, NETWORK).expect("imports");
    assert_eq!(
        imported,
        Imported {
            taken: 1,
            skipped: 4,
            frozen: 0,
            unfrozen: 1
        }
    );
    assert_eq!((labels.len(), labels.of(&Reference::coin(coin(0)))), (1, Some("kept")));
}

#[test]
fn a_line_that_is_no_label_refuses_the_file_and_names_its_place() {
    let mut labels = Labels::default();
    let file = format!("{{\"type\":\"tx\",\"ref\":\"{TXID}\",\"label\":\"a\"}}\nnot JSON\n");
    match labels.import(&file, NETWORK).expect_err("must refuse") {
        LabelFault::Line { line, .. } => assert_eq!(line, 2),
        other => panic!("{other}"),
    }
    assert!(labels.is_empty(), "nothing of it was taken in");
}

#[test]
fn an_empty_label_removes_and_freezing_stays() {
    let mut labels = Labels::default();
    let reference = Reference::coin(coin(1));
    labels.write(reference.clone(), &label("rent")).expect("writes");
    labels.freeze(coin(1), true).expect("freezes");
    labels.write(reference.clone(), &label("")).expect("removes");
    assert_eq!((labels.of(&reference), labels.frozen().count()), (None, 1));
    labels.freeze(coin(1), false).expect("unfreezes");
    assert!(labels.is_empty());
}

#[test]
fn what_is_typed_is_a_transaction_a_coin_or_an_address_of_this_network() {
    let address = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6";
    for (typed, shown) in [
        (TXID.to_uppercase(), TXID.to_owned()),
        (format!(" {TXID}:3 "), format!("{TXID}:3")),
        (address.to_uppercase(), address.to_owned()),
    ] {
        let reference = Reference::parse(&typed, NETWORK).expect(&typed);
        assert_eq!(reference.to_string(), shown, "one spelling, so that it is found again");
    }
    for wrong in [
        "",
        "rent",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
        "00:1",
        &"f".repeat(10_000),
    ] {
        let fault = Reference::parse(wrong, NETWORK).expect_err(wrong);
        assert!(fault.to_string().len() < 400, "{fault}");
    }
}

#[test]
fn labels_are_bounded_in_length_number_and_what_a_terminal_would_do_with_them() {
    let long: String = "ä".repeat(LABEL_CHARS);
    assert!(long.parse::<Label>().is_ok());
    assert_eq!(format!("{long}ä").parse::<Label>(), Err(LabelFault::TooLong));
    for misleading in ["a\u{1b}[2J", "a\nb", "\u{202e}evil", "zero\u{200b}width"] {
        assert_eq!(misleading.parse::<Label>(), Err(LabelFault::Control), "{misleading:?}");
    }
    let mut labels = Labels::default();
    for number in 0..u32::try_from(ENTRIES).expect("small") {
        labels.freeze(coin(number), true).expect("has room");
    }
    assert_eq!(labels.freeze(coin(u32::MAX - 1), true), Err(LabelFault::Full));
    assert_eq!(labels.freeze(coin(0), false), Ok(()), "making room is always possible");
    assert_eq!(labels.freeze(coin(u32::MAX - 1), true), Ok(()));
    assert_eq!(
        labels.import(&" ".repeat(FILE_BYTES + 1), NETWORK),
        Err(LabelFault::TooLarge)
    );
}

proptest! {
    #[test]
    fn no_file_makes_an_import_fail_otherwise_than_by_a_named_line(text in "\\PC{0,200}") {
        let mut labels = Labels::default();
        match labels.import(&text, NETWORK) {
            Ok(_) => {}
            Err(LabelFault::Line { .. }) => prop_assert!(labels.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn whatever_is_written_comes_back_from_an_export(texts in prop::collection::vec("\\PC{0,40}", 0..20), frozen: u8) {
        let mut labels = Labels::default();
        for (number, text) in (0..).zip(&texts) {
            if let Ok(label) = text.parse() {
                labels.write(Reference::coin(coin(number)), &label).expect("has room");
            }
        }
        labels.freeze(coin(frozen.into()), true).expect("has room");
        let txid = Txid::from_byte_array([frozen; 32]);
        labels.write(Reference::transaction(txid), &label("x")).expect("has room");
        let mut again = Labels::default();
        again.import(&labels.export(), NETWORK).expect("imports");
        prop_assert_eq!(again, labels);
    }
}
