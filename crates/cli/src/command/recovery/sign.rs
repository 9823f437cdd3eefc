//! Recovery's half of a signature, on a machine where the words may be typed. It needs no keystore and no network.

use std::path::Path;

use anyhow::{Result, bail};
use bitcoin::{Address, Amount, Network, Script};
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::{
    Fault,
    recovery::{file::MAX_BYTES, request::Judged},
};
use twofold_intent::ChainName;

use super::Context;
use crate::{
    command::send::{Described, describe},
    exit::{Declined, Wrong},
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
    network: Option<ChainName>,
    yes: bool,
) -> Result<()> {
    let text = file::read(request, MAX_BYTES)?;
    let secret = words::read(words_file)?;
    let judged = Judged::read(&text, &secret).map_err(Fault::from)?;
    let package = judged.package();
    let payments = judged.facts().payments.iter();
    let payments = payments.map(|payment| (payment.script.as_script(), payment.value));
    let real = on_the_main_network(package.chain(), network, payments)?;
    let network = package.account().network().to_string();
    let fingerprint = package.public().fingerprint();
    context.output.say(&format!(
        "The device of the wallet {:?} on {network} ({fingerprint}) asks for recovery's half of this:\n{}",
        package.name(),
        judged.facts()
    ));
    if let Some(real) = real {
        context.output.warn(&real);
    }
    let answer = Answer {
        described: describe(judged.facts()),
        wallet: package.transcript().transcript().wallet().to_string(),
        network,
        fingerprint,
        out: out.display().to_string(),
    };
    if !yes && !terminal::confirm("Sign recovery's half?")? {
        bail!(Declined::UNSENT);
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

/// What the same signature pays on the main network. A signature does not say on which network it holds, and the request's
/// network is the device's word alone; none where the person has said the same.
fn on_the_main_network<'a>(
    said: ChainName,
    typed: Option<ChainName>,
    payments: impl Iterator<Item = (&'a Script, Amount)>,
) -> Result<Option<String>> {
    match typed {
        Some(typed) if typed == said => return Ok(None),
        Some(typed) => bail!(Wrong(format!(
            "the request says that its wallet is on {said}, and you say {typed}; do not sign before you know which is true"
        ))),
        None if said.network() == Network::Bitcoin => return Ok(None),
        None => {}
    }
    let mut lines = vec![format!(
        "WARNING: that the wallet is on {said} is the device's word alone. These keys can move real bitcoin: on the main \
         network the same signature pays"
    )];
    lines.extend(payments.map(|(script, value)| {
        let address = Address::from_script(script, Network::Bitcoin);
        let to = address.map_or_else(|_| script.to_hex_string(), |address| address.to_string());
        format!("  {value} to {to}")
    }));
    lines.push(format!("If you know that it is on {said}, say so: --network {said}"));
    Ok(Some(lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use bitcoin::{Address, Amount, Network};

    use super::on_the_main_network;

    #[test]
    fn a_network_that_nobody_confirmed_is_shown_as_what_it_could_be() {
        let main = "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr";
        let address = main.parse::<Address<_>>().expect("parses");
        let script = address
            .require_network(Network::Bitcoin)
            .expect("is main")
            .script_pubkey();
        let shown = |said: &str, typed: Option<&str>| {
            let chain = |name: &str| name.parse().expect("a chain");
            on_the_main_network(
                chain(said),
                typed.map(chain),
                [(script.as_script(), Amount::ONE_BTC)].into_iter(),
            )
        };
        for said in ["regtest", "testnet4", "signet", "signet/a5df2dcb/30"] {
            let warning = shown(said, None).expect("says").expect(said);
            assert!(warning.contains("can move real bitcoin"), "{warning}");
            assert!(warning.contains(&format!("1 BTC to {main}")), "{warning}");
            assert_eq!(shown(said, Some(said)).expect("says"), None);
            assert!(shown(said, Some("bitcoin")).is_err());
            assert!(shown("bitcoin", Some(said)).is_err());
        }
        // The facts show these addresses as they are.
        assert_eq!(shown("bitcoin", None).expect("says"), None);
    }
}
