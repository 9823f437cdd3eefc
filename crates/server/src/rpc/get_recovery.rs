//! What recovery needs to put a new machine in a lost one's place.

use twofold_api::{Refusal, reply::Recovery, request::GetRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn get_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: GetRecovery,
) -> Result<Recovery, Refusal> {
    cosigner.get_recovery(caller.bind(request)?).await
}
