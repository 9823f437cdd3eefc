//! The owner, signed in anew, says yes to a change that waits.

use twofold_api::{Reason, Refusal, reply::Done, request::ConfirmChange};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

use super::sign_in::SignIn;

pub(super) async fn confirm_change<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    who: SignIn<'_>,
    caller: Caller,
    request: ConfirmChange,
) -> Result<Done, Refusal> {
    let request = caller.bind(request)?;
    let person = async {
        match who.token() {
            Some(token) => who.person(token, cosigner).await,
            None => Err(Reason::TokenInvalid.into()),
        }
    };
    cosigner.confirm_change(request, person).await
}
