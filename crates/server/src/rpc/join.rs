//! Enrols a device by an invitation, or by the token of a sign-in.

use twofold_api::{Refusal, reply::Joined, request::Join};
use twofold_cosigner::{
    Cosigner, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};

use super::sign_in::SignIn;

pub(super) async fn join<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    who: SignIn<'_>,
    newcomer: Newcomer,
    request: Join,
) -> Result<Joined, Refusal> {
    let request = newcomer.bind(request)?;
    match who.token() {
        None => cosigner.join(request).await,
        Some(token) => cosigner.sign_in(request, who.person(token, cosigner)).await,
    }
}
