//! `twofold passphrase change`: the keystore's data key, sealed under another passphrase.

use anyhow::Result;
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::keystore::{Cost, Passphrase};

use super::Context;
use crate::{args, passphrase};

#[derive(Serialize)]
struct Answer {
    changed: bool,
}

pub(super) async fn run(context: Context<'_>, command: args::Passphrase) -> Result<()> {
    let args::Passphrase::Change { new_passphrase_file } = command;
    // By the passphrase itself, also where an agent could open it: who changes it must know it.
    let keys = context.home().unlock_by_passphrase().await?;
    let text = passphrase::choose_another(new_passphrase_file.as_deref())?;
    let new = Passphrase::new(text.as_str().to_owned())?;
    keys.change_passphrase(&new, Cost::default(), &mut OsRng).await?;
    context.output.answer(&Answer { changed: true }, |_| {
        "Changed. The new passphrase opens this machine's keystore from now on.\n\
         A copy of the folder made before still opens with the old one: destroy such copies."
            .into()
    })
}
