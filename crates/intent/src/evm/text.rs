//! A text (EIP-191, as `personal_sign` has it) into its digest, and a sign-in (EIP-4361) into who is let in where.

mod sign_in;

use alloy_primitives::{Address, B256, eip191_hash_message};

pub use sign_in::{SignIn, SignInFault};

use super::{Account, ChainId, Effect, Statement};

/// The longest text signed, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// What every sign-in says, and nothing else may: these words, and after them that it is an account. What stands between is
/// the network's name, as the site has it: many write "Base" or "Polygon" where EIP-4361 has "Ethereum".
const SIGN_IN: [&str; 2] = ["wants you to sign in with your", "account"];

/// What signing a text means. Made only by [`facts`], so every field follows from text and account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The digest that is signed.
    pub digest: B256,
    /// Who signs.
    pub from: Address,
    /// One effect: a sign-in, or a text.
    pub effects: Vec<Effect>,
}

/// Why a text is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// More bytes than are signed.
    #[error("the text has more than {MAX_BYTES} bytes; sign its hash instead, and say so in the text")]
    TooLong,
    /// As long as a digest is, or one in hexadecimal digits, so it may be one, of anything.
    #[error("the text is 32 bytes, or 64 hexadecimal digits, as a digest is, and may be one; add a word to it")]
    LikeADigest,
    /// Bytes that nobody can read.
    #[error(
        "this is no text, or has characters that hide what it says; send it as UTF-8 without characters that do not show"
    )]
    Unreadable,
    /// It says that it is a sign-in, and is none.
    #[error("this says that it is a sign-in, but {0}; do not sign it, and find out who asks")]
    SignIn(#[from] SignInFault),
    /// A sign-in for somebody else.
    #[error("the sign-in is for {asked} and this account is {expected}; choose that account")]
    OtherAccount {
        /// Whom it names.
        asked: Address,
        /// The account's address.
        expected: Address,
    },
    /// A sign-in for another chain than the account's.
    #[error(
        "the sign-in is for chain {asked} and this account is on chain {expected}; choose the account of that chain"
    )]
    WrongChain {
        /// What it names.
        asked: ChainId,
        /// The account's.
        expected: ChainId,
    },
}

impl Refused {
    /// The stable name of this refusal, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "TEXT_TOO_LONG",
            Self::LikeADigest => "TEXT_LIKE_A_DIGEST",
            Self::Unreadable => "TEXT_UNREADABLE",
            Self::SignIn(_) => "SIGN_IN",
            Self::OtherAccount { .. } => "OTHER_ACCOUNT",
            Self::WrongChain { .. } => "WRONG_CHAIN",
        }
    }
}

/// What signing this text means to this account.
pub fn facts(text: &[u8], account: &Account) -> Result<Facts, Refused> {
    if text.len() > MAX_BYTES {
        return Err(Refused::TooLong);
    }
    // Contracts have digests of orders and vouchers signed so. Whoever may choose what goes into one can have it look like
    // a text, so its length alone decides.
    if text.len() == 32 {
        return Err(Refused::LikeADigest);
    }
    let read = core::str::from_utf8(text).map_err(|_| Refused::Unreadable)?;
    if read.chars().any(hides) {
        return Err(Refused::Unreadable);
    }
    if spells_a_digest(read) {
        return Err(Refused::LikeADigest);
    }
    let effect = if claims_to_sign_in(read) {
        Effect::SignIn(sign_in(read, account)?)
    } else {
        Effect::Statement(Statement {
            from: account.address,
            text: read.to_owned(),
        })
    };
    Ok(Facts {
        digest: eip191_hash_message(text),
        from: account.address,
        effects: vec![effect],
    })
}

/// Whether it is nothing but 32 bytes in hexadecimal digits. Some contracts and services have a digest signed so, and wallets
/// that are asked to sign such a text sign the bytes.
fn spells_a_digest(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits.unwrap_or(text);
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether it says that it is a sign-in, in whatever case of letters.
fn claims_to_sign_in(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let [words, account] = SIGN_IN;
    text.split_once(words).is_some_and(|(_, rest)| rest.contains(account))
}

fn sign_in(text: &str, account: &Account) -> Result<SignIn, Refused> {
    let sign_in = SignIn::parse(text)?;
    if sign_in.address != account.address {
        return Err(Refused::OtherAccount {
            asked: sign_in.address,
            expected: account.address,
        });
    }
    if sign_in.chain != account.chain {
        return Err(Refused::WrongChain {
            asked: sign_in.chain,
            expected: account.chain,
        });
    }
    Ok(sign_in)
}

/// Control characters that are no layout, those that turn the direction of what follows, break a line where no reader shows
/// it, or do not show at all: with them two texts look alike, or one holds what nobody sees. Emoji that are joined of others,
/// and scripts that need a joiner, are refused with them.
fn hides(character: char) -> bool {
    match character {
        '\n' | '\r' | '\t' => false,
        // The last are tags: a text within the text, of letters that do not show.
        '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests;
