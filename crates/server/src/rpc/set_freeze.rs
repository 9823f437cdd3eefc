//! A freeze, or a wish for its end.

use twofold_api::{Refusal, reply::Asked, request::SetFreeze};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn set_freeze<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: SetFreeze,
) -> Result<Asked, Refusal> {
    cosigner.set_freeze(caller.bind(request)?).await
}
