//! What the chain says of a wallet.

use twofold_api::{Refusal, reply::Synced, request::Sync};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn sync<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Sync,
) -> Result<Synced, Refusal> {
    cosigner.sync(caller.bind(request)?).await
}
