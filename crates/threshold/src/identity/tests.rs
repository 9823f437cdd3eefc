use std::vec::Vec;

use p256::ecdsa::signature::Signer as _;
use proptest::prelude::*;

use super::*;
use crate::fixture::rng;

const DOMAIN: Domain = Domain::new("test/domain-1");

#[test]
fn a_signature_holds_for_its_own_key_domain_and_message_only() {
    let secret = IdentitySecret::generate(&mut rng(1));
    let signature = secret.sign(DOMAIN, b"message");
    let key = secret.public();
    key.verify(DOMAIN, b"message", &signature).unwrap();
    assert!(key.verify(DOMAIN, b"another message", &signature).is_err());
    assert!(key.verify(Domain::COSIGN, b"message", &signature).is_err());
    assert!(
        IdentitySecret::generate(&mut rng(2))
            .public()
            .verify(DOMAIN, b"message", &signature)
            .is_err()
    );
    let mut changed = signature;
    changed.0[40] ^= 1;
    assert!(key.verify(DOMAIN, b"message", &changed).is_err());
}

#[test]
fn a_p256_key_that_lives_elsewhere_signs_the_bytes_it_is_given() {
    let secret = p256::ecdsa::SigningKey::random(&mut rng(1));
    let key = IdentityKey::P256(
        secret
            .verifying_key()
            .to_encoded_point(true)
            .as_bytes()
            .try_into()
            .unwrap(),
    );
    let signature: p256::ecdsa::Signature = secret.sign(&DOMAIN.signing_bytes(b"message"));
    let low = Signature64(signature.to_bytes().into());
    key.verify(DOMAIN, b"message", &low).unwrap();
    // Hardware does not normalize s.
    let (r, s) = signature.split_scalars();
    let high = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    key.verify(DOMAIN, b"message", &Signature64(high.to_bytes().into()))
        .unwrap();
    assert!(key.verify(DOMAIN, b"other", &low).is_err());
    assert_eq!(IdentityKey::try_from(key.to_bytes().as_slice()).unwrap(), key);
}

#[test]
fn a_malleated_ed25519_signature_is_refused() {
    let secret = IdentitySecret::generate(&mut rng(1));
    let mut signature = secret.sign(DOMAIN, b"message");
    // s + L verifies wherever s is not checked to be reduced.
    let order = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0u16;
    for (byte, add) in signature.0[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert!(secret.public().verify(DOMAIN, b"message", &signature).is_err());
}

#[test]
fn signing_bytes_are_never_the_base_of_an_http_message_signature() {
    assert_eq!(
        DOMAIN.signing_bytes(b"\"@method\""),
        b"twofold/v1/test/domain-1\n\"@method\""
    );
}

#[test]
fn the_seed_and_the_debug_form_keep_the_secret() {
    let secret = IdentitySecret::generate(&mut rng(1));
    let seed = secret.expose_seed();
    assert_eq!(IdentitySecret::from_seed(&seed).public(), secret.public());
    let shown = std::format!("{secret:?} {seed:?}");
    assert!(!shown.contains(&hex::encode(seed.expose())), "{shown}");
}

proptest! {
    #[test]
    fn keys_that_decode_encode_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(key) = IdentityKey::try_from(bytes.as_slice()) {
            prop_assert_eq!(key.to_bytes(), bytes);
        }
    }

    #[test]
    fn no_signature_of_noise_verifies(noise in prop::collection::vec(any::<u8>(), 64..65)) {
        let signature = Signature64::try_from(noise.as_slice()).unwrap();
        let key = IdentitySecret::generate(&mut rng(1)).public();
        prop_assert!(key.verify(DOMAIN, b"message", &signature).is_err());
        let _: Vec<u8> = key.to_bytes();
    }
}
