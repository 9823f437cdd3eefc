//! The server is gone for good: what recovery and a device do without it.

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    str::FromStr as _,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Address, Amount, Network, Txid};
use serde_json::Value;
use twofold_e2e::{
    Deployment, Person,
    process::{Leashed, binary},
};

fn regtest(text: &str) -> Result<Address> {
    Ok(Address::from_str(text)?.require_network(Network::Regtest)?)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path in UTF-8")
}

/// A person whose wallet holds two coins, and whose server has just been deleted; the words are in a file beside home.
fn bereft() -> Result<(Deployment, Person)> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let first = owner.settle(&deployment.invitation)?;
    deployment.node.fund(&regtest(&first)?, Amount::ONE_BTC)?;
    let second = owner.run(&["receive", "--new"])?;
    let second = second["address"].as_str().context("an address")?;
    deployment.node.fund(&regtest(second)?, Amount::from_sat(50_000_000))?;
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    deployment.kill()?;
    std::fs::remove_dir_all(deployment.data())?;
    Ok((deployment, owner))
}

fn words(owner: &Person) -> std::path::PathBuf {
    owner.home().with_extension("words")
}

/// A machine that has nothing: no home, no server, no network of its own.
pub(crate) fn elsewhere(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(binary("twofold")?)
        .args(arguments)
        .arg("--json")
        .env_remove("TWOFOLD_HOME")
        .env_remove("TWOFOLD_PASSPHRASE")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .output()?)
}

pub(crate) fn answered(output: &Output) -> Result<Value> {
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Every transaction that is mined next pays this much to the address.
fn arrives(deployment: &Deployment, moved: &Value, to: &Address) -> Result<()> {
    let total = moved["total_sat"].as_u64().context("a sum")?;
    let fee = moved["fee_sat"].as_u64().context("a fee")?;
    ensure!(total + fee == 150_000_000, "{moved}");
    for transaction in moved["transactions"].as_array().context("a list")? {
        let txid = Txid::from_str(transaction["txid"].as_str().context("a txid")?)?;
        ensure!(deployment.node.mempool()?.contains(&txid), "the node took {txid}");
        ensure!(transaction["payments"][0]["address"] == to.to_string(), "{transaction}");
    }
    Ok(())
}

#[test]
fn lost_the_server_words_and_device_move_everything_through_a_node() -> Result<()> {
    let (deployment, owner) = bereft()?;
    let words = words(&owner);
    let to = deployment.node.miner_address()?;
    let cookie = deployment.node.cookie_file();
    let (to_text, url) = (to.to_string(), deployment.node.url());
    let sweep = [
        "recovery",
        "sweep",
        "--to",
        &to_text,
        "--node",
        &url,
        "--node-auth",
        text(&cookie)?,
        "--fee-rate",
        "4",
        "--words-file",
        text(&words)?,
    ];
    let dry = owner.run(&[&sweep[..], &["--dry-run"]].concat())?;
    ensure!(
        dry["transactions"][0]["inputs"] == 2 && deployment.node.mempool()?.is_empty(),
        "{dry}"
    );
    let unasked = owner.refused(&sweep)?;
    ensure!(unasked.code == 2, "without --yes nothing moves: {}", unasked.stdout);
    let moved = owner.run(&[&sweep[..], &["--yes"]].concat())?;
    arrives(&deployment, &moved, &to)?;
    // Sent once more it is sent, and the coins are gone when mined.
    deployment.node.mine(1)?;
    let again = owner.refused(&[&sweep[..], &["--yes"]].concat())?;
    ensure!(
        again.code == 7 && again.stdout.contains("nothing to move"),
        "{}",
        again.stdout
    );
    Ok(())
}

#[test]
fn without_a_node_the_books_are_enough_and_the_transaction_is_written_out() -> Result<()> {
    let (deployment, owner) = bereft()?;
    let words = words(&owner);
    let to = deployment.node.miner_address()?;
    let out = deployment.folder().join("sweep.hex");
    let moved = owner.run(&[
        "recovery",
        "sweep",
        "--to",
        &to.to_string(),
        "--fee-rate",
        "2.5",
        "--words-file",
        text(&words)?,
        "--out",
        text(&out)?,
        "--yes",
    ])?;
    for line in std::fs::read_to_string(&out)?.lines() {
        deployment
            .node
            .broadcast(&bitcoin::consensus::encode::deserialize_hex(line)?)?;
    }
    arrives(&deployment, &moved, &to)
}

/// Waits until a file is there: the other command writes it at once or fails.
fn appears(path: &Path, writer: &mut Child) -> Result<()> {
    for _ in 0..600 {
        if path.exists() {
            return Ok(());
        }
        if let Some(status) = writer.try_wait()? {
            anyhow::bail!("it ended with {status} before it wrote {}", path.display());
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    anyhow::bail!("{} did not appear", path.display())
}

/// A sweep that waits for its reply, on the device.
fn asking(deployment: &Deployment, owner: &Person, to: &Address, ask: &Path, back: &Path) -> Result<Leashed> {
    let mut device = Leashed::spawn(&mut owner.command(&[
        "recovery",
        "sweep",
        "--to",
        &to.to_string(),
        "--node",
        &deployment.node.url(),
        "--node-auth",
        text(&deployment.node.cookie_file())?,
        "--fee-rate",
        "3",
        "--request",
        text(ask)?,
        "--reply",
        text(back)?,
        "--yes",
    ])?)?;
    appears(ask, device.child())?;
    Ok(device)
}

/// Recovery's answer, made where there is nothing but the request and the words.
fn sign(words: &Path, ask: &Path, out: &Path) -> Result<Value> {
    answered(&elsewhere(&[
        "recovery",
        "sign",
        text(ask)?,
        "--out",
        text(out)?,
        "--words-file",
        text(words)?,
        "--yes",
    ])?)
}

#[test]
fn with_the_words_on_another_machine_two_files_do_and_a_half_copied_reply_is_waited_for() -> Result<()> {
    let (deployment, owner) = bereft()?;
    let words = words(&owner);
    let to = deployment.node.miner_address()?;
    let place = |name: &str| deployment.folder().join(name);
    let (ask, there, back) = (place("ask.txt"), place("there.txt"), place("back.txt"));
    let mut device = asking(&deployment, &owner, &to, &ask, &back)?;
    let signed = sign(&words, &ask, &there)?;
    ensure!(
        signed["payments"][0]["address"] == to.to_string(),
        "recovery sees who is paid: {signed}"
    );
    ensure!(signed["network"] == "regtest", "{signed}");
    // A slow stick: the reply arrives in two halves.
    let reply = std::fs::read(&there)?;
    std::fs::write(&back, &reply[..reply.len() / 2])?;
    std::thread::sleep(Duration::from_millis(500));
    ensure!(device.child().try_wait()?.is_none(), "it waits for the rest");
    std::fs::write(&back, &reply)?;
    let output = device.output()?;
    arrives(&deployment, &answered(&output)?, &to)
}

#[test]
fn a_device_killed_while_it_waits_takes_no_reply_to_what_it_asked_before() -> Result<()> {
    let (deployment, owner) = bereft()?;
    let to = deployment.node.miner_address()?;
    let place = |name: &str| deployment.folder().join(name);
    asking(&deployment, &owner, &to, &place("ask-1"), &place("back-1"))?.kill()?;
    sign(&words(&owner), &place("ask-1"), &place("late"))?;
    // Its nonces died with it; the late answer costs the next request, and gives nothing away.
    let mut device = asking(&deployment, &owner, &to, &place("ask-2"), &place("back-2"))?;
    std::fs::copy(place("late"), place("back-2"))?;
    let output = device.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.code() == Some(8) && said.contains("another request"),
        "{said}"
    );
    ensure!(deployment.node.mempool()?.is_empty(), "nothing was sent");
    // And a name that is taken is no place to wait at.
    let taken = owner.refused(&[
        "recovery",
        "sweep",
        "--to",
        &to.to_string(),
        "--fee-rate",
        "3",
        "--request",
        text(&place("ask-3"))?,
        "--reply",
        text(&place("back-2"))?,
        "--yes",
    ])?;
    ensure!(taken.code == 2 && !place("ask-3").exists(), "{}", taken.stdout);
    Ok(())
}

#[test]
fn a_package_and_its_words_are_proved_on_a_machine_that_has_nothing_else() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.settle(&deployment.invitation)?;
    let (words, package) = (words(&owner), deployment.folder().join("savings.package"));
    let exported = owner.run(&["recovery", "export", "--out", text(&package)?])?;
    let check = |words: &Path| {
        elsewhere(&[
            "recovery",
            "check",
            "--package",
            text(&package)?,
            "--words-file",
            text(words)?,
        ])
    };
    let checked = answered(&check(&words)?)?;
    ensure!(
        checked["proved"] == true && checked["fingerprint"] == exported["fingerprint"],
        "{checked}"
    );
    ensure!(
        checked["first_address"] == owner.run(&["receive"])?["address"],
        "{checked}"
    );
    // The same from the keystore, with nothing else at hand.
    let here = owner.run(&["recovery", "check", "--words-file", text(&words)?])?;
    ensure!(here["descriptor"] == checked["descriptor"], "{here}");

    // Other words, good ones: of another wallet.
    let other = deployment.person("other");
    other.settle(&deployment.invite()?)?;
    let refused = check(&other.home().with_extension("words"))?;
    ensure!(
        refused.status.code() == Some(2) && String::from_utf8_lossy(&refused.stdout).contains("other words"),
        "{refused:?}"
    );
    // Mistyped ones, and none of them in the message.
    let typed = std::fs::read_to_string(&words)?;
    let (first, rest) = typed.split_once(' ').context("words")?;
    let mistyped = deployment.folder().join("mistyped");
    std::fs::write(&mistyped, format!("{first}x {rest}"))?;
    std::fs::set_permissions(&mistyped, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let refused = check(&mistyped)?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(
        said.contains("word 1 is not in the list") && !said.contains(rest.trim()),
        "{said}"
    );
    Ok(())
}

/// The three files of a wallet whose recovery is elsewhere, and the words that stay there.
struct Passed {
    opening: String,
    state: String,
    words: String,
    message: String,
    answer: String,
}

impl Passed {
    fn new(deployment: &Deployment, name: &str) -> Result<Self> {
        let place = |what: &str| -> Result<String> {
            Ok(text(&deployment.folder().join(format!("{name}.{what}")))?.to_owned())
        };
        Ok(Self {
            opening: place("opening")?,
            state: place("state")?,
            words: place("words")?,
            message: place("message")?,
            answer: place("answer")?,
        })
    }

    /// `recovery new`, on a machine that has nothing.
    fn begin(&self, deployment: &Deployment, invitation: &str) -> Result<Value> {
        let file = deployment.folder().join("invitation.txt");
        std::fs::write(&file, invitation)?;
        answered(&elsewhere(&[
            "recovery",
            "new",
            "--invitation",
            text(&file)?,
            "--out",
            &self.opening,
            "--qr",
            "--state",
            &self.state,
            "--words-file",
            &self.words,
        ])?)
    }

    fn create(&self) -> [&str; 7] {
        [
            "create",
            "--name",
            "savings",
            "--recovery",
            &self.opening,
            "--out",
            &self.message,
        ]
    }

    /// `recovery continue`, at the holder.
    fn go_on(&self, message: &str, answer: &str) -> Result<Output> {
        elsewhere(&[
            "recovery",
            "continue",
            message,
            "--state",
            &self.state,
            "--out",
            answer,
            "--words-file",
            &self.words,
        ])
    }
}

/// Waits until a command has made durable what closes its ceremony, or has ended.
fn closing(owner: &Person, command: &mut Child) -> Result<()> {
    for _ in 0..6_000 {
        let mut items = std::fs::read_dir(owner.home())?.flatten();
        if items.any(|item| item.file_name().to_string_lossy().starts_with("create-")) || command.try_wait()?.is_some()
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    anyhow::bail!("the ceremony was never about to be closed")
}

#[test]
fn a_wallet_is_made_with_a_recovery_holder_on_another_machine_and_the_server_restarts_in_between() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    owner.run(&["join", &deployment.invitation, "--name", "laptop"])?;
    let passed = Passed::new(&deployment, "a")?;
    // The device has used the invitation up; the holder reads only the server's identity in it.
    let begun = passed.begin(&deployment, &deployment.invitation)?;
    // What the device scans instead of reading the file is all that it needs of it.
    let scanned = begun["opening_text"].as_str().context("a text")?;
    let written = std::fs::read_to_string(&passed.opening)?;
    ensure!(written.contains(scanned), "{scanned} in {written}");
    std::fs::write(&passed.opening, scanned)?;
    owner.run(&passed.create())?;
    // The file was lost: the same once more.
    let first = std::fs::read(&passed.message)?;
    std::fs::remove_file(&passed.message)?;
    owner.run(&passed.create())?;
    ensure!(
        std::fs::read(&passed.message)? == first,
        "the same message, not another ceremony"
    );
    deployment.kill()?;
    deployment.resume()?;

    let there = answered(&passed.go_on(&passed.message, &passed.answer)?)?;
    ensure!(there["name"] == "savings" && there["network"] == "regtest", "{there}");
    // Asked again, the holder gives the same bytes.
    let again = format!("{}.again", passed.answer);
    answered(&passed.go_on(&passed.message, &again)?)?;
    ensure!(std::fs::read(&again)? == std::fs::read(&passed.answer)?);

    // Killed somewhere on the way, run again.
    let mut device = Leashed::spawn(&mut owner.command(&["recovery", "continue", &passed.answer])?)?;
    closing(&owner, device.child())?;
    device.kill()?;
    let here = match owner.try_run(&["recovery", "continue", &passed.answer])? {
        Ok(made) => made["fingerprint"].clone(),
        // It was done before the kill.
        Err(refused) => {
            ensure!(refused.stdout.contains("taken already"), "{}", refused.stdout);
            owner.run(&["recovery", "export"])?["fingerprint"].clone()
        }
    };
    ensure!(here == there["fingerprint"], "{here} and {there}");

    // The wallet works with the server, and with the words.
    let package = format!("{}.package", passed.state);
    owner.run(&["recovery", "export", "--out", &package])?;
    let checked = answered(&elsewhere(&[
        "recovery",
        "check",
        "--package",
        &package,
        "--words-file",
        &passed.words,
    ])?)?;
    ensure!(checked["fingerprint"] == there["fingerprint"], "{checked}");
    let address = owner.run(&["receive"])?;
    let address = address["address"].as_str().context("an address")?.to_owned();
    deployment.node.fund(&regtest(&address)?, Amount::ONE_BTC)?;
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let payee = deployment.node.miner_address()?.to_string();
    owner.run(&["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
    Ok(())
}

#[test]
fn p32_a_recovery_holder_signs_nothing_for_another_server_words_or_message() -> Result<()> {
    let (deployment, hostile) = (Deployment::start()?, Deployment::start()?);
    let owner = hostile.person("laptop");
    owner.run(&["join", &hostile.invitation, "--name", "laptop"])?;
    let passed = Passed::new(&deployment, "a")?;
    passed.begin(&deployment, &deployment.invitation)?;
    // An honest device notices that the holder expects another server.
    let refused = owner.refused(&passed.create())?;
    ensure!(
        refused.code == 2 && refused.stdout.contains("another server"),
        "{}",
        refused.stdout
    );

    // Messages of a device and server for another holder: the state takes neither them nor other words.
    let other = Passed::new(&hostile, "b")?;
    other.begin(&hostile, &hostile.invitation)?;
    owner.run(&other.create())?;
    let refused = passed.go_on(&other.message, &passed.answer)?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(
        refused.status.code() == Some(8) && !Path::new(&passed.answer).exists(),
        "{said}"
    );
    let mixed = Passed {
        words: passed.words.clone(),
        ..Passed::new(&hostile, "b")?
    };
    let refused = mixed.go_on(&other.message, &other.answer)?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(
        refused.status.code() == Some(2) && said.contains("not of these words"),
        "{said}"
    );

    // Answered once, the state answers nothing else; and the device takes its own holder's answer only.
    answered(&other.go_on(&other.message, &other.answer)?)?;
    let third = Passed::new(&hostile, "c")?;
    third.begin(&hostile, &hostile.invitation)?;
    owner.run(&third.create())?;
    let refused = other.go_on(&third.message, &third.answer)?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(
        !refused.status.success() && said.contains("answered another message"),
        "{said}"
    );
    let stranger = hostile.person("stranger");
    stranger.run(&["join", &hostile.invite()?, "--name", "stranger"])?;
    let refused = stranger.refused(&["recovery", "continue", &other.answer])?;
    ensure!(refused.stdout.contains("waits for no answer"), "{}", refused.stdout);
    Ok(())
}

#[test]
fn the_kit_is_written_once_for_its_owner_and_the_bad_day_is_practised_without_server_or_coin() -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let (kit, words) = (owner.home().with_extension("html"), words(&owner));
    let (kit, words) = (text(&kit)?, text(&words)?);
    owner.run(&["join", &deployment.invitation])?;
    let made = owner.run(&[
        "create",
        "--name",
        "Ana's <savings>",
        "--words-file",
        words,
        "--kit",
        kit,
        "--yes",
    ])?;
    ensure!(made["kit"] == kit, "{made}");
    let page = std::fs::read_to_string(kit)?;
    let spoken = std::fs::read_to_string(words)?;
    ensure!(
        page.contains("Ana&#39;s &lt;savings&gt;") && page.contains(&deployment.url),
        "{page}"
    );
    ensure!(page.contains(made["fingerprint"].as_str().context("a fingerprint")?));
    ensure!(!page.contains(spoken.trim()), "the words were not asked for");
    ensure!(std::fs::metadata(kit)?.permissions().mode() & 0o777 == 0o600);
    let refused = owner.refused(&["recovery", "kit", "--out", kit])?;
    ensure!(
        refused.code == 2 && refused.stdout.contains("there already"),
        "{}",
        refused.stdout
    );
    ensure!(std::fs::read_to_string(kit)? == page, "nothing is overwritten");

    // With the words, from the package's file, on a machine that has nothing else.
    let (package, full) = (
        deployment.folder().join("package"),
        deployment.folder().join("full.html"),
    );
    let (package, full) = (text(&package)?, text(&full)?);
    owner.run(&["recovery", "export", "--out", package])?;
    let asked = [
        "recovery",
        "kit",
        "--package",
        package,
        "--out",
        full,
        "--with-words",
        "--words-file",
        words,
    ];
    answered(&elsewhere(&asked)?)?;
    let page = std::fs::read_to_string(full)?;
    for (n, word) in spoken.split_whitespace().enumerate() {
        ensure!(page.contains(&format!("<td><b>{}</b>{word}</td>", n + 1)), "{word}");
    }

    deployment.kill()?;
    std::fs::remove_dir_all(deployment.data())?;
    let rehearse = ["recovery", "rehearse", "--words-file", words, "--yes"];
    let done = owner.run(&rehearse)?;
    ensure!(
        done["rehearsed"] == true && done["fingerprint"] == made["fingerprint"],
        "{done}"
    );
    ensure!(deployment.node.mempool()?.is_empty());
    let other = deployment.folder().join("other");
    std::fs::write(
        &other,
        spoken
            .replacen(' ', "  ", 1)
            .split_whitespace()
            .rev()
            .collect::<Vec<_>>()
            .join(" "),
    )?;
    std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600))?;
    let wrong = owner.refused(&["recovery", "rehearse", "--words-file", text(&other)?, "--yes"])?;
    ensure!(wrong.code == 2, "{}", wrong.stdout);
    Ok(())
}
