//! Near misses: each is refused, and for its own reason.

use rstest::rstest;

use super::{lines, parse, signed};
use crate::{
    reason::{Reason, Refusal},
    signature::ProofFault,
};

const COVERED: &str =
    r#"("@method" "@target-uri" "content-digest" "content-type" "twofold-protocol" "twofold-wallet")"#;

/// Replaces `from` by `to` in one header of a good request.
fn altered(header: &str, from: &str, to: &str) -> ProofFault {
    let mut headers = lines(&signed());
    let value = &mut headers.iter_mut().find(|(name, _)| name == header).unwrap().1;
    assert!(value.contains(from), "{header} has no {from}");
    *value = value.replacen(from, to, 1);
    parse(&headers).unwrap_err()
}

#[rstest]
#[case::missing_component(r#" "twofold-wallet")"#, ")")]
#[case::extra_component(r#" "twofold-wallet")"#, r#" "twofold-wallet" "date")"#)]
#[case::doubled_component(r#""@method" "#, r#""@method" "@method" "#)]
#[case::reordered_components(r#""@method" "@target-uri""#, r#""@target-uri" "@method""#)]
#[case::component_with_parameter(r#""content-digest""#, r#""content-digest";req"#)]
#[case::another_component(r#""@target-uri""#, r#""@request-target""#)]
#[case::two_spaces(r#""@method" "#, r#""@method"  "#)]
#[case::upper_case_component("content-type", "Content-Type")]
#[case::no_list(COVERED, "()")]
fn components_are_exactly_those_of_the_profile(#[case] from: &str, #[case] to: &str) {
    assert_eq!(altered("signature-input", from, to), ProofFault::Components);
}

#[rstest]
#[case::no_created("created", ";created=1790000000", "")]
#[case::no_expires("expires", ";expires=1790000030", "")]
#[case::no_tag("tag", ";tag=\"twofold\"", "")]
#[case::reordered(
    "created",
    ";created=1790000000;expires=1790000030",
    ";expires=1790000030;created=1790000000"
)]
#[case::space_before_parameter("created", ";created", "; created")]
#[case::negative_created("created", "created=1790000000", "created=-1790000000")]
#[case::decimal_created("created", "created=1790000000", "created=1790000000.0")]
#[case::zero_in_front("created", "created=1790000000", "created=01790000000")]
#[case::quoted_created("created", "created=1790000000", "created=\"1790000000\"")]
#[case::sixteen_digits("expires", "expires=1790000030", "expires=1790000030000000")]
#[case::number_past_u64("expires", "expires=1790000030", "expires=99999999999999999999999999")]
#[case::empty_expires("expires", "expires=1790000030", "expires=")]
#[case::short_nonce("nonce", "nonce=\"c2", "nonce=\"c")]
#[case::long_nonce("nonce", "nonce=\"c2", "nonce=\"c2AA")]
#[case::padded_nonce("nonce", "a2\";keyid", "a2==\";keyid")]
#[case::nonce_of_standard_base64("nonce", "nonce=\"c2", "nonce=\"+/")]
#[case::nonce_with_loose_bits("nonce", "aw\";keyid", "ax\";keyid")]
#[case::nonce_as_bytes("nonce", "nonce=\"c2l4dGVlbiBieXRlcyBvaw\"", "nonce=:c2l4dGVlbiBieXRlcyBvaw==:")]
#[case::unknown_key_kind("keyid", "keyid=\"ed25519:", "keyid=\"rsa:")]
#[case::key_without_kind("keyid", "keyid=\"ed25519:", "keyid=\"")]
#[case::short_key("keyid", "keyid=\"ed25519:ea", "keyid=\"ed25519:")]
#[case::long_key("keyid", "keyid=\"ed25519:", "keyid=\"ed25519:00")]
#[case::upper_case_key("keyid", "keyid=\"ed25519:ea", "keyid=\"ed25519:EA")]
#[case::key_that_is_no_hex("keyid", "keyid=\"ed25519:ea", "keyid=\"ed25519:zz")]
#[case::ed25519_key_called_p256("keyid", "keyid=\"ed25519:", "keyid=\"p256:")]
#[case::uncompressed_point("keyid", "keyid=\"ed25519:", "keyid=\"p256:04")]
#[case::escaped_quote("keyid", "keyid=\"ed25519:", "keyid=\"\\\"ed25519:")]
#[case::wrong_tag("tag", "tag=\"twofold\"", "tag=\"other\"")]
#[case::empty_tag("tag", "tag=\"twofold\"", "tag=\"\"")]
#[case::token_tag("tag", "tag=\"twofold\"", "tag=twofold")]
fn parameters_are_exactly_those_of_the_profile(#[case] name: &'static str, #[case] from: &str, #[case] to: &str) {
    let (from, to) = match name {
        "nonce" => (from.replace("a2\"", "aw\""), to.replace("a2==\"", "aw==\"")),
        _ => (from.into(), to.into()),
    };
    assert_eq!(altered("signature-input", &from, &to), ProofFault::Parameter(name));
}

#[rstest]
#[case::unknown("alg=\"ed25519\"", "alg=\"rsa-pss-sha512\"")]
#[case::another_keys("alg=\"ed25519\"", "alg=\"ecdsa-p256-sha256\"")]
#[case::empty("alg=\"ed25519\"", "alg=\"\"")]
#[case::upper_case("alg=\"ed25519\"", "alg=\"Ed25519\"")]
fn the_algorithm_goes_with_the_key(#[case] from: &str, #[case] to: &str) {
    assert_eq!(altered("signature-input", from, to), ProofFault::Algorithm);
}

#[rstest]
#[case::at_once("expires=1790000030", "expires=1790000000")]
#[case::before("expires=1790000030", "expires=1789999999")]
#[case::past_a_minute("expires=1790000030", "expires=1790000061")]
#[case::for_ever("expires=1790000030", "expires=999999999999999")]
#[case::from_the_epoch("created=1790000000", "created=0")]
fn a_request_lives_a_minute_at_most(#[case] from: &str, #[case] to: &str) {
    assert_eq!(altered("signature-input", from, to), ProofFault::Lifetime);
}

#[test]
fn a_whole_minute_is_allowed() {
    let mut headers = lines(&signed());
    for (_, value) in &mut headers {
        *value = value.replace("expires=1790000030", "expires=1790000060");
    }
    assert!(parse(&headers).is_ok());
}

#[rstest]
#[case::another_label("twofold=(", "sig1=(", ProofFault::Label)]
#[case::no_label("twofold=(", "(", ProofFault::Label)]
#[case::label_in_front("twofold=(", "a=();created=1, twofold=(", ProofFault::Label)]
#[case::surplus_parameter("tag=\"twofold\"", "tag=\"twofold\";x=1", ProofFault::Surplus)]
#[case::doubled_parameter("tag=\"twofold\"", "tag=\"twofold\";tag=\"twofold\"", ProofFault::Surplus)]
#[case::second_signature("tag=\"twofold\"", "tag=\"twofold\", b=(\"@method\")", ProofFault::Label)]
#[case::doubled_label("tag=\"twofold\"", "tag=\"twofold\", twofold=(\"@method\")", ProofFault::Label)]
#[case::space_behind_the_label("twofold=(", "twofold =(", ProofFault::Label)]
fn there_is_one_signature_with_our_label(#[case] from: &str, #[case] to: &str, #[case] fault: ProofFault) {
    assert_eq!(altered("signature-input", from, to), fault);
}

#[rstest]
#[case::another_label("twofold=:", "sig1=:")]
#[case::two_signatures("twofold=:", "a=:AAAA:, twofold=:")]
#[case::short("twofold=:", "twofold=")]
#[case::parameter("==:", "==:;x=1")]
#[case::no_padding("==:", ":")]
#[case::text("twofold=:", "twofold=\"")]
#[case::empty("twofold=:", "twofold=::")]
fn the_signature_is_64_bytes_under_our_label(#[case] from: &str, #[case] to: &str) {
    assert_eq!(altered("signature", from, to), ProofFault::Unreadable("signature"));
}

#[rstest]
#[case::another_algorithm("sha-256=:", "sha-512=:")]
#[case::second_algorithm("sha-256=:", "sha-512=:AAAA:, sha-256=:")]
#[case::second_digest("=:LPJ", "=:LPJNuq==:, sha-256=:LPJ")]
#[case::short("=:LPJN", "=:")]
#[case::upper_case("sha-256=", "SHA-256=")]
#[case::hex("sha-256=:", "sha-256=")]
fn the_digest_is_one_sha256(#[case] from: &str, #[case] to: &str) {
    assert_eq!(
        altered("content-digest", from, to),
        ProofFault::Unreadable("content-digest")
    );
}

#[rstest]
#[case::short("abababab", "ababab")]
#[case::upper_case("abababab", "ABababab")]
#[case::long("abababab", "ababababab")]
#[case::no_hex("abababab", "ababababzz")]
#[case::another_word("abababababababababababababababab", "None")]
#[case::nothing("abababababababababababababababab", "")]
#[case::two("abababababababababababababababab", "none, none")]
fn f05_a_malformed_wallet_id_is_no_request(#[case] from: &str, #[case] to: &str) {
    assert_eq!(
        altered("twofold-wallet", from, to),
        ProofFault::Unreadable("twofold-wallet")
    );
}

#[rstest]
#[case::no_version("1;sdk", "sdk")]
#[case::negative("1;", "-1;")]
#[case::past_u32("1;", "4294967296;")]
#[case::zero_in_front("1;", "01;")]
#[case::no_sdk(";sdk=\"twofold-cli/0.1.0\"", "")]
#[case::sdk_as_token("sdk=\"twofold-cli/0.1.0\"", "sdk=twofold-cli/0.1.0")]
#[case::surplus("0\"", "0\";x=1")]
#[case::two_spaces(";sdk", ";  sdk")]
fn a_malformed_protocol_is_no_request(#[case] from: &str, #[case] to: &str) {
    assert_eq!(
        altered("twofold-protocol", from, to),
        ProofFault::Unreadable("twofold-protocol")
    );
}

#[rstest]
#[case("content-digest")]
#[case("content-type")]
#[case("twofold-protocol")]
#[case("twofold-wallet")]
#[case("signature-input")]
#[case("signature")]
fn each_header_is_there_exactly_once_and_is_text(#[case] name: &'static str) {
    let good = lines(&signed());
    let mut missing = good.clone();
    missing.retain(|(header, _)| header != name);
    assert_eq!(parse(&missing), Err(ProofFault::Missing(name)));

    let mut twice = good.clone();
    let again = good.iter().find(|(header, _)| header == name).unwrap().clone();
    twice.push(again);
    assert_eq!(parse(&twice), Err(ProofFault::Repeated(name)));

    for noise in ["\u{7f}", "\n", "\u{e9}", "\u{202e}", "\0"] {
        let mut dirty = good.clone();
        dirty
            .iter_mut()
            .find(|(header, _)| header == name)
            .unwrap()
            .1
            .push_str(noise);
        dirty.iter_mut().find(|(header, _)| header == name).unwrap().1.push('x');
        assert_eq!(parse(&dirty), Err(ProofFault::Unreadable(name)), "{noise:?}");
    }
}

#[test]
fn a_body_may_not_be_encoded_outside_the_signature() {
    let mut headers = lines(&signed());
    headers.push(("content-encoding".into(), "gzip".into()));
    assert_eq!(parse(&headers), Err(ProofFault::Encoded));
}

#[test]
fn a_p256_key_is_a_compressed_point() {
    let key = "02".repeat(33);
    let mut headers = lines(&signed());
    let input = &mut headers
        .iter_mut()
        .find(|(name, _)| name == "signature-input")
        .unwrap()
        .1;
    let (start, end) = (input.find("keyid").unwrap(), input.find(";tag").unwrap());
    input.replace_range(
        start..end,
        &alloc::format!("keyid=\"p256:{key}\";alg=\"ecdsa-p256-sha256\""),
    );
    assert!(parse(&headers).is_ok());
    for (_, value) in &mut headers {
        *value = value.replace("p256:02", "p256:04");
    }
    assert_eq!(parse(&headers), Err(ProofFault::Parameter("keyid")));
}

#[test]
fn every_fault_is_an_unauthenticated_request() {
    let refusal = Refusal::from(ProofFault::Components);
    assert_eq!(refusal.reason, Reason::SignatureMissing);
    assert_eq!(refusal.reason.code(), crate::Code::Unauthenticated);
}
