//! Sign-In with Ethereum (EIP-4361).

use alloy_primitives::{Address, U256};

use crate::evm::{ChainId, Until, address};

/// A sign-in: who is let in where, and until when. Every claim in it is the asker's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    /// The site that asks, as a host and maybe a port.
    pub domain: String,
    /// Who is let in.
    pub address: Address,
    /// What the site says beside it.
    pub statement: Option<String>,
    /// What the sign-in is for.
    pub uri: String,
    /// The chain.
    pub chain: ChainId,
    /// What makes it good for once.
    pub nonce: String,
    /// When it was asked for, in seconds since 1970.
    pub issued_at: u64,
    /// From when on it holds, in seconds since 1970.
    pub not_before: Option<u64>,
    /// Until when it holds.
    pub until: Until,
    /// The site's own name for the request.
    pub request_id: Option<String>,
    /// What the site asks to be let into besides.
    pub resources: Vec<String>,
}

/// What a sign-in lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignInFault {
    /// Not the lines of EIP-4361, in their order.
    #[error("its lines are not those of EIP-4361")]
    Form,
    /// The site's name.
    #[error("it names no site")]
    Domain,
    /// The address, which must carry its checksum.
    #[error("its address does not fit its checksum")]
    Address,
    /// What it is for.
    #[error("it has no URI")]
    Uri,
    /// Another version than 1.
    #[error("it is of a version that nobody knows")]
    Version,
    /// No chain's id.
    #[error("its chain id is none")]
    Chain,
    /// Fewer than eight letters and digits.
    #[error("its nonce is too short, or has more than letters and digits")]
    Nonce,
    /// A time that is none (RFC 3339).
    #[error("one of its times is none")]
    Time,
    /// It ends before it begins.
    #[error("it ends before it begins")]
    Over,
    /// A statement or a request id of characters that EIP-4361 has not.
    #[error("its statement or request id has characters that EIP-4361 does not let in")]
    Characters,
}

impl SignIn {
    /// Reads the whole text, line by line.
    pub(super) fn parse(text: &str) -> Result<Self, SignInFault> {
        use SignInFault::{Address as BadAddress, Chain, Characters, Domain, Form, Nonce, Over, Uri, Version};
        if text.contains(['\r', '\t']) {
            return Err(Form);
        }
        let mut lines = text.split('\n').peekable();
        let asker = lines.next().unwrap_or_default();
        let asker = asker
            .strip_suffix(" wants you to sign in with your Ethereum account:")
            .ok_or(Form)?;
        let domain = domain(asker).ok_or(Domain)?;
        let who = lines.next().ok_or(Form)?;
        let who = address(who)
            .ok()
            .filter(|address| address.to_checksum(None) == who)
            .ok_or(BadAddress)?;
        empty(lines.next())?;
        let statement = lines.next_if(|line| !line.is_empty()).map(str::to_owned);
        if statement.as_deref().is_some_and(super::claims_to_sign_in) {
            return Err(Form);
        }
        if !statement.as_deref().is_none_or(is_statement) {
            return Err(Characters);
        }
        empty(lines.next())?;
        let mut field = |name: &str| {
            lines
                .next_if(|line| line.starts_with(name))
                .map(|line| &line[name.len()..])
        };
        let uri = field("URI: ").ok_or(Form)?;
        let version = field("Version: ").ok_or(Form)?;
        let chain = field("Chain ID: ").ok_or(Form)?;
        let nonce = field("Nonce: ").ok_or(Form)?;
        let issued_at = time(field("Issued At: ").ok_or(Form)?)?;
        let expires = field("Expiration Time: ").map(time).transpose()?;
        let not_before = field("Not Before: ").map(time).transpose()?;
        let request_id = field("Request ID: ").map(str::to_owned);
        if !request_id.as_deref().is_none_or(is_request_id) {
            return Err(Characters);
        }
        let mut resources = Vec::new();
        if lines.next_if_eq(&"Resources:").is_some() {
            for line in lines.by_ref() {
                let resource = line
                    .strip_prefix("- ")
                    .filter(|resource| is_uri(resource))
                    .ok_or(Form)?;
                resources.push(resource.to_owned());
            }
        }
        if lines.next().is_some() {
            return Err(Form);
        }
        if version != "1" {
            return Err(Version);
        }
        let number = chain.bytes().all(|byte| byte.is_ascii_digit()) && !chain.starts_with('0');
        let chain: u64 = chain.parse().ok().filter(|_| number).ok_or(Chain)?;
        if nonce.len() < 8 || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Nonce);
        }
        if expires.is_some_and(|end| end <= issued_at || not_before.is_some_and(|start| end <= start)) {
            return Err(Over);
        }
        Ok(Self {
            domain: domain.to_owned(),
            address: who,
            statement,
            uri: Some(uri).filter(|uri| is_uri(uri)).ok_or(Uri)?.to_owned(),
            chain: chain.try_into().map_err(|_| Chain)?,
            nonce: nonce.to_owned(),
            issued_at,
            not_before,
            until: expires.map_or(Until::Never, |end| Until::from_seconds(U256::from(end))),
            request_id,
            resources,
        })
    }
}

fn empty(line: Option<&str>) -> Result<(), SignInFault> {
    if line == Some("") {
        Ok(())
    } else {
        Err(SignInFault::Form)
    }
}

/// The authority that asks, its scheme aside: nothing that could end it early for a reader.
fn domain(asker: &str) -> Option<&str> {
    let authority = match asker.split_once("://") {
        Some((scheme, authority)) => {
            let alphanumeric = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
            let named =
                scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(alphanumeric);
            named.then_some(authority)?
        }
        None => asker,
    };
    let of_a_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']' | b'_');
    (!authority.is_empty() && authority.bytes().all(of_a_host)).then_some(authority)
}

fn is_uri(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && text
            .split_once(':')
            .is_some_and(|(scheme, _)| scheme.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// Reserved and unreserved characters of RFC 3986, and spaces: what EIP-4361 lets a site say.
fn is_statement(text: &str) -> bool {
    text.bytes()
        .all(|byte| is_of_a_path(byte) || matches!(byte, b' ' | b'/' | b'?' | b'#' | b'[' | b']'))
}

/// Any number of `pchar` of RFC 3986, so that after each `%` two hexadecimal digits follow.
fn is_request_id(text: &str) -> bool {
    let plain = |part: &str| part.bytes().all(is_of_a_path);
    let mut parts = text.split('%');
    parts.next().is_some_and(plain)
        && parts.all(|part| {
            let digits = part.as_bytes().get(..2);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) && plain(part)
        })
}

/// What stands for itself in a path (RFC 3986).
const fn is_of_a_path(byte: u8) -> bool {
    let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let delimiter = matches!(
        byte,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'='
    );
    unreserved || delimiter || matches!(byte, b':' | b'@')
}

/// A time of RFC 3339 in seconds since 1970, parts of a second dropped.
fn time(text: &str) -> Result<u64, SignInFault> {
    read_time(text).ok_or(SignInFault::Time)
}

fn read_time(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, digits: usize| -> Option<i64> {
        let part = text.get(from..from + digits)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(at, mark)| bytes.get(*at) == Some(mark)) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let mut rest = text.get(19..)?;
    if let Some(fraction) = rest.strip_prefix('.') {
        let end = fraction.find(|character: char| !character.is_ascii_digit())?;
        if end == 0 {
            return None;
        }
        rest = &fraction[end..];
    }
    let offset = match rest.as_bytes() {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - 5;
            let (hours, minutes) = (number(at, 2)?, number(at + 3, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let size = hours * 3_600 + minutes * 60;
            if *sign == b'-' { -size } else { size }
        }
        _ => return None,
    };
    // A leap second is the next second's first moment.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()
}

/// Days before each month of a year without a leap day.
const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Days from 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    let leaps = past / 4 - past / 100 + past / 400 - (1_969 / 4 - 1_969 / 100 + 1_969 / 400);
    let before = BEFORE.get(usize::try_from(month - 1).ok()?)? + i64::from(month > 2 && leap(year));
    Some((year - 1_970) * 365 + leaps + before + day - 1)
}

#[cfg(test)]
mod tests;
