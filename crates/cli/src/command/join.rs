//! `twofold join`: this machine becomes a device of the invitation's user.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use rand_core::OsRng;
use serde::Serialize;
use twofold_api::{invitation::Invitation, request::Name};
use twofold_cli::transport::Https;
use twofold_client::{Client, Fault, join::Money};

use super::Context;
use crate::{
    args,
    platform::{Native, SystemClock},
    terminal,
};

#[derive(Serialize)]
struct Answer {
    url: String,
    server: String,
    device: String,
    network: String,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Join) -> Result<()> {
    let text = match arguments.invitation.as_deref() {
        Some("-") | None => {
            let mut text = String::new();
            std::io::stdin()
                .take(4096)
                .read_to_string(&mut text)
                .context("the invitation could not be read")?;
            text
        }
        Some(text) => text.to_owned(),
    };
    let invitation: Invitation = text.trim().parse().map_err(Fault::from)?;
    let name: Name = arguments
        .name
        .unwrap_or_else(machine_name)
        .parse()
        .map_err(Fault::from)?;
    let money = if arguments.risk_real_money {
        Money::Real
    } else {
        Money::Play
    };
    let transport = Https::new(invitation.url.clone(), &invitation.trust)?;
    let keys = context.home().unlock_or_make().await?;
    let bar = terminal::spinner();
    bar.set_message(format!("joining {}", invitation.url));
    let mut client = Client::<Native>::join_for(keys, transport, SystemClock, OsRng, &invitation, &name, money).await?;
    bar.finish_and_clear();
    context.tell(&mut client);
    let answer = Answer {
        url: invitation.url.to_string(),
        server: invitation.server.to_string(),
        device: client.device_key().to_string(),
        network: client.chain()?.to_string(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Joined {} ({}).\nserver's identity   {}\nthis machine's key  {}\n\nNext: twofold create --name savings",
            answer.url, answer.network, answer.server, answer.device
        )
    })
}

/// What the machine calls itself, if that can be a name.
fn machine_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| name.parse::<Name>().is_ok())
        .unwrap_or_else(|| "this machine".into())
}
