//! Other recovery words take the old ones' place.

use twofold_api::{Refusal, reply::Done, request::ReplaceRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn replace_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: ReplaceRecovery,
) -> Result<Done, Refusal> {
    cosigner.replace_recovery(caller.bind(request)?).await
}
