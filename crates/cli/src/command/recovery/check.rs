//! The package out of the keystore, and proof that the words open the right share.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use twofold_client::{
    Fault,
    recovery::{file::MAX_BYTES, package::RecoveryPackage},
};

use super::Context;
use crate::{command::is_new, exit::Wrong, file, words};

#[derive(Serialize)]
struct Exported {
    wallet: String,
    fingerprint: String,
    out: Option<String>,
    package: String,
}

#[derive(Serialize)]
struct Answer {
    proved: bool,
    wallet: String,
    name: String,
    network: String,
    epoch: u32,
    fingerprint: String,
    descriptor: String,
    first_address: String,
    on_this_machine: bool,
}

pub(super) async fn export(context: Context<'_>, out: Option<&Path>) -> Result<()> {
    let (client, wallet) = context.wallet().await?;
    let answer = Exported {
        wallet: wallet.id().to_string(),
        fingerprint: wallet.fingerprint(),
        out: out.map(|path| path.display().to_string()),
        package: client.recovery_package(&wallet)?.to_text(),
    };
    if let Some(path) = out {
        file::write_new(path, &answer.package)?;
    }
    context.output.answer(&answer, |answer| match &answer.out {
        Some(path) => format!(
            "Written to {path}. Keep copies anywhere but beside the words.\n\nNext: twofold recovery check --package {path}"
        ),
        None => answer.package.clone(),
    })
}

pub(super) async fn check(context: Context<'_>, package: Option<&Path>, words_file: Option<&Path>) -> Result<()> {
    // From a file nothing of this machine is needed, not even its passphrase.
    let on_this_machine = package.is_none();
    let package = if let Some(path) = package {
        RecoveryPackage::parse(&file::read(path, MAX_BYTES)?).map_err(Fault::from)?
    } else {
        let here = context.wallet().await;
        let (client, wallet) = here.inspect_err(|error| {
            if is_new(error) {
                context
                    .output
                    .say("note: on a machine without the wallet, name its package: --package FILE");
            }
        })?;
        if wallet.has_unconfirmed_words() {
            bail!(Wrong(
                "this wallet's words are not confirmed yet; run twofold create again to see them".into()
            ));
        }
        client.recovery_package(&wallet)?
    };
    let secret = words::read(words_file)?;
    let checked = package.check(&secret).map_err(Fault::from)?;
    drop(secret);
    let answer = Answer {
        proved: true,
        wallet: checked.wallet,
        name: checked.name,
        network: checked.network.to_string(),
        epoch: checked.epoch,
        fingerprint: checked.fingerprint,
        descriptor: checked.descriptor,
        first_address: checked.first_address.to_string(),
        on_this_machine,
    };
    context.output.answer(&answer, |answer| {
        format!(
            "The words are good for the wallet {:?} on {}.\n\
             proved    these words signed the wallet's transcript, with the device and the server; they open the package;\n          \
             the share in it is the one of which the transcript holds the public half, and the unlock key fits\n\
             not done  no key was rebuilt, nothing was signed, nothing was kept or sent\n\
             fingerprint    {}\n\
             first address  {}",
            answer.name, answer.network, answer.fingerprint, answer.first_address
        )
    })
}
