//! A request's line and headers into a proof: one spelling of every part, or none.

use sha2::{Digest, Sha256};
use twofold_api::signature::{AUTHORIZATION, Draft, Proof, ProofFault, Protocol, Unsigned, Window};
use twofold_threshold::{id::WalletId, identity::IdentitySecret, secret::Secret32};

use crate::{Seed, Target};

pub(crate) const TARGET: Target = Target {
    name: "signature",
    run,
    stages: &[
        "missing",
        "repeated",
        "unreadable",
        "label",
        "components",
        "parameter",
        "surplus",
        "algorithm",
        "lifetime",
        "encoded",
        "target",
        "proof",
    ],
    seeds,
};

const BODY: &[u8] = b"hello";

/// The first line is `METHOD TARGET`, the others are `name: value`.
fn run(input: &[u8]) -> &'static str {
    let mut lines = input.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, target) = first.split_once(' ').unwrap_or((&first, ""));
    let headers: Vec<(String, &[u8])> = lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((String::from_utf8_lossy(&line[..colon]).into_owned(), &line[colon + 1..]))
        })
        .collect();
    let given = || headers.iter().map(|(name, value)| (name.as_str(), *value));
    let proof = match Proof::parse(method, target, given()) {
        Ok(proof) => proof,
        Err(fault) => return stage(fault),
    };
    let value = |name: &str| {
        let (_, value) = headers
            .iter()
            .find(|(header, _)| header == name)
            .expect("a covered header");
        std::str::from_utf8(value)
            .expect("visible ASCII")
            .trim_matches([' ', '\t'])
    };
    let draft = Draft {
        method,
        target_uri: target,
        content_type: value("content-type"),
        body: BODY,
        wallet: proof.wallet(),
        protocol: proof.protocol(),
        key: proof.key(),
        window: proof.window(),
        nonce: proof.nonce(),
    };
    let unsigned = if headers.iter().any(|(header, _)| header == AUTHORIZATION) {
        Unsigned::authorized(&draft, value(AUTHORIZATION))
    } else {
        Unsigned::new(&draft)
    };
    let unsigned = unsigned.expect("what was parsed can be said");
    // The digest names the whole request.
    let spaced = value("twofold-protocol").contains("; ");
    let same_body = proof.body_digest() == &<[u8; 32]>::from(Sha256::digest(BODY));
    if same_body && !spaced {
        assert_eq!(unsigned.base(), proof.base());
        assert_eq!(unsigned.digest(), proof.digest());
    }
    for (name, ours) in unsigned.attach(proof.signature()) {
        // The body is not in the headers, and one space is allowed in the protocol.
        if name != "content-digest" && name != "twofold-protocol" {
            assert_eq!(value(name), ours, "{name} has a second spelling");
        }
    }
    "proof"
}

fn stage(fault: ProofFault) -> &'static str {
    match fault {
        ProofFault::Missing(_) => "missing",
        ProofFault::Repeated(_) => "repeated",
        ProofFault::Unreadable(_) => "unreadable",
        ProofFault::Label => "label",
        ProofFault::Components => "components",
        ProofFault::Parameter(_) => "parameter",
        ProofFault::Surplus => "surplus",
        ProofFault::Algorithm => "algorithm",
        ProofFault::Lifetime => "lifetime",
        ProofFault::Encoded => "encoded",
        ProofFault::Target => "target",
        _ => "another fault",
    }
}

/// A good request, by a P-256 key or an Ed25519 one.
fn good(wallet: Option<WalletId>) -> String {
    let secret = IdentitySecret::from_seed(&Secret32::new([7; 32]));
    let target = "https://wallet.example.org/twofold.v1.CosignerService/Sign";
    let unsigned = Unsigned::new(&Draft {
        method: "POST",
        target_uri: target,
        content_type: "application/proto",
        body: BODY,
        wallet,
        protocol: &Protocol::current("twofold-fuzz/1").expect("a name"),
        key: &secret.public(),
        window: Window {
            created: 1_790_000_000,
            expires: 1_790_000_030,
        },
        nonce: [5; 16],
    });
    let unsigned = unsigned.expect("can be said");
    let signature = secret.sign_raw(unsigned.base());
    let headers = unsigned
        .attach(&signature.0)
        .into_iter()
        .map(|(name, value)| format!("\n{name}: {value}"));
    format!("POST {target}{}", headers.collect::<String>())
}

fn seeds() -> Vec<Seed> {
    let good = good(Some(WalletId([0x11; 16])));
    let p256 = concat!(
        "\"p256:0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"",
        ";alg=\"ecdsa-p256-sha256\""
    );
    let texts = [
        ("good", good.clone()),
        ("good-no-wallet", self::good(None)),
        ("missing", good.replace("\nsignature:", "\nsignatur:")),
        ("no-headers", "POST https://wallet.example.org/x".into()),
        ("repeated", format!("{good}\ntwofold-wallet: none")),
        ("unreadable", good.replace("sha-256=:", "sha-512=:")),
        ("label", good.replace("twofold=(", "other=(")),
        ("components", good.replace("\"@method\" ", "")),
        ("parameter", good.replace(";created=", ";created=0")),
        ("surplus", good.replace(";tag=\"twofold\"", ";tag=\"twofold\";x=1")),
        (
            "algorithm",
            good.replace("alg=\"ed25519\"", "alg=\"ecdsa-p256-sha256\""),
        ),
        ("p256", good.replace(&cut_value(&good), p256)),
        ("lifetime", good.replace("1790000030", "1790009999")),
        ("encoded", format!("{good}\ncontent-encoding: gzip")),
        ("target", good.replacen("POST ", "PO\u{7f}ST ", 1)),
        ("spaced", good.replace("1;sdk", "1; sdk")),
    ];
    let seeds = texts
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.into_bytes()));
    seeds.collect()
}

/// The values of `keyid` and `alg` as they stand.
fn cut_value(good: &str) -> String {
    let from = good.find("keyid=").expect("is there") + "keyid=".len();
    let to = good.find(";tag=").expect("is there");
    good[from..to].to_owned()
}
