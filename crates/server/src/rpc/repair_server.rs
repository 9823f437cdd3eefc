//! Recovery and a device give a restored server its share back.

use twofold_api::{Refusal, reply::Done, request::RepairServer};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn repair_server<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: RepairServer,
) -> Result<Done, Refusal> {
    cosigner.repair_server(caller.bind(request)?).await
}
