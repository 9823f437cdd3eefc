//! Vectors of RFC 9421 (appendix B.2) and RFC 9530 (appendix B).

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer, Verifier};
use sha2::{Digest, Sha256};

use crate::signature::{field, signature_base};

/// RFC 9421, B.2.6: ed25519 over a request.
#[test]
fn the_ed25519_example_verifies_and_is_reproduced() {
    let base = signature_base(
        [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@method", "POST"),
            ("@path", "/foo"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ],
        "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
         ;created=1618884473;keyid=\"test-key-ed25519\"",
    );
    let signature = STANDARD
        .decode("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==")
        .unwrap();
    // The last 32 bytes of the RFC's PKCS #8 key.
    let pkcs8 = STANDARD
        .decode("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF")
        .unwrap();
    let secret = ed25519_dalek::SigningKey::from_bytes(pkcs8.last_chunk().unwrap());
    // And of its public key.
    let spki = STANDARD
        .decode("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
        .unwrap();
    assert_eq!(secret.verifying_key().as_bytes(), spki.last_chunk().unwrap());
    assert_eq!(secret.sign(&base).to_bytes(), *signature);
}

/// RFC 9421, B.2.4: ecdsa-p256-sha256 over a response.
#[test]
fn the_p256_example_verifies() {
    let base = signature_base(
        [
            ("@status", "200"),
            ("content-type", "application/json"),
            (
                "content-digest",
                "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
            ),
            ("content-length", "23"),
        ],
        "(\"@status\" \"content-type\" \"content-digest\" \"content-length\")\
         ;created=1618884473;keyid=\"test-key-ecc-p256\"",
    );
    let signature = STANDARD
        .decode("wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==")
        .unwrap();
    let spki = STANDARD
        .decode(
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71\
             Z50VGGdldkkDXZCnTNnoXQ==",
        )
        .unwrap();
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(spki.last_chunk::<65>().unwrap()).unwrap();
    assert!(
        key.verify(&base, &p256::ecdsa::Signature::from_slice(&signature).unwrap())
            .is_ok()
    );
    assert!(
        key.verify(&base[1..], &p256::ecdsa::Signature::from_slice(&signature).unwrap())
            .is_err()
    );
}

/// RFC 9530, appendix B: the representation with its line feed (B.1), and RFC 9421's request body without.
#[test]
fn digests_are_spelled_as_in_the_examples() {
    for (body, text) in [
        (
            &b"{\"hello\": \"world\"}\n"[..],
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        ),
        (
            b"{\"hello\": \"world\"}",
            "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        ),
        (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    ] {
        let digest = Sha256::digest(body).into();
        assert_eq!(field::content_digest(&digest), text);
        assert_eq!(field::parse_content_digest(text), Some(digest));
    }
}
