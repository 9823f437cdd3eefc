//! A server without a node: the chain comes through an electrs.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use bitcoin::{Address, Amount, Network};
use twofold_e2e::Deployment;
use twofold_testkit::{Electrs, Regtest, Toxic, ToxicProxy};

#[test]
fn c01_a_wallet_lives_on_an_electrum_server_and_says_so_while_that_is_away() -> Result<()> {
    if !Electrs::is_here() {
        return Ok(());
    }
    let node = Regtest::options().peers().start()?;
    let electrs = Electrs::start(&node)?;
    let proxy = ToxicProxy::start(electrs.address())?;
    let deployment = Deployment::start_on(node, Some(proxy.address()), &[])?;
    let owner = deployment.person("laptop");
    let address = owner.settle(&deployment.invitation)?;
    let address = Address::from_str(&address)?.require_network(Network::Regtest)?;
    for _ in 0..2 {
        deployment.node.fund(&address, Amount::ONE_BTC)?;
    }
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let balance = owner.run(&["balance"])?;
    ensure!(balance["confirmed_sat"] == 200_000_000, "{balance}");

    // Half an answer, and then none: every command ends, and says what is wrong.
    proxy.set(Toxic::CutReplyAfter(40));
    proxy.cut_all();
    let payee = deployment.node.miner_address()?.to_string();
    let pay = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "3", "--yes"];
    let began = tokio::time::Instant::now();
    let refused = owner.refused(&pay)?;
    ensure!(
        began.elapsed() < Duration::from_secs(30),
        "it took {:?}",
        began.elapsed()
    );
    ensure!(refused.stdout.contains("CHAIN_UNAVAILABLE"), "{refused:?}");
    ensure!(deployment.node.mempool()?.is_empty());

    // Once it is back the other coin is spent; the first spend may be sent by then, too.
    proxy.set(Toxic::Pass);
    let back = tokio::time::Instant::now();
    while owner.try_run(&pay)?.is_err() {
        ensure!(back.elapsed() < Duration::from_secs(30), "it is not back");
    }
    deployment.node.mine(1)?;
    deployment.settle(&owner)?;
    let balance = owner.run(&["balance"])?;
    ensure!(balance["confirmed_sat"].as_u64() < Some(190_000_000), "{balance}");
    Ok(())
}
