//! What a provider's tokens are held to.

use serde_json::{Map, Value};

use crate::{refused::SetupFault, step_up::StepUp};

/// What an issuer's tokens must say.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Their `iss`, to the letter.
    pub issuer: String,
    /// Their `aud` is one of these.
    pub audiences: Vec<String>,
    /// Which claim names the person.
    pub subject: SubjectClaim,
    /// Which kind of token it is.
    pub kind: TokenKind,
    /// Who may become a user.
    pub admission: Admission,
    /// Whether only people whose e-mail address was verified may use the server.
    pub verified_email: bool,
    /// What counts as a second factor.
    pub step_up: StepUp,
}

/// Kinds of tokens, by the header's `typ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An ID token or a session's: no `typ`, or `JWT`.
    Id,
    /// An access token (RFC 9068): `at+jwt`.
    Access,
}

impl TokenKind {
    pub(crate) fn fits(self, named: Option<&str>) -> bool {
        match self {
            Self::Id => matches!(named, None | Some("jwt")),
            Self::Access => named == Some("at+jwt"),
        }
    }
}

/// The claim that names the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectClaim(String);

/// What people may change, or hand on to the next: it names nobody for good.
const CHANGES_HANDS: [&str; 10] = [
    "email",
    "phone",
    "phone_number",
    "preferred_username",
    "username",
    "upn",
    "unique_name",
    "name",
    "nickname",
    "user_metadata",
];

impl SubjectClaim {
    /// A claim by its name; `sub` unless the provider has a better one.
    pub fn new(claim: &str) -> Result<Self, SetupFault> {
        if claim.is_empty() || CHANGES_HANDS.contains(&claim) {
            return Err(SetupFault::Setting {
                issuer: claim.to_owned(),
                what: "this claim can name somebody else tomorrow; name people by `sub`",
            });
        }
        Ok(Self(claim.to_owned()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

impl Default for SubjectClaim {
    fn default() -> Self {
        Self("sub".into())
    }
}

/// Who may become a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Admission {
    /// Whoever signs in.
    #[default]
    Anyone,
    /// These subjects.
    Listed(Vec<String>),
    /// Whoever has this claim with this value, or with a list that has it.
    Claim {
        /// The claim.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Admission {
    /// A claim about an e-mail address counts for one that was verified alone: anybody may type in another's.
    pub(crate) fn admits(&self, subject: &str, claims: &Map<String, Value>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Listed(subjects) => subjects.iter().any(|listed| listed == subject),
            Self::Claim { name, value } => {
                let has = match claims.get(name) {
                    Some(Value::String(text)) => text == value,
                    Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(value)),
                    _ => false,
                };
                has && (name != "email" || email_verified(claims))
            }
        }
    }
}

/// Whether the provider says so, in the one spelling that means it.
pub(crate) fn email_verified(claims: &Map<String, Value>) -> bool {
    claims.get("email_verified") == Some(&Value::Bool(true))
}

impl Rule {
    /// A rule without the parts that can be left alone.
    #[must_use]
    pub fn new(issuer: &str, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences,
            subject: SubjectClaim::default(),
            kind: TokenKind::Id,
            admission: Admission::Anyone,
            verified_email: false,
            step_up: StepUp::default(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), SetupFault> {
        let what = if self.issuer.is_empty() || self.issuer.len() > 255 {
            "its issuer has 1 to 255 characters"
        } else if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            "name the audience that its tokens are for"
        } else {
            return Ok(());
        };
        Err(SetupFault::Setting {
            issuer: self.issuer.clone(),
            what,
        })
    }
}
