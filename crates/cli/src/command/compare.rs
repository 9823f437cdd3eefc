//! `twofold device add --code` and `twofold join --code`: two machines show one short string, and a person compares it.
//!
//! With `--json` each step is an object on a line of its own, and the person's yes is a line on standard input.

use anyhow::{Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_api::{pairing::Introduction, request::Name};
use twofold_cli::transport::Https;
use twofold_client::{Client, join::Money};
use twofold_threshold::pairing::ShortString;

use super::{Context, device, join};
use crate::{
    args,
    exit::Declined,
    platform::{Native, SystemClock},
    terminal, words,
};

#[derive(Serialize)]
struct Compare {
    compare: String,
}

/// Shows the string and asks whether the other machine shows it too.
fn same(context: Context<'_>, string: ShortString) -> Result<()> {
    let compare = string.to_string();
    context
        .output
        .answer(&Compare { compare }, |shown| format!("\n    {}\n", shown.compare))?;
    let answer = terminal::ask("Does the other machine show the same six digits? Type yes if it does: ")?;
    if !answer.trim().eq_ignore_ascii_case("yes") {
        bail!(Declined(
            "nothing was added here. If the digits differ, somebody stands between the two machines: say no on the other one \
             too, and carry the texts yourself (twofold device add, without --code)"
        ));
    }
    Ok(())
}

/// On the machine that has the wallet.
pub(super) async fn add(context: Context<'_>, voice: &args::Voice, no_qr: bool) -> Result<()> {
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let introduction = client.introduce(&mut wallet).await;
    context.tell(&mut client);
    let introduction = introduction?;
    device::show(
        context,
        &introduction,
        no_qr,
        "On the new machine, within ten minutes:",
        "twofold join --code",
        "Waiting for it. Leave this running.",
    )?;
    let met = client.meet(&mut wallet, &introduction).await;
    context.tell(&mut client);
    let met = met?;
    same(context, met.string)?;
    let outcome = client.enrol_device(&mut wallet, &met.card, words.as_ref()).await;
    context.tell(&mut client);
    device::answer(
        context,
        &wallet,
        outcome?,
        "Added. On the new machine, once it was told yes as well:  twofold join --finish",
    )
}

/// On the new machine.
pub(super) async fn join(context: Context<'_>, introduction: &Introduction, name: &Name, money: Money) -> Result<()> {
    let invitation = &introduction.invitation;
    let transport = Https::new(invitation.url.clone(), &invitation.trust)?;
    let keys = context.home().unlock_or_make().await?;
    let joined = Client::<Native>::join_to_compare(keys, transport, SystemClock, OsRng, introduction, name, money);
    let (mut client, compared) = Box::pin(joined).await?;
    context.tell(&mut client);
    same(context, compared.string)?;
    let card = client.wait_as_compared(compared).await?;
    context.output.answer(&join::Shown::of(&card), |_| {
        "This machine waits to be added. When the other one was told yes as well:  twofold join --finish".to_owned()
    })
}
