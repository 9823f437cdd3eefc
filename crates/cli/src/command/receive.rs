//! `twofold receive`: an address, a payment link, a QR code.

use anyhow::Result;
use serde::Serialize;
use twofold_client::{
    Fault,
    labels::{Label, Reference},
    verify::Verified,
};
use twofold_intent::{AmountText, PaymentUri};

use super::{Context, send::parse_amount};
use crate::{args, terminal};

#[derive(Serialize)]
struct Answer {
    address: String,
    uri: String,
    label: Option<String>,
    /// The server derived the same; not there where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<Compared>,
}

#[derive(Serialize)]
struct Compared {
    by: &'static str,
    index: u32,
    watched: bool,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Receive) -> Result<()> {
    let amount = arguments.amount.as_deref().map(parse_amount).transpose()?;
    let label: Option<Label> = arguments
        .label
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(Fault::from)?;
    let (mut client, mut wallet) = context.synced().await?;
    let address = match &label {
        _ if arguments.new => client.receive_fresh(&mut wallet).await?,
        Some(label) => client.receive_for(&mut wallet, label).await?,
        None => client.receive(&mut wallet).await?,
    };
    if let Some(label) = &label {
        client.label(&mut wallet, Reference::address(&address), label).await?;
    }
    let verified = if arguments.verify {
        let verified = client.verify_address(&mut wallet, &address).await;
        context.tell(&mut client);
        let Verified { index, watched } = verified?;
        Some(Compared {
            by: "server",
            index,
            watched,
        })
    } else {
        None
    };
    context.tell(&mut client);
    let mut uri = PaymentUri::new(address.clone());
    uri.amount = amount.map(AmountText::amount);
    uri.label = arguments.label;
    let answer = Answer {
        address: address.to_string(),
        uri: uri.to_string(),
        verified,
        label: label
            .map(|label| label.as_str().to_owned())
            .filter(|label| !label.is_empty()),
    };
    context.output.answer(&answer, |answer| {
        let code = if arguments.no_qr {
            None
        } else {
            terminal::qr(&answer.uri)
        };
        let label = answer
            .label
            .as_ref()
            .map_or_else(String::new, |label| format!("for {label:?}\n"));
        let verified = match &answer.verified {
            None => String::new(),
            Some(compared) if compared.watched => format!(
                "the server derives the same address (number {}) from its own record, and looks for payments to it\n",
                compared.index
            ),
            Some(compared) => format!(
                "the server derives the same address (number {}), but does not look for payments so far past the last \
                 one that was paid: use an earlier one\n",
                compared.index
            ),
        };
        format!(
            "{}\n{}\n{label}{verified}{}",
            answer.address,
            answer.uri,
            code.unwrap_or_default()
        )
    })
}
