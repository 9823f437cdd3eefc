//! Recovery's half of a signature, on a machine where the words may be typed. It needs no keystore and no network.

use std::path::Path;

use anyhow::{Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::{
    Fault,
    recovery::{file::MAX_BYTES, request::Judged},
};

use super::Context;
use crate::{
    command::send::{Described, describe},
    exit::Declined,
    file, terminal, words,
};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    described: Described,
    wallet: String,
    network: String,
    fingerprint: String,
    out: String,
}

pub(super) fn run(
    context: Context<'_>,
    request: &Path,
    out: &Path,
    words_file: Option<&Path>,
    yes: bool,
) -> Result<()> {
    let text = file::read(request, MAX_BYTES)?;
    let secret = words::read(words_file)?;
    let judged = Judged::read(&text, &secret).map_err(Fault::from)?;
    let package = judged.package();
    let network = package.account().network().to_string();
    let fingerprint = package.public().fingerprint();
    context.output.say(&format!(
        "The device of the wallet {:?} on {network} ({fingerprint}) asks for recovery's half of this:\n{}",
        package.name(),
        judged.facts()
    ));
    let answer = Answer {
        described: describe(judged.facts()),
        wallet: package.transcript().transcript().wallet().to_string(),
        network,
        fingerprint,
        out: out.display().to_string(),
    };
    if !yes && !terminal::confirm("Sign recovery's half?")? {
        bail!(Declined);
    }
    let reply = judged.sign(&secret, &mut OsRng).map_err(Fault::from)?;
    file::write_new(out, &reply)?;
    context.output.answer(&answer, |answer| {
        format!(
            "Signed: {0}. Take it to the device that waits; it is good for that one request.",
            answer.out
        )
    })
}
