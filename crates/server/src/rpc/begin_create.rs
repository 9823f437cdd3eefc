//! First round trip of making a wallet.

use std::sync::Arc;

use twofold_api::{Refusal, reply::CreateBegun, request::BeginCreate};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn begin_create<S: Store, C: Chain, K: Clock>(
    cosigner: &Arc<Cosigner<S, C, K>>,
    caller: Caller,
    request: BeginCreate,
) -> Result<CreateBegun, Refusal> {
    let wallet = request.wallet;
    let reply = cosigner.begin_create(caller.bind(request)?).await?;
    // While the device does its part, and in nobody's way.
    let cosigner = Arc::clone(cosigner);
    tokio::task::spawn_blocking(move || cosigner.foresee(wallet));
    metrics::counter!(metric::CEREMONIES, "step" => "begun").increment(1);
    Ok(reply)
}
