//! A wallet's audit chain.

use twofold_api::{Refusal, reply::Audit, request::GetAudit};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn get_audit<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: GetAudit,
) -> Result<Audit, Refusal> {
    cosigner.get_audit(caller.bind(request)?).await
}
