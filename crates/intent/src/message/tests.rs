//! BIP-322's own vectors, and what a signed text can never be.

use std::str::FromStr as _;

use bitcoin::bip32::{Xpriv, Xpub};
use bitcoin::key::{Keypair, Secp256k1, TapTweak as _};
use bitcoin::psbt::PsbtSighashType;
use bitcoin::secp256k1::Message;
use bitcoin::{Address, Network, Psbt, Script};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::WalletView;
use crate::psbt;

fn secret() -> Xpriv {
    Xpriv::new_master(Network::Regtest, b"two of three").unwrap()
}

fn account() -> Account {
    Account::new(Network::Regtest, Xpub::from_priv(&Secp256k1::new(), &secret())).unwrap()
}

fn of(text: &[u8]) -> MessageFacts {
    facts(text, &account(), Keychain::External, 3).unwrap()
}

/// Somebody who knows no chain.
struct Blind;

impl WalletView for Blind {
    fn coin(&self, _: OutPoint) -> Option<TxOut> {
        None
    }
    fn change_horizon(&self, _: Keychain) -> u32 {
        19
    }
    fn script(&self, _: &Script) -> Option<(Keychain, u32)> {
        None
    }
    fn tip_height(&self) -> Option<u32> {
        None
    }
    fn median_time(&self) -> Option<u32> {
        None
    }
}

/// From bip-0322/basic-test-vectors.json: the address is of another kind than ours, but hashes and transactions follow from
/// its script alone.
#[rstest]
#[case::empty(
    "",
    "c90c269c4f8fcbe6880f72a721ddfbf1914268a794cbb21cfafee13770ae19f1",
    "c5680aa69bb8d860bf82d4e9cd3504b55dde018de765a91bb566283c545a99a7",
    "1e9654e951a5ba44c8604c4de6c67fd78a27e81dcadcfe1edf638ba3aaebaed6"
)]
#[case::hello(
    "Hello World",
    "f0eb03b1a75ac6d9847f55c624a99169b5dccba2a31f5b23bea77ba270de0a7a",
    "b79d196740ad5217771c1098fc4a4b51e0535c32236c71f1ea4d61a2d603352b",
    "88737ae86f2077145f93cc4b153ae9a1cb8d56afa511988c149c5c8c9d93bddf"
)]
#[case::more_than_ascii(
    "UTF-8 support: \u{f6}\u{e4}\u{fc}\u{e9}\u{e0}\u{e8} \u{6d4b}\u{8bd5}\u{6587}\u{672c} \u{1f604}",
    "43936b237ea38c7794eb5d755e0d220b6db92ebfc5c8f482759d22b1286376d7",
    "c8f4f525fe8afb1bc09b44175bd2096f079c98425e8a1be676b712add1fb62f0",
    "8f488e06b89eafd019ec528109eafaf7f1d1811fd617aa1eeb9658f1c1be6586"
)]
fn the_transactions_are_those_of_the_bips_vectors(
    #[case] text: &str,
    #[case] hashed: &str,
    #[case] spent: &str,
    #[case] signed: &str,
) {
    let address = Address::from_str("bc1q9vza2e8x573nczrlzms0wvx3gsqjx7vavgkx0l").unwrap();
    let hash = hash(text.as_bytes());
    assert_eq!(sha256::Hash::from_byte_array(hash).to_string(), hashed);
    let first = to_spend(&hash, address.assume_checked().script_pubkey()).compute_txid();
    assert_eq!(first.to_string(), spent);
    assert_eq!(to_sign(first).compute_txid().to_string(), signed);
}

/// From the same file and bip-0322/generated-test-vectors.json: signatures of others under a key path like ours.
#[rstest]
#[case::no_prefix(
    "No prefix fallback",
    "bc1pss0zhytly75awhm6x2hhvd5lnzv3vssgrf9axfheq8ldyzn88ges79fler",
    "AUCJYOwOjxYAvatTAGYaVlNXBVyFuc4MwNQkOuK2tl8xhfKDONd0NjfYyNSYcRqeCp8hsAnCEPHAVEkO9h6vbQ/R"
)]
#[case::generated(
    "TPIZPITUIHEUHO5ACOL6W6MBVD",
    "bc1p9cyuceaazr8cz46mvgkzl94wy397mwpqsrk84su37t72jvkg6wzqv52nfp",
    "AUBay6NwR4LEYedkTG+vE9F7C0RTOCB5NH6ZAqf+3hudjHIkOzSZk1jW/5Kt0wRKX3llJ25os+0qktdou4/Y8516"
)]
fn the_digest_is_the_one_that_the_bips_signatures_cover(
    #[case] text: &str,
    #[case] address: &str,
    #[case] signature: &str,
) {
    let address = Address::from_str(address).unwrap().assume_checked();
    let first = to_spend(&hash(text.as_bytes()), address.script_pubkey());
    let second = to_sign(first.compute_txid());
    let sighash = SighashCache::new(&second)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&first.output), TapSighashType::Default)
        .unwrap();
    let facts = MessageFacts {
        address,
        hash: hash(text.as_bytes()),
        to_spend: first.compute_txid(),
        sighash: *AsRef::<[u8; 32]>::as_ref(&sighash),
        ..of(b"")
    };
    let witness = STANDARD.decode(signature).unwrap();
    assert_eq!(witness[..2], [1, 64]);
    let bytes: [u8; 64] = witness[2..].try_into().unwrap();
    assert_eq!(proof(&facts, &bytes).unwrap(), format!("smp{signature}"));
    let mut other = facts;
    other.sighash[0] ^= 1;
    assert_eq!(proof(&other, &bytes), Err(MessageRefused::BadSignature));
}

fn key(child: u32) -> Keypair {
    let secp = Secp256k1::new();
    let path = [0.into(), child.into()];
    let child = secret().derive_priv(&secp, &path).unwrap();
    child.to_keypair(&secp).tap_tweak(&secp, None).to_keypair()
}

#[test]
fn a_proof_is_given_out_for_its_own_address_and_text_alone() {
    let facts = of(b"I was here");
    let sign = |digest| {
        *Secp256k1::new()
            .sign_schnorr(&Message::from_digest(digest), &key(3))
            .as_ref()
    };
    let proved = proof(&facts, &sign(facts.sighash)).unwrap();
    assert!(proved.starts_with("smpAU"), "{proved}");
    for other in [
        of(b"I was hero"),
        of(b""),
        super::facts(b"I was here", &account(), Keychain::External, 4).unwrap(),
        super::facts(b"I was here", &account(), Keychain::Internal, 3).unwrap(),
    ] {
        assert_ne!(other.sighash, facts.sighash);
        assert_eq!(proof(&other, &sign(facts.sighash)), Err(MessageRefused::BadSignature));
    }
}

#[test]
fn f18_a_text_is_signed_up_to_its_limit_and_not_past_it() {
    let signed = |length| facts(&vec![b'a'; length], &account(), Keychain::External, 0);
    assert!(signed(0).is_ok());
    assert!(signed(MAX_BYTES).is_ok());
    assert_eq!(signed(MAX_BYTES + 1), Err(MessageRefused::TooLong));
    let hardened = facts(b"", &account(), Keychain::External, 1 << 31);
    assert!(matches!(hardened, Err(MessageRefused::Account(_))), "{hardened:?}");
}

/// The transaction that a text's signature covers, as a PSBT that asks for the same: with every path and script right.
fn disguised(text: &[u8]) -> Psbt {
    let facts = of(text);
    let mut psbt = Psbt::from_unsigned_tx(to_sign(facts.to_spend)).unwrap();
    psbt.inputs[0].witness_utxo = Some(TxOut {
        value: Amount::ZERO,
        script_pubkey: facts.address.script_pubkey(),
    });
    let account = account();
    let internal = account.internal_key(Keychain::External, 3).unwrap();
    psbt.inputs[0].tap_internal_key = Some(internal);
    let origin = account.origin(Keychain::External, 3).unwrap();
    psbt.inputs[0].tap_key_origins.insert(internal, (Vec::new(), origin));
    psbt
}

#[rstest]
#[case::as_it_is(0, 0, "MESSAGE_PROOF")]
#[case::full_form(2, 0, "MESSAGE_PROOF")]
#[case::full_form_with_a_lock(2, 144, "MESSAGE_PROOF")]
#[case::version_one(1, 0, "MESSAGE_PROOF")]
fn p26_a_psbt_that_is_a_signed_text_in_disguise_is_refused(
    #[case] version: i32,
    #[case] lock: u32,
    #[case] reason: &str,
) {
    let mut psbt = disguised(b"I am a payment");
    psbt.unsigned_tx.version = Version(version);
    psbt.unsigned_tx.lock_time = LockTime::from_consensus(lock);
    let refused = psbt::facts(&psbt, &account(), &Blind).unwrap_err();
    assert_eq!(refused.reason(), reason);
}

#[test]
fn p26_a_proof_of_funds_in_disguise_is_refused() {
    let mut psbt = disguised(b"all my coins");
    psbt.unsigned_tx.version = Version::TWO;
    let mut coin = psbt.unsigned_tx.input[0].clone();
    coin.previous_output = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
    psbt.unsigned_tx.input.push(coin);
    let mut map = psbt.inputs[0].clone();
    map.witness_utxo.as_mut().unwrap().value = Amount::from_sat(10_000);
    psbt.inputs.push(map);
    let refused = psbt::facts(&psbt, &account(), &Blind).unwrap_err();
    assert_eq!(refused.reason(), "MESSAGE_PROOF");
}

proptest! {
    /// Version 0 is the line between the two intents; this is what stands behind it.
    #[test]
    fn no_text_has_the_digest_of_a_payment(text in prop::collection::vec(any::<u8>(), 0..200), paid in 546_u64..90_000, version in 1_i32..=3) {
        let message = of(&text);
        let mut psbt = disguised(&text);
        psbt.unsigned_tx.version = Version(version);
        psbt.unsigned_tx.output[0] = TxOut {
            value: Amount::from_sat(paid),
            script_pubkey: account().script(Keychain::Internal, 0).unwrap(),
        };
        psbt.inputs[0].witness_utxo.as_mut().unwrap().value = Amount::from_sat(paid + 1_000);
        for kind in [TapSighashType::Default, TapSighashType::All] {
            psbt.inputs[0].sighash_type = Some(PsbtSighashType::from(kind));
            let payment = psbt::facts(&psbt, &account(), &Blind).unwrap();
            prop_assert_eq!(payment.inputs.len(), 1);
            prop_assert_ne!(payment.inputs[0].sighash, message.sighash);
            prop_assert_ne!(payment.txid, to_sign(message.to_spend).compute_txid());
        }
    }

    #[test]
    fn two_texts_never_share_a_digest(one in prop::collection::vec(any::<u8>(), 0..100), other in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(one == other, of(&one).sighash == of(&other).sighash);
    }
}
