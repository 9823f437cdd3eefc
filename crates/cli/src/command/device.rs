//! `twofold device`: the machines that have a wallet.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use bitcoin::{OutPoint, Txid};
use serde::Serialize;
use twofold_api::{
    pairing::{Card, Introduction},
    request::Name,
};
use twofold_client::{
    Client, Fault,
    devices::{Devices, Outcome, Outstanding},
    wallet::Wallet,
};
use twofold_threshold::id::DeviceId;

use super::{
    Context, compare, moving,
    pending::{Line as Waits, line, told},
};
use crate::{
    args,
    exit::{Declined, Wrong},
    platform::Native,
    terminal, words,
};

#[derive(Serialize)]
struct Answer {
    devices: Vec<Line>,
    frozen: bool,
    refresh_due: bool,
    waiting: usize,
}

#[derive(Serialize)]
struct Line {
    device: String,
    name: String,
    this_machine: bool,
    approver: bool,
    confirmed: bool,
}

#[derive(Serialize)]
struct Introduced {
    introduction: String,
    expires: u64,
}

/// What became of a wish; with a revocation, what is left to do.
#[derive(Serialize)]
struct Became {
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<Waits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_due: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outstanding: Vec<Out>,
    /// A command that sends everything to a new wallet.
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<String>,
}

/// A signature that was given out and that no block holds.
#[derive(Serialize)]
struct Out {
    txid: Txid,
    device: String,
    inputs: Vec<OutPoint>,
}

pub(super) async fn run(context: Context<'_>, command: args::Device) -> Result<()> {
    match command {
        args::Device::List => list(context).await,
        args::Device::Add {
            code: true,
            voice,
            no_qr,
            ..
        } => Box::pin(compare::add(context, &voice, no_qr)).await,
        args::Device::Add { card: None, no_qr, .. } => introduce(context, no_qr).await,
        args::Device::Add {
            card: Some(card),
            voice,
            ..
        } => Box::pin(add(context, &card, &voice)).await,
        args::Device::Rename { device, name } => Box::pin(rename(context, &device, &name)).await,
        args::Device::Revoke { device, voice, yes } => Box::pin(revoke(context, &device, &voice, yes)).await,
        args::Device::Approver { device, voice } => Box::pin(approver(context, &device, &voice)).await,
    }
}

async fn list(context: Context<'_>) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    let devices = client.devices(&mut wallet).await;
    context.tell(&mut client);
    let Devices {
        listed,
        frozen_by,
        waiting,
        refresh_due,
    } = devices?;
    let lines = listed.into_iter().map(|device| Line {
        device: device.id.to_string(),
        name: device.name,
        this_machine: device.this,
        approver: device.approver,
        confirmed: device.confirmed,
    });
    let answer = Answer {
        devices: lines.collect(),
        frozen: frozen_by.is_some(),
        refresh_due,
        waiting: waiting.len(),
    };
    context.output.answer(&answer, |answer| {
        let mut text: Vec<String> = answer.devices.iter().map(shown).collect();
        if answer.frozen {
            text.push("The wallet is frozen: nothing is signed. Next: twofold unfreeze".into());
        }
        if answer.refresh_due {
            text.push(REFRESH_DUE.into());
        }
        text.join("\n")
    })
}

const REFRESH_DUE: &str = "A refresh is due: a machine was struck off, or the recovery words were replaced, and the old copy of \
                           the share lives until the shares are dealt anew. Next: twofold refresh";

fn shown(line: &Line) -> String {
    let mut notes = Vec::new();
    if line.this_machine {
        notes.push("this machine");
    }
    if line.approver {
        notes.push("approver");
    }
    if !line.confirmed {
        notes.push("added by one machine alone");
    }
    let id = line.device.get(..12).unwrap_or(&line.device);
    if notes.is_empty() {
        return format!("{id}  {}", line.name);
    }
    format!("{id}  {}  ({})", line.name, notes.join(", "))
}

/// A device's id, as far as a person compares it.
fn short(device: DeviceId) -> String {
    device.to_string().chars().take(12).collect()
}

async fn introduce(context: Context<'_>, no_qr: bool) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    let introduction = client.introduce(&mut wallet).await;
    context.tell(&mut client);
    show(
        context,
        &introduction?,
        no_qr,
        "On the new machine, within a day:",
        "twofold join",
        "It answers with its card. Then here:  twofold device add CARD",
    )
}

/// Shows what the new machine is to be told.
pub(super) fn show(
    context: Context<'_>,
    introduction: &Introduction,
    no_qr: bool,
    when: &str,
    command: &str,
    then: &str,
) -> Result<()> {
    let answer = Introduced {
        introduction: introduction.to_string(),
        expires: introduction.invitation.expires,
    };
    context.output.answer(&answer, |answer| {
        let qr = if no_qr {
            None
        } else {
            terminal::qr(&answer.introduction.to_uppercase())
        };
        format!(
            "{}\n{when}\n\n  {command} {}\n\n{then}",
            qr.unwrap_or_default(),
            answer.introduction
        )
    })
}

async fn add(context: Context<'_>, card: &str, voice: &args::Voice) -> Result<()> {
    let text = if card == "-" {
        let mut text = String::new();
        std::io::stdin()
            .take(4096)
            .read_to_string(&mut text)
            .context("the card could not be read")?;
        text
    } else {
        card.to_owned()
    };
    let card: Card = text.parse().map_err(Fault::from)?;
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let outcome = client.enrol_device(&mut wallet, &card, words.as_ref()).await;
    context.tell(&mut client);
    answer(
        context,
        &wallet,
        outcome?,
        "Added. On the new machine:  twofold join --finish",
    )
}

async fn rename(context: Context<'_>, device: &str, name: &str) -> Result<()> {
    let name: Name = name.parse().map_err(Fault::from)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let device = client.find_device(&mut wallet, device).await?;
    let renamed = client.rename_device(&mut wallet, device.id, &name).await;
    context.tell(&mut client);
    renamed?;
    answer(context, &wallet, Outcome::Done, &format!("It is called {name} now."))
}

async fn approver(context: Context<'_>, device: &str, voice: &args::Voice) -> Result<()> {
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let device = client.find_device(&mut wallet, device).await?;
    let outcome = client.make_approver(&mut wallet, device.id, words.as_ref()).await;
    context.tell(&mut client);
    let text = format!("The voice of {} ({}) counts now.", device.name, short(device.id));
    answer(context, &wallet, outcome?, &text)
}

async fn revoke(context: Context<'_>, asked: &str, voice: &args::Voice, yes: bool) -> Result<()> {
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.synced().await?;
    let device = client.find_device(&mut wallet, asked).await?;
    // Any machine of the wallet can give any other a name: a thief's could take the name of the one to be struck off away
    // from itself, and give it to this one.
    if device.this && yes && asked == device.name {
        bail!(Wrong(format!(
            "{asked} is what this machine is called; to strike it off itself, name it by its id: {}",
            device.id
        )));
    }
    let this = if device.this { ", THIS machine" } else { "" };
    let question = format!(
        "Strike {} ({}{this}) off the wallet's machines?",
        device.name,
        short(device.id)
    );
    if !yes && !terminal::confirm(&question)? {
        bail!(Declined("nothing was changed"));
    }
    let outcome = client.revoke_device(&mut wallet, device.id, words.as_ref()).await?;
    if outcome != Outcome::Done || device.this {
        context.tell(&mut client);
        let text = "Struck off. This machine has no part in the wallet any more.";
        return answer(context, &wallet, outcome, text);
    }
    struck_off(context, &mut client, &mut wallet, &device.name).await
}

/// What is left to do when a machine was struck off.
async fn struck_off(context: Context<'_>, client: &mut Client<Native>, wallet: &mut Wallet, name: &str) -> Result<()> {
    let mut refresh_due = client.devices(wallet).await?.refresh_due;
    if refresh_due {
        let bar = terminal::spinner();
        bar.set_message("server and this machine deal new shares, so that the other copy is worth nothing");
        let refreshed = client.refresh(wallet, &mut |_| ()).await;
        bar.finish_and_clear();
        match refreshed {
            Ok(_) => refresh_due = false,
            // The machine is struck off all the same.
            Err(fault) => context
                .output
                .say(&format!("note: the refresh that follows did not go through: {fault}")),
        }
    }
    let outstanding = client.outstanding(wallet).await?;
    context.tell(client);
    let answer = Became {
        done: true,
        waiting: None,
        refresh_due: Some(refresh_due),
        outstanding: outstanding.into_iter().map(out).collect(),
        offer: Some(moving::command(wallet)),
    };
    context.output.answer(&answer, |answer| {
        let mut text = vec![format!("Struck off: the server refuses {name} from now on.")];
        text.push(if refresh_due {
            REFRESH_DUE.into()
        } else {
            "Its copy of the share signs nothing with the server any more: the shares were dealt anew.".into()
        });
        for out in &answer.outstanding {
            let from: Vec<_> = out.inputs.iter().map(|input| format!("--from {input}")).collect();
            text.push(format!(
                "A signature that was given out could still be sent: {}. To make it void, spend its coins to yourself:\n  \
                 twofold send --max {} --to \"$(twofold receive --new --no-qr --json | jq -r .address)\"",
                out.txid,
                from.join(" ")
            ));
        }
        text.extend(answer.offer.as_deref().map(moving::offer));
        text.join("\n")
    })
}

fn out(outstanding: Outstanding) -> Out {
    let Outstanding { txid, device, inputs } = outstanding;
    let device: DeviceId = device;
    Out {
        txid,
        device: device.to_string(),
        inputs,
    }
}

/// Says what became of a wish.
pub(super) fn answer(context: Context<'_>, wallet: &Wallet, outcome: Outcome, text: &str) -> Result<()> {
    let waiting = match outcome {
        Outcome::Done => None,
        Outcome::Waits(waiting) => Some(line(&waiting)),
    };
    let answer = Became {
        done: waiting.is_none(),
        waiting,
        refresh_due: None,
        outstanding: Vec::new(),
        offer: None,
    };
    context.output.answer(&answer, |answer| match &answer.waiting {
        None => text.to_owned(),
        Some(waiting) => told(waiting, &wallet.id().to_string()),
    })
}
