//! What recovery needs to put a new machine in a lost one's place.

use twofold_api::{Refusal, reply::Recovery, request::GetRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use super::sign_in::SignIn;

pub(super) async fn get_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    who: SignIn<'_>,
    caller: Caller,
    request: GetRecovery,
) -> Result<Recovery, Refusal> {
    let request = caller.bind(request)?;
    match who.token() {
        None => cosigner.get_recovery(request).await,
        Some(token) => {
            cosigner
                .get_recovery_signed_in(request, who.person(token, cosigner))
                .await
        }
    }
}
