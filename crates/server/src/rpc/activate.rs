//! The test signature; from here on the wallet signs.

use twofold_api::{Refusal, reply::Done, request::Activate};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn activate<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Activate,
) -> Result<Done, Refusal> {
    cosigner.activate(caller.bind(request)?).await
}
