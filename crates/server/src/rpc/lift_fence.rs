//! A person's yes that a fenced wallet may sign again.

use twofold_api::{Refusal, reply::Done, request::LiftFence};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn lift_fence<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: LiftFence,
) -> Result<Done, Refusal> {
    cosigner.lift_fence(caller.bind(request)?).await
}
