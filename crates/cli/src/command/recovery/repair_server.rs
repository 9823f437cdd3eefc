//! `twofold recovery repair-server`: words and device give a restored server its share back.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use super::Context;
use crate::{exit::Declined, terminal, words};

#[derive(Serialize)]
struct Answer {
    repaired: bool,
    wallet: String,
    fingerprint: String,
    epoch: u32,
}

pub(super) async fn run(context: Context<'_>, words_file: Option<&Path>, yes: bool) -> Result<()> {
    context.output.say(
        "note: with the words typed here this machine holds two of the three shares until the command ends: whoever owns \
         the machine in that moment owns the wallet",
    );
    if !yes && !terminal::confirm("Give the server its share of the wallet back?")? {
        bail!(Declined("the server has no share, as before"));
    }
    let secret = words::read(words_file)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let bar = terminal::spinner();
    bar.set_message("words and this machine give the server its share");
    let repaired = client.repair_server(&mut wallet, &secret).await;
    bar.finish_and_clear();
    drop(secret);
    context.tell(&mut client);
    repaired?;
    let answer = Answer {
        repaired: true,
        wallet: wallet.id().to_string(),
        fingerprint: wallet.fingerprint(),
        epoch: wallet.epoch().number,
    };
    context.output.answer(&answer, |answer| {
        format!(
            "The server has its share of epoch {} again, and stays fenced: what it forgot beside that nobody gives back here.\n\
             fingerprint  {}\n\nNext: twofold wallet lift-fence (with the words, nobody else is needed), then twofold refresh",
            answer.epoch, answer.fingerprint
        )
    })
}
