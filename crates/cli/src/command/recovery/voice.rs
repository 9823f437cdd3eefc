//! The recovery words answer a device, on a machine where they may be typed. It needs no keystore and no network.

use std::path::Path;

use anyhow::{Result, bail};
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::{
    Fault,
    recovery::{
        file::MAX_BYTES,
        holder::{
            self,
            voice::{Asked, Shown, Wish},
        },
    },
};

use super::{Context, holder::Here};
use crate::{exit::Declined, file, private_file, terminal, words};

#[derive(Serialize)]
struct Answer {
    wallet: String,
    server: String,
    machine: String,
    fingerprint: Option<String>,
    name: Option<String>,
    network: Option<String>,
    out: String,
}

pub(super) fn answer(context: Context<'_>, text: &str, out: &Path, here: Here<'_>) -> Result<()> {
    private_file::must_be_new(out)?;
    let state = here.state.map(|state| file::read(state, MAX_BYTES)).transpose()?;
    let secret = words::read(here.words_file)?;
    let made = state.map(|state| holder::made(&state, &secret)).transpose();
    let made = made.map_err(Fault::from)?.flatten();
    let asked = Asked::read(text, &secret, made.as_ref()).map_err(Fault::from)?;
    let shown = asked.shown();
    context.output.say(&told(&shown));
    if !here.yes && !terminal::confirm("Does the machine itself show the same, and is it yours?")? {
        bail!(Declined("nothing was answered"));
    }
    let answer = asked.answer(&secret, &mut OsRng).map_err(Fault::from)?;
    drop(secret);
    file::write_new(out, &answer)?;
    let verified = shown.verified.as_ref();
    let answer = Answer {
        fingerprint: verified.map(|verified| verified.fingerprint.clone()),
        name: verified.map(|verified| verified.name.clone()),
        network: verified.map(|verified| verified.network.clone()),
        wallet: shown.wallet,
        server: shown.server,
        machine: shown.machine,
        out: out.display().to_string(),
    };
    let next = match shown.wish {
        Wish::Words => "twofold recovery replace --voice FILE, with the new words as before",
        _ => "twofold recovery continue FILE",
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Answered, for that machine alone: {}. Take it there and run: {next}",
            answer.out
        )
    })
}

fn told(shown: &Shown) -> String {
    let wish = match &shown.wish {
        Wish::Ask => {
            "It asks to read the wallet, and to take a lost device's place: the server lets that wait, freezes the \
                      wallet and tells its devices. No share is given yet."
                .to_owned()
        }
        Wish::Place {
            share,
            strike,
            unfreeze,
        } => {
            let mut parts = Vec::new();
            if *share {
                parts.push("its share of the wallet, in a lost device's place".to_owned());
            }
            if let Some(device) = strike {
                let device = device.get(..12).unwrap_or(device);
                parts.push(format!("to strike the device {device} off the list"));
            }
            if *unfreeze {
                parts.push("to let the wallet sign again".to_owned());
            }
            format!("It asks for {}.", parts.join(", and "))
        }
        Wish::Words => "It asks to put other recovery words in the place of these. These are void then.".to_owned(),
        _ => "It asks for something that this version can't name: say no.".to_owned(),
    };
    let wallet = match &shown.verified {
        Some(verified) => format!(
            "wallet       {} ({:?} on {}, as the server and the device say)\nfingerprint  {} (as these words verified)",
            shown.wallet, verified.name, verified.network, verified.fingerprint
        ),
        None => format!(
            "wallet       {} (compare it with the kit; the machine has not seen more of it yet)",
            shown.wallet
        ),
    };
    format!(
        "A machine asks these words.\n{wish}\n{wallet}\nserver       {}\nmachine      {}\nCompare the machine with what \
         it shows itself, by a way that the file did not take, such as a telephone.",
        shown.server, shown.machine
    )
}
