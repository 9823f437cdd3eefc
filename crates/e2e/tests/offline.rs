//! The server does not answer: what this machine's books say is read, with a word on how old it is, and nothing is made up.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use twofold_e2e::Deployment;

#[test]
fn without_the_server_the_books_are_read_as_of_when_they_were_kept_and_damaged_ones_hold_up_no_sweep() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.funded()?;
    let fresh = owner.run(&["balance"])?;
    ensure!(fresh["as_of"].is_null(), "{fresh}");
    deployment.kill()?;

    let height = deployment.node.height()?;
    for command in [&["balance"][..], &["history"], &["coins"]] {
        let read = owner.run(command)?;
        ensure!(read["as_of"]["height"] == height, "{command:?}: {read}");
    }
    let balance = owner.run(&["balance"])?;
    ensure!(balance["confirmed_sat"] == 100_000_000, "{balance}");
    let told = owner.plain_command(&["balance"])?.output()?;
    let said = String::from_utf8_lossy(&told.stderr).into_owned();
    ensure!(
        told.status.success() && said.contains("the server does not answer"),
        "{said}"
    );
    let listed = owner.run(&["wallet", "list"])?;
    ensure!(
        listed["wallets"][0]["name"] == "savings" && listed["wallets"][0]["standing"] == "unknown",
        "{listed}"
    );

    // The one address that was handed out was paid to: a fresh one takes the server.
    for command in [&["receive"][..], &["receive", "--new"], &["receive", "--label", "rent"]] {
        let refused = owner.refused(command)?;
        ensure!(
            refused.code == 2 && refused.stdout.contains("server"),
            "{}",
            refused.stdout
        );
    }
    deployment.resume()?;
    let second = owner.run(&["receive"])?;
    deployment.kill()?;
    let shown = owner.run(&["receive"])?;
    ensure!(
        shown["address"] == second["address"] && shown["as_of"]["height"] == height,
        "{shown}"
    );
    let payee = deployment.node.miner_address()?.to_string();
    let send = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "3", "--yes"];
    let refused = owner.refused(&send)?;
    ensure!(refused.code == 4, "{}", refused.stdout);

    let books = fs::read_dir(owner.home())?
        .filter_map(Result::ok)
        .find(|item| item.file_name().to_string_lossy().starts_with("books-"))
        .context("books")?;
    fs::write(books.path(), b"not what was written")?;
    let refused = owner.refused(&["balance"])?;
    ensure!(refused.code == 6, "{}", refused.stdout);
    let (url, cookie) = (deployment.node.url(), deployment.node.cookie_file());
    let cookie = cookie.to_str().context("a path in UTF-8")?;
    let sweep = [
        "recovery",
        "sweep",
        "--to",
        &payee,
        "--node",
        &url,
        "--node-auth",
        cookie,
    ];
    let found = owner.run(&[&sweep[..], &["--fee-rate", "3", "--dry-run"]].concat())?;
    ensure!(found["transactions"][0]["inputs"] == 1, "{found}");
    let without = ["recovery", "sweep", "--to", &payee, "--fee-rate", "3", "--dry-run"];
    let refused = owner.refused(&without)?;
    ensure!(refused.code == 6, "{}", refused.stdout);
    Ok(())
}
