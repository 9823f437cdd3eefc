//! Recovery asks that a new machine take a lost one's place.

use twofold_api::{Refusal, reply::Asked, request::AskRecovery};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use super::sign_in::SignIn;

pub(super) async fn ask_recovery<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    who: SignIn<'_>,
    caller: Caller,
    request: AskRecovery,
) -> Result<Asked, Refusal> {
    let request = caller.bind(request)?;
    match who.token() {
        None => cosigner.ask_recovery(request).await,
        Some(token) => {
            cosigner
                .ask_recovery_signed_in(request, who.person(token, cosigner))
                .await
        }
    }
}
