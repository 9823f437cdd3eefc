//! What is done to a wallet's devices, under the same faults. Each deed looks first, as a person does whose machine died:
//! what is done already is not asked for again.

use anyhow::{Context as _, Result, bail, ensure};
use twofold_api::{Reason, invitation::Invitation};
use twofold_client::{
    Client,
    devices::{Arrival, Outcome},
    recovery::recover::Recovery,
};
use twofold_threshold::id::{DeviceId, WalletId};

use super::{Scene, WALLET, killed_everywhere};
use crate::{
    device::{Device, Enrolled, Lab},
    kills::runtime,
    line::{Mischief, Trick},
    oracle::verify,
};

/// What a person wants done to the devices of a wallet, the recovery words at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Freeze,
    Unfreeze,
    /// Another machine is listed.
    Enrol,
    /// The other machine takes the wallet in, which was refreshed meanwhile.
    Arrive,
    /// The other machine's voice counts.
    Approve,
    /// The other machine is struck off, and a refresh ends it.
    Revoke,
    /// The same without words: it waits.
    Ask,
    /// What waits is cancelled.
    Cancel,
    /// A new machine takes a lost one's place.
    Recover,
}

impl Deed {
    const ALL: [Self; 9] = [
        Self::Freeze,
        Self::Unfreeze,
        Self::Enrol,
        Self::Arrive,
        Self::Approve,
        Self::Revoke,
        Self::Ask,
        Self::Cancel,
        Self::Recover,
    ];

    pub(super) const fn requests(self) -> &'static [&'static str] {
        match self {
            Self::Freeze | Self::Unfreeze => &["/SetFreeze"],
            Self::Arrive => &["/GetShape", "/ChangeDevices"],
            Self::Enrol | Self::Approve | Self::Revoke | Self::Ask => &["/ChangeDevices"],
            Self::Cancel => &["/CancelChange"],
            Self::Recover => &["/AskRecovery", "/Recover", "/SetFreeze"],
        }
    }

    pub(super) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Freeze | Self::Unfreeze => &["set_freeze"],
            Self::Enrol | Self::Arrive | Self::Approve | Self::Revoke | Self::Ask => &["change_devices"],
            Self::Cancel => &["cancel_change"],
            Self::Recover => &["ask_recovery", "recover"],
        }
    }

    /// How the failpoints begin that it passes, of those in the sources.
    pub(super) const fn passes(self) -> &'static str {
        match self {
            Self::Enrol | Self::Arrive | Self::Approve | Self::Revoke => "change_devices::",
            Self::Ask => "let_wait::",
            Self::Freeze | Self::Unfreeze | Self::Cancel | Self::Recover => "",
        }
    }
}

/// A deed, on a wallet of its own, and the other machine that it is about.
pub(super) struct Prepared {
    deed: Deed,
    first: Enrolled,
    wallet: WalletId,
    other: Option<Other>,
    /// Its number, where something waits.
    change: u64,
    /// Before.
    epoch: u32,
}

struct Other {
    machine: Enrolled,
    id: DeviceId,
    card: Option<twofold_api::pairing::Card>,
    code: Option<[u8; 16]>,
}

impl Prepared {
    /// Whose machine does it.
    pub(super) fn actor(&self) -> &Enrolled {
        match &self.other {
            Some(other) if matches!(self.deed, Deed::Arrive | Deed::Recover) => &other.machine,
            _ => &self.first,
        }
    }

    fn other(&self) -> Result<&Other> {
        self.other.as_ref().context("another machine")
    }
}

impl Scene {
    pub(super) async fn prepare_shape(&self, deed: Deed) -> Result<Prepared> {
        let invitation = self.with(|deployment| deployment.invite())?;
        let machine = Box::pin(Enrolled::new(&invitation, &[WALLET])).await?;
        let words = machine.words()?;
        let mut first = Box::pin(self.of(&machine)).await?;
        let wallet = first.wallet.id();
        let other = match deed {
            Deed::Freeze | Deed::Unfreeze => None,
            Deed::Recover => Some(self.recovering(wallet).await?),
            _ => Some(introduced(&mut first).await?),
        };
        if let Some(card) = other.as_ref().and_then(|other| other.card.as_ref())
            && deed != Deed::Enrol
        {
            let enrolled = Box::pin(first.client.enrol_device(&mut first.wallet, card, Some(words))).await?;
            ensure!(enrolled == Outcome::Done, "{enrolled:?}");
        }
        let mut change = 0;
        match deed {
            Deed::Unfreeze => first.client.freeze_wallet(&mut first.wallet).await?,
            Deed::Arrive => {
                first.client.refresh(&mut first.wallet, &mut |_| ()).await?;
            }
            Deed::Cancel => {
                let id = other.as_ref().context("another machine")?.id;
                match Box::pin(first.client.revoke_device(&mut first.wallet, id, None)).await? {
                    Outcome::Waits(waiting) => change = waiting.change,
                    Outcome::Done => bail!("one machine alone has struck off another"),
                }
            }
            _ => {}
        }
        let epoch = first.wallet.epoch().number;
        drop(first);
        Ok(Prepared {
            deed,
            first: machine,
            wallet,
            other,
            change,
            epoch,
        })
    }

    /// The wallet on a machine, over a line on which nothing goes wrong.
    async fn of(&self, machine: &Enrolled) -> Result<Device> {
        Device::of(machine.client(&self.oracle, Mischief::None).await?, WALLET).await
    }

    /// A machine with an invitation that the operator minted for recovery of this wallet.
    async fn recovering(&self, wallet: WalletId) -> Result<Other> {
        let minted = self.with(|deployment| {
            let socket = deployment.data().join("admin.sock").to_string_lossy().into_owned();
            let wallet = wallet.to_string();
            deployment.operator(&[
                "invite",
                "--json",
                "--recover",
                &wallet,
                "--wait",
                "0s",
                "--socket",
                &socket,
            ])
        })?;
        let text = minted["invitation"].as_str().context("an invitation")?;
        let machine = Box::pin(Enrolled::new(text, &[])).await?;
        let code = text.parse::<Invitation>()?.code;
        let id = machine.client(&self.oracle, Mischief::None).await?;
        let id = id.device_key().device_id();
        Ok(Other {
            machine,
            id,
            card: None,
            code: Some(code),
        })
    }

    /// What must hold afterwards, once.
    pub(super) async fn check_shape(&self, prepared: &Prepared) -> Result<()> {
        let words = prepared.first.words()?;
        let mut first = Box::pin(self.of(&prepared.first)).await?;
        first.client.sync(&mut first.wallet).await?;
        let devices = first.client.devices(&mut first.wallet).await?;
        let listed = |id: DeviceId| devices.listed.iter().filter(|device| device.id == id).count();
        let (epoch, waiting) = (first.wallet.epoch().number, devices.waiting.len());
        match prepared.deed {
            Deed::Freeze => {
                ensure!(devices.frozen_by.is_some(), "not frozen");
                let thawed = first.client.unfreeze_wallet(&mut first.wallet, Some(words)).await?;
                ensure!(thawed == Outcome::Done, "{thawed:?}");
            }
            Deed::Unfreeze => ensure!(devices.frozen_by.is_none(), "frozen still"),
            Deed::Ask => ensure!(waiting == 1, "{waiting} changes wait"),
            Deed::Cancel => ensure!(waiting == 0, "{waiting} changes wait"),
            Deed::Enrol | Deed::Arrive | Deed::Approve | Deed::Revoke | Deed::Recover => {}
        }
        let psbt = first.spend();
        verify(&first.sign(psbt).await?)?;
        let Some(other) = &prepared.other else { return Ok(()) };
        if prepared.deed == Deed::Revoke {
            ensure!(listed(other.id) == 0 && epoch == prepared.epoch + 1, "at epoch {epoch}");
            return Ok(());
        }
        ensure!(listed(other.id) == 1, "listed {} times", listed(other.id));
        let approver = devices.listed.iter().find(|device| device.id == other.id);
        let approver = approver.is_some_and(|device| device.approver);
        let wanted = matches!(prepared.deed, Deed::Approve | Deed::Recover);
        ensure!(approver == wanted, "its voice counts: {approver}");
        let mut client = other.machine.client(&self.oracle, Mischief::None).await?;
        if !matches!(prepared.deed, Deed::Arrive | Deed::Recover) {
            let arrived = client.arrive().await?;
            ensure!(matches!(arrived.as_slice(), [Arrival::Arrived { .. }]), "{arrived:?}");
        }
        // It is a machine of the wallet like any other: it signs, and hears of the next refresh.
        let mut second = Device::of(client, WALLET).await?;
        let psbt = second.spend();
        verify(&second.sign(psbt).await?)?;
        first.client.refresh(&mut first.wallet, &mut |_| ()).await?;
        second.client.sync(&mut second.wallet).await?;
        let there = (first.wallet.epoch(), second.wallet.epoch());
        ensure!(there.0 == there.1, "{there:?}");
        let psbt = second.spend();
        verify(&second.sign(psbt).await?)
    }
}

/// A machine that the first one has introduced, and that waits to be listed.
async fn introduced(first: &mut Device) -> Result<Other> {
    let introduction = first.client.introduce(&mut first.wallet).await?;
    let (machine, card) = Box::pin(Enrolled::introduced(&introduction)).await?;
    Ok(Other {
        machine,
        id: card.identity.device_id(),
        card: Some(card),
        code: None,
    })
}

/// Does what was prepared.
pub(super) async fn act(mut client: Client<Lab>, prepared: &Prepared) -> Result<Client<Lab>> {
    let words = prepared.first.words()?;
    match prepared.deed {
        Deed::Arrive => {
            // None is left where it had arrived before it died.
            client.arrive().await?;
            return Ok(client);
        }
        Deed::Recover => {
            let code = prepared.other()?.code;
            let Recovery::Done(mut recovered) = client.recover(prepared.wallet, code, words).await? else {
                bail!("it waits");
            };
            let keep = recovered.others.clone();
            Box::pin(client.settle_recovery(&mut recovered, &keep, words)).await?;
            return Ok(client);
        }
        _ => {}
    }
    let mut device = Device::of(client, WALLET).await?;
    let (client, wallet) = (&mut device.client, &mut device.wallet);
    let devices = client.devices(wallet).await?;
    let there = |id: DeviceId| devices.listed.iter().find(|device| device.id == id);
    match prepared.deed {
        Deed::Freeze => client.freeze_wallet(wallet).await?,
        Deed::Unfreeze if devices.frozen_by.is_some() => done(&client.unfreeze_wallet(wallet, Some(words)).await?)?,
        Deed::Enrol => {
            let other = prepared.other()?;
            if there(other.id).is_none() {
                let card = other.card.as_ref().context("a card")?;
                done(&Box::pin(client.enrol_device(wallet, card, Some(words))).await?)?;
            }
        }
        Deed::Approve => {
            let id = prepared.other()?.id;
            if there(id).is_some_and(|device| !device.approver) {
                done(&Box::pin(client.make_approver(wallet, id, Some(words))).await?)?;
            }
        }
        Deed::Revoke => {
            let id = prepared.other()?.id;
            if there(id).is_some() {
                done(&Box::pin(client.revoke_device(wallet, id, Some(words))).await?)?;
            }
            if client.devices(wallet).await?.refresh_due {
                client.refresh(wallet, &mut |_| ()).await?;
            }
        }
        Deed::Ask if devices.waiting.is_empty() => {
            let asked = Box::pin(client.revoke_device(wallet, prepared.other()?.id, None)).await?;
            ensure!(matches!(asked, Outcome::Waits(_)), "{asked:?}");
        }
        Deed::Cancel if !devices.waiting.is_empty() => match client.cancel_change(wallet, prepared.change).await {
            Err(fault) if fault.reason() == Some(Reason::OutOfOrder) => bail!("it was cancelled before: {fault}"),
            cancelled => cancelled?,
        },
        _ => {}
    }
    Ok(device.client)
}

fn done(outcome: &Outcome) -> Result<()> {
    ensure!(*outcome == Outcome::Done, "{outcome:?}");
    Ok(())
}

#[test]
fn p21_kill_9_at_every_failpoint_of_what_is_done_to_devices_leaves_it_done_once() -> Result<()> {
    let deeds = Deed::ALL.map(super::Deed::Shape);
    killed_everywhere(&deeds, super::Deed::failpoints, false)
}

#[test]
fn f24_what_is_done_to_devices_is_done_once_though_replies_are_lost_requests_late_and_the_client_dies() -> Result<()> {
    runtime()?.block_on(async {
        let scene = Scene::new().await?;
        for deed in Deed::ALL {
            for path in deed.requests() {
                // What the line does by itself is the same for every request; this is what a deed has to be written for.
                for trick in [Trick::LoseReply, Trick::Late, Trick::DieAfter] {
                    let tried = Box::pin(scene.tricked(super::Deed::Shape(deed), path, trick)).await;
                    tried.with_context(|| format!("{deed:?}, {path}, {trick:?}"))?;
                }
            }
        }
        Ok(())
    })
}
