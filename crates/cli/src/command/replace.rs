//! `twofold bump-fee` and `twofold abandon`: a waiting transaction makes place for one that pays miners more.

use anyhow::{Result, bail};
use bitcoin::FeeRate;
use serde::Serialize;
use twofold_client::{Client, labels::Reference, ledger::Replaceable, wallet::Wallet};
use twofold_intent::psbt;

use super::{
    Context,
    send::{Described, describe, hand_over, hundredths, rate, unsigned},
};
use crate::{args, exit::Declined, platform::Native, terminal};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    described: Described,
    replaces: String,
    replaced_fee_sat: u64,
    sent: bool,
    psbt: Option<String>,
}

/// What the replacement does with the payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The same ones, for a higher fee.
    Bump,
    /// None: the coins come back.
    TakeBack,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Replace, how: How) -> Result<()> {
    let (mut client, mut wallet) = context.synced().await?;
    let txid = arguments.txid;
    let first = wallet.ledger().replaceable(txid).map_err(twofold_client::Fault::from)?;
    let fee_rate = wanted(context, &arguments, &mut client, &mut wallet, first).await?;
    let draft = match how {
        How::Bump => client.bump(&mut wallet, txid, fee_rate)?,
        How::TakeBack => client.take_back(&mut wallet, txid, fee_rate)?,
    };
    context.output.say(&draft.facts().to_string());
    context.output.say(&format!(
        "replaces {txid}, which pays {} sat of fee ({} sat/vB)",
        first.fee.to_sat(),
        hundredths(first.fee_rate)
    ));
    let mut answer = Answer {
        described: describe(draft.facts()),
        replaces: txid.to_string(),
        replaced_fee_sat: first.fee.to_sat(),
        sent: false,
        psbt: arguments.dry_run.then(|| psbt::to_base64(draft.psbt())),
    };
    if arguments.dry_run {
        return context
            .output
            .answer(&answer, |answer| unsigned(answer.psbt.as_deref()));
    }
    let question = match how {
        How::Bump => "Replace it?",
        How::TakeBack => "Take the coins back, so that nobody is paid?",
    };
    if !arguments.yes && !terminal::confirm(question)? {
        bail!(Declined::UNSENT);
    }
    let new = hand_over(context, &mut client, &mut wallet, draft).await?;
    // What was written about the payment is about the one that takes its place.
    let label = wallet.labels().of(&Reference::transaction(txid)).map(str::parse);
    if let Some(Ok(label)) = label {
        client.label(&mut wallet, Reference::transaction(new), &label).await?;
    }
    answer.sent = true;
    context.output.answer(&answer, |answer| match how {
        How::Bump => format!("Sent in its place. txid {}", answer.described.txid),
        How::TakeBack => format!(
            "Sent. txid {}\nThe payment can still be mined until a block holds this one; twofold history shows which was.",
            answer.described.txid
        ),
    })
}

/// The rate that was asked for; where none was, the estimate, or the least that nodes take where that is more.
async fn wanted(
    context: Context<'_>,
    arguments: &args::Replace,
    client: &mut Client<Native>,
    wallet: &mut Wallet,
    first: Replaceable,
) -> Result<FeeRate> {
    let args::Fee {
        rate: named,
        target_blocks,
    } = arguments.fee;
    if named.is_some() {
        return rate(context, client, wallet, named, target_blocks).await;
    }
    let estimate = rate(context, client, wallet, None, target_blocks).await?;
    Ok(estimate.max(first.least))
}
