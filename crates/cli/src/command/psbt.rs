//! `twofold psbt`: PSBTs from elsewhere.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use bitcoin::consensus::encode::serialize_hex;
use serde::Serialize;
use twofold_client::Fault;
use twofold_intent::{Psbt, psbt};

use super::{
    Context,
    send::{Described, describe},
};
use crate::{
    args,
    exit::{Declined, Wrong},
    private_file, terminal,
};

/// A PSBT in base64, with its line ends.
const MOST_BYTES: usize = 2 * psbt::MAX_BYTES;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    described: Described,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct Signed {
    psbt: String,
    out: Option<String>,
}

#[derive(Serialize)]
struct Final {
    txid: String,
    transaction: String,
    sent: bool,
}

pub(super) async fn run(context: Context<'_>, command: args::Psbt) -> Result<()> {
    match command {
        args::Psbt::Show { file } => show(context, &file).await,
        args::Psbt::Sign { file, out, yes } => Box::pin(sign(context, &file, out.as_deref(), yes)).await,
        args::Psbt::Finalize { file, broadcast } => Box::pin(finalize(context, &file, broadcast)).await,
    }
}

fn read(file: &Path) -> Result<Psbt> {
    let bytes = crate::file::read_bytes(file, MOST_BYTES)?;
    psbt::read(&bytes).with_context(|| Wrong(format!("{} holds no PSBT for us", file.display())))
}

async fn show(context: Context<'_>, file: &Path) -> Result<()> {
    let psbt = read(file)?;
    let (client, wallet) = context.synced().await?;
    let draft = client.examine(&wallet, psbt)?;
    let answer = Shown {
        described: describe(draft.facts()),
        text: draft.facts().to_string(),
    };
    context.output.answer(&answer, |answer| answer.text.clone())
}

async fn sign(context: Context<'_>, file: &Path, out: Option<&Path>, yes: bool) -> Result<()> {
    let psbt = read(file)?;
    // Before it is signed and charged.
    out.map_or(Ok(()), private_file::must_be_new)?;
    let (mut client, mut wallet) = context.synced().await?;
    let draft = client.examine(&wallet, psbt)?;
    context.output.say(&draft.facts().to_string());
    if !yes && !terminal::confirm("Sign it?")? {
        bail!(Declined::UNSENT);
    }
    let signed = client.cosign(&mut wallet, draft).await;
    context.tell(&mut client);
    let signed = signed?;
    let answer = Signed {
        psbt: psbt::to_base64(&signed),
        out: out.map(|path| path.display().to_string()),
    };
    if let Some(path) = out {
        private_file::create(path, &answer.psbt)?;
    }
    context.output.answer(&answer, |answer| match &answer.out {
        Some(path) => format!("Signed: {path}\n\nNext: twofold psbt finalize {path} --broadcast"),
        None => answer.psbt.clone(),
    })
}

async fn finalize(context: Context<'_>, file: &Path, broadcast: bool) -> Result<()> {
    let psbt = read(file)?;
    if !broadcast {
        let transaction = psbt::finalize(&psbt).map_err(Fault::from)?;
        let answer = Final {
            txid: transaction.compute_txid().to_string(),
            transaction: serialize_hex(&transaction),
            sent: false,
        };
        return context.output.answer(&answer, |answer| answer.transaction.clone());
    }
    let (mut client, mut wallet) = context.synced().await?;
    let transaction = client.finalize(&mut wallet, &psbt).await?;
    let txid = client.broadcast(&mut wallet, &transaction).await;
    context.tell(&mut client);
    let txid = txid?;
    let answer = Final {
        txid: txid.to_string(),
        transaction: serialize_hex(&transaction),
        sent: true,
    };
    context
        .output
        .answer(&answer, |answer| format!("Sent. txid {}", answer.txid))
}
