//! The token that came with a request, if one did, and whose it is.

use std::sync::Arc;

use twofold_api::{Reason, Refusal};
use twofold_cosigner::{
    Cosigner, SignedIn,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_identity::{Fault, Identity, Token};

/// A sign-in that nobody has looked at yet.
pub(super) struct SignIn<'a> {
    pub(super) identity: &'a Identity,
    pub(super) token: Option<Arc<Token>>,
}

impl SignIn<'_> {
    /// The token, if one came.
    pub(super) fn token(&self) -> Option<&Token> {
        self.token.as_deref()
    }

    /// Finds out whose token it is.
    pub(super) async fn person<S: Store, C: Chain, K: Clock>(
        &self,
        token: &Token,
        cosigner: &Cosigner<S, C, K>,
    ) -> Result<SignedIn, Refusal> {
        let now = cosigner.now();
        let person = self.identity.person(token, now).await.map_err(refusal)?;
        let within = cosigner.config().step_up;
        Ok(SignedIn {
            stepped_up: within.is_some_and(|within| person.stepped_up(now, within)),
            issuer: person.issuer,
            subject: person.subject,
            admitted: person.admitted,
        })
    }
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
