//! What can be wrong with what a peer sent, and who is to blame.

use alloc::{vec, vec::Vec};
use core::fmt;

use crate::id::Party;

/// How a caller should take a [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// The bytes are not a message of this protocol: an invalid argument. Nothing was learnt about anybody's honesty
    /// unless culprits are named.
    Malformed,
    /// A well-formed message contradicts the protocol or another message: the run is aborted.
    Blame,
    /// A message that is true elsewhere but not now: a failed precondition.
    WrongOrder,
    /// The asker lacks a secret that the step needs: permission denied.
    Denied,
    /// What was stored cannot be opened: data loss.
    Unreadable,
    /// We broke our own rules.
    Internal,
}

/// Why a message, a record or a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultKind {
    /// The message ends early or a length does not fit.
    #[error("the message is cut short or a length in it is wrong")]
    Length,
    /// Bytes follow the message.
    #[error("bytes follow the end of the message")]
    TrailingBytes,
    /// The format version is not one that this build knows.
    #[error("the format version is unknown: upgrade the older side")]
    UnknownVersion,
    /// A party, key kind or algorithm byte names nothing.
    #[error("a party, key kind or algorithm is unknown")]
    UnknownName,
    /// A curve point is not canonical, not on the curve, or is the identity.
    #[error("a curve point is malformed")]
    Point,
    /// A scalar is not canonical, or zero where zero is forbidden.
    #[error("a scalar is malformed")]
    Scalar,
    /// A public key is malformed or weak.
    #[error("a public key is malformed")]
    PublicKey,
    /// A list has a length that the step does not allow, or an entry twice.
    #[error("a list has the wrong number of entries, or one twice")]
    Count,
    /// A commitment polynomial does not have exactly threshold coefficients.
    #[error("a commitment has the wrong number of coefficients")]
    Coefficients,
    /// The proof of possession of a round-1 package fails for its sender.
    #[error("a proof of possession fails")]
    ProofOfPossession,
    /// A hardened or out-of-range derivation index.
    #[error("a derivation index is hardened or leads to no key")]
    Path,
    /// A recovery word is not in the list, or their number is wrong.
    #[error("the recovery words are misspelt")]
    Words,
    /// A text form (hex, bech32) is malformed.
    #[error("the text is malformed")]
    Text,

    /// A signature by an identity key fails.
    #[error("an identity signature fails")]
    IdentitySignature,
    /// The identity is not the one that was expected, for example not the invitation's.
    #[error("the identity is not the expected one")]
    UnexpectedIdentity,
    /// The message belongs to another ceremony, wallet, epoch, kind or party.
    #[error("the message belongs to another ceremony")]
    ForeignCeremony,
    /// Two parties saw different messages.
    #[error("parties were told different things")]
    Equivocation,
    /// A dealt share does not lie on the polynomial that its dealer committed to.
    #[error("a dealt share does not match its commitment")]
    DealtShare,
    /// A proof in what two parties set up to sign ECDSA together fails.
    #[error("a proof of an ECDSA set-up fails")]
    SetupProof,
    /// A number of a repair is not what its helper showed, or what was shown is no part of the lost share.
    #[error("a part of a repair is not what its helper showed of it")]
    Repair,
    /// A sealed package does not open.
    #[error("a sealed package does not open")]
    SealedPackage,
    /// A share does not match its verifying share.
    #[error("a share does not match its verifying share")]
    ShareMismatch,
    /// A signature share fails.
    #[error("a signature share fails")]
    SignatureShare,
    /// The finished signature fails.
    #[error("the signature fails")]
    Signature,
    /// The reply answers another request.
    #[error("the reply answers another request")]
    ForeignReply,
    /// A commitment that the device made is not the one in use.
    #[error("a commitment was replaced")]
    CommitmentReplaced,

    /// A message of another step arrived.
    #[error("this message belongs to another step")]
    UnexpectedMessage,
    /// The share and the request are of different epochs.
    #[error("the epoch is not the current one: fetch the newer share")]
    StaleEpoch,

    /// The unlock key is not this wallet's.
    #[error("the unlock key is not this wallet's")]
    UnlockKey,
    /// A stored seal does not open under its key and associated data.
    #[error("a stored record does not open")]
    Seal,

    /// The identity or age implementation that was passed in failed.
    #[error("sealing to recovery failed")]
    RecoverySeal,
    /// An internal invariant failed.
    #[error("an internal invariant failed")]
    Internal,
}

impl FaultKind {
    /// How a caller should take it.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Self::Length
            | Self::TrailingBytes
            | Self::UnknownVersion
            | Self::UnknownName
            | Self::Point
            | Self::Scalar
            | Self::PublicKey
            | Self::Count
            | Self::Coefficients
            | Self::ProofOfPossession
            | Self::Path
            | Self::Words
            | Self::Text => Class::Malformed,
            Self::IdentitySignature
            | Self::UnexpectedIdentity
            | Self::ForeignCeremony
            | Self::Equivocation
            | Self::DealtShare
            | Self::SetupProof
            | Self::Repair
            | Self::SealedPackage
            | Self::ShareMismatch
            | Self::SignatureShare
            | Self::Signature
            | Self::ForeignReply
            | Self::CommitmentReplaced => Class::Blame,
            Self::UnexpectedMessage | Self::StaleEpoch => Class::WrongOrder,
            Self::UnlockKey => Class::Denied,
            Self::Seal => Class::Unreadable,
            Self::RecoverySeal | Self::Internal => Class::Internal,
        }
    }

    /// A stable name for error messages on the wire.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Length => "MALFORMED_LENGTH",
            Self::TrailingBytes => "TRAILING_BYTES",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::UnknownName => "UNKNOWN_NAME",
            Self::Point => "MALFORMED_POINT",
            Self::Scalar => "MALFORMED_SCALAR",
            Self::PublicKey => "MALFORMED_KEY",
            Self::Count => "WRONG_COUNT",
            Self::Coefficients => "WRONG_COEFFICIENTS",
            Self::ProofOfPossession => "BAD_PROOF_OF_POSSESSION",
            Self::Path => "BAD_PATH",
            Self::Words => "BAD_WORDS",
            Self::Text => "MALFORMED_TEXT",
            Self::IdentitySignature => "BAD_IDENTITY_SIGNATURE",
            Self::UnexpectedIdentity => "UNEXPECTED_IDENTITY",
            Self::ForeignCeremony => "FOREIGN_CEREMONY",
            Self::Equivocation => "EQUIVOCATION",
            Self::DealtShare => "BAD_DEALT_SHARE",
            Self::SetupProof => "BAD_SETUP_PROOF",
            Self::Repair => "BAD_REPAIR",
            Self::SealedPackage => "BAD_SEALED_PACKAGE",
            Self::ShareMismatch => "SHARE_MISMATCH",
            Self::SignatureShare => "BAD_SIGNATURE_SHARE",
            Self::Signature => "BAD_SIGNATURE",
            Self::ForeignReply => "FOREIGN_REPLY",
            Self::CommitmentReplaced => "COMMITMENT_REPLACED",
            Self::UnexpectedMessage => "UNEXPECTED_MESSAGE",
            Self::StaleEpoch => "STALE_EPOCH",
            Self::UnlockKey => "WRONG_UNLOCK_KEY",
            Self::Seal => "SEAL_BROKEN",
            Self::RecoverySeal => "RECOVERY_SEAL",
            Self::Internal => "INTERNAL",
        }
    }
}

/// A refusal: what was wrong, and who is to blame where that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// What was wrong.
    pub kind: FaultKind,
    /// Who must have cheated or be broken; empty where it cannot be told.
    pub culprits: Vec<Party>,
}

impl Fault {
    /// A fault that nobody can be blamed for.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            culprits: Vec::new(),
        }
    }

    /// A fault of `culprit`.
    #[must_use]
    pub fn of(kind: FaultKind, culprit: Party) -> Self {
        Self {
            kind,
            culprits: vec![culprit],
        }
    }

    /// The same fault, laid at `culprit`'s door if nobody is blamed yet.
    #[must_use]
    pub fn by(mut self, culprit: Party) -> Self {
        if self.culprits.is_empty() {
            self.culprits.push(culprit);
        }
        self
    }

    /// The same fault, which `other` could have made just as well: it carried the message.
    #[must_use]
    pub fn or(mut self, other: Party) -> Self {
        if !self.culprits.contains(&other) {
            self.culprits.push(other);
        }
        self
    }

    /// How a caller should take it.
    #[must_use]
    pub fn class(&self) -> Class {
        self.kind.class()
    }
}

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self::new(kind)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        for (n, culprit) in self.culprits.iter().enumerate() {
            write!(f, "{}{culprit}", if n == 0 { " (by " } else { ", " })?;
        }
        if !self.culprits.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl core::error::Error for Fault {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        None
    }
}
