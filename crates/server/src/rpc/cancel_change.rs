//! The end of a change that waits.

use twofold_api::{Refusal, reply::Done, request::CancelChange};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn cancel_change<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: CancelChange,
) -> Result<Done, Refusal> {
    cosigner.cancel_change(caller.bind(request)?).await
}
