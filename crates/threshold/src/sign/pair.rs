//! For tests: any two of the three sign, the one that asks in the device's way.

use std::vec::Vec;

use super::{
    InputToCosign, InputToSign,
    device::{self, Answerer},
    server,
};
use crate::{
    Fault,
    id::RequestDigest,
    identity::{Domain, IdentitySecret, Signature64},
    share::{PublicShares, Share},
};

const REQUEST: RequestDigest = RequestDigest([0x21; 32]);
const CONTEXT: [u8; 32] = [0x42; 32];

/// A share with the identity of who holds it.
pub(crate) type Holder<'a> = (&'a Share, &'a IdentitySecret);

/// What `asker` and `answerer` sign together.
pub(crate) fn sign_together(
    public: &PublicShares,
    inputs: &[InputToSign],
    asker: Holder<'_>,
    answerer: Holder<'_>,
) -> Result<Vec<Signature64>, Fault> {
    let mut rng = crate::fixture::rng(77);
    let name = asker.1.public().to_bytes();
    let (nonces, commitments) = device::ask(asker.0, public, &name, inputs, &[9; 32], b"nonce", &mut rng)?;
    let to_answer: Vec<_> = inputs
        .iter()
        .map(|input| InputToCosign {
            path: input.path,
            message: input.message,
            tweak: None,
        })
        .collect();
    let identity = answerer.1;
    let reply = server::answer(
        answerer.0,
        public,
        &to_answer,
        (asker.0.party(), &commitments),
        REQUEST,
        &identity.public(),
        &mut rng,
    )?
    .sign_in(Domain::COSIGN, identity, &CONTEXT);
    let from = Answerer {
        party: answerer.0.party(),
        identity: &identity.public(),
        domain: Domain::COSIGN,
    };
    nonces
        .bind(REQUEST)
        .receive_from(from, &reply, asker.0, public, &CONTEXT)
}
