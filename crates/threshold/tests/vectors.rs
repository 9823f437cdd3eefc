//! Published vectors through the public API, and libsecp256k1's word on every signature.
//!
//! Of RFC 9591's vectors for secp256k1, what does not depend on the suite's hashes applies here: the group key, the
//! polynomial and the shares. The taproot suite signs under BIP-340's challenge and a context string of its own, so the
//! RFC's nonces, binding factors and signatures are not its own; the suite's vectors for those are checked beside the
//! signing code.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::str::FromStr;

use bitcoin::{
    Address, KnownHrp,
    bip32::{Xpriv, Xpub},
    key::{TapTweak, TweakedPublicKey},
    secp256k1::{Keypair, Message, Secp256k1, SecretKey, XOnlyPublicKey, schnorr},
};
use k256::{Scalar, elliptic_curve::PrimeField};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::Value;
use twofold_threshold::{
    derive::{ExtendedKey, output_key},
    id::{DeviceId, EpochId, KeyKind, Party, RequestDigest, WalletId},
    identity::{IdentitySecret, Signature64},
    share::{PublicShares, Share},
    sign::{DeviceSession, InputToCosign, InputToSign, cosign, verify_bip340},
};

fn vectors(name: &str) -> Value {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key}"))
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

fn scalar(bytes: [u8; 32]) -> Scalar {
    Scalar::from_repr(bytes.into()).unwrap()
}

const EPOCH: EpochId = EpochId {
    number: 1,
    transcript: [7; 32],
};
const WALLET: WalletId = WalletId([3; 16]);

/// A wallet whose shares we know: the records of the public API, filled in by hand.
struct Known {
    public: PublicShares,
    shares: Vec<Share>,
}

impl Known {
    /// Deals `secret` with the polynomial `secret + slope x`.
    fn deal(secret: [u8; 32], slope: [u8; 32], chain_code: [u8; 32]) -> Self {
        let secp = Secp256k1::new();
        let point = |s: Scalar| {
            SecretKey::from_slice(&s.to_bytes())
                .unwrap()
                .public_key(&secp)
                .serialize()
        };
        let scalars = [1u64, 2, 3].map(|x| scalar(secret) + scalar(slope) * Scalar::from(x));
        let mut record = vec![1, 18, KeyKind::Taproot.number()];
        record.extend(EPOCH.number.to_be_bytes());
        record.extend(EPOCH.transcript);
        record.extend(point(scalar(secret)));
        record.extend(chain_code);
        for s in &scalars {
            record.extend(point(*s));
        }
        let shares = Party::ALL
            .into_iter()
            .zip(scalars)
            .map(|(party, s)| {
                let mut record = vec![1, 64];
                record.extend(WALLET.0);
                record.extend([party.number(), KeyKind::Taproot.number()]);
                record.extend(EPOCH.number.to_be_bytes());
                record.extend(EPOCH.transcript);
                record.extend(s.to_bytes());
                Share::from_secret_bytes(&record).unwrap()
            })
            .collect();
        Self {
            public: PublicShares::try_from(record.as_slice()).unwrap(),
            shares,
        }
    }

    fn share(&self, party: Party) -> &Share {
        &self.shares[usize::from(party.number()) - 1]
    }

    /// Device and server sign `message` for the key at `path`.
    fn sign(&self, path: [u32; 2], message: [u8; 32]) -> Signature64 {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let server = IdentitySecret::generate(&mut rng);
        let (nonces, commitments) = DeviceSession::commit(
            self.share(Party::Device),
            &self.public,
            &DeviceId([1; 32]),
            &[InputToSign { path, message }],
            &message,
            &[],
            &mut rng,
        )
        .unwrap();
        let request = RequestDigest([2; 32]);
        let input = InputToCosign {
            path,
            message,
            tweak: None,
        };
        let share = self.share(Party::Server);
        let reply = cosign(
            share,
            &self.public,
            &[input],
            &commitments,
            request,
            &server.public(),
            &mut rng,
        )
        .unwrap();
        nonces
            .bind(request)
            .receive(
                &reply.sign(&server, &[0; 32]),
                self.share(Party::Device),
                &self.public,
                &server.public(),
                &[0; 32],
            )
            .unwrap()[0]
    }
}

fn libsecp(key: &[u8; 32], message: &[u8; 32], signature: &Signature64) -> bool {
    let (Ok(key), Ok(signature)) = (
        XOnlyPublicKey::from_slice(key),
        schnorr::Signature::from_slice(&signature.0),
    ) else {
        return false;
    };
    Secp256k1::verification_only()
        .verify_schnorr(&signature, &Message::from_digest(*message), &key)
        .is_ok()
}

#[test]
fn bip340_verification_agrees_with_its_vectors_and_with_libsecp256k1() {
    let csv = include_str!("../vectors/bip340.csv");
    let mut seen = 0;
    for line in csv.lines().skip(1) {
        let fields: Vec<_> = line.splitn(8, ',').collect();
        let (key, message) = (bytes(fields[2]), bytes(fields[4]));
        let signature = Signature64(bytes(fields[5]));
        let expected = fields[6] == "TRUE";
        assert_eq!(
            verify_bip340(&key, &message, &signature).is_ok(),
            expected,
            "vector {}",
            fields[0]
        );
        assert_eq!(libsecp(&key, &message, &signature), expected, "vector {}", fields[0]);
        seen += 1;
    }
    assert_eq!(seen, 15);
}

#[test]
fn bip341_output_keys_without_a_script_tree_match_its_vectors() {
    for case in vectors("bip341")["cases"].as_array().unwrap() {
        let expected: [u8; 32] = bytes(text(case, "output_key"));
        assert_eq!(output_key(&bytes(text(case, "internal_key"))).unwrap(), expected);
    }
}

#[test]
fn bip32_public_children_match_its_vectors() {
    for case in vectors("bip32")["cases"].as_array().unwrap() {
        let [parent, child] = ["parent", "child"].map(|key| {
            let xpub = Xpub::from_str(text(case, key)).unwrap();
            ExtendedKey {
                key: xpub.public_key.serialize(),
                chain_code: xpub.chain_code.to_bytes(),
            }
        });
        let index = u32::try_from(case["index"].as_u64().unwrap()).unwrap();
        assert_eq!(parent.child(index).unwrap(), child, "{}", text(case, "name"));
    }
}

#[test]
fn bip86_addresses_come_out_of_shares_and_their_signatures_spend() {
    let vectors = vectors("bip86");
    let xprv = Xpriv::from_str(text(&vectors, "xprv")).unwrap();
    let xpub = Xpub::from_str(text(&vectors, "xpub")).unwrap();
    let known = Known::deal(xprv.private_key.secret_bytes(), [9; 32], xprv.chain_code.to_bytes());
    assert_eq!(known.public.group_key(), &xpub.public_key.serialize());
    for case in vectors["cases"].as_array().unwrap() {
        let path = [0, 1].map(|n| u32::try_from(case["path"][n].as_u64().unwrap()).unwrap());
        let tweak = known.public.child(path).unwrap();
        assert_eq!(tweak.internal_key(), &bytes(text(case, "internal_key")));
        assert_eq!(tweak.output_key(), &bytes(text(case, "output_key")));
        let key = XOnlyPublicKey::from_slice(tweak.output_key()).unwrap();
        let address = Address::p2tr_tweaked(TweakedPublicKey::dangerous_assume_tweaked(key), KnownHrp::Mainnet);
        assert_eq!(address.to_string(), text(case, "address"));
        let message = [0x42; 32];
        let signature = known.sign(path, message);
        assert!(libsecp(tweak.output_key(), &message, &signature));
        assert!(!libsecp(tweak.internal_key(), &message, &signature));
    }
}

#[test]
fn every_parity_of_group_child_and_output_key_signs_right() {
    // Eight combinations of parities; a sign lost in any of them shows.
    let secp = Secp256k1::new();
    let mut seen = std::collections::BTreeSet::new();
    for secret in 1..=6u8 {
        let known = Known::deal([secret; 32], [secret + 100; 32], [secret; 32]);
        for index in 0..8u8 {
            let path = [u32::from(secret) % 2, u32::from(index)];
            let child = known
                .public
                .extended_key()
                .child(path[0])
                .unwrap()
                .child(path[1])
                .unwrap();
            let tweak = known.public.child(path).unwrap();
            let internal = XOnlyPublicKey::from_slice(&child.key[1..]).unwrap();
            let (expected, parity) = internal.tap_tweak(&secp, None);
            assert_eq!(tweak.output_key(), &expected.to_x_only_public_key().serialize());
            let signature = known.sign(path, [index; 32]);
            assert!(libsecp(tweak.output_key(), &[index; 32], &signature));
            seen.insert((known.public.group_key()[0], child.key[0], parity.to_u8()));
        }
    }
    assert_eq!(seen.len(), 8, "choose other secrets");
}

#[test]
fn rfc9591_shares_are_shares_of_its_group_key_and_sign_for_it() {
    let vectors = vectors("frost");
    let inputs = &vectors["inputs"];
    let known = Known::deal(
        bytes(text(inputs, "group_secret_key")),
        bytes(inputs["share_polynomial_coefficients"][0].as_str().unwrap()),
        [0; 32],
    );
    assert_eq!(known.public.group_key(), &bytes(text(inputs, "verifying_key_key")));
    for (share, expected) in known
        .shares
        .iter()
        .zip(inputs["participant_shares"].as_array().unwrap())
    {
        let record = share.to_secret_bytes();
        assert_eq!(
            hex::encode(&record[record.len() - 32..]),
            text(expected, "participant_share")
        );
        share.check(&known.public).unwrap();
    }
    let tweak = known.public.child([0, 0]).unwrap();
    assert!(libsecp(tweak.output_key(), &[5; 32], &known.sign([0, 0], [5; 32])));
}

#[test]
fn a_single_signer_under_bip340_is_accepted_too() {
    let secp = Secp256k1::new();
    let pair = Keypair::from_seckey_slice(&secp, &[8; 32]).unwrap();
    let signature = secp.sign_schnorr_no_aux_rand(&Message::from_digest([1; 32]), &pair);
    let key = pair.x_only_public_key().0.serialize();
    verify_bip340(&key, &[1; 32], &Signature64(signature.serialize())).unwrap();
    assert!(verify_bip340(&key, &[2; 32], &Signature64(signature.serialize())).is_err());
}
