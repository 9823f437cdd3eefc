//! The server helps a device to give new recovery words their share.

use twofold_api::{Refusal, reply::Recovered, request::RepairRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn repair_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: RepairRecovery,
) -> Result<Recovered, Refusal> {
    cosigner.repair_recovery(caller.bind(request)?).await
}
