//! A wallet as its device has it, made by the real ceremony.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use bitcoin::{Network, OutPoint, Psbt};
use rand_core::OsRng;
use twofold_api::{
    request::{Activate, BeginCreate, FinishCreate},
    seal_key::{SealTo, SealedUnlockKey, Step, Usage},
};
use twofold_client::recovery::{AgeOpener, AgeSealer};
use twofold_intent::Account;
use twofold_threshold::{
    checkpoint::Checkpoint,
    create::{Completion, ServerRound, device::Start, recovery},
    device_list,
    envelope::SealSecret,
    id::{CeremonyId, WalletId},
    secret::{Secret32, UnlockKey},
    share::{PublicShares, Share},
    words::RecoverySecret,
};

use crate::{
    connection::Connection,
    device::{Device, random},
    machine, spend,
};

/// A wallet.
pub(crate) struct Purse {
    pub(crate) id: WalletId,
    pub(crate) share: Share,
    pub(crate) public: PublicShares,
    pub(crate) account: Account,
    /// The newest checkpoint the device has seen.
    pub(crate) newest: Checkpoint,
    /// A transaction that spends a coin of the wallet's; each request spends another coin.
    pub(crate) template: Psbt,
    /// Coins that the server's index knows and no request has spent yet.
    pub(crate) coins: Vec<OutPoint>,
    unlock: UnlockKey,
    seal_to: SealTo,
}

impl Purse {
    /// Makes a wallet; how long the two round trips took, all three parties' work included.
    pub(crate) fn create(device: &Device, line: &mut Connection) -> Result<(Self, Duration)> {
        let server = device.site().identity;
        let seal_to = device.seal_key(line)?;
        let (id, ceremony) = (WalletId(random()), CeremonyId(random()));
        let secret = RecoverySecret::generate(&mut OsRng);
        let opener = AgeOpener::new(&secret).map_err(|_| anyhow!("an age identity"))?;
        let sealing = SealSecret::generate(&mut OsRng);

        let clock = machine::now();
        let (recovery, opening) = recovery::begin(&secret, server, id, ceremony, &mut OsRng)?;
        let entry = device_list::Draft::first(id, device.key(), sealing.public());
        let signature = device.identity().sign_raw(&entry.signing_bytes());
        let start = Start {
            ceremony,
            server,
            entry: entry.signed(signature)?,
            unlock: UnlockKey::generate(&mut OsRng),
            recovery: opening,
        };
        let (party, opening) = start.begin(&mut OsRng)?;
        let unlock = UnlockKey::new(Secret32::new(*party.unlock().expose().expose()));
        let request = BeginCreate {
            wallet: id,
            name: "bench".parse()?,
            opening: opening.to_bytes(),
            unlock: seal(&seal_to, device, id, 1, Step::BeginCreate, &unlock)?,
            recovery_elsewhere: false,
        };
        let begun = device.call(line, &request)?;

        let round = ServerRound::try_from(begun.server_round.as_slice())?;
        let (party, to_recovery) = party.receive(round, &AgeSealer, &mut OsRng)?;
        let (_, from_recovery) = recovery.receive(&to_recovery, &AgeSealer, &opener, &mut OsRng)?;
        let to_sign = party.receive(from_recovery)?;
        let signature = device.identity().sign_raw(&to_sign.signing_bytes());
        let (party, closing) = to_sign.signed(signature)?.close(&mut OsRng)?;
        let request = FinishCreate {
            wallet: id,
            ceremony,
            closing: closing.to_bytes(),
            unlock: seal(&seal_to, device, id, 1, Step::FinishCreate, &unlock)?,
            checkpoint: None,
        };
        let finished = device.call(line, &request)?;
        let created = party.receive(&Completion::try_from(finished.completion.as_slice())?)?;
        let took = clock.elapsed();

        let request = Activate {
            wallet: id,
            test_signature: created.test_signature.0,
            checkpoint: None,
        };
        let done = device.call(line, &request)?;
        let checkpoint = done.head.checkpoint.context("a checkpoint")?;
        let (group, chain_code) = (created.public.group_key(), *created.public.chain_code());
        let account = Account::from_group_key(Network::Regtest, group, chain_code)?;
        let purse = Self {
            id,
            template: spend::template(&account)?,
            account,
            share: created.share,
            public: created.public,
            newest: Checkpoint::try_from(checkpoint.as_slice())?,
            coins: Vec::new(),
            unlock: created.unlock,
            seal_to,
        };
        Ok((purse, took))
    }

    /// Asks for the sealing key anew: a server that was restarted has another.
    pub(crate) fn refresh(&mut self, device: &Device, line: &mut Connection) -> Result<()> {
        self.seal_to = device.seal_key(line)?;
        Ok(())
    }

    /// The unlock key, sealed for one signing request.
    pub(crate) fn sealed_unlock(&self, device: &Device) -> Result<SealedUnlockKey> {
        let epoch = self.public.epoch().number;
        seal(&self.seal_to, device, self.id, epoch, Step::Sign, &self.unlock)
    }
}

fn seal(
    to: &SealTo,
    device: &Device,
    wallet: WalletId,
    epoch: u32,
    step: Step,
    unlock: &UnlockKey,
) -> Result<SealedUnlockKey> {
    let usage = Usage {
        wallet,
        epoch,
        step,
        device: device.id(),
    };
    Ok(to.seal(unlock, &usage, &mut OsRng)?)
}
