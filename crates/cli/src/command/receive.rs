//! `twofold receive`: an address, a payment link, a QR code.

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use twofold_client::{
    Fault,
    labels::{Label, Reference},
    verify::Verified,
};
use twofold_intent::{AmountText, PaymentUri};

use super::{Context, offline::AsOf, send::parse_amount};
use crate::{args, exit::Wrong, terminal};

#[derive(Serialize)]
struct Answer {
    address: String,
    uri: String,
    label: Option<String>,
    /// The server did not answer: the books say, as of this block, that nobody has paid to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
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
    let (mut client, mut wallet, read) = context.read().await?;
    // What was paid since the books were kept is not known: only an address that is out already is shown.
    if read.as_of.is_some() && (arguments.new || arguments.verify || label.is_some()) {
        bail!(Wrong(
            "--new, --verify and --label take the server, which does not answer; twofold receive alone shows the last address that was \
             handed out"
                .into()
        ));
    }
    let address = match &label {
        _ if arguments.new => client.receive_fresh(&mut wallet).await?,
        Some(label) => client.receive_for(&mut wallet, label).await?,
        None if read.as_of.is_some() => client.shown_before(&wallet).with_context(|| {
            Wrong(
                "every address that was handed out is used or is meant for somebody, and a fresh one takes the server, which does not \
                 answer; try again when it does"
                    .into(),
            )
        })?,
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
        as_of: read.as_of,
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
