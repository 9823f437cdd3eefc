//! `twofold recovery replace`: other recovery words.

use std::path::Path;

use anyhow::{Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::{
    Client, Fault,
    recovery::{
        OldWords,
        file::MAX_BYTES,
        replace::{Elsewhere, Replaced, Replacement},
    },
    wallet::Wallet,
};
use twofold_threshold::words::RecoverySecret;

use super::Context;
use crate::{
    args,
    command::{
        create::{show_words, write_words},
        device::answer,
    },
    exit::{Declined, Wrong},
    file,
    platform::Native,
    terminal, words,
};

#[derive(Serialize)]
struct Answer {
    done: bool,
    wallet: String,
    name: String,
    fingerprint: String,
    new_words_file: Option<String>,
    /// Whether the shares were dealt anew, so that what the old words open is worth nothing to the server.
    refreshed: bool,
    epoch: u32,
}

#[derive(Serialize)]
struct Passed {
    done: bool,
    wallet: String,
    out: String,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Replacing) -> Result<()> {
    if let (Some(opening), Some(out)) = (&arguments.recovery, &arguments.out) {
        return Box::pin(elsewhere(context, opening, out, &arguments)).await;
    }
    let place = arguments.new_words_file.as_deref();
    if context.output.json && place.is_none() {
        bail!(Wrong(
            "with --json the new words need a place of their own: give --new-words-file FILE".into()
        ));
    }
    let (mut client, mut wallet) = context.wallet().await?;
    let asked = client.words_asked_for(&mut wallet).await?;
    let old = words::second_voice(&arguments.voice)?;
    let spoken = spoken(&client, &wallet, arguments.spoken.as_deref()).await?;
    let alone = old.is_none() && spoken.is_none() && arguments.ask.is_none();
    let new = match asked.filter(|_| alone) {
        Some(asked) => {
            context
                .output
                .say("note: these are to be the NEW words, which this machine has asked for");
            if let Some(place) = place.filter(|place| place != &Path::new("-") && !place.exists()) {
                bail!(Wrong(format!(
                    "this machine has asked for other words before, and those wait; {} is not there. Name the file that has them, or \
                     cancel what waits: twofold pending",
                    place.display()
                )));
            }
            let new = words::read(place)?;
            if new.public() != asked {
                bail!(Wrong(
                    "these are not the words that this machine asked for; twofold pending shows what waits, and cancels it".into()
                ));
            }
            new
        }
        None if spoken.is_some() => {
            context
                .output
                .say("note: these are to be the NEW words, for which the old ones have spoken");
            words::read(place)?
        }
        None => make(&wallet, place, arguments.yes)?,
    };
    if let Some(out) = &arguments.ask {
        let file = client.ask_old_words(&mut wallet, new.public()).await;
        context.tell(&mut client);
        return asks(context, &client, &wallet, out, &file?);
    }
    context.output.say(
        "note: with the new words here this machine holds two of the three shares until the command ends: whoever owns the \
         machine in that moment owns the wallet",
    );
    let bar = terminal::spinner();
    bar.set_message("device and server give the new words their share, and deal all shares anew");
    let voice = old.as_ref().map(OldWords::Here).or(spoken);
    let replaced = client.replace_words(&mut wallet, &new, voice).await;
    bar.finish_and_clear();
    drop((new, old));
    context.tell(&mut client);
    match replaced? {
        Replacement::Waits(waiting) => {
            context
                .output
                .say("note: keep the new words: when the time has come, the command asks for them. Until then the old ones count");
            let outcome = twofold_client::devices::Outcome::Waits(waiting);
            answer(context, &wallet, outcome, "")
        }
        Replacement::Done(replaced) => told(context, &wallet, &replaced, place),
    }
}

/// Draws new words and leaves them where the person wants them; those of a run that was cut short are taken as they are.
fn make(wallet: &Wallet, place: Option<&Path>, yes: bool) -> Result<RecoverySecret> {
    let question = format!(
        "Make other recovery words for the wallet {}? The old ones are void then.",
        wallet.name()
    );
    if !yes && !terminal::confirm(&question)? {
        bail!(Declined("the old words stay"));
    }
    if let Some(place) = place.filter(|place| place.exists()) {
        return words::read(Some(place));
    }
    let new = RecoverySecret::generate(&mut OsRng);
    let line = new.words().expose_line();
    match place {
        Some(place) => write_words(place, &line)?,
        None => show_words(&line),
    }
    if !yes && !terminal::confirm("Are the new words written down, away from this machine?")? {
        bail!(Declined(
            "the old words stay, and the new ones are of no use: destroy them"
        ));
    }
    Ok(new)
}

/// What the old words have said on another machine.
async fn spoken(client: &Client<Native>, wallet: &Wallet, answer: Option<&Path>) -> Result<Option<OldWords<'static>>> {
    let Some(answer) = answer else { return Ok(None) };
    let text = file::read_or_stdin(answer, MAX_BYTES)?;
    Ok(Some(client.old_voice(wallet, &text).await?))
}

#[derive(Serialize)]
struct Asks {
    done: bool,
    wallet: String,
    fingerprint: String,
    machine: String,
    ask: String,
}

/// A request for the old words, on the machine where they are.
fn asks(context: Context<'_>, client: &Client<Native>, wallet: &Wallet, out: &Path, request: &str) -> Result<()> {
    file::write_same(out, request)?;
    let answer = Asks {
        done: false,
        wallet: wallet.id().to_string(),
        fingerprint: wallet.fingerprint(),
        machine: client.machine(),
        ask: out.display().to_string(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "fingerprint  {}\nmachine      {}\nBoth must be the same where the old words are. Take {2} there and run:\n  \
             twofold recovery continue {2} --out ANSWER\nThen here the same command with --voice ANSWER instead of --ask, and \
             the same new words. Until then the old words count.",
            answer.fingerprint, answer.machine, answer.ask
        )
    })
}

/// The new words are on another machine: their opening in, a message for them out.
async fn elsewhere(context: Context<'_>, opening: &Path, out: &Path, arguments: &args::Replacing) -> Result<()> {
    if out.exists() {
        bail!(Wrong(format!("{} is there already; name a new file", out.display())));
    }
    let opening = file::read_or_stdin(opening, MAX_BYTES)?;
    let old = words::second_voice(&arguments.voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    if let Some(ask) = &arguments.ask {
        let words = client.words_of_opening(&opening)?;
        let file = client.ask_old_words(&mut wallet, words).await;
        context.tell(&mut client);
        return asks(context, &client, &wallet, ask, &file?);
    }
    let spoken = spoken(&client, &wallet, arguments.spoken.as_deref()).await?;
    let voice = old.as_ref().map(OldWords::Here).or(spoken);
    let begun = client.replace_words_elsewhere(&mut wallet, &opening, voice).await;
    drop(old);
    context.tell(&mut client);
    let message = match begun? {
        Elsewhere::Waits(waiting) => {
            let outcome = twofold_client::devices::Outcome::Waits(waiting);
            return answer(context, &wallet, outcome, "");
        }
        Elsewhere::Message(message) => message,
    };
    file::write_new(out, &message)?;
    let answer = Passed {
        done: false,
        wallet: wallet.id().to_string(),
        out: out.display().to_string(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Take {0} to the machine with the new words and run there:\n  twofold recovery continue {0} --state STATE --out \
             ANSWER\nWhen the answer is back here: twofold recovery continue ANSWER. Until then the old words count.",
            answer.out
        )
    })
}

/// The answer of the machine with the new words.
pub(super) async fn finish(context: Context<'_>, client: &mut Client<Native>, text: &str) -> Result<()> {
    let bar = terminal::spinner();
    bar.set_message("the server takes the new words, and all shares are dealt anew");
    let finished = Box::pin(client.finish_replacement(text)).await;
    bar.finish_and_clear();
    context.tell(client);
    let (wallet, replaced) = finished?;
    told(context, &wallet, &replaced, None)
}

/// What is true now, and what the old words still open.
fn told(context: Context<'_>, wallet: &Wallet, replaced: &Replaced, place: Option<&Path>) -> Result<()> {
    if let Err(fault) = &replaced.refreshed {
        let fault: &Fault = fault;
        context
            .output
            .say(&format!("note: the refresh that follows did not go through: {fault}"));
    }
    let answer = Answer {
        done: true,
        wallet: wallet.id().to_string(),
        name: wallet.name().to_owned(),
        fingerprint: wallet.fingerprint(),
        new_words_file: place.map(|path| path.display().to_string()),
        refreshed: replaced.refreshed.is_ok(),
        epoch: wallet.epoch().number,
    };
    context.output.answer(&answer, |answer| {
        let now = if answer.refreshed {
            "All shares were dealt anew: the share that the old words open signs nothing with the server any more."
        } else {
            "Until a refresh the old words and a package open the very share that the new ones open. Next: twofold refresh"
        };
        format!(
            "The wallet {} has new recovery words; recover, sweep and check take no others.\nfingerprint  {}\n\n{now}\n\
             What the old words still open: each package from before today, with the share of its day. Together with a \
             machine's\nshare of that day (one that was lost, revoked, or has not been in contact since), or with a backup of \
             the server from\nthen that somebody can open, that is two of three for good. If such a thing may be in one hand \
             with the old words,\nsend everything to a new wallet. Otherwise destroy old words, kits and packages.\n\n\
             Next: twofold recovery kit --out kit.html; twofold recovery export --out FILE",
            answer.name, answer.fingerprint
        )
    })
}
