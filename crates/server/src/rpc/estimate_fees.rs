//! Fee estimates.

use twofold_api::{Refusal, reply::Fees, request::EstimateFees};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn estimate_fees<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: EstimateFees,
) -> Result<Fees, Refusal> {
    cosigner.estimate_fees(caller.bind(request)?).await
}
