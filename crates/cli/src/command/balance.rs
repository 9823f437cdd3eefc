//! `twofold balance`: what the wallet holds, as proved by the chain.

use anyhow::Result;
use serde::Serialize;

use super::{Context, offline::AsOf};
use crate::output::btc;

#[derive(Serialize)]
struct Answer {
    confirmed_sat: u64,
    pending_sat: u64,
    immature_sat: u64,
    frozen_sat: u64,
    spendable_sat: u64,
    total_sat: u64,
    height: u32,
    /// The server still reads old blocks for this wallet and is at this height: more may turn up.
    scanning_height: Option<u32>,
    /// The server did not answer: this is what the books say, as of this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    let (_, wallet, read) = context.read().await?;
    let balance = wallet.ledger().balance();
    let answer = Answer {
        confirmed_sat: balance.confirmed.to_sat(),
        pending_sat: balance.pending.to_sat() + balance.change.to_sat(),
        immature_sat: balance.immature.to_sat(),
        frozen_sat: balance.frozen.to_sat(),
        spendable_sat: balance.spendable().to_sat(),
        total_sat: balance.total().to_sat(),
        height: wallet.ledger().tip_height().unwrap_or_default(),
        scanning_height: read.scanning,
        as_of: read.as_of,
    };
    context.output.answer(&answer, |answer| {
        let line = |sat, what: &str| format!("{:>21}  {what}", btc(sat));
        let mut lines = vec![line(
            answer.confirmed_sat,
            &format!("confirmed, at block {}", answer.height),
        )];
        if answer.pending_sat > 0 {
            lines.push(line(answer.pending_sat, "waiting for a block"));
        }
        if answer.immature_sat > 0 {
            lines.push(line(answer.immature_sat, "mined, not yet spendable"));
        }
        if answer.frozen_sat > 0 {
            lines.push(line(answer.frozen_sat, "of it frozen"));
        }
        lines.join("\n")
    })
}
