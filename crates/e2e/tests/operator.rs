//! What an operator sees of people and their wallets: enough to help them, and nothing that is theirs alone.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::Amount;
use serde_json::Value;
use twofold_e2e::{Deployment, Person, process::binary};

/// Everything that one of the operator's commands writes.
fn written(deployment: &Deployment, words: &[&str]) -> Result<String> {
    let output = Command::new(binary("twofold-server")?)
        .args(words)
        .arg("--socket")
        .arg(deployment.data().join("admin.sock"))
        .output()?;
    let said = String::from_utf8([output.stdout, output.stderr].concat())?;
    ensure!(output.status.success(), "{words:?}: {said}");
    Ok(said)
}

/// A person who was paid and has paid, in amounts that are found wherever they are told.
struct Spent {
    owner: Person,
    address: String,
    payee: String,
    sent: Value,
}

impl Spent {
    fn at(deployment: &Deployment) -> Result<Self> {
        let owner = deployment.person("laptop");
        let address = owner.settle(&deployment.invitation)?;
        deployment.pay(&owner, &address, Amount::from_sat(87_654_321))?;
        let payee = deployment.node.miner_address()?.to_string();
        Ok(Self {
            sent: owner.send(&payee, "0.12345678btc", "5")?,
            owner,
            address,
            payee,
        })
    }
}

#[test]
fn o03_no_operators_command_tells_a_secret_an_amount_an_address_or_a_transaction() -> Result<()> {
    let deployment = Deployment::start()?;
    deployment.log_level("trace")?;
    let Spent {
        owner,
        address,
        payee,
        sent,
    } = Spent::at(&deployment)?;
    let shown = owner.run(&["descriptor"])?;
    let descriptor = shown["descriptor"].as_str().context("a descriptor")?;
    let xpub = descriptor
        .split(&[']', '/'][..])
        .find(|part| part.starts_with("tpub"))
        .context("its key")?;

    let users: Value = serde_json::from_str(&written(&deployment, &["users", "--json"])?)?;
    let user = users["users"][0]["user"].as_str().context("a user")?.to_owned();
    let wallets: Value = serde_json::from_str(&written(&deployment, &["wallets", "--json"])?)?;
    let wallet = wallets["wallets"][0]["wallet"].as_str().context("a wallet")?.to_owned();
    let commands: [&[&str]; 7] = [
        &["users"],
        &["wallets"],
        &["wallets", "--user", &user],
        &["devices"],
        &["stats"],
        &["audit", "--wallet", &wallet],
        &["audit", "--user", &user],
    ];
    let mut all = String::new();
    for words in commands {
        let (text, json) = (
            written(&deployment, words)?,
            written(&deployment, &[words, &["--json"]].concat())?,
        );
        ensure!(!json.trim().is_empty(), "{words:?}");
        for line in json.lines() {
            serde_json::from_str::<Value>(line).with_context(|| format!("{words:?}: {line}"))?;
        }
        all.push_str(&text);
        all.push_str(&json);
    }
    for told in [
        wallet.as_str(),
        "laptop",
        "\"signed\"",
        "\"created\"",
        "\"active\"",
        "\"verified\":true",
    ] {
        ensure!(all.contains(told), "{told}: {all}");
    }
    let words = fs::read_to_string(owner.home().with_extension("words"))?;
    let words = words.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let kek = fs::read_to_string(deployment.data().join("kek"))?;
    let txid = sent["txid"].as_str().context("a txid")?;
    let backwards: Vec<_> = txid.as_bytes().chunks(2).rev().flatten().copied().collect();
    let secrets = [
        kek.trim(),
        &words,
        owner.passphrase(),
        &deployment.invitation,
        &address,
        &payee,
        "87654321",
        "12345678",
        txid,
        std::str::from_utf8(&backwards)?,
        xpub,
        // What the person calls the wallet.
        "savings",
    ];
    for secret in secrets {
        ensure!(!all.contains(secret), "{secret}: {all}");
    }
    // What is sealed, what is hashed, and what a key is made of, is nowhere either: a word of hex is an id that was listed.
    let known = [wallet.clone(), user.clone()];
    let devices: Value = serde_json::from_str(&written(&deployment, &["devices", "--json"])?)?;
    let device = devices["devices"][0]["device"].as_str().context("a device")?.to_owned();
    for word in all
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() >= 16)
    {
        ensure!(known.iter().any(|id| id == word) || word == device, "{word}: {all}");
    }
    Ok(())
}

/// The metrics' text.
fn metrics(deployment: &Deployment) -> Result<String> {
    let mut stream = TcpStream::connect(&deployment.metrics)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// The labels of a line, each with its value.
fn labels(line: &str) -> Vec<(&str, &str)> {
    let inside = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}'));
    let pairs = inside.map_or("", |(inside, _)| inside).split("\",");
    pairs
        .filter_map(|pair| pair.split_once("=\""))
        .map(|(name, value)| (name, value.trim_end_matches('"')))
        .collect()
}

#[test]
fn o03_no_series_of_the_metrics_names_a_person_a_wallet_an_address_or_an_amount() -> Result<()> {
    let deployment = Deployment::start()?;
    let Spent {
        owner, address, payee, ..
    } = Spent::at(&deployment)?;
    owner.refused(&["send", "--to", &payee, "--amount", "90btc", "--yes"])?;
    written(&deployment, &["users"])?;

    let text = metrics(&deployment)?;
    let mut names = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("twofold_")) {
        for (name, value) in labels(line) {
            names.insert(name.to_owned());
            // A bound of a histogram is a number; everything else is a word of ours.
            let bound = name == "le" && (value == "+Inf" || value.parse::<f64>().is_ok());
            let word = value.len() <= 24 && value.chars().all(|c| c.is_ascii_alphabetic() || "_.".contains(c));
            ensure!(bound || word, "{name}={value}: {line}");
        }
    }
    let known = ["call", "code", "le", "link", "method", "outcome", "step", "task"];
    ensure!(names.iter().map(String::as_str).eq(known), "{names:?}");
    ensure!(
        text.contains("method=\"Sign\"") && text.contains("twofold_signatures_total 1"),
        "{text}"
    );
    for line in ["twofold_ready 1", "twofold_link_up{link=\"bitcoin\"} 1"] {
        ensure!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for secret in [&address, &payee, "87654321", "12345678"] {
        ensure!(!text.contains(secret), "{secret}: {text}");
    }
    Ok(())
}
