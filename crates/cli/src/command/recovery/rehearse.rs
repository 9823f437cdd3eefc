//! `twofold recovery rehearse`: the bad day, practised with the real words, shares and files.

use anyhow::{Result, bail};
use serde::Serialize;
use twofold_client::Fault;
use twofold_intent::psbt;

use super::{Context, sweep};
use crate::{args, exit::Declined, terminal};

#[derive(Serialize)]
struct Answer {
    rehearsed: bool,
    wallet: String,
    fingerprint: String,
    epoch: u32,
    on_one_machine: bool,
}

pub(super) async fn run(context: Context<'_>, signing: args::Signing, yes: bool) -> Result<()> {
    let (mut client, wallet) = context.wallet().await?;
    let draft = client.draft_rehearsal(&wallet)?;
    context.output.say(&format!(
        "A rehearsal: the coin does not exist, and nobody has the key of the address.\n{}",
        draft.facts()
    ));
    if !yes && !terminal::confirm("Sign it, with this device and the words?")? {
        bail!(Declined::UNSENT);
    }
    let signed = sweep::sign(context, &mut client, &wallet, vec![draft], &signing).await?;
    for psbt in &signed {
        // Checks the finished signature as a node would; what comes out is dropped here.
        psbt::finalize(psbt).map_err(Fault::from)?;
    }
    let answer = Answer {
        rehearsed: true,
        wallet: wallet.id().to_string(),
        fingerprint: wallet.fingerprint(),
        epoch: wallet.epoch().number,
        on_one_machine: signing.request.is_none(),
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Device and words signed for the wallet {}: on the bad day they will do the same for your coins.\n\
             Nothing was sent or kept, no key was rebuilt, and no server took part.",
            answer.fingerprint
        )
    })
}
