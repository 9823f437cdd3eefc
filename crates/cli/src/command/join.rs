//! `twofold join`: this machine becomes a device of the invitation's user, or of the person who signed in.

use std::{
    io::{IsTerminal as _, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_api::{
    invitation::Invitation,
    pairing::{Card, Introduction},
    public_url::PublicUrl,
    request::Name,
    server_link::ServerLink,
};
use twofold_cli::transport::Https;
use twofold_client::{
    Client, Fault,
    devices::Arrival,
    join::{Money, SignIn},
};
use twofold_threshold::identity::IdentityKey;
use zeroize::Zeroizing;

use super::{Context, compare};
use crate::{
    args,
    exit::Wrong,
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
    if arguments.finish {
        return finish(context).await;
    }
    let signs_in = arguments.token_file.is_some();
    let text = match arguments.invitation.as_deref() {
        Some("-") | None if arguments.token_file.as_deref() == Some(Path::new("-")) => {
            bail!(Wrong(
                "the token comes on standard input, so name the server's link".into()
            ));
        }
        None if std::io::stdin().is_terminal() && signs_in => terminal::ask("The server's link: ")?,
        None if std::io::stdin().is_terminal() => terminal::ask("The operator's invitation: ")?,
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
    if let Some(file) = &arguments.token_file {
        return sign_in(context, &text, file, &name, money).await;
    }
    if Introduction::is_one(&text) {
        let introduction = text.parse().map_err(Fault::from)?;
        if arguments.code {
            return Box::pin(compare::join(context, &introduction, &name, money)).await;
        }
        return join_wallet(context, &introduction, &name, money).await;
    }
    if arguments.code {
        bail!(Wrong(
            "--code goes with what another of your machines shows; there: twofold device add --code".into()
        ));
    }
    let invitation: Invitation = text.trim().parse().map_err(Fault::from)?;
    let client = join(context, &invitation, &name, money).await?;
    joined(context, &client, &invitation.url, &invitation.server)
}

fn joined(context: Context<'_>, client: &Client<Native>, url: &PublicUrl, server: &IdentityKey) -> Result<()> {
    let answer = Answer {
        url: url.to_string(),
        server: server.to_string(),
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

pub(super) fn read_token(file: &Path) -> Result<Zeroizing<String>> {
    let mut token = Zeroizing::new(String::new());
    let source: Box<dyn std::io::Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).with_context(|| Wrong(format!("{} can't be read", file.display())))?)
    };
    source
        .take(16 << 10)
        .read_to_string(&mut token)
        .context("the token could not be read")?;
    Ok(token)
}

/// Joins as the person of a sign-in. The token is in a file or on standard input, for a command line is seen by others.
async fn sign_in(context: Context<'_>, link: &str, file: &Path, name: &Name, money: Money) -> Result<()> {
    let link: ServerLink = link.parse().map_err(Fault::from)?;
    let token = read_token(file)?;
    let client = signed_in(context, &link, &token, name, money).await?;
    joined(context, &client, &link.url, &link.server)
}

/// The same, to go on with.
pub(super) async fn signed_in(
    context: Context<'_>,
    link: &ServerLink,
    token: &str,
    name: &Name,
    money: Money,
) -> Result<Client<Native>> {
    let transport = Https::new(link.url.clone(), &link.trust)?;
    let keys = context.home().unlock_or_make().await?;
    let bar = terminal::spinner();
    bar.set_message(format!("signing in at {}", link.url));
    let with = SignIn { link, token };
    let mut client = Client::<Native>::sign_in(keys, transport, SystemClock, OsRng, with, name, money).await?;
    bar.finish_and_clear();
    context.tell(&mut client);
    Ok(client)
}

#[derive(Serialize)]
pub(super) struct Shown {
    wallet: String,
    /// This machine's id, as the others show it.
    device: String,
    card: String,
}

impl Shown {
    pub(super) fn of(card: &Card) -> Self {
        Self {
            wallet: card.wallet.to_string(),
            device: card.identity.device_id().to_string(),
            card: card.to_string(),
        }
    }
}

/// Joins by what another machine shows, and shows the card that it wants in return.
async fn join_wallet(context: Context<'_>, introduction: &Introduction, name: &Name, money: Money) -> Result<()> {
    let invitation = &introduction.invitation;
    let transport = Https::new(invitation.url.clone(), &invitation.trust)?;
    let keys = context.home().unlock_or_make().await?;
    let joined = Client::<Native>::join_wallet(keys, transport, SystemClock, OsRng, introduction, name, money);
    let (mut client, card) = joined.await?;
    context.tell(&mut client);
    context.output.answer(&Shown::of(&card), |answer| {
        let qr = terminal::qr(&answer.card.to_uppercase()).unwrap_or_default();
        format!(
            "{qr}\nThis machine is {}. Its card:\n\n{}\n\nOn the machine that has the wallet:  twofold device add CARD\n\
             Then here:                           twofold join --finish",
            answer.device.get(..12).unwrap_or_default(),
            answer.card
        )
    })
}

#[derive(Serialize)]
struct Finished {
    wallets: Vec<Here>,
    waiting: Vec<Shown>,
}

#[derive(Serialize)]
struct Here {
    wallet: String,
    name: String,
}

/// Takes in what this machine was added to.
async fn finish(context: Context<'_>) -> Result<()> {
    let mut client = context.client().await?;
    let arrivals = client.arrive().await?;
    context.tell(&mut client);
    let (mut wallets, mut waiting) = (Vec::new(), Vec::new());
    if arrivals.is_empty() {
        // Taken in before: run again it says the same.
        wallets.extend(client.wallets().await?.into_iter().map(|here| Here {
            wallet: here.wallet.to_string(),
            name: here.name,
        }));
        if wallets.is_empty() {
            bail!(Wrong(
                "this machine waits for no wallet; on one that has it: twofold device add".into()
            ));
        }
    }
    for arrival in arrivals {
        match arrival {
            Arrival::Arrived { wallet, name } => wallets.push(Here {
                wallet: wallet.to_string(),
                name,
            }),
            Arrival::NotYet(card) => waiting.push(Shown::of(&card)),
        }
    }
    context.output.answer(&Finished { wallets, waiting }, |answer| {
        let here = answer
            .wallets
            .iter()
            .map(|here| format!("The wallet {} is on this machine now. Next: twofold balance", here.name));
        let waiting = answer.waiting.iter().map(|shown| {
            format!(
                "Not added to {} yet. On the machine that has it:  twofold device add {}",
                shown.wallet, shown.card
            )
        });
        here.chain(waiting).collect::<Vec<_>>().join("\n")
    })
}

/// Joins, and tells what a person should know.
pub(super) async fn join(
    context: Context<'_>,
    invitation: &Invitation,
    name: &Name,
    money: Money,
) -> Result<Client<Native>> {
    let transport = Https::new(invitation.url.clone(), &invitation.trust)?;
    let keys = context.home().unlock_or_make().await?;
    let bar = terminal::spinner();
    bar.set_message(format!("joining {}", invitation.url));
    let mut client = Client::<Native>::join_for(keys, transport, SystemClock, OsRng, invitation, name, money).await?;
    bar.finish_and_clear();
    context.tell(&mut client);
    Ok(client)
}

/// What the machine calls itself, if that can be a name.
pub(super) fn machine_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| name.parse::<Name>().is_ok())
        .unwrap_or_else(|| "this machine".into())
}
