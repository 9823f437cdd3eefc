//! `twofold freeze` and `twofold unfreeze`.

use anyhow::Result;
use twofold_client::devices::Outcome;

use super::{Context, device::answer};
use crate::{args, words};

pub(super) async fn freeze(context: Context<'_>) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    let frozen = client.freeze_wallet(&mut wallet).await;
    context.tell(&mut client);
    frozen?;
    answer(
        context,
        &wallet,
        Outcome::Done,
        "Frozen: the server signs nothing for this wallet. Next: twofold unfreeze",
    )
}

pub(super) async fn unfreeze(context: Context<'_>, voice: &args::Voice) -> Result<()> {
    let words = words::second_voice(voice)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let outcome = client.unfreeze_wallet(&mut wallet, words.as_ref()).await;
    context.tell(&mut client);
    answer(context, &wallet, outcome?, "The wallet signs again.")
}
