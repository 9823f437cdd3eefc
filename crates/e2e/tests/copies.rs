//! A request for a signature that arrives more than once.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use twofold_api::request::Sign;
use twofold_e2e::Deployment;
use twofold_wire::client::decode;

use crate::{
    device::Enrolled,
    kills::{charged, runtime},
    line::Mischief,
    oracle::{Oracle, verify},
    races::NO_RATE,
};

const WALLET: &str = "savings";
const COPIES: usize = 100;

#[test]
fn a07_a_signature_asked_for_a_hundred_times_at_once_in_series_and_after_a_restart_is_made_once() -> Result<()> {
    let mut deployment = Deployment::start_with(&NO_RATE)?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    let (psbt, call) = runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::Crowd(COPIES)).await?;
        let psbt = device.spend();
        verify(&device.sign(psbt.clone()).await?)?;
        let call = device.client.transport().last_signed().context("a signed request")?;
        for _ in 0..10 {
            device.client.transport().again(&call).await?;
        }
        anyhow::Ok((psbt, call))
    })?;
    let count = oracle.verdict()?;
    ensure!(count.nonces == 1, "{count:?}");
    ensure!(count.again == COPIES as u64 - 1 + 10, "{count:?}");

    deployment.kill()?;
    deployment.resume()?;
    runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        let first = device.client.transport().again(&call).await?;
        let second = device.client.transport().again(&call).await?;
        ensure!(
            first.status == 200 && decode::<Sign>(&first.body)?.cosign == decode::<Sign>(&second.body)?.cosign,
            "recorded bytes"
        );
        let (entries, added, whole) = charged(&mut device, &psbt).await?;
        ensure!(
            entries == 1 && added == whole,
            "{entries} entries, {added} of {whole} charged"
        );
        let other = device.spend();
        verify(&device.sign(other).await?)
    })?;
    let count = oracle.verdict()?;
    ensure!(count.nonces == 2, "{count:?}");
    Ok(())
}
