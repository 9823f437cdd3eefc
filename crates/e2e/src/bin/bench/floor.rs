//! The floor under every figure: what a multiplication takes in k256, which frost stands on, and in libsecp256k1.

use std::hint::black_box;

use anyhow::{Context as _, Result};
use bitcoin::secp256k1::{Keypair, Message, PublicKey, Scalar as Tweak, Secp256k1, SecretKey, rand::thread_rng};
use k256::{
    ProjectivePoint, Scalar,
    elliptic_curve::{Field as _, PrimeField as _, group::GroupEncoding as _},
};
use rand_core::OsRng;
use twofold_threshold::{identity::Signature64, sign::verify_bip340};

use crate::{figure::Figure, parts::cost};

/// Microseconds of each operation, its result written down as bytes.
pub(crate) fn figures() -> Result<Vec<Figure>> {
    let secp = Secp256k1::new();
    let scalar = Scalar::random(&mut OsRng);
    let secret = SecretKey::from_slice(&scalar.to_bytes())?;
    let public = PublicKey::from_secret_key(&secp, &secret);
    let point = ProjectivePoint::GENERATOR * scalar;
    let tweak = Tweak::from_be_bytes(scalar.to_repr().into())?;
    let pair = Keypair::new(&secp, &mut thread_rng());
    let message = Message::from_digest([7; 32]);
    let signature = secp.sign_schnorr(&message, &pair);
    let key = pair.x_only_public_key().0;
    let plain_key = key.serialize();
    let plain_signature = Signature64(*signature.as_ref());
    let figure = |name, time| Figure::plain(name, time, "us");
    Ok(vec![
        figure(
            "generator by scalar, k256",
            cost(|| {
                black_box((ProjectivePoint::GENERATOR * black_box(scalar)).to_bytes());
                Ok(())
            })?,
        ),
        figure(
            "generator by scalar, libsecp256k1",
            cost(|| {
                black_box(PublicKey::from_secret_key(&secp, black_box(&secret)).serialize());
                Ok(())
            })?,
        ),
        figure(
            "point by scalar, k256",
            cost(|| {
                black_box((black_box(point) * black_box(scalar)).to_bytes());
                Ok(())
            })?,
        ),
        figure(
            "point by scalar, libsecp256k1",
            cost(|| {
                black_box(
                    public
                        .mul_tweak(&secp, black_box(&tweak))
                        .context("a product")?
                        .serialize(),
                );
                Ok(())
            })?,
        ),
        figure(
            "BIP-340 verified, frost over k256",
            cost(|| Ok(verify_bip340(&plain_key, &[7; 32], &plain_signature)?))?,
        ),
        figure(
            "BIP-340 verified, libsecp256k1",
            cost(|| Ok(secp.verify_schnorr(&signature, &message, &key)?))?,
        ),
    ])
}
