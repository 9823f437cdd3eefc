//! The profile against the RFCs' own vectors, against a structured-field library, and against a table of near misses.

mod properties;
mod rfc;
mod strictness;

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use ed25519_dalek::Verifier;
use twofold_threshold::{
    id::WalletId,
    identity::{IdentityKey, IdentitySecret},
    secret::Secret32,
};

use super::{Draft, Proof, ProofFault, Protocol, SignedHeaders, Unsigned, Window};

const TARGET: &str = "https://cosigner.example/twofold.v1.CosignerService/Sign";
const WINDOW: Window = Window {
    created: 1_790_000_000,
    expires: 1_790_000_030,
};

fn secret() -> IdentitySecret {
    IdentitySecret::from_seed(&Secret32::new([7; 32]))
}

/// A request as a device would send it, signed by ed25519.
fn signed() -> SignedHeaders {
    let key = secret().public();
    let unsigned = Unsigned::new(&draft(&key, &Protocol::current("twofold-cli/0.1.0").unwrap())).unwrap();
    let signature = secret().sign_raw(unsigned.base()).0;
    unsigned.attach(&signature)
}

fn draft<'a>(key: &'a IdentityKey, protocol: &'a Protocol) -> Draft<'a> {
    Draft {
        method: "POST",
        target_uri: TARGET,
        content_type: "application/proto",
        body: b"hello",
        wallet: Some(WalletId([0xab; 16])),
        protocol,
        key,
        window: WINDOW,
        nonce: *b"sixteen bytes ok",
    }
}

fn parse(headers: &[(String, String)]) -> Result<Proof, ProofFault> {
    Proof::parse(
        "POST",
        TARGET,
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
    )
}

fn lines(headers: &SignedHeaders) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn verifies(proof: &Proof) -> bool {
    let IdentityKey::Ed25519(key) = proof.key() else {
        panic!("an ed25519 key")
    };
    ed25519_dalek::VerifyingKey::from_bytes(key)
        .unwrap()
        .verify(proof.base(), &ed25519_dalek::Signature::from_bytes(proof.signature()))
        .is_ok()
}

/// The same request with a token.
fn signed_with(authorization: &str) -> SignedHeaders {
    let key = secret().public();
    let protocol = Protocol::current("twofold-cli/0.1.0").unwrap();
    let unsigned = Unsigned::authorized(&draft(&key, &protocol), authorization).unwrap();
    let signature = secret().sign_raw(unsigned.base()).0;
    unsigned.attach(&signature)
}

#[test]
fn a06_a_token_is_part_of_what_is_signed() {
    let with = lines(&signed_with("Bearer abc"));
    assert!(verifies(&parse(&with).unwrap()));
    // Exchanged on the way: it reads, and the signature does not hold.
    let mut exchanged = with.clone();
    exchanged[6].1 = "Bearer xyz".into();
    assert!(!verifies(&parse(&exchanged).unwrap()));
    // Taken out, put in where there was none, put in twice: it does not read.
    assert_eq!(parse(&with[..6]).unwrap_err(), ProofFault::Components);
    let mut added = lines(&signed());
    added.push(with[6].clone());
    assert_eq!(parse(&added).unwrap_err(), ProofFault::Components);
    let twice = [with.clone(), with[6..].to_vec()].concat();
    assert_eq!(parse(&twice).unwrap_err(), ProofFault::Repeated("authorization"));
}

#[test]
fn a_token_is_printed_nowhere() {
    let key = secret().public();
    let protocol = Protocol::current("twofold-cli/0.1.0").unwrap();
    let unsigned = Unsigned::authorized(&draft(&key, &protocol), "Bearer s3cr3t").unwrap();
    let headers = signed_with("Bearer s3cr3t");
    let proof = parse(&lines(&headers)).unwrap();
    let printed = alloc::format!("{unsigned:?} {headers:?} {proof:?}");
    assert!(
        printed.contains("content-digest") && !printed.contains("s3cr3t"),
        "{printed}"
    );
    for value in ["", " Bearer a", "Bearer a\n", "B\u{e9}arer a"] {
        assert!(
            Unsigned::authorized(&draft(&key, &protocol), value).is_err(),
            "{value:?}"
        );
    }
}

#[test]
fn what_is_built_parses_to_the_same_request_and_verifies() {
    let key = secret().public();
    let protocol = Protocol::current("twofold-cli/0.1.0").unwrap();
    let unsigned = Unsigned::new(&draft(&key, &protocol)).unwrap();
    let (base, digest) = (unsigned.base().to_vec(), unsigned.digest());
    let proof = parse(&lines(&signed())).unwrap();

    assert_eq!(proof.base(), base);
    assert_eq!(proof.digest(), digest);
    assert_eq!(proof.window(), WINDOW);
    assert_eq!(proof.nonce(), *b"sixteen bytes ok");
    assert_eq!(proof.key(), &key);
    assert_eq!(proof.wallet(), Some(WalletId([0xab; 16])));
    assert_eq!(proof.protocol(), &protocol);
    assert_eq!(proof.protocol().major(), crate::limits::PROTOCOL);
    assert_eq!(
        hex::encode(proof.body_digest()),
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert!(verifies(&proof));
}

/// The worked example for those who write a client of their own.
const DOCUMENTATION: &str = include_str!("../../../../docs/api.md");

#[test]
fn a_signed_request_looks_as_the_documentation_says() {
    let text = lines(&signed())
        .iter()
        .map(|(name, value)| [name, ": ", value, "\n"].concat())
        .collect::<String>();
    insta::assert_snapshot!(text);
    assert!(DOCUMENTATION.contains(&text));
}

#[test]
fn the_signature_base_looks_as_the_documentation_says() {
    let proof = parse(&lines(&signed())).unwrap();
    let text = core::str::from_utf8(proof.base()).unwrap();
    insta::assert_snapshot!(text);
    assert!(DOCUMENTATION.contains(text));
}

#[test]
fn a_p256_signature_from_an_outside_signer_round_trips() {
    use p256::ecdsa::signature::{Signer, Verifier};
    let signing = p256::ecdsa::SigningKey::from_slice(&[9; 32]).unwrap();
    let point = signing.verifying_key().to_encoded_point(true);
    let key = IdentityKey::P256(point.as_bytes().try_into().unwrap());
    let unsigned = Unsigned::new(&draft(&key, &Protocol::current("sdk/1").unwrap())).unwrap();
    let signature: p256::ecdsa::Signature = signing.sign(unsigned.base());
    let proof = parse(&lines(&unsigned.attach(&signature.to_bytes().into()))).unwrap();

    assert_eq!(proof.key(), &key);
    let received = p256::ecdsa::Signature::from_slice(proof.signature()).unwrap();
    assert!(signing.verifying_key().verify(proof.base(), &received).is_ok());
}

#[test]
fn a06_any_covered_part_that_changes_breaks_the_signature() {
    let headers = lines(&signed());
    let target =
        |target| Proof::parse("POST", target, headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes()))).unwrap();
    assert!(verifies(&target(TARGET)));
    assert!(!verifies(&target(
        "https://cosigner.example/twofold.v1.CosignerService/Sync"
    )));
    assert!(!verifies(&target(
        "https://cosigner.example/twofold.v1.CosignerService/Sign?x=1"
    )));
    assert!(!verifies(&target(
        "https://other.example/twofold.v1.CosignerService/Sign"
    )));
    assert!(!verifies(&target(
        "http://cosigner.example/twofold.v1.CosignerService/Sign"
    )));
    let method = Proof::parse("GET", TARGET, headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes()))).unwrap();
    assert!(!verifies(&method));

    let changes = [
        ("content-type", "application/proto", "application/json"),
        ("content-digest", "LPJNul", "LPJNum"),
        ("twofold-protocol", "1;", "2;"),
        ("twofold-protocol", "0.1.0", "0.1.1"),
        ("twofold-wallet", "abab", "abac"),
        ("signature-input", "created=1790000000", "created=1790000001"),
        ("signature-input", "expires=1790000030", "expires=1790000031"),
        ("signature-input", "nonce=\"c2", "nonce=\"d2"),
        ("signature", "=:", "=:AAAA"),
    ];
    for (header, from, to) in changes {
        let mut altered = headers.clone();
        let value = &mut altered.iter_mut().find(|(name, _)| name == header).unwrap().1;
        assert!(value.contains(from), "{header} has no {from}");
        *value = value.replacen(from, to, 1);
        if header == "signature" {
            let kept = "twofold=:".len() + 88;
            *value = alloc::format!("{}:", &value[..kept]);
        }
        let Ok(proof) = parse(&altered) else { continue };
        assert!(!verifies(&proof), "{header}: {from} -> {to} went unnoticed");
    }
}

#[test]
fn headers_that_are_not_covered_change_nothing() {
    let mut headers = lines(&signed());
    let before = parse(&headers).unwrap().digest();
    headers.push(("x-forwarded-for".into(), "\u{1}not even text".into()));
    headers.push(("content-encoding".into(), "identity".into()));
    assert_eq!(parse(&headers).unwrap().digest(), before);
}

#[test]
fn a_request_about_no_wallet_says_none() {
    let key = secret().public();
    let protocol = Protocol::current("sdk/1").unwrap();
    let headers = Unsigned::new(&Draft {
        wallet: None,
        ..draft(&key, &protocol)
    })
    .unwrap()
    .attach(&[0; 64]);
    assert!(headers.iter().any(|line| line == ("twofold-wallet", "none")));
    assert_eq!(parse(&lines(&headers)).unwrap().wallet(), None);
}

#[test]
fn a_draft_that_no_server_would_take_is_refused_before_it_is_signed() {
    let key = secret().public();
    let protocol = Protocol::current("sdk/1").unwrap();
    let fault = |change: fn(&mut Draft<'_>)| {
        let mut draft = draft(&key, &protocol);
        change(&mut draft);
        Unsigned::new(&draft).unwrap_err()
    };
    assert_eq!(fault(|d| d.window.expires = d.window.created), ProofFault::Lifetime);
    assert_eq!(
        fault(|d| d.window.expires = d.window.created + 61),
        ProofFault::Lifetime
    );
    assert_eq!(
        fault(|d| d.window = Window {
            created: u64::MAX,
            expires: 0
        }),
        ProofFault::Lifetime
    );
    assert_eq!(
        fault(|d| d.window = Window {
            created: 10_u64.pow(15),
            expires: 10_u64.pow(15) + 9
        }),
        ProofFault::Lifetime
    );
    assert_eq!(fault(|d| d.target_uri = "https://a b"), ProofFault::Target);
    assert_eq!(fault(|d| d.method = ""), ProofFault::Target);
    assert_eq!(
        fault(|d| d.content_type = "text/plain\r\nx: y"),
        ProofFault::Unreadable("content-type")
    );
    assert_eq!(
        fault(|d| d.content_type = " application/proto"),
        ProofFault::Unreadable("content-type")
    );
}

#[test]
fn a31_a_clients_name_is_plain_and_bounded() {
    let long = alloc::format!("{}/1", "a".repeat(63));
    for bad in [
        "",
        "cli",
        "/1",
        "cli/",
        "cli/1/2",
        "cli /1",
        "cli/1\"",
        "cli/\u{e9}",
        "cli/1\n",
        "\u{202e}/1",
        &long,
    ] {
        assert!(Protocol::current(bad).is_err(), "{bad:?}");
    }
    assert!(Protocol::current(&long[1..]).is_ok());
}
