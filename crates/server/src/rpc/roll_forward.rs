//! Brings back what a restored server signed and has forgotten.

use twofold_api::{Refusal, reply::Done, request::RollForward};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn roll_forward<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: RollForward,
) -> Result<Done, Refusal> {
    cosigner.roll_forward(caller.bind(request)?).await
}
