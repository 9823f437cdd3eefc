//! Second round trip of a refresh.

use twofold_api::{Refusal, reply::RefreshFinished, request::FinishRefresh};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn finish_refresh<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: FinishRefresh,
) -> Result<RefreshFinished, Refusal> {
    let reply = cosigner.finish_refresh(caller.bind(request)?).await?;
    metrics::counter!(metric::CEREMONIES, "step" => "refresh_finished").increment(1);
    Ok(reply)
}
