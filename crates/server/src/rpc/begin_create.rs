//! First round trip of making a wallet.

use twofold_api::{Refusal, reply::CreateBegun, request::BeginCreate};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn begin_create<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: BeginCreate,
) -> Result<CreateBegun, Refusal> {
    let reply = cosigner.begin_create(caller.bind(request)?).await?;
    metrics::counter!(metric::CEREMONIES, "step" => "begun").increment(1);
    Ok(reply)
}
