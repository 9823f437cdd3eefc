//! Who signed in.

/// A person, as their provider says it. The issuer and the subject are the person; the rest is about this one sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who vouches.
    pub issuer: String,
    /// For whom, in the issuer's own words. Never an e-mail address, which changes hands.
    pub subject: String,
    /// Whether this one may become a user if they are none yet.
    pub admitted: bool,
    /// When they last proved who they are, where the provider says.
    pub authenticated: Option<u64>,
    /// Whether a second factor was part of it.
    pub second_factor: bool,
}

impl Person {
    /// Whether this is a step-up: a sign-in with a second factor, no longer ago than `within` seconds.
    #[must_use]
    pub fn stepped_up(&self, now: u64, within: u64) -> bool {
        let recent = self.authenticated.is_some_and(|at| now.saturating_sub(at) <= within);
        recent && self.second_factor
    }
}
