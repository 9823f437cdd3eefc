//! First round trip of a refresh.

use twofold_api::{Refusal, reply::RefreshBegun, request::BeginRefresh};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn begin_refresh<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: BeginRefresh,
) -> Result<RefreshBegun, Refusal> {
    let reply = cosigner.begin_refresh(caller.bind(request)?).await?;
    metrics::counter!(metric::CEREMONIES, "step" => "refresh_begun").increment(1);
    Ok(reply)
}
