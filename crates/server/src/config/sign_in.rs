//! `[[sign_in]]`: the providers that people sign in with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use twofold_identity::{
    Admission, Firebase, Identity, Oidc, Provider, Rule, SetupFault, SharedSecret, StepUp, SubjectClaim, Supabase,
    SupabaseKeys, TokenKind, Trust, WebUrl, Webhook,
};

use super::Config;
use crate::{fault::Fault, private_file};

/// A provider, by its `kind`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum SignIn {
    /// `OpenID` Connect.
    Oidc {
        /// Its URL, as its tokens name it.
        issuer: String,
        /// Who the tokens are for: the app's client id.
        audience: Audience,
        /// Where its keys are, if discovery is not to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jwks_url: Option<String>,
        /// The claim that names a person; `sub` unless said otherwise. Never change it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// Take access tokens (RFC 9068) instead of ID tokens.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        access_tokens: bool,
        /// Only people whose e-mail address was verified.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        verified_email: bool,
        /// The words in `amr` that stand for a second factor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second_factor_amr: Option<Vec<String>>,
        /// The same in `acr`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        second_factor_acr: Option<Vec<String>>,
        /// PEM file: the authorities whose certificates are believed, instead of those that browsers trust.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
        /// Who may become a user; everybody unless said otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admit: Option<Admit>,
    },
    /// Supabase.
    Supabase {
        /// The project's URL.
        url: String,
        /// The older shared secret's file; without it, the keys that the project publishes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret_file: Option<PathBuf>,
        /// Guests without an account, too.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        anonymous: bool,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admit: Option<Admit>,
    },
    /// Firebase.
    Firebase {
        /// The project's id.
        project: String,
        /// Where the keys are, if not at Google's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        jwks_url: Option<String>,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        verified_email: bool,
        /// Guests without an account, too.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        anonymous: bool,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admit: Option<Admit>,
    },
    /// An app with sessions of its own.
    Webhook {
        /// What its users' issuer is called. Never change it.
        issuer: String,
        /// Where it is asked.
        url: String,
        /// The shared secret's file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret_file: Option<PathBuf>,
        /// The certificate that this server shows, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<PathBuf>,
        /// Its key, PEM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<PathBuf>,
        /// As for `oidc`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ca_file: Option<PathBuf>,
        /// As for `oidc`; by their subjects alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admit: Option<Admit>,
    },
}

/// One audience or several.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Any of these.
    Several(Vec<String>),
}

/// Who may become a user: these people, or those with a claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admit {
    /// People by their subjects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// A claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Its value, or one of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Config {
    /// The providers, ready to be asked. Reads their files, and asks nobody.
    pub(crate) fn identity(&self) -> Result<Identity, Fault> {
        let providers = self.sign_in.iter().map(SignIn::provider).collect::<Result<_, _>>()?;
        Identity::new(providers).map_err(wrong)
    }
}

fn wrong(fault: impl std::fmt::Display) -> Fault {
    Fault::Config(format!("sign_in: {fault}"))
}

impl SignIn {
    fn provider(&self) -> Result<Provider, Fault> {
        match self {
            Self::Oidc { .. } => self.oidc(),
            Self::Supabase {
                url,
                secret_file,
                anonymous,
                ca_file,
                admit,
            } => made(
                Supabase {
                    url: WebUrl::parse(url).map_err(wrong)?,
                    keys: match secret_file {
                        Some(file) => SupabaseKeys::Secret(secret(file)?),
                        None => SupabaseKeys::Published,
                    },
                    admission: admission(admit.as_ref())?,
                    anonymous: *anonymous,
                    trust: trust(ca_file.as_deref())?,
                }
                .provider(),
            ),
            Self::Firebase {
                project,
                jwks_url,
                verified_email,
                anonymous,
                ca_file,
                admit,
            } => made(
                Firebase {
                    project: project.clone(),
                    admission: admission(admit.as_ref())?,
                    verified_email: *verified_email,
                    anonymous: *anonymous,
                    keys: web_url(jwks_url.as_deref())?,
                    trust: trust(ca_file.as_deref())?,
                }
                .provider(),
            ),
            Self::Webhook {
                issuer,
                url,
                secret_file,
                certificate,
                key,
                ca_file,
                admit,
            } => made(
                Webhook {
                    issuer: issuer.clone(),
                    url: WebUrl::parse(url).map_err(wrong)?,
                    secret: secret_file.as_deref().map(secret).transpose()?,
                    trust: match (certificate, key) {
                        (Some(certificate), Some(key)) => {
                            private_file::require_private(key)?;
                            let shown = trust(ca_file.as_deref())?.showing(&read(certificate)?, &read(key)?);
                            shown.map_err(wrong)?
                        }
                        (None, None) => trust(ca_file.as_deref())?,
                        _ => return Err(wrong("certificate and key go together")),
                    },
                    admission: admission(admit.as_ref())?,
                }
                .provider(),
            ),
        }
    }

    fn oidc(&self) -> Result<Provider, Fault> {
        let Self::Oidc {
            issuer,
            audience,
            jwks_url,
            subject,
            access_tokens,
            verified_email,
            second_factor_amr,
            second_factor_acr,
            ca_file,
            admit,
        } = self
        else {
            return Err(wrong("this is no OpenID Connect provider"));
        };
        let mut step_up = StepUp::default();
        if second_factor_amr.is_some() || second_factor_acr.is_some() {
            step_up.amr = second_factor_amr.clone().unwrap_or_default();
            step_up.acr = second_factor_acr.clone().unwrap_or_default();
        }
        let audiences = match audience {
            Audience::One(name) => vec![name.clone()],
            Audience::Several(names) => names.clone(),
        };
        let subject = subject.as_deref().map(SubjectClaim::new).transpose();
        let kind = if *access_tokens {
            TokenKind::Access
        } else {
            TokenKind::Id
        };
        let rule = Rule {
            subject: subject.map_err(wrong)?.unwrap_or_default(),
            kind,
            admission: admission(admit.as_ref())?,
            verified_email: *verified_email,
            step_up,
            ..Rule::new(issuer, audiences)
        };
        made(
            Oidc {
                rule,
                keys: web_url(jwks_url.as_deref())?,
                trust: trust(ca_file.as_deref())?,
            }
            .provider(),
        )
    }
}

fn made(provider: Result<Provider, SetupFault>) -> Result<Provider, Fault> {
    provider.map_err(wrong)
}

fn admission(admit: Option<&Admit>) -> Result<Admission, Fault> {
    let Some(Admit { subjects, claim, value }) = admit else {
        return Ok(Admission::Anyone);
    };
    match (subjects, claim, value) {
        (Some(subjects), None, None) => Ok(Admission::Listed(subjects.clone())),
        (None, Some(name), Some(value)) => Ok(Admission::Claim {
            name: name.clone(),
            value: value.clone(),
        }),
        _ => Err(wrong("admit takes subjects, or a claim with its value")),
    }
}

fn trust(ca_file: Option<&Path>) -> Result<Trust, Fault> {
    match ca_file {
        Some(file) => Trust::default().authorities(&read(file)?).map_err(wrong),
        None => Ok(Trust::default()),
    }
}

fn web_url(text: Option<&str>) -> Result<Option<WebUrl>, Fault> {
    text.map(WebUrl::parse).transpose().map_err(wrong)
}

fn read(file: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Fault> {
    let bytes = std::fs::read(file).map_err(|why| wrong(format!("can't read {}: {why}", file.display())))?;
    Ok(zeroize::Zeroizing::new(bytes))
}

impl SignIn {
    /// Where it is asked, or its tokens say that they come from, each by its key.
    pub(crate) fn urls(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Oidc { issuer, jwks_url, .. } => {
                let keys = jwks_url.as_deref().map(|url| ("jwks_url", url));
                [Some(("issuer", issuer.as_str())), keys]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            Self::Firebase { jwks_url, .. } => jwks_url.as_deref().map(|url| ("jwks_url", url)).into_iter().collect(),
            Self::Supabase { url, .. } | Self::Webhook { url, .. } => vec![("url", url.as_str())],
        }
    }

    /// The files that hold a secret.
    pub(crate) fn secret_files(&self) -> Vec<&Path> {
        match self {
            Self::Oidc { .. } | Self::Firebase { .. } => Vec::new(),
            Self::Supabase { secret_file, .. } => secret_file.as_deref().into_iter().collect(),
            Self::Webhook { secret_file, key, .. } => {
                secret_file.as_deref().into_iter().chain(key.as_deref()).collect()
            }
        }
    }
}

/// A secret that nobody else may read.
pub(crate) fn secret(file: &Path) -> Result<SharedSecret, Fault> {
    private_file::require_private(file)?;
    let bytes = read(file)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(format!("{} holds no text", file.display())))?;
    SharedSecret::new(text).map_err(|fault| wrong(format!("{}: {fault}", file.display())))
}

#[cfg(test)]
mod tests;
