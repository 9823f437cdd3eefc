//! `twofold label` and `twofold labels`: what a person writes about transactions, addresses and coins (BIP-329).

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use twofold_client::{
    Fault,
    labels::{FILE_BYTES, Label, LabelFault, Reference},
};

use super::Context;
use crate::{args, exit::Wrong, private_file};

#[derive(Serialize)]
struct Labelled {
    #[serde(rename = "ref")]
    reference: String,
    label: String,
}

#[derive(Serialize)]
struct Exported {
    labels: usize,
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bip329: Option<String>,
}

#[derive(Serialize)]
struct Imported {
    taken: usize,
    skipped: usize,
    frozen: usize,
    unfrozen: usize,
}

/// One label.
pub(super) async fn write(context: Context<'_>, arguments: args::Label) -> Result<()> {
    let label: Label = arguments.text.parse().map_err(Fault::from)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let reference = Reference::parse(&arguments.reference, wallet.network()).map_err(Fault::from)?;
    client.label(&mut wallet, reference.clone(), &label).await?;
    let answer = Labelled {
        reference: reference.to_string(),
        label: label.as_str().to_owned(),
    };
    context.output.answer(&answer, |answer| {
        if answer.label.is_empty() {
            format!("{} has no label any more.", answer.reference)
        } else {
            format!("{} is {:?}.", answer.reference, answer.label)
        }
    })
}

pub(super) async fn run(context: Context<'_>, command: args::Labels) -> Result<()> {
    match command {
        args::Labels::Export { file } => export(context, file.as_deref()).await,
        args::Labels::Import { file } => import(context, &file).await,
    }
}

async fn export(context: Context<'_>, file: Option<&Path>) -> Result<()> {
    let (_, wallet) = context.wallet().await?;
    let text = wallet.labels().export();
    if let Some(path) = file {
        private_file::create(path, &text)?;
    }
    let answer = Exported {
        labels: wallet.labels().len(),
        file: file.map(|path| path.display().to_string()),
        bip329: file.is_none().then_some(text),
    };
    context
        .output
        .answer(&answer, |answer| match (&answer.file, &answer.bip329) {
            (Some(file), _) => format!("Labels written to {file}: {}.", answer.labels),
            (None, text) => text.clone().unwrap_or_default(),
        })
}

async fn import(context: Context<'_>, file: &Path) -> Result<()> {
    let text = read(file)?;
    let (mut client, mut wallet) = context.wallet().await?;
    let imported = client.import_labels(&mut wallet, &text).await?;
    let answer = Imported {
        taken: imported.taken,
        skipped: imported.skipped,
        frozen: imported.frozen,
        unfrozen: imported.unfrozen,
    };
    context.output.answer(&answer, |answer| {
        let mut lines = vec![format!("Labels taken in: {}.", answer.taken)];
        let more = [
            (
                answer.skipped,
                "left away: another network's, of an unknown type, too long, or misleading",
            ),
            (answer.frozen, "coins are frozen now"),
            (answer.unfrozen, "coins are not frozen any more"),
        ];
        let told = more.iter().filter(|(count, _)| *count > 0);
        lines.extend(told.map(|(count, what)| format!("{count} {what}")));
        lines.join("\n")
    })
}

/// The file, or standard input for `-`; never more than can be kept.
fn read(path: &Path) -> Result<String> {
    let unreadable = || Wrong(format!("{} can't be read", path.display()));
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).with_context(unreadable)?)
    };
    let mut text = String::new();
    let most = u64::try_from(FILE_BYTES).unwrap_or(u64::MAX);
    source
        .take(most.saturating_add(1))
        .read_to_string(&mut text)
        .with_context(unreadable)?;
    if text.len() > FILE_BYTES {
        bail!(Fault::from(LabelFault::TooLarge));
    }
    Ok(text)
}
