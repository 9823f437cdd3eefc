//! Enrols a device by an invitation.

use twofold_api::{Refusal, reply::Joined, request::Join};
use twofold_cosigner::{
    Cosigner, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn join<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    newcomer: Newcomer,
    request: Join,
) -> Result<Joined, Refusal> {
    cosigner.join(newcomer.bind(request)?).await
}
