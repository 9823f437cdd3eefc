//! Recovery asks that a new machine take a lost one's place.

use twofold_api::{Refusal, reply::Asked, request::AskRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn ask_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: AskRecovery,
) -> Result<Asked, Refusal> {
    cosigner.ask_recovery(caller.bind(request)?).await
}
