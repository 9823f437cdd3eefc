//! A signed transaction to the network.

use twofold_api::{Refusal, reply::Sent, request::Broadcast};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn broadcast<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Broadcast,
) -> Result<Sent, Refusal> {
    cosigner.broadcast(caller.bind(request)?).await
}
