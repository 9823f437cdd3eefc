//! The server's half of a signature.

use twofold_api::{Refusal, reply::Signed, request::Sign};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn sign<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Sign,
) -> Result<Signed, Refusal> {
    let reply = cosigner.sign(caller.bind(request)?).await?;
    metrics::counter!(metric::SIGNATURES).increment(1);
    Ok(reply)
}
