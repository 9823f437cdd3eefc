//! A recovery holder on a machine of their own, and the device's way back from them.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_api::invitation::Invitation;
use twofold_client::{
    Fault,
    recovery::{
        RecoveryFault,
        file::{self as passed, FileFault, FileKind, MAX_BYTES},
        holder,
    },
};
use twofold_threshold::words::RecoverySecret;

use super::{Context, replace, voice};
use crate::{
    command::{
        create::{show_words, told, write_words},
        recover,
    },
    exit::Wrong,
    file, private_file, terminal, words,
};

/// How the opening gets to the device.
pub(super) struct Shown {
    pub(super) out: Option<PathBuf>,
    pub(super) qr: bool,
    /// For a wallet that is there, whose words it replaces.
    pub(super) replace: bool,
}

#[derive(Serialize)]
struct Begun {
    server: String,
    opening: Option<String>,
    /// What the QR code says.
    opening_text: Option<String>,
    state: String,
    words_file: Option<String>,
}

#[derive(Serialize)]
struct Answered {
    fingerprint: String,
    name: String,
    network: String,
    server: String,
    device: String,
    out: String,
}

#[derive(Serialize)]
struct Made {
    wallet: String,
    name: String,
    fingerprint: String,
    address: String,
    descriptor: String,
}

pub(super) fn begin(
    context: Context<'_>,
    invitation: &Path,
    Shown { out, qr, replace }: &Shown,
    state: &Path,
    words_file: Option<&Path>,
) -> Result<()> {
    if context.output.json && words_file.is_none() {
        bail!(Wrong(
            "with --json the recovery words need a place of their own: give --words-file FILE".into()
        ));
    }
    for place in out.iter().map(PathBuf::as_path).chain([state]) {
        if place.exists() {
            bail!(Wrong(format!("{} is there already; name a new file", place.display())));
        }
    }
    let text = file::read_or_stdin(invitation, MAX_BYTES)?;
    let invitation: Invitation = text.parse().map_err(Fault::from)?;
    let secret = RecoverySecret::generate(&mut OsRng);
    let new = if *replace {
        holder::words::begin(&secret, invitation.server, &mut OsRng)
    } else {
        holder::begin(&secret, invitation.server, &mut OsRng)
    }
    .map_err(Fault::from)?;
    let line = secret.words().expose_line();
    // Words first: a state without them is of no use to anyone.
    match words_file {
        Some(path) => write_words(path, &line)?,
        None => show_words(&line),
    }
    file::write_new(state, &new.state)?;
    if let Some(out) = out {
        file::write_new(out, &new.opening)?;
    }
    let answer = Begun {
        server: invitation.server.to_string(),
        opening: out.as_ref().map(|out| out.display().to_string()),
        opening_text: qr.then(|| passed::content(&new.opening).to_owned()),
        state: state.display().to_string(),
        words_file: words_file.map(|path| path.display().to_string()),
    };
    context.output.answer(&answer, |answer| {
        let code = answer.opening_text.as_deref().and_then(terminal::qr);
        let (what, file) = match &answer.opening {
            Some(file) => (format!("Take {file} to the device"), file.as_str()),
            None => ("Scan the code above with the device, hand it the text".to_owned(), "-"),
        };
        let (run, until) = if *replace {
            ("recovery replace", "the device says that the words are the wallet's")
        } else {
            ("create --name NAME", "the wallet is made")
        };
        format!(
            "{}server   {} at {}\n\
             {what} and run there:\n  twofold {run} --recovery {file} --out MESSAGE\n\
             Keep {} on this machine until {until}.",
            code.unwrap_or_default(),
            answer.server,
            invitation.url,
            answer.state
        )
    })
}

/// What belongs to the words' side, where this is it.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) state: Option<&'a Path>,
    pub(super) out: Option<&'a Path>,
    pub(super) words_file: Option<&'a Path>,
    pub(super) yes: bool,
}

/// Which side this is, the file says.
pub(super) async fn go_on(context: Context<'_>, path: &Path, here: Here<'_>) -> Result<()> {
    let text = file::read_or_stdin(path, MAX_BYTES)?;
    match (passed::kind_of(&text), here.state, here.out) {
        (Some(FileKind::FromRecovery), ..) => at_device(context, &text).await,
        (Some(FileKind::FromNewWords), ..) => replace::finish(context, &mut context.client().await?, &text).await,
        (Some(FileKind::FromWords), ..) => recover::answered(context, &text).await,
        (Some(FileKind::ToWords), _, Some(out)) => voice::answer(context, &text, out, here),
        (Some(FileKind::ToWords), _, None) => bail!(Wrong(
            "this request is for the recovery words: run the command on the machine where they may be typed, with --out ANSWER"
                .into()
        )),
        (_, Some(state), Some(out)) => at_holder(context, &text, state, out, here.words_file),
        (Some(FileKind::ToRecovery | FileKind::ToNewWords), ..) => bail!(Wrong(
            "this message is for the recovery holder: run the command on their machine, with --state and --out".into()
        )),
        _ => Err(Fault::from(RecoveryFault::from(FileFault::Foreign(FileKind::FromRecovery))).into()),
    }
}

fn at_holder(context: Context<'_>, text: &str, state: &Path, out: &Path, words_file: Option<&Path>) -> Result<()> {
    let kept = file::read(state, MAX_BYTES)?;
    let secret = words::read(words_file)?;
    let continued = holder::go_on(&kept, text, &secret, &mut OsRng).map_err(Fault::from)?;
    // Durable before the answer leaves: one state answers one message.
    if let Some(next) = &continued.state {
        private_file::replace(state, next)?;
    }
    let answer = continued.answer;
    file::write_same(out, &answer.file)?;
    let shown = Answered {
        fingerprint: answer.fingerprint,
        name: answer.name,
        network: answer.network,
        server: answer.server,
        device: answer.device,
        out: out.display().to_string(),
    };
    context.output.answer(&shown, |shown| {
        format!(
            "Recovery of the wallet {:?} on {} (both as the device says), with\n\
             server       {} (as the invitation says)\n\
             device       {}\n\
             fingerprint  {}\n\n\
             Take {} back to the device and run there: twofold recovery continue FILE\n\
             The device must show the same fingerprint. If it does not, use no address of that wallet.",
            shown.name, shown.network, shown.server, shown.device, shown.fingerprint, shown.out
        )
    })
}

async fn at_device(context: Context<'_>, text: &str) -> Result<()> {
    let mut client = context.client().await?;
    let bar = terminal::spinner();
    let made = client
        .finish_with_holder(text, &mut |step| bar.set_message(told(step)))
        .await;
    bar.finish_and_clear();
    context.tell(&mut client);
    let made = made?;
    let answer = Made {
        wallet: made.wallet.id().to_string(),
        name: made.wallet.name().to_owned(),
        fingerprint: made.fingerprint,
        address: made.first_address.to_string(),
        descriptor: made.wallet.descriptor(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Wallet {} is ready: server, this device and the recovery holder have a share each, and any two sign.\n\
             fingerprint      {}\n\
             first address    {}\n\n\
             The recovery holder must have seen the same fingerprint. If not, use no address.\n\
             Next: twofold recovery export --out FILE, for the holder",
            answer.name, answer.fingerprint, answer.address
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_fits_a_qr_code_on_a_terminal_and_the_code_says_all_that_counts() {
        let secret = RecoverySecret::generate(&mut OsRng);
        let server = twofold_threshold::identity::IdentitySecret::generate(&mut OsRng).public();
        let new = holder::begin(&secret, server, &mut OsRng).expect("begins");
        let text = passed::content(&new.opening);
        assert_eq!(passed::kind_of(text), Some(FileKind::Opening));
        assert!(passed::is_whole(FileKind::Opening, text));
        let drawn = terminal::qr(text).expect("fits");
        assert!(drawn.lines().count() <= 50, "{} lines", drawn.lines().count());
        assert!(drawn.lines().all(|line| line.chars().count() <= 100));
    }
}
