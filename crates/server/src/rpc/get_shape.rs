//! What the wallet's devices are called, and what waits.

use twofold_api::{Refusal, reply::Shape, request::GetShape};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn get_shape<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: GetShape,
) -> Result<Shape, Refusal> {
    cosigner.get_shape(caller.bind(request)?).await
}
