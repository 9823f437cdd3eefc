//! Second round trip of making a wallet.

use twofold_api::{Refusal, reply::CreateFinished, request::FinishCreate};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use crate::metric;

pub(super) async fn finish_create<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: FinishCreate,
) -> Result<CreateFinished, Refusal> {
    let reply = cosigner.finish_create(caller.bind(request)?).await?;
    metrics::counter!(metric::CEREMONIES, "step" => "finished").increment(1);
    Ok(reply)
}
