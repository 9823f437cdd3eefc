//! `twofold create`: three parties make one key; recovery's part runs here, for the seconds it takes.

use std::{fs::File, path::Path};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use twofold_api::request::Name;
use twofold_client::{
    Client, Fault,
    create::Step,
    recovery::file::MAX_BYTES,
    wallet::{Listed, Wallet},
};

use super::{Context, recovery::write_kit};
use crate::{
    args,
    exit::{Declined, Wrong},
    platform::Native,
    private_file, terminal,
};

#[derive(Serialize)]
pub(super) struct Answer {
    wallet: String,
    name: String,
    fingerprint: String,
    address: String,
    descriptor: String,
    pub(super) words_file: Option<String>,
    pub(super) kit: Option<String>,
}

/// A wallet that was made, its words safe.
pub(super) struct Made {
    pub(super) wallet: Wallet,
    pub(super) answer: Answer,
    /// Where the kit is, for a person.
    kit: Option<String>,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Create) -> Result<()> {
    let name: Name = arguments.name.parse().map_err(Fault::from)?;
    if let (Some(opening), Some(out)) = (&arguments.recovery, &arguments.out) {
        return Box::pin(with_holder(context, &name, opening, out)).await;
    }
    let mut client = context.client().await?;
    let Made { answer, kit, .. } = make(context, &mut client, &name, &arguments).await?;
    context.output.answer(&answer, |answer| {
        let words = answer.words_file.as_ref().map_or_else(String::new, |file| {
            format!("recovery words   in {file}: move them off this machine\n")
        });
        format!(
            "Wallet {} is ready: server, this device and the words hold a share each, and any two sign.\n\
             fingerprint      {}\n{words}first address    {}\n{}\nNext: twofold receive",
            answer.name,
            answer.fingerprint,
            answer.address,
            kit.map_or_else(String::new, |told| format!("{told}\n"))
        )
    })
}

/// Makes a wallet, or finishes one that was begun; its words are shown or written, and confirmed.
pub(super) async fn make(
    context: Context<'_>,
    client: &mut Client<Native>,
    name: &Name,
    arguments: &args::Create,
) -> Result<Made> {
    if context.output.json && arguments.words_file.is_none() {
        words_need_a_place()?;
    }
    let known = client.wallets().await?;
    match known.iter().find(|wallet| !wallet.finished || wallet.words_unconfirmed) {
        Some(waiting) if waiting.name != name.as_str() => context.output.warn(&format!(
            "note: the wallet {} was begun before and is finished first; for {name} run the command once more",
            waiting.name
        )),
        Some(_) => {}
        None => refuse_taken(&known, name)?,
    }
    let bar = terminal::spinner();
    let made = Box::pin(client.create(name, &mut |step| bar.set_message(told(step)))).await;
    bar.finish_and_clear();
    context.tell(client);
    let mut made = made?;
    let words = made.words.expose_line();
    if let Some(path) = &arguments.words_file {
        write_words(path, &words)?;
    } else {
        show_words(&words);
    }
    let kit = match &arguments.kit {
        Some(path) => {
            let printed = arguments.with_words.then_some(&made.words);
            Some(write_kit(client, &made.wallet, path, printed).await?)
        }
        None => None,
    };
    let words_are_safe = "Are the words written down, away from this machine?";
    if !arguments.yes && !terminal::confirm(words_are_safe)? {
        bail!(Declined(
            "the wallet is there and keeps its words for now; run twofold create again to see them and confirm"
        ));
    }
    client.confirm_words(&mut made.wallet).await?;
    let answer = Answer {
        wallet: made.wallet.id().to_string(),
        name: made.wallet.name().to_owned(),
        fingerprint: made.fingerprint.clone(),
        address: made.first_address.to_string(),
        descriptor: made.wallet.descriptor(),
        words_file: arguments.words_file.as_ref().map(|path| path.display().to_string()),
        kit: arguments.kit.as_ref().map(|path| path.display().to_string()),
    };
    Ok(Made {
        wallet: made.wallet,
        answer,
        kit,
    })
}

/// A program that reads the answer alone would lose them.
pub(super) fn words_need_a_place() -> Result<()> {
    bail!(Wrong(
        "with --json the recovery words need a place of their own: give --words-file FILE".into()
    ))
}

/// Two wallets of one name could be told apart by their ids alone.
pub(super) fn refuse_taken(known: &[Listed], name: &Name) -> Result<()> {
    if known.iter().any(|wallet| wallet.name == name.as_str()) {
        bail!(Wrong(format!(
            "there is a wallet called {name} on this machine already; choose another name, or use it"
        )));
    }
    Ok(())
}

#[derive(Serialize)]
struct Begun {
    name: String,
    out: String,
}

/// The words are on another machine: its opening in, a message for it out.
async fn with_holder(context: Context<'_>, name: &Name, opening: &Path, out: &Path) -> Result<()> {
    let opening = crate::file::read_or_stdin(opening, MAX_BYTES)?;
    let mut client = context.client().await?;
    refuse_taken(&client.wallets().await?, name)?;
    let bar = terminal::spinner();
    let begun = client
        .create_with_holder(name, &opening, &mut |step| bar.set_message(told(step)))
        .await;
    bar.finish_and_clear();
    context.tell(&mut client);
    crate::file::write_new(out, &begun?)?;
    let answer = Begun {
        name: name.as_str().to_owned(),
        out: out.display().to_string(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Take {0} to the recovery holder's machine and run there:\n  twofold recovery continue {0} --state STATE --out \
             ANSWER\nThe server waits seven days. When the answer is back here: twofold recovery continue ANSWER",
            answer.out
        )
    })
}

pub(super) fn told(step: Step) -> &'static str {
    match step {
        Step::Resuming => "taking up where the last run stopped",
        Step::Opening => "device and recovery draw their parts; asking the server for its own",
        Step::Dealing => "the server's part is checked; dealing shares",
        Step::Closing => "asking the server to finish",
        Step::Tested => "all three signed one transcript, and a test signature verifies",
        Step::Active => "the wallet is in use",
        _ => "working",
    }
}

pub(super) fn show_words(words: &str) {
    eprintln!("\nThese 25 words are your recovery. They are not a seed phrase; no other wallet takes them.");
    eprintln!("Write them down on paper. Whoever has them and this machine, or them and the server, has the coins.\n");
    let words: Vec<_> = words.split_whitespace().collect();
    for (row, chunk) in words.chunks(5).enumerate() {
        let line: Vec<_> = chunk
            .iter()
            .enumerate()
            .map(|(place, word)| format!("{:>2}. {word:<10}", row * 5 + place + 1))
            .collect();
        eprintln!("  {}", line.join(" "));
    }
    eprintln!();
}

/// Writes the words to a new file that only its owner reads; a file with the same words is fine, so that an
/// interrupted run can be repeated.
pub(super) fn write_words(path: &Path, words: &str) -> Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|there| there.trim() == words) {
        return private_file::settle(&File::open(path)?, path);
    }
    let file = private_file::create(path, words).context("the words can't be left there; run create again")?;
    // The keystore forgets the words next.
    private_file::settle(&file, path)
}
