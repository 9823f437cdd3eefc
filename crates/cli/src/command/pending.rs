//! `twofold pending`: what machines have asked for and that waits.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use twofold_api::reply::{Operator, Waiting};
use twofold_client::devices::{About, Outcome, about};
use twofold_threshold::id::DeviceId;

use super::{Context, device::answer, join};
use crate::{args, words};

#[derive(Serialize)]
struct Answer {
    waiting: Vec<Line>,
}

/// A change that waits, in one line.
#[derive(Serialize)]
pub(super) struct Line {
    change: u64,
    what: String,
    /// The machine that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// None for recovery.
    asker: Option<String>,
    asked: u64,
    due: u64,
    operator_needed: bool,
    operator_agreed: bool,
}

pub(super) fn line(waiting: &Waiting) -> Line {
    let About { what, device } = about(waiting);
    Line {
        change: waiting.change,
        what,
        device: device.map(|device| device.to_string()),
        asker: waiting.asker.map(|device| DeviceId(device).to_string()),
        asked: waiting.asked,
        due: waiting.due,
        operator_needed: waiting.operator != Operator::NotNeeded,
        operator_agreed: waiting.operator == Operator::Agreed,
    }
}

/// A change that waits, for a person: what it is, when its time comes, and what makes it quicker.
pub(super) fn told(line: &Line, wallet: &str) -> String {
    let what = match line.what.as_str() {
        "enrol" => "to add a machine",
        "revoke" => "to strike a machine off",
        "approver" => "to let a machine's voice count",
        "words" => "to make other recovery words",
        "unfreeze" => "to let the wallet sign again",
        "recover" => "to recover a lost machine's share",
        other => other,
    };
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let by = line.asker.as_deref().map_or("recovery".into(), short);
    let device = line
        .device
        .as_deref()
        .map_or(String::new(), |id| format!(" ({})", short(id)));
    let Line { change, .. } = line;
    let operator = if line.operator_needed && !line.operator_agreed {
        format!(
            "\n  It takes the operator's yes as well:  twofold-server approve {wallet} {change}\n  or, where the operator takes it, \
             your fresh sign-in with a second factor:  twofold pending confirm {change} --token-file FILE"
        )
    } else {
        String::new()
    };
    // The words have asked already, and no other voice makes it quicker.
    let next = if line.what == "recover" {
        "When its time has come, run the command again on the machine that asked. If you know nothing of it, cancel it"
            .into()
    } else {
        format!(
            "At once: twofold pending approve {change} on a second approver, or the same command --with-words. When its time \
             has come, run the command again"
        )
    };
    format!(
        "{change}: {by} asks {what}{device}. It waits {} from when it was asked for, and any machine of the wallet can cancel it: \
         twofold pending cancel {change}{operator}\n  {next}.",
        span(line.due.saturating_sub(line.asked)),
    )
}

fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} seconds"),
        120..=7_199 => format!("{} minutes", seconds / 60),
        7_200..=172_799 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

pub(super) async fn run(context: Context<'_>, command: Option<args::Pending>) -> Result<()> {
    match command {
        None | Some(args::Pending::List) => list(context).await,
        Some(args::Pending::Cancel { change }) => cancel(context, change).await,
        Some(args::Pending::Confirm { change, token_file }) => confirm(context, change, &token_file).await,
        Some(args::Pending::Approve { change, voice }) => Box::pin(approve(context, change, &voice)).await,
    }
}

async fn list(context: Context<'_>) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    let devices = client.devices(&mut wallet).await?;
    let id = wallet.id().to_string();
    let waiting = devices.waiting.iter().map(line).collect();
    context.output.answer(&Answer { waiting }, |answer| {
        if answer.waiting.is_empty() {
            return "Nothing waits.".into();
        }
        let lines: Vec<_> = answer.waiting.iter().map(|line| told(line, &id)).collect();
        lines.join("\n")
    })
}

async fn cancel(context: Context<'_>, change: u64) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    client.cancel_change(&mut wallet, change).await?;
    context.tell(&mut client);
    answer(
        context,
        &wallet,
        Outcome::Done,
        "Said. `twofold pending` shows what still waits.",
    )
}

async fn approve(context: Context<'_>, change: u64, voice: &args::Voice) -> Result<()> {
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let outcome = client.approve_change(&mut wallet, change, words.as_ref()).await;
    context.tell(&mut client);
    answer(context, &wallet, outcome?, "Agreed, and done.")
}

async fn confirm(context: Context<'_>, change: u64, token_file: &Path) -> Result<()> {
    let token = join::read_token(token_file)?;
    let (mut client, mut wallet) = context.wallet().await?;
    client.bring_token(&token)?;
    client.confirm_change(&mut wallet, change).await?;
    context.tell(&mut client);
    answer(
        context,
        &wallet,
        Outcome::Done,
        "Said. It waits for its time: `twofold pending` shows when.",
    )
}

#[cfg(test)]
mod tests {
    use super::{Line, told};

    fn waits(what: &str) -> Line {
        Line {
            change: 6,
            what: what.into(),
            device: Some("4e907184793f5dda".into()),
            asker: None,
            asked: 0,
            due: 60,
            operator_needed: false,
            operator_agreed: false,
        }
    }

    #[test]
    fn an_approver_is_offered_what_it_can_make_quicker_and_no_recovery() {
        assert!(told(&waits("enrol"), "wallet").contains("twofold pending approve 6"));
        let recovery = told(&waits("recover"), "wallet");
        assert!(!recovery.contains("pending approve"), "{recovery}");
        assert!(recovery.contains("twofold pending cancel 6"), "{recovery}");
    }
}
