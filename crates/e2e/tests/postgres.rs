//! The server with its data in PostgreSQL.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::{Deployment, Person};
use twofold_testkit::Postgres;

use crate::backups::{back_up, restore};

fn on(database: &Postgres) -> Result<Deployment> {
    let url = database.url();
    Deployment::start_with(&[
        ("TWOFOLD__DATABASE__KIND", "postgres"),
        ("TWOFOLD__DATABASE__URL", &url),
    ])
}

fn pay(deployment: &Deployment, owner: &Person) -> Result<Value> {
    let payee = deployment.node.miner_address()?.to_string();
    let sent = owner.run(&["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
    deployment.node.mine(1)?;
    deployment.settle(owner)?;
    Ok(sent)
}

#[test]
fn s05_a_wallet_signs_on_postgresql_and_again_after_the_database_was_gone() -> Result<()> {
    let database = Postgres::start()?;
    let deployment = on(&database)?;
    let owner = deployment.funded()?;
    pay(&deployment, &owner)?;
    // A second server on the same database is told so.
    let second = on(&database).err().context("two servers on one database")?;
    ensure!(
        second.to_string().contains("another server uses this database"),
        "{second}"
    );

    database.kill();
    let payee = deployment.node.miner_address()?.to_string();
    owner.refused(&["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "2", "--yes"])?;
    database.restart()?;
    deployment.settle(&owner)?;
    pay(&deployment, &owner)?;
    let log = owner.run(&["audit", "verify"])?;
    ensure!(log["verified"] == true, "{log}");
    Ok(())
}

#[test]
fn s14_a_backup_of_postgresql_is_restored_into_an_empty_one_and_signs() -> Result<()> {
    let database = Postgres::start()?;
    let mut deployment = on(&database)?;
    let owner = deployment.funded()?;
    back_up(&deployment)?;
    pay(&deployment, &owner)?;
    deployment.kill()?;
    let refused = restore(&deployment).err().context("restored over a database")?;
    ensure!(refused.to_string().contains("not empty"), "{refused}");
    database.sql("DROP SCHEMA twofold CASCADE; CREATE SCHEMA twofold AUTHORIZATION twofold")?;
    ensure!(restore(&deployment)?["anchor"] == true);
    deployment.resume()?;

    // The anchor knows of no refresh since: the wallet goes on by itself, with its chain read anew.
    deployment.settle(&owner)?;
    pay(&deployment, &owner)?;
    let log = owner.run(&["audit", "verify"])?;
    ensure!(
        log["verified"] == true && log.to_string().contains("\"lifted\""),
        "{log}"
    );
    Ok(())
}

#[test]
fn s09_a_database_that_was_put_back_by_its_own_means_starts_once_the_operator_says_so() -> Result<()> {
    let database = Postgres::start()?;
    let mut deployment = on(&database)?;
    let owner = deployment.funded()?;
    deployment.kill()?;
    let dump = database.dump()?;
    // The server of the day after, of which the dump knows nothing.
    deployment.resume()?;
    deployment.settle(&owner)?;
    pay(&deployment, &owner)?;
    deployment.kill()?;
    database.sql("DROP SCHEMA twofold CASCADE")?;
    database.sql(&dump)?;
    let refused = deployment.resume().err().context("it started from an old dump")?;
    ensure!(refused.to_string().contains("anchor"), "{refused}");

    let data = deployment.data().to_string_lossy().into_owned();
    let marked = deployment.operator(&["restore", "--in-place", "--json", "--data", &data])?;
    ensure!(marked["anchor"] == true, "{marked}");
    deployment.resume()?;
    deployment.settle(&owner)?;
    pay(&deployment, &owner)?;
    let log = owner.run(&["audit", "verify"])?;
    ensure!(log.to_string().contains("\"lifted\""), "{log}");
    Ok(())
}
