//! `twofold refresh`: new shares of the same key.

use anyhow::Result;
use serde::Serialize;
use twofold_client::refresh::{NewEpoch, Step};

use super::Context;
use crate::terminal;

#[derive(Serialize)]
struct Answer {
    wallet: String,
    epoch: u32,
    previous_epoch: u32,
    /// An earlier run had begun it.
    resumed: bool,
}

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    let (mut client, mut wallet) = context.wallet().await?;
    let bar = terminal::spinner();
    let refreshed = client
        .refresh(&mut wallet, &mut |step| bar.set_message(told(step)))
        .await;
    bar.finish_and_clear();
    context.tell(&mut client);
    let NewEpoch {
        epoch,
        previous,
        resumed,
    } = refreshed?;
    let answer = Answer {
        wallet: wallet.id().to_string(),
        epoch,
        previous_epoch: previous,
        resumed,
    };
    context.output.answer(&answer, |answer| {
        let ended = if answer.resumed {
            "An interrupted refresh is finished"
        } else {
            "The shares are new"
        };
        format!(
            "{ended}: epoch {}. Those of epoch {} sign nothing with the server any more.\n\
             The addresses and the recovery words stay; export recovery packages that you keep elsewhere anew:\n\
             twofold recovery export --out FILE",
            answer.epoch, answer.previous_epoch
        )
    })
}

fn told(step: Step) -> &'static str {
    match step {
        Step::Opening => "the server deals",
        Step::Closing => "the new shares are safe here; the server erases its old one",
        _ => "the old share is erased here too",
    }
}
