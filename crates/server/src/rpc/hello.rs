//! Who the server is.

use twofold_api::{Refusal, reply::Greeting, request::Hello};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn hello<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: Hello,
) -> Result<Greeting, Refusal> {
    cosigner.hello(caller.bind(request)?).await
}
