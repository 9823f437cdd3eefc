//! `twofold recovery kit`: the page to print.

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;
use twofold_client::{
    Client, Fault, home,
    recovery::{file::MAX_BYTES, package::RecoveryPackage},
};
use twofold_threshold::words::RecoveryWords;

use super::Context;
use crate::{exit::Wrong, file, kit::Kit, platform::Native, private_file, words};

#[derive(Serialize)]
struct Answer {
    wallet: String,
    fingerprint: String,
    with_words: bool,
    out: String,
}

pub(super) async fn run(
    context: Context<'_>,
    out: &Path,
    package: Option<&Path>,
    with_words: bool,
    words_file: Option<&Path>,
) -> Result<()> {
    // Before anybody types words for nothing.
    private_file::must_be_new(out)?;
    let (package, server) = if let Some(path) = package {
        (
            RecoveryPackage::parse(&file::read(path, MAX_BYTES)?).map_err(Fault::from)?,
            None,
        )
    } else {
        let (mut client, wallet) = context.wallet().await?;
        if wallet.has_unconfirmed_words() {
            bail!(Wrong(
                "this wallet's words are not confirmed yet; run twofold create again to see them".into()
            ));
        }
        (client.recovery_package(&wallet)?, server(&mut client).await?)
    };
    let secret = if with_words {
        let secret = words::read(words_file)?;
        // What is printed must be what opens this wallet's package.
        package.check(&secret).map_err(Fault::from)?;
        Some(secret)
    } else {
        None
    };
    let words = secret.as_ref().map(twofold_threshold::words::RecoverySecret::words);
    let kit = page(&package, server, words.as_ref());
    file::write_new(out, &kit.page())?;
    let answer = Answer {
        fingerprint: kit.fingerprint,
        wallet: kit.wallet,
        with_words,
        out: out.display().to_string(),
    };
    context
        .output
        .answer(&answer, |answer| told(&answer.out, answer.with_words))
}

/// Writes the kit of a wallet that was just made; one that is there already and says the same is fine.
pub(in crate::command) async fn write(
    client: &mut Client<Native>,
    wallet: &twofold_client::wallet::Wallet,
    out: &Path,
    words: Option<&RecoveryWords>,
) -> Result<String> {
    let package = client.recovery_package(wallet)?;
    let server = server(client).await?;
    file::write_same(out, &page(&package, server, words).page())?;
    Ok(told(&out.display().to_string(), words.is_some()))
}

fn page<'a>(package: &'a RecoveryPackage, server: Option<String>, words: Option<&'a RecoveryWords>) -> Kit<'a> {
    let t = package.transcript().transcript();
    Kit {
        name: package.name(),
        wallet: t.wallet().to_string(),
        network: package.chain().to_string(),
        fingerprint: package.public().fingerprint(),
        server,
        server_identity: t.server().to_string(),
        descriptor: package.account().descriptor_multipath(),
        words,
    }
}

/// Where the wallet's server is.
async fn server(client: &mut Client<Native>) -> Result<Option<String>> {
    let (keys, _) = client.keystore();
    Ok(home::server(keys).await?.map(|server| server.url.as_str().to_owned()))
}

fn told(out: &str, with_words: bool) -> String {
    let what = if with_words {
        "with the words in it. Print it from a machine you would type the words into, then delete the file"
    } else {
        "without the words. Print it, write them in by hand"
    };
    format!("The kit is in {out}, {what}; keep it away from the package and from this machine.")
}
