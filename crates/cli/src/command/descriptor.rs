//! `twofold descriptor`: the wallet for watch-only software.

use anyhow::Result;
use serde::Serialize;

use super::Context;

#[derive(Serialize)]
struct Answer {
    descriptor: String,
    fingerprint: String,
}

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    let (_, wallet) = context.wallet().await?;
    let answer = Answer {
        descriptor: wallet.descriptor(),
        fingerprint: wallet.fingerprint(),
    };
    context.output.answer(&answer, |answer| answer.descriptor.clone())
}
