//! Chains other than regtest, as far as one machine can have them.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    str::FromStr as _,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Network};
use serde_json::{Value, json};
use twofold_e2e::{Person, process};
use twofold_testkit::Signet;

/// A server in `folder` on some chain; the child, and its invitation.
fn server(folder: &Path, chain: &[&str], node: &[&str]) -> Result<(process::Leashed, String)> {
    let mut command = Command::new(process::binary("twofold-server")?);
    command
        .args(["run", "--dev", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.join("server"))
        .args(chain)
        .args(node)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = process::Leashed::spawn(&mut command)?;
    let mut line = String::new();
    BufReader::new(server.child().stdout.take().context("a pipe")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).with_context(|| format!("the server said {line:?}"))?;
    let invitation = ready["invitation"].as_str().context("an invitation")?.to_owned();
    Ok((server, invitation))
}

#[test]
fn a_wallet_lives_on_a_signet_of_ones_own() -> Result<()> {
    let (node, folder) = (Signet::start()?, tempfile::tempdir()?);
    let cookie = node.cookie_file()?;
    let url = node.url();
    let at = ["--rpc-url", url.as_str(), "--cookie", cookie.to_str().context("UTF-8")?];
    let own = ["--network", "signet", "--signet-challenge", Signet::CHALLENGE];
    let (_server, invitation) = server(folder.path(), &own, &at)?;
    let owner = Person::new(&folder.path().join("laptop"));
    let address = owner.settle(&invitation)?;
    let joined = owner.run(&["join", &invitation, "--name", "laptop"])?;
    let network = joined["network"].as_str().context("a network")?;
    ensure!(network.starts_with("signet/") && network.ends_with("/600"), "{network}");

    // Mined by the node, with a signet's work, which the client checks header by header.
    let address = Address::from_str(&address)?.require_network(Network::Signet)?;
    node.mine_to(2, &address)?;
    let mut told = Value::Null;
    for _ in 0..200 {
        told = owner.run(&["balance"])?;
        if told["height"] == json!(2) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    ensure!(
        told["immature_sat"] == json!(10_000_000_000_u64) && told["height"] == json!(2),
        "{told}"
    );
    ensure!(owner.run(&["coins"])?["coins"][0]["standing"] == json!("immature"));
    ensure!(owner.run(&["receive", "--verify"])?["verified"]["watched"] == json!(true));

    // A server meant for another signet does not take this node's word for anything.
    let elsewhere = tempfile::tempdir()?;
    let other = ["--network", "signet", "--signet-challenge", "52"];
    let (_other, invitation) = server(elsewhere.path(), &other, &at)?;
    let stranger = Person::new(&elsewhere.path().join("laptop"));
    stranger.run(&["join", &invitation, "--name", "laptop"])?;
    let words = elsewhere.path().join("words");
    let words = words.to_str().context("UTF-8")?;
    let refused = stranger.refused(&["create", "--words-file", words, "--yes"])?;
    ensure!(refused.code == 5, "{refused:?}");
    Ok(())
}

#[test]
fn the_main_network_takes_a_word_of_the_operator_and_one_of_the_person() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let refused = Command::new(process::binary("twofold-server")?)
        .args(["run", "--dev", "--network", "bitcoin", "--cookie", "/nowhere/.cookie"])
        .output()?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(refused.status.code() == Some(3), "{said}");
    ensure!(
        said.contains("coins may be lost") && said.contains("risk_real_money"),
        "{said}"
    );

    // No node answers; joining needs none.
    let risky = ["--network", "bitcoin", "--risk-real-money"];
    let (_server, invitation) = server(folder.path(), &risky, &["--cookie", "/nowhere/.cookie"])?;
    let owner = Person::new(&folder.path().join("laptop"));
    let refused = owner.refused(&["join", &invitation, "--name", "laptop"])?;
    ensure!(
        refused.code == 2 && refused.stdout.contains("--risk-real-money"),
        "{refused:?}"
    );
    let words = folder.path().join("words");
    let create = ["create", "--words-file", words.to_str().context("UTF-8")?, "--yes"];
    let refused = owner.refused(&create)?;
    ensure!(
        refused.code == 2 && refused.stdout.contains("not joined"),
        "{refused:?}"
    );
    let joined = owner.run(&["join", &invitation, "--name", "laptop", "--risk-real-money"])?;
    ensure!(joined["network"] == json!("bitcoin"), "{joined}");
    owner.run(&["join", &invitation, "--name", "laptop", "--risk-real-money"])?;
    Ok(())
}
