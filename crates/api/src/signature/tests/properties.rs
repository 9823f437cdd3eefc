//! The parser never panics, takes one spelling only, and agrees with a structured-field library on what it takes.

use alloc::{string::String, vec::Vec};

use proptest::prelude::*;
use sfv::{BareItem, Dictionary, FieldType, ListEntry, Parser};

use super::{Draft, Proof, Protocol, TARGET, Unsigned, Window, lines, parse, secret, signed};
use crate::signature::COMPONENTS;

/// Any header value, and ones close to a good one.
fn value(good: String) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..200),
        2 => "[ -~]{0,200}".prop_map(String::into_bytes),
        3 => (any::<prop::sample::Index>(), any::<u8>()).prop_map({
            let good = good.clone();
            move |(place, byte)| {
                let mut bytes = good.clone().into_bytes();
                let place = place.index(bytes.len());
                bytes[place] = byte;
                bytes
            }
        }),
        3 => (any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(move |(from, to)| {
            let bytes = good.as_bytes();
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            [&bytes[..from.min(to)], &bytes[from.max(to)..]].concat()
        }),
    ]
}

fn any_headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let each = lines(&signed())
        .into_iter()
        .map(|(name, good)| {
            (
                Just(name),
                prop_oneof![3 => Just(good.clone().into_bytes()), 1 => value(good)],
            )
        })
        .collect::<Vec<_>>();
    each.prop_shuffle()
}

proptest! {
    #[test]
    fn a17_the_parser_never_panics_and_takes_one_spelling_only(headers in any_headers(), method in ".{0,9}", target in ".{0,60}") {
        let given = || headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let _ = Proof::parse(&method, &target, given());
        // Whatever it takes is spelled exactly as we would spell it.
        if let Ok(proof) = Proof::parse("POST", TARGET, given()) {
            let content_type = headers.iter().find(|(name, _)| name == "content-type").unwrap();
            let rebuilt = Unsigned::new(&Draft {
                method: "POST",
                target_uri: TARGET,
                content_type: core::str::from_utf8(&content_type.1).unwrap().trim_matches([' ', '\t']),
                body: b"hello",
                wallet: proof.wallet(),
                protocol: proof.protocol(),
                key: proof.key(),
                window: proof.window(),
                nonce: proof.nonce(),
            });
            let rebuilt = lines(&rebuilt.unwrap().attach(proof.signature()));
            for (name, value) in &headers {
                let ours = &rebuilt.iter().find(|(rebuilt, _)| rebuilt == name).unwrap().1;
                // The body is not ours to know, and one space is allowed in the protocol.
                if name != "content-digest" && name != "twofold-protocol" {
                    prop_assert_eq!(core::str::from_utf8(value).unwrap().trim_matches([' ', '\t']), ours);
                }
            }
        }
    }

    #[test]
    fn any_change_of_a_covered_value_changes_the_digest(
        bodies in (any::<[u8; 8]>(), any::<[u8; 8]>()),
        wallets in (any::<Option<[u8; 16]>>(), any::<Option<[u8; 16]>>()),
        nonces in (any::<[u8; 16]>(), any::<[u8; 16]>()),
        created in (0..10_u64.pow(12), 0..10_u64.pow(12)),
        lifetimes in (1..=60_u64, 1..=60_u64),
        paths in ("[a-z/]{1,8}", "[a-z/]{1,8}"),
        seeds in (0..4_u8, 0..4_u8),
    ) {
        let digest = |body: [u8; 8], wallet: Option<[u8; 16]>, nonce, created, lifetime, path: &str, seed: u8| {
            let key = twofold_threshold::identity::IdentitySecret::from_seed(
                &twofold_threshold::secret::Secret32::new([seed + 1; 32]),
            ).public();
            Unsigned::new(&Draft {
                method: "POST",
                target_uri: path,
                content_type: "application/proto",
                body: &body,
                wallet: wallet.map(Into::into),
                protocol: &Protocol::current("sdk/1").unwrap(),
                key: &key,
                window: Window { created, expires: created + lifetime },
                nonce,
            }).unwrap().digest()
        };
        let one = digest(bodies.0, wallets.0, nonces.0, created.0, lifetimes.0, &paths.0, seeds.0);
        prop_assert_eq!(one, digest(bodies.0, wallets.0, nonces.0, created.0, lifetimes.0, &paths.0, seeds.0));
        let one_changed = [
            (bodies.0 != bodies.1, digest(bodies.1, wallets.0, nonces.0, created.0, lifetimes.0, &paths.0, seeds.0)),
            (wallets.0 != wallets.1, digest(bodies.0, wallets.1, nonces.0, created.0, lifetimes.0, &paths.0, seeds.0)),
            (nonces.0 != nonces.1, digest(bodies.0, wallets.0, nonces.1, created.0, lifetimes.0, &paths.0, seeds.0)),
            (created.0 != created.1, digest(bodies.0, wallets.0, nonces.0, created.1, lifetimes.0, &paths.0, seeds.0)),
            (lifetimes.0 != lifetimes.1, digest(bodies.0, wallets.0, nonces.0, created.0, lifetimes.1, &paths.0, seeds.0)),
            (paths.0 != paths.1, digest(bodies.0, wallets.0, nonces.0, created.0, lifetimes.0, &paths.1, seeds.0)),
            (seeds.0 != seeds.1, digest(bodies.0, wallets.0, nonces.0, created.0, lifetimes.0, &paths.0, seeds.1)),
        ];
        for (differs, other) in one_changed {
            prop_assert_eq!(differs, other != one);
        }
    }

    #[test]
    fn a_structured_field_library_reads_the_same_from_what_is_built(
        nonce in any::<[u8; 16]>(),
        created in 0..10_u64.pow(14),
        lifetime in 1..=60_u64,
    ) {
        let key = secret().public();
        let protocol = Protocol::current("sdk/1").unwrap();
        let window = Window { created, expires: created + lifetime };
        let headers = lines(&Unsigned::new(&Draft { window, nonce, ..super::draft(&key, &protocol) }).unwrap().attach(&[5; 64]));
        prop_assert!(parse(&headers).is_ok());
        let header = |name: &str| headers.iter().find(|(header, _)| header == name).unwrap().1.clone();

        let input = header("signature-input");
        let dictionary = Parser::new(&input).parse::<Dictionary>().unwrap();
        // The library's own serialization is what RFC 9421 says to sign.
        prop_assert_eq!(dictionary.serialize(), Some(input));
        let Some(ListEntry::InnerList(list)) = dictionary.get("twofold") else { panic!("an inner list") };
        let names = list.items.iter().map(|item| item.bare_item.as_string().unwrap().as_str()).collect::<Vec<_>>();
        prop_assert_eq!(names, COMPONENTS.to_vec());
        let order = list.params.keys().map(|key| key.as_str()).collect::<Vec<_>>();
        prop_assert_eq!(order, ["created", "expires", "nonce", "keyid", "alg", "tag"].to_vec());
        prop_assert_eq!(list.params.get("created").and_then(BareItem::as_integer), Some(created.try_into().unwrap()));

        let signature = header("signature");
        let dictionary = Parser::new(&signature).parse::<Dictionary>().unwrap();
        let Some(ListEntry::Item(item)) = dictionary.get("twofold") else { panic!("an item") };
        prop_assert_eq!(item.bare_item.as_byte_sequence(), Some(&[5; 64][..]));
        let digest = header("content-digest");
        prop_assert!(Parser::new(&digest).parse::<Dictionary>().unwrap().contains_key("sha-256"));
        let protocol = header("twofold-protocol");
        prop_assert_eq!(Parser::new(&protocol).parse::<sfv::Item>().unwrap().serialize(), protocol);
    }
}
