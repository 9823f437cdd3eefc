//! Enrols a device by an invitation, or by the token of a sign-in.

use twofold_api::{Reason, Refusal, reply::Joined, request::Join};
use twofold_cosigner::{
    Cosigner, Newcomer, SignedIn,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_identity::{Fault, Identity, Token};

pub(super) async fn join<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    identity: &Identity,
    newcomer: Newcomer,
    token: Option<&Token>,
    request: Join,
) -> Result<Joined, Refusal> {
    let request = newcomer.bind(request)?;
    match token {
        None => cosigner.join(request).await,
        Some(token) => cosigner.sign_in(request, who(identity, token, cosigner.now())).await,
    }
}

/// Finds out whose token it is.
async fn who(identity: &Identity, token: &Token, now: u64) -> Result<SignedIn, Refusal> {
    let person = identity.person(token, now).await.map_err(refusal)?;
    Ok(SignedIn {
        issuer: person.issuer,
        subject: person.subject,
        admitted: person.admitted,
    })
}

/// A bad token, somebody who may not, and a provider in trouble are three things.
fn refusal(fault: Fault) -> Refusal {
    match fault {
        Fault::Forbidden(why) => Refusal::new(Reason::SignInRefused, why),
        Fault::Unavailable { retry_after, .. } => {
            Refusal::from(Reason::SignInUnavailable).retry_after(u32::try_from(retry_after).unwrap_or(u32::MAX))
        }
        fault => Refusal::new(Reason::TokenInvalid, fault.to_string()),
    }
}
