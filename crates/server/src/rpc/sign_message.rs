//! The server's half of a signature over a text.

use twofold_api::{Refusal, reply::Signed, request::SignMessage};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn sign_message<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: SignMessage,
) -> Result<Signed, Refusal> {
    let reply = cosigner.sign_message(caller.bind(request)?).await?;
    metrics::counter!(metric::MESSAGE_SIGNATURES).increment(1);
    Ok(reply)
}
