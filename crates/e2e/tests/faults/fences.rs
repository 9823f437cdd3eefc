//! A fence that is lifted while the server dies, replies are lost and requests come twice or late: it is lifted once, by whom
//! it takes, and the wallet signs.

use std::{fs, os::unix::process::ExitStatusExt as _, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use twofold_api::audit::{Event, Lift};
use twofold_client::Fencing;

use super::Scene;
use crate::{
    backups::{back_up_of, restore},
    device::{Device, Enrolled},
    kills::{failpoints_in, require_failpoints, runtime, taken_up_once},
    line::{Mischief, Trick},
    oracle::verify,
    races::NO_RATE,
};

/// Wallets of a server that was restored without its anchor, so that all of them are fenced; one for each try.
const WALLETS: [&str; 9] = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];

/// Who says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Words,
    Operator,
}

async fn fenced() -> Result<Scene> {
    let mut deployment = twofold_e2e::Deployment::start_with(&NO_RATE)?;
    let device = Box::pin(Enrolled::new(&deployment.invitation, &WALLETS)).await?;
    back_up_of(&deployment, WALLETS.len())?;
    deployment.kill()?;
    fs::remove_dir_all(deployment.data().join("data"))?;
    fs::remove_file(deployment.data().join("anchor"))?;
    restore(&deployment)?;
    deployment.resume_with(&["--new-anchor"])?;
    Ok(Scene {
        deployment: Arc::new(std::sync::Mutex::new(deployment)),
        device,
        oracle: Arc::default(),
        number: std::cell::Cell::new(0),
    })
}

impl Scene {
    /// Says yes by a client that may meet something; nothing, if the client died of it.
    async fn says_yes(&self, place: usize, by: By, mischief: Mischief) -> Result<Option<Fencing>> {
        let client = self.device.client(&self.oracle, mischief).await?;
        let death = client.transport().death();
        let words = self.device.all_words().get(place).context("words")?;
        let name = WALLETS.get(place).context("a wallet")?;
        let lifting = async {
            let mut device = Device::of(client, name).await?;
            let words = (by == By::Words).then_some(words);
            let lifted = device.client.lift_fence(&mut device.wallet, words).await?;
            // What was held back comes now.
            drop(device.client.transport().late().await);
            anyhow::Ok(Some(lifted))
        };
        tokio::select! {
            biased;
            lifted = Box::pin(lifting) => lifted,
            () = death.notified() => Ok(None),
        }
    }

    /// The operator's half of it, where it takes that.
    async fn decided(&self, place: usize, by: By) -> Result<()> {
        if by == By::Words {
            return Ok(());
        }
        let wallet = Box::pin(self.open(WALLETS.get(place).context("a wallet")?))
            .await?
            .wallet
            .id()
            .to_string();
        self.with(|deployment| {
            let socket = deployment.data().join("admin.sock").to_string_lossy().into_owned();
            let lift = [
                "fence",
                "lift",
                "--wallet",
                &wallet,
                "--reason",
                "the disk died",
                "--json",
            ];
            deployment.operator(&[lift.as_slice(), &["--socket", &socket]].concat())
        })?;
        Ok(())
    }

    /// Lifted once, by whom it takes; and the wallet signs.
    async fn is_lifted(&self, place: usize, by: By) -> Result<()> {
        let mut device = Box::pin(self.open(WALLETS.get(place).context("a wallet")?)).await?;
        device.client.sync(&mut device.wallet).await?;
        let audited = device.client.audit(&mut device.wallet).await?;
        let lifts = audited.entries.iter().filter_map(|entry| match &entry.event {
            Event::Lifted { by, .. } => Some(by),
            _ => None,
        });
        let lifts: Vec<_> = lifts.collect();
        let right = matches!(
            (lifts.as_slice(), by),
            ([Lift::Recovery], By::Words) | ([Lift::Operator { .. }], By::Operator)
        );
        ensure!(right, "lifted by {lifts:?}");
        let psbt = device.spend();
        verify(&device.sign(psbt).await?)?;
        self.oracle.verdict().map(drop)
    }
}

#[test]
fn s14_f24_a_lift_whose_replies_are_lost_whose_requests_come_late_or_twice_or_whose_client_dies_is_one() -> Result<()> {
    runtime()?.block_on(async {
        let scene = Box::pin(fenced()).await?;
        for (place, trick) in Trick::ALL.into_iter().enumerate() {
            let by = if place % 2 == 0 { By::Words } else { By::Operator };
            let tried = async {
                Box::pin(scene.decided(place, by)).await?;
                let mischief = Mischief::once("/LiftFence", trick);
                if scene.says_yes(place, by, mischief).await?.is_none() {
                    // It is told so, whether it was lifted before it died or now.
                    let again = scene.says_yes(place, by, Mischief::None).await?;
                    ensure!(again == Some(Fencing::Lifted), "{again:?}");
                }
                Box::pin(scene.is_lifted(place, by)).await
            };
            Box::pin(tried).await.with_context(|| format!("{by:?}, {trick:?}"))?;
        }
        Ok(())
    })
}

#[test]
fn p21_s14_kill_9_at_every_failpoint_of_a_lift_leaves_it_lifted_once() -> Result<()> {
    require_failpoints()?;
    runtime()?.block_on(async {
        let scene = Box::pin(fenced()).await?;
        let places = failpoints_in("crates/cosigner/src/rpc/lift_fence.rs")?;
        ensure!(places.len() >= 2, "{places:?}");
        let chosen = [By::Words, By::Operator]
            .into_iter()
            .flat_map(|by| places.iter().map(move |at| (by, at)));
        for (place, (by, at)) in chosen.enumerate() {
            let tried = async {
                Box::pin(scene.decided(place, by)).await?;
                scene.with(|deployment| {
                    deployment.kill()?;
                    deployment.set_environment(&[NO_RATE.as_slice(), &[("TWOFOLD_KILL_AT", at.as_str())]].concat());
                    deployment.resume()
                })?;
                let gone = taken_up_once(&scene.deployment);
                let at_fault = gone.clone();
                let hook = move || {
                    at_fault();
                };
                let lifted = scene.says_yes(place, by, Mischief::at_fault(hook)).await;
                let end = gone();
                ensure!(
                    end.and_then(|end| end.signal()) == Some(9),
                    "the server was not killed: {end:?}"
                );
                // The server that was started since was never told yes: the client sees that, and says it anew.
                ensure!(lifted? == Some(Fencing::Lifted), "it waits");
                Box::pin(scene.is_lifted(place, by)).await
            };
            Box::pin(tried).await.with_context(|| format!("{by:?}, {at}"))?;
        }
        Ok(())
    })
}
