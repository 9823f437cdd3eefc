//! `twofold sign-message` and `verify-message`: texts, signed for an address (BIP-322).

use std::{
    fs::File,
    io::{IsTerminal as _, Read as _},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use bitcoin::{Address, address::NetworkUnchecked};
use serde::Serialize;
use twofold_client::message::{self, Place, Verdict};
use twofold_intent::message::MAX_BYTES;

use super::Context;
use crate::{
    args,
    exit::{NotHeld, Wrong},
};

#[derive(Serialize)]
struct Signed {
    address: String,
    signature: String,
    message_bytes: usize,
}

#[derive(Serialize)]
struct Verified {
    valid: bool,
    address: String,
    /// It holds from this block height or time on (nLockTime).
    lock_time: Option<u32>,
    /// And not before what it spends is this old (nSequence).
    sequence: Option<u32>,
}

pub(super) async fn sign(context: Context<'_>, arguments: args::SignMessage) -> Result<()> {
    let text = read(arguments.text, arguments.file.as_deref())?;
    let place = match (arguments.index, arguments.address) {
        (Some(index), _) => Place::Index(index),
        (None, address) => Place::Address(parse(&address.unwrap_or_default())?),
    };
    let (mut client, mut wallet) = context.wallet().await?;
    let proof = client.sign_message(&mut wallet, &place, &text).await;
    context.tell(&mut client);
    let proof = proof?;
    let answer = Signed {
        address: proof.address.to_string(),
        signature: proof.signature,
        message_bytes: text.len(),
    };
    context.output.say(&format!("signed for {}", answer.address));
    context.output.answer(&answer, |answer| answer.signature.clone())
}

pub(super) fn verify(context: Context<'_>, arguments: args::VerifyMessage) -> Result<()> {
    let text = read(arguments.text, arguments.file.as_deref())?;
    let address = parse(&arguments.address)?;
    match message::verify(&address, &text, &arguments.signature) {
        Err(why) => bail!(NotHeld(why.to_string())),
        Ok(Verdict::Inconclusive) => bail!(NotHeld(
            "this can't be told here: the address's script is of a kind that is not understood".into()
        )),
        Ok(Verdict::Valid { time, age }) => {
            let answer = Verified {
                valid: true,
                address: arguments.address,
                lock_time: time.map(bitcoin::absolute::LockTime::to_consensus_u32),
                sequence: age.map(bitcoin::Sequence::to_consensus_u32),
            };
            context.output.answer(&answer, |answer| {
                let held = format!("It holds: whoever has {} signed this text.", answer.address);
                if answer.lock_time.is_none() && answer.sequence.is_none() {
                    return held;
                }
                format!(
                    "{held}\nOnly from a time on: lock time {}, sequence {}.",
                    answer.lock_time.unwrap_or_default(),
                    answer.sequence.unwrap_or_default()
                )
            })
        }
    }
}

fn parse(text: &str) -> Result<Address<NetworkUnchecked>> {
    let address = text.parse();
    Ok(address.map_err(|_| Wrong(format!("{text:?} is no Bitcoin address; copy all of it again")))?)
}

/// The text, from wherever it was given, every byte of it.
fn read(given: Option<String>, file: Option<&Path>) -> Result<Vec<u8>> {
    let text = match (given, file) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(path)) => {
            let unreadable = || Wrong(format!("{} can't be read", path.display()));
            limited(File::open(path).with_context(unreadable)?).with_context(unreadable)?
        }
        (None, None) if std::io::stdin().is_terminal() => {
            bail!(Wrong(
                "say what the text is: as an argument, with --file, or on standard input".into()
            ))
        }
        (None, None) => limited(std::io::stdin().lock()).context("the text can't be read from standard input")?,
    };
    if text.len() > MAX_BYTES {
        bail!(Wrong(format!("the text has more than {} KiB", MAX_BYTES / 1024)));
    }
    Ok(text)
}

fn limited(from: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
