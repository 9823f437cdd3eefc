//! What goes over the line: JSON-RPC 2.0, one message a line.

use bitcoin::{block::Header, consensus::encode::deserialize_hex};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::ScriptHash;
use crate::fault::{Fault, tidy};

const TIP: &str = "blockchain.headers.subscribe";
const SCRIPT: &str = "blockchain.scripthash.subscribe";

/// A block that the server says is its best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    /// Its height.
    pub(crate) height: u32,
    /// Its header.
    pub(crate) header: Header,
}

/// A hash over a script's history, as the protocol defines it; none while the history is empty.
pub(crate) type Status = Option<[u8; 32]>;

/// What a line turns out to be.
#[derive(Debug)]
pub(super) enum Message {
    /// An answer to the call of this number. What it says is for the caller to read.
    Answer(u64),
    /// The best block changed.
    Tip(Tip),
    /// A script's history changed.
    Script(ScriptHash, Status),
}

/// As much of a message as tells what it is. The rest is passed over without being kept.
#[derive(Deserialize)]
struct Head {
    id: Option<u64>,
    method: Option<String>,
}

#[derive(Deserialize)]
struct Notice<P> {
    params: P,
}

/// An answer's other part.
#[derive(Deserialize)]
struct Answer<T> {
    result: Option<T>,
    error: Option<ErrorObject>,
}

/// Servers differ: an object, or one line of text.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorObject {
    Object { code: i64, message: String },
    Text(String),
}

/// The best block, as `blockchain.headers.subscribe` tells it.
#[derive(Deserialize)]
struct ToldTip {
    height: u32,
    hex: String,
}

impl TryFrom<ToldTip> for Tip {
    type Error = ();

    fn try_from(told: ToldTip) -> Result<Self, ()> {
        let header = deserialize_hex(&told.hex).map_err(|_| ())?;
        Ok(Self {
            height: told.height,
            header,
        })
    }
}

/// What the server is asked to tell of from now on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subscription {
    /// The best block.
    Tip,
    /// A script's history.
    Script(ScriptHash),
}

/// The first word of a subscription.
#[derive(Debug)]
pub(super) enum Begun {
    /// The best block.
    Tip(Tip),
    /// How a script's history is.
    Script(ScriptHash, Status),
}

impl Subscription {
    /// The method that asks for it.
    pub(super) const fn method(self) -> &'static str {
        match self {
            Self::Tip => TIP,
            Self::Script(_) => SCRIPT,
        }
    }

    /// With these.
    pub(super) fn params(self) -> Value {
        match self {
            Self::Tip => json!([]),
            Self::Script(script) => json!([script]),
        }
    }
}

/// What the answer to a subscription says.
pub(super) fn begun(subscription: Subscription, line: &[u8]) -> Result<Begun, Fault> {
    let method = subscription.method();
    match subscription {
        Subscription::Tip => answer::<ToldTip>(method, line)?
            .and_then(|told| told.try_into().ok())
            .map(Begun::Tip)
            .ok_or_else(|| Fault::garbled(method, "no block")),
        Subscription::Script(script) => status(answer(method, line)?)
            .map(|status| Begun::Script(script, status))
            .ok_or_else(|| Fault::garbled(method, "no status")),
    }
}

/// A call, as a line.
pub(super) fn call(id: u64, method: &str, params: &Value) -> Vec<u8> {
    let mut line = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        .to_string()
        .into_bytes();
    line.push(b'\n');
    line
}

/// What a line is; nothing where it is no message that belongs here.
pub(super) fn read(line: &[u8]) -> Option<Message> {
    let head: Head = serde_json::from_slice(line).ok()?;
    match (head.id, head.method.as_deref()) {
        (Some(id), None) => Some(Message::Answer(id)),
        (None, Some(TIP)) => {
            let Notice { params: [told] } = serde_json::from_slice::<Notice<[ToldTip; 1]>>(line).ok()?;
            Some(Message::Tip(told.try_into().ok()?))
        }
        (None, Some(SCRIPT)) => {
            let notice: Notice<(ScriptHash, Option<String>)> = serde_json::from_slice(line).ok()?;
            let (script, told) = notice.params;
            Some(Message::Script(script, status(told)?))
        }
        _ => None,
    }
}

/// A status in hex; none where it is no such thing.
fn status(told: Option<String>) -> Option<Status> {
    told.map(|hex| hex::decode(hex).ok()?.try_into().ok())
        .map_or(Some(None), |status| status.map(Some))
}

/// What an answer says. `None` where it is `null`.
pub(super) fn answer<T: DeserializeOwned>(method: &'static str, line: &[u8]) -> Result<Option<T>, Fault> {
    let answer: Answer<T> = serde_json::from_slice(line).map_err(|error| Fault::garbled(method, &error))?;
    match answer.error {
        None => Ok(answer.result),
        Some(ErrorObject::Object { code, message }) => Err(Fault::Refused {
            code,
            message: tidy(&message),
        }),
        Some(ErrorObject::Text(message)) => Err(Fault::Refused {
            code: 0,
            message: tidy(&message),
        }),
    }
}

#[cfg(test)]
mod tests;
