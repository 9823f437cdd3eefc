//! `twofold wallet`: which wallets there are, and what they are called.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Serialize;
use twofold_api::{reply::Standing, request::Name};
use twofold_client::{Fault, Fencing};
use twofold_threshold::id::WalletId;

use super::{Context, create::refuse_taken, moving, offline::is_silence};
use crate::{args, exit::Declined, terminal, words};

#[derive(Serialize)]
struct Answer {
    wallets: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    wallet: String,
    name: String,
    standing: &'static str,
    on_this_machine: bool,
    /// The recovery words are still on this machine: nobody said that they are written down.
    words_unconfirmed: bool,
}

#[derive(Serialize)]
struct Unfenced {
    wallet: String,
    lifted: bool,
}

#[derive(Serialize)]
struct Renamed {
    wallet: String,
    name: String,
}

pub(super) async fn run(context: Context<'_>, command: args::Wallet) -> Result<()> {
    match command {
        args::Wallet::List => list(context).await,
        args::Wallet::Rename { name } => Box::pin(rename(context, &name)).await,
        args::Wallet::Move(arguments) => Box::pin(moving::run(context, arguments)).await,
        args::Wallet::LiftFence { voice, yes } => lift_fence(context, &voice, yes).await,
    }
}

/// What this machine has, joined with what the server knows of this user.
async fn list(context: Context<'_>) -> Result<()> {
    let mut client = context.client().await?;
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let at_server = client.wallets_at_server().await;
    let silent = at_server.as_ref().is_err_and(is_silence);
    let at_server = match at_server {
        Err(fault) if silent => {
            context.output.warn(&format!(
                "note: {fault}\nthe server does not answer: these are the wallets on this machine, and how they stand is not known"
            ));
            Vec::new()
        }
        answered => answered?,
    };
    for wallet in at_server {
        let id = WalletId(wallet.wallet).to_string();
        let standing = match wallet.standing {
            Standing::Pending => "unfinished",
            Standing::Active => "active",
            Standing::Fenced => "fenced",
            Standing::Frozen => "frozen",
        };
        lines.insert(
            id.clone(),
            Line {
                wallet: id,
                name: wallet.name,
                standing,
                on_this_machine: false,
                words_unconfirmed: false,
            },
        );
    }
    for wallet in client.wallets().await? {
        let id = wallet.wallet.to_string();
        let unknown = Line {
            wallet: id.clone(),
            name: wallet.name,
            standing: if silent && wallet.finished {
                "unknown"
            } else {
                "unfinished"
            },
            on_this_machine: true,
            words_unconfirmed: false,
        };
        let line = lines.entry(id).or_insert(unknown);
        line.on_this_machine = true;
        line.words_unconfirmed = wallet.words_unconfirmed;
    }
    context.tell(&mut client);
    context.output.answer(
        &Answer {
            wallets: lines.into_values().collect(),
        },
        |answer| {
            if answer.wallets.is_empty() {
                return "No wallet yet. Next: twofold create --name savings".into();
            }
            let line = |line: &Line| {
                let place = match (line.on_this_machine, line.words_unconfirmed) {
                    (false, _) => "  (not on this machine)",
                    (true, true) => "  (its recovery words were never confirmed: run twofold create again)",
                    (true, false) => "",
                };
                format!("{}  {:<10} {}{place}", line.wallet, line.standing, line.name)
            };
            answer.wallets.iter().map(line).collect::<Vec<_>>().join("\n")
        },
    )
}

async fn lift_fence(context: Context<'_>, voice: &args::Voice, yes: bool) -> Result<()> {
    let question = "The server was restored from a backup. What it signed since then it has forgotten: look at the history \
                    first. Shall it sign for this wallet again?";
    if !yes && !terminal::confirm(question)? {
        bail!(Declined("nothing was changed"));
    }
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let lifted = client.lift_fence(&mut wallet, words.as_ref()).await;
    context.tell(&mut client);
    let answer = Unfenced {
        wallet: wallet.id().to_string(),
        lifted: lifted? == Fencing::Lifted,
    };
    context.output.answer(&answer, |answer| {
        if answer.lifted {
            "The wallet signs again.".to_owned()
        } else {
            "Noted. It waits for the operator: twofold-server fence lift".to_owned()
        }
    })
}

async fn rename(context: Context<'_>, name: &str) -> Result<()> {
    let name: Name = name.parse().map_err(Fault::from)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let mut others = client.wallets().await?;
    others.retain(|other| other.wallet != wallet.id());
    refuse_taken(&others, &name)?;
    let renamed = client.rename(&mut wallet, &name).await;
    context.tell(&mut client);
    renamed?;
    let answer = Renamed {
        wallet: wallet.id().to_string(),
        name: name.to_string(),
    };
    context
        .output
        .answer(&answer, |answer| format!("It is called {} now.", answer.name))
}
