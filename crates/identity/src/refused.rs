//! Why a token makes nobody known. Nothing of the token stands in a message.

/// Whose fault it is that nobody is known by a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The token is not good.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// The token is good, and its owner may not use this server.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The provider is in trouble, so nothing can be said of the token.
    #[error("the sign-in at {issuer} can't be checked now: {why}")]
    Unavailable {
        /// Whose.
        issuer: String,
        /// What happened, for the log.
        why: String,
        /// Seconds after which asking again may help.
        retry_after: u64,
    },
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// Not a token at all.
    #[error("the token can't be read; send the provider's token as it came")]
    Malformed,
    /// Longer than any that is read.
    #[error("the token is longer than 8192 bytes")]
    TooLong,
    /// No provider of ours.
    #[error("nobody that this server listens to issued the token")]
    UnknownIssuer,
    /// Signed in a way that this provider does not use, or not at all.
    #[error("the token is not signed by an algorithm that its provider uses")]
    Algorithm,
    /// Its header asks for what is never done.
    #[error("the token's header holds `{0}`, which is not taken")]
    Header(&'static str),
    /// It names no key, and there are several.
    #[error("the token does not say which of its provider's keys signed it")]
    KeyNotNamed,
    /// Its provider has no such key.
    #[error("the token's key is none of its provider's")]
    KeyUnknown,
    /// The signature does not hold.
    #[error("the token's signature does not hold")]
    Signature,
    /// Of another kind than is asked for.
    #[error("the token is of another kind than this server takes")]
    Kind,
    /// From another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// A claim is missing or has a shape that it must not have.
    #[error("the token's claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// Its time is over.
    #[error("the token has expired; sign in again")]
    Expired,
    /// Its time is yet to come.
    #[error("the token is not valid yet")]
    TooEarly,
    /// Made to live for longer than a day.
    #[error("the token lives for longer than a day; have the provider issue shorter ones")]
    TooLongLived,
    /// The app does not know it.
    #[error("the app does not know this token; sign in again")]
    Disowned,
}

/// What is wrong with a provider as it was configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupFault {
    /// Two can't be told apart, or a name is taken.
    #[error("the sign-in provider `{0}` can't be used: {1}")]
    Issuer(String, &'static str),
    /// Not a URL that is asked.
    #[error("`{0}` is no URL to ask: it begins with https://, or with http:// and a loopback address")]
    Url(String),
    /// Something is missing or out of range.
    #[error("the sign-in provider `{issuer}`: {what}")]
    Setting {
        /// Whose.
        issuer: String,
        /// What.
        what: &'static str,
    },
    /// Certificates or keys that can't be used.
    #[error("a certificate or key for sign-in can't be used: {0}")]
    Tls(String),
}
