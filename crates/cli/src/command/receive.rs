//! `twofold receive`: an address, a payment link, a QR code.

use anyhow::{Context as _, Result};
use serde::Serialize;
use twofold_intent::{AmountText, PaymentUri};

use super::Context;
use crate::{args, exit::Wrong, terminal};

#[derive(Serialize)]
struct Answer {
    address: String,
    uri: String,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Receive) -> Result<()> {
    let amount = arguments.amount.as_deref().map(str::parse::<AmountText>).transpose();
    let amount = amount.with_context(|| Wrong("that is no amount; write 0.001btc or 50000sat".into()))?;
    let (mut client, mut wallet) = context.synced().await?;
    let address = if arguments.new {
        client.receive_fresh(&mut wallet).await?
    } else {
        client.receive(&mut wallet).await?
    };
    context.tell(&mut client);
    let mut uri = PaymentUri::new(address.clone());
    uri.amount = amount.map(AmountText::amount);
    uri.label = arguments.label;
    let answer = Answer {
        address: address.to_string(),
        uri: uri.to_string(),
    };
    context.output.answer(&answer, |answer| {
        let code = if arguments.no_qr {
            None
        } else {
            terminal::qr(&answer.uri)
        };
        format!("{}\n{}\n{}", answer.address, answer.uri, code.unwrap_or_default())
    })
}
