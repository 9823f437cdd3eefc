//! The server helps recovery to give a device its share.

use twofold_api::{Refusal, reply::Recovered, request::Recover};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn recover<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Recover,
) -> Result<Recovered, Refusal> {
    cosigner.recover(caller.bind(request)?).await
}
