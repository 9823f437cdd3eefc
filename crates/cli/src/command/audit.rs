//! `twofold audit verify`: nothing in the server's log was changed or left out.

use std::fmt;

use anyhow::Result;
use bitcoin::{Txid, hashes::Hash as _};
use serde::Serialize;
use twofold_api::audit::{Entry, Event, Lift, ShapeStep};

use super::Context;
use crate::{args, output::btc};

#[derive(Serialize)]
struct Answer {
    verified: bool,
    entries: Vec<Line>,
    chain: String,
}

#[derive(Serialize)]
struct Line {
    seq: u64,
    time: u64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    txid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charged_sat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fee_sat: Option<u64>,
    #[serde(skip)]
    what: String,
}

impl Line {
    /// Texts are quoted: the log is the server's, and one with control characters in it could hide the lines before it.
    fn new(seq: u64, entry: &Entry) -> Self {
        let plain = |event, what: &str| (event, what.to_owned(), None, None, None);
        let txid = |bytes: [u8; 32]| Txid::from_byte_array(bytes).to_string();
        let (event, what, txid, charged_sat, fee_sat) = match &entry.event {
            Event::Created { .. } => plain("created", "the key was made; the server keeps its share"),
            Event::TestSigned { .. } => plain("test_signed", "a test signature, of nothing that can be spent"),
            Event::Activated { .. } => plain("activated", "the test signature was shown; the wallet is in use"),
            Event::Renamed { name, .. } => plain("renamed", &format!("renamed to {name:?}")),
            Event::Signed(signed) => (
                "signed",
                format!("co-signed, {} charged, fee {} sat", btc(signed.added), signed.fee),
                Some(txid(signed.txid)),
                Some(signed.added),
                Some(signed.fee),
            ),
            Event::MessageSigned {
                path: [keychain, index],
                message,
                ..
            } => plain(
                "message_signed",
                &format!(
                    "co-signed a text for address {keychain}/{index}; its BIP-322 hash is {}",
                    hex::encode(message)
                ),
            ),
            Event::Broadcast { txid: sent, .. } => ("broadcast", "sent out".into(), Some(txid(*sent)), None, None),
            Event::Refreshed { epoch, .. } => plain(
                "refreshed",
                &format!("new shares, epoch {}: the ones before are dead", epoch.number),
            ),
            Event::Fenced { .. } => plain("fenced", "a device had seen more than this server: signing stopped"),
            Event::Lifted { by, .. } => plain("lifted", &lifted(by)),
            Event::Shape { step, .. } => plain("shape", shape(*step)),
            _ => plain("other", "an event that a newer version knows"),
        };
        Self {
            seq,
            time: entry.at,
            event,
            txid,
            charged_sat,
            fee_sat,
            what,
        }
    }
}

fn lifted(by: &Lift) -> String {
    let word = match by {
        Lift::Anchor => "the anchor knows of no change since the backup".to_owned(),
        Lift::Recovery => "recovery signed for it".to_owned(),
        Lift::Operator { reason, .. } => format!("a device agreed with the operator: {reason:?}"),
        Lift::Devices => "all devices in use agreed, and the time was over".to_owned(),
        _ => "for a reason that a newer version knows".to_owned(),
    };
    format!("signing goes on after the server was restored: {word}")
}

/// What was done about the wallet's shape.
const fn shape(step: ShapeStep) -> &'static str {
    match step {
        ShapeStep::Asked => "a device asked for a change; it waits",
        ShapeStep::Cancelled => "a change that waited was cancelled",
        ShapeStep::OperatorAgreed => "the operator said yes to a change that waits",
        ShapeStep::PersonAgreed => "the owner, signed in anew, said yes to a change that waits",
        ShapeStep::DeviceRenamed => "a device was renamed",
        ShapeStep::ListChanged => "the device list has a new entry",
        ShapeStep::Frozen => "a device froze the wallet",
        ShapeStep::Unfrozen => "the wallet signs again",
        ShapeStep::Objected => "a device objected to a recovery",
        ShapeStep::Invited => "a code for a further machine was made",
        _ => "something that a newer version knows",
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>5}  {}", self.seq, self.what)?;
        self.txid.as_ref().map_or(Ok(()), |txid| write!(f, "  {txid}"))
    }
}

pub(super) async fn run(context: Context<'_>, command: args::Audit) -> Result<()> {
    let args::Audit::Verify = command;
    let (mut client, mut wallet) = context.wallet().await?;
    let audited = client.audit(&mut wallet).await?;
    context.tell(&mut client);
    let entries = (1..)
        .zip(&audited.entries)
        .map(|(seq, entry)| Line::new(seq, entry))
        .collect();
    let answer = Answer {
        verified: true,
        entries,
        chain: hex::encode(audited.head.chain),
    };
    context.output.answer(&answer, |answer| {
        let lines: Vec<_> = answer.entries.iter().map(ToString::to_string).collect();
        format!(
            "{}\nAll {} entries hold: every hash, the server's signature over the last, and all this machine had seen.",
            lines.join("\n"),
            answer.entries.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use twofold_api::{
        audit::{Entry, Event, Lift},
        request::misleads,
    };
    use twofold_threshold::id::{DeviceId, EpochId};

    use super::Line;

    #[test]
    fn no_text_in_the_servers_log_can_change_what_the_lines_around_it_say() {
        let text = "rent\u{1b}[3A\u{1b}[J\n\u{202e}".to_owned();
        let device = DeviceId([1; 32]);
        let renamed = Event::Renamed {
            device,
            name: text.clone(),
        };
        let lifted = Event::Lifted {
            generation: 1,
            fork: 1,
            epoch: EpochId {
                number: 1,
                transcript: [1; 32],
            },
            by: Lift::Operator { device, reason: text },
        };
        for event in [renamed, lifted] {
            let shown = Line::new(7, &Entry { at: 1, event }).to_string();
            assert!(shown.contains("rent") && !shown.chars().any(misleads), "{shown:?}");
        }
    }
}
