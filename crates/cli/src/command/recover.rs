//! `twofold recover`: this machine takes a lost device's place, with the words and the server.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use twofold_api::{Reason, invitation::Invitation, request::Name, server_link::ServerLink};
use twofold_client::{
    Client, Fault,
    join::Money,
    port::Clock as _,
    recovery::{
        away::Away,
        recover::{Recovery, Wait},
    },
    wallet::Wallet,
};
use twofold_threshold::id::{DeviceId, WalletId};

use super::{Context, is_new, join, moving, offline::span};
use crate::{
    args,
    exit::{Declined, Wrong},
    file,
    platform::{Native, SystemClock},
    terminal, words,
};

/// A machine that joined by another invitation belongs to another account for good.
const STRANGER: &str = "note: this machine can ask for no such wallet. Look at its name on the kit, and whether the operator made \
                        the invitation for it: twofold-server invite --recover WALLET. A machine that joined by another \
                        invitation starts anew, in a folder of its own: twofold recover INVITATION --home NEW-FOLDER";

#[derive(Serialize)]
struct Waiting {
    recovered: bool,
    wallet: String,
    fingerprint: String,
    due: u64,
    objected: bool,
}

#[derive(Serialize)]
struct Answer {
    recovered: bool,
    wallet: String,
    name: String,
    fingerprint: String,
    descriptor: String,
    revoked: Vec<String>,
    /// A command that sends everything to a new wallet.
    offer: String,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Recover) -> Result<()> {
    let asked = context.common.wallet.as_deref();
    let wallet: WalletId = asked.and_then(|asked| asked.parse().ok()).with_context(|| {
        Wrong("say which wallet, by its long name, as its kit has it: --wallet 32 hex digits".into())
    })?;
    let (mut client, code) = arrive(context, &arguments).await?;
    if let Some(out) = &arguments.ask {
        return ask(context, &mut client, wallet, code, &arguments.keep, out).await;
    }
    context.output.say(
        "note: with the words typed here this machine holds two of the three shares until the command ends: whoever owns \
         the machine in that moment owns the wallet",
    );
    if !arguments.yes
        && !terminal::confirm("Ask for a lost device's place in the wallet? It is frozen until that is settled.")?
    {
        bail!(Declined("nothing was asked for"));
    }
    let secret = words::read(arguments.words.words_file.as_deref())?;
    let bar = terminal::spinner();
    bar.set_message("words and server give this machine its share");
    let recovery = client.recover(wallet, code, &secret).await;
    bar.finish_and_clear();
    context.tell(&mut client);
    let recovery = match hinted(context, recovery)? {
        Recovery::Waits(wait) if wait.objected && arguments.token_file.is_some() => {
            confirm(context, &mut client, wallet, &wait).await;
            client.recover(wallet, None, &secret).await?
        }
        recovery => recovery,
    };
    let mut recovered = match recovery {
        Recovery::Waits(wait) => return waits(context, wallet, wait, ""),
        Recovery::Done(recovered) => recovered,
    };
    let keep = kept(context, &mut client, &mut recovered.wallet, &arguments.keep).await?;
    let revoked = client.settle_recovery(&mut recovered, &keep, &secret).await?;
    drop(secret);
    context.tell(&mut client);
    told(context, &recovered.wallet, &revoked)
}

/// This machine's client: it has joined, joins by the operator's invitation, or by the owner's sign-in.
async fn arrive(context: Context<'_>, arguments: &args::Recover) -> Result<(Client<Native>, Option<[u8; 16]>)> {
    let name: Name = arguments
        .name
        .clone()
        .unwrap_or_else(join::machine_name)
        .parse()
        .map_err(Fault::from)?;
    let money = if arguments.risk_real_money {
        Money::Real
    } else {
        Money::Play
    };
    let text = arguments.invitation.as_deref().map(str::trim);
    if let Some(file) = &arguments.token_file {
        let token = join::read_token(file)?;
        let mut client = match text {
            Some(link) => {
                let link: ServerLink = link.parse().map_err(Fault::from)?;
                join::signed_in(context, &link, &token, &name, money).await?
            }
            None => context.client().await?,
        };
        client.bring_token(&token)?;
        return Ok((client, None));
    }
    if let Some(text) = text {
        let invitation: Invitation = text.parse().map_err(Fault::from)?;
        let client = join::join(context, &invitation, &name, money).await?;
        return Ok((client, Some(invitation.code)));
    }
    let here = context.client().await.inspect_err(|error| {
        if is_new(error) {
            context.output.say(
                "note: a new machine begins with what the operator mints: twofold recover INVITATION --wallet WALLET; or with \
                 the owner's sign-in: twofold recover LINK --wallet WALLET --token-file FILE",
            );
        }
    })?;
    Ok((here, None))
}

/// Says yes, as the owner who signed in, to a recovery that a device objects to. Whether that counts is the server's to say.
async fn confirm(context: Context<'_>, client: &mut Client<Native>, wallet: WalletId, wait: &Wait) {
    if let Err(fault) = client.confirm_recovery(wallet, wait.change).await {
        let note = format!("note: a device of the wallet objects, and this sign-in does not settle it: {fault}");
        context.output.warn(&note);
    }
}

/// Says who can ask, where the server knows of no such wallet.
fn hinted<T>(context: Context<'_>, outcome: Result<T, Fault>) -> Result<T, Fault> {
    outcome.inspect_err(|fault| {
        if fault.reason() == Some(Reason::WalletNotFound) {
            context.output.say(STRANGER);
        }
    })
}

/// The wallet is here.
fn told(context: Context<'_>, wallet: &Wallet, revoked: &[DeviceId]) -> Result<()> {
    let answer = Answer {
        recovered: true,
        wallet: wallet.id().to_string(),
        name: wallet.name().to_owned(),
        fingerprint: wallet.fingerprint(),
        descriptor: wallet.descriptor(),
        revoked: revoked.iter().map(ToString::to_string).collect(),
        offer: moving::command(wallet),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "The wallet {} is on this machine: it has its share again, and any two of server, this machine and the words sign.\n\
             fingerprint  {}\n\
             revoked      {}\n{}\n\nNext: twofold history",
            answer.name,
            answer.fingerprint,
            if answer.revoked.is_empty() {
                "no other device".into()
            } else {
                answer.revoked.join("\n             ")
            },
            moving::offer(&answer.offer)
        )
    })
}

#[derive(Serialize)]
struct Asks {
    recovered: bool,
    wallet: String,
    fingerprint: Option<String>,
    machine: String,
    /// The request's file; none where the words have answered and are asked again next.
    ask: Option<String>,
}

/// The words are on another machine: a request for them, where there is something to ask.
async fn ask(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: WalletId,
    code: Option<[u8; 16]>,
    keep: &[String],
    out: &Path,
) -> Result<()> {
    let away = client.recover_away(wallet, code, keep).await;
    context.tell(client);
    match hinted(context, away)? {
        Away::Ask { file, fingerprint } => {
            file::write_same(out, &file)?;
            let answer = Asks {
                recovered: false,
                wallet: wallet.to_string(),
                fingerprint,
                machine: client.machine(),
                ask: Some(out.display().to_string()),
            };
            context.output.answer(&answer, |answer| {
                let fingerprint = answer.fingerprint.as_ref();
                format!(
                    "machine      {}\n{}Take {2} to the machine where the words may be typed and run there:\n  twofold recovery \
                     continue {2} --out ANSWER\nIt must show the same machine: say no there if it does not. Then here:\n  twofold \
                     recovery continue ANSWER",
                    answer.machine,
                    fingerprint.map_or_else(String::new, |is| format!("fingerprint  {is}\n")),
                    answer.ask.as_deref().unwrap_or_default()
                )
            })
        }
        away => went_on(context, wallet, client, away),
    }
}

/// Takes an answer of the words.
pub(super) async fn answered(context: Context<'_>, text: &str) -> Result<()> {
    let mut client = context.client().await?;
    let bar = terminal::spinner();
    bar.set_message("the server and what the words left give this machine its share");
    let taken = client.recover_answered(text).await;
    bar.finish_and_clear();
    context.tell(&mut client);
    let (wallet, away) = hinted(context, taken)?;
    went_on(context, wallet, &client, away)
}

fn went_on(context: Context<'_>, wallet: WalletId, client: &Client<Native>, away: Away) -> Result<()> {
    let again = |fingerprint: String, told: &str| {
        let answer = Asks {
            recovered: false,
            wallet: wallet.to_string(),
            fingerprint: Some(fingerprint),
            machine: client.machine(),
            ask: None,
        };
        context.output.answer(&answer, |answer| {
            format!("{told} Next:\n  twofold recover --wallet {} --ask FILE", answer.wallet)
        })
    };
    match away {
        Away::Waits(wait) => waits(context, wallet, wait, " --ask FILE"),
        Away::Done(settled) if settled.left.is_empty() && !settled.frozen => {
            told(context, &settled.wallet, &settled.revoked)
        }
        Away::Done(settled) => again(
            settled.wallet.fingerprint(),
            "The wallet is on this machine. The words have to speak once more before it signs: a device is to be struck off still, or \
             the freeze to be ended.",
        ),
        Away::Ready { fingerprint } => again(fingerprint, "The wait is over. The words are asked for their part now."),
        Away::Ask { .. } => bail!("a request that nobody wrote"),
    }
}

/// The devices that stay. One that is not there is asked about again before any is struck off.
async fn kept(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &mut Wallet,
    asked: &[String],
) -> Result<Vec<DeviceId>> {
    let mut keep = Vec::new();
    for device in asked {
        let found = client.find_device(wallet, device).await.inspect_err(|_| {
            let told = "note: the wallet is on this machine, and no device was struck off; look, and run this again";
            context.output.say(told);
        })?;
        keep.push(found.id);
    }
    Ok(keep)
}

fn waits(context: Context<'_>, wallet: WalletId, wait: Wait, ask: &str) -> Result<()> {
    let answer = Waiting {
        recovered: false,
        wallet: wallet.to_string(),
        fingerprint: wait.fingerprint,
        due: wait.due,
        objected: wait.objected,
    };
    context.output.answer(&answer, |answer| {
        let next = if answer.objected {
            "A device of the wallet objects: the operator decides, or where they take it the owner's fresh sign-in with a second \
             factor (--token-file). When one has said yes"
        } else {
            "The wallet is frozen, and its other devices are told. When the wait is over"
        };
        format!(
            "The words are good for the wallet {}.\n{next}, run again:\n  twofold recover --wallet {}{ask}\nThe wait is over in {}.",
            answer.fingerprint,
            answer.wallet,
            span(answer.due.saturating_sub(SystemClock.now()))
        )
    })
}
