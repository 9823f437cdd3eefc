//! A wallet's devices: which there are, adding one, striking one off, freezing, and what waits.
//!
//! The list of devices is a chain of signed entries that the server keeps and vouches for nothing of. It is verified when it
//! is read, and held against the one that this machine knew: a list that goes on is taken over, any other is the server's
//! breach. What this machine may do at once and what it only asks for is the server's to judge, by the table
//! of `threshold::device_list::powers`.

mod add;
mod compare;
mod confirm;
mod known;
mod outstanding;

pub use add::Arrival;
pub use compare::{Compared, Met};
pub(crate) use known::KnownList;
pub use outstanding::Outstanding;

use twofold_api::reason::Reason;
use twofold_api::reply::{Asked, Shape, Waiting};
use twofold_api::request::{CancelChange, ChangeDevices, GetShape, Name, RenameDevice, SetFreeze, Word};
use twofold_api::shape::{UNFREEZE, unfreezing};
use twofold_threshold::checkpoint::Checkpoint;
use twofold_threshold::device_list::{Act, Change, DeviceList, ListFault, Parcel, Proposal, Signer};
use twofold_threshold::id::{DeviceId, WalletId};
use twofold_threshold::identity::Signature64;
use twofold_threshold::words::RecoverySecret;

use crate::client::Client;
use crate::fault::{Breach, Fault, Usage};
use crate::port::Platform;
use crate::session::{Caution, Reply, Rpc};
use crate::wallet::Wallet;

/// How often an entry is signed anew because another device was quicker.
const TRIES: u32 = 3;

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done,
    /// It waits, and any device can cancel it.
    Waits(Waiting),
}

impl From<Asked> for Outcome {
    fn from(asked: Asked) -> Self {
        asked.waiting.map_or(Self::Done, Self::Waits)
    }
}

/// What a change that waits would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// In a word.
    pub what: String,
    /// The device that would be added, struck off, or heard.
    pub device: Option<DeviceId>,
}

/// What a change that waits would do: by its entry where it is one, for that is what is signed. What the server calls it
/// counts only where there is none.
#[must_use]
pub fn about(waiting: &Waiting) -> About {
    let entry = Change::try_from(waiting.entry.as_slice()).ok();
    let told = entry.as_ref().and_then(|entry| {
        let by_devices = entry.signers().any(|signer| *signer != Signer::Recovery);
        Some(match entry.act() {
            Act::Enrol { identity, .. } if by_devices => ("enrol", Some(identity.device_id())),
            Act::Enrol { identity, .. } => ("recover", Some(identity.device_id())),
            Act::Revoke(device) => ("revoke", Some(*device)),
            Act::MakeApprover(device) => ("approver", Some(*device)),
            Act::ReplaceRecovery(_) => ("words", None),
            _ => return None,
        })
    });
    let (what, device) = told.unwrap_or((&waiting.what, None));
    About {
        what: what.to_owned(),
        device,
    }
}

/// A device of a wallet, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: DeviceId,
    /// What it is called; the server's word.
    pub name: String,
    /// It is this machine.
    pub this: bool,
    /// Its voice counts toward two.
    pub approver: bool,
    /// Recovery or two approvers have spoken for it.
    pub confirmed: bool,
}

/// A wallet's devices, and what there is to know about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Devices {
    /// The devices.
    pub listed: Vec<Listed>,
    /// The device that froze the wallet, where it is frozen.
    pub frozen_by: Option<DeviceId>,
    /// What waits.
    pub waiting: Vec<Waiting>,
    /// A device was revoked, or the recovery words were replaced: the old copy of the share lives until a refresh.
    pub refresh_due: bool,
}

impl<P: Platform> Client<P> {
    /// Reads a wallet's devices and what waits.
    pub async fn devices(&mut self, wallet: &mut Wallet) -> Result<Devices, Fault> {
        let list = self.device_list(wallet).await?;
        let shape = self.shape(wallet).await?;
        let own = self.session.device_id();
        let name = |id: DeviceId| {
            let named = shape.devices.iter().find(|(device, _)| *device == id.0);
            named.map_or_else(|| "(no name)".to_owned(), |(_, name)| name.clone())
        };
        let listed = list.devices().iter().map(|device| Listed {
            id: device.id(),
            name: name(device.id()),
            this: device.id() == own,
            approver: device.is_approver(),
            confirmed: device.is_confirmed(),
        });
        Ok(Devices {
            listed: listed.collect(),
            frozen_by: shape.freeze.map(|(_, by)| DeviceId(by)),
            waiting: shape.waiting,
            refresh_due: shape.refresh_due,
        })
    }

    /// The device that a person means: by its name, or by the beginning of its id.
    pub async fn find_device(&mut self, wallet: &mut Wallet, asked: &str) -> Result<Listed, Fault> {
        let devices = self.devices(wallet).await?.listed;
        let fits =
            |device: &&Listed| device.name == asked || (asked.len() >= 6 && device.id.to_string().starts_with(asked));
        let mut fitting = devices.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(device), None) => Ok(device.clone()),
            (None, _) => Err(Usage::NoSuchDevice { asked: asked.into() }.into()),
            (Some(_), Some(_)) => Err(Usage::WhichDevice { asked: asked.into() }.into()),
        }
    }

    /// Strikes a device off the list, or asks for it. With the recovery words it is done at once.
    pub async fn revoke_device(
        &mut self,
        wallet: &mut Wallet,
        device: DeviceId,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        self.change_devices(wallet, Act::Revoke(device), words).await
    }

    /// Lets a device's voice count, or asks for it.
    pub async fn make_approver(
        &mut self,
        wallet: &mut Wallet,
        device: DeviceId,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        self.change_devices(wallet, Act::MakeApprover(device), words).await
    }

    /// Calls a device something else.
    pub async fn rename_device(&mut self, wallet: &mut Wallet, device: DeviceId, name: &Name) -> Result<(), Fault> {
        self.stand_undoubted(wallet).await?;
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = RenameDevice {
            wallet: wallet.id(),
            device,
            name: name.clone(),
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let (_, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await
    }

    /// Freezes the wallet: nothing is signed until it is unfrozen. It is done at once, whatever state the server's log is in.
    pub async fn freeze_wallet(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let (_, newest) = self
            .ask_anew(wallet, Caution::Notice, |wallet, checkpoint| SetFreeze {
                wallet,
                frozen: true,
                recovery: None,
                checkpoint,
            })
            .await?;
        self.note_checkpoint(wallet, newest).await
    }

    /// Asks for a change, and once more where the wallet was refreshed, or its devices changed, since this one last looked.
    pub(super) async fn ask_anew<R: Rpc>(
        &mut self,
        wallet: &mut Wallet,
        caution: Caution,
        build: impl Fn(WalletId, Checkpoint) -> R,
    ) -> Result<(Reply<R>, Option<Checkpoint>), Fault> {
        let mut again = true;
        loop {
            let checkpoint = self.newest_checkpoint(wallet).await?;
            let request = build(wallet.id(), checkpoint);
            match self.call(&request, Some(&checkpoint), caution).await {
                Err(fault) if fault.reason() == Some(Reason::ListChanged) && core::mem::take(&mut again) => {
                    self.shape(wallet).await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Lets the wallet sign again, or asks for it. With the recovery words it is done at once.
    pub async fn unfreeze_wallet(
        &mut self,
        wallet: &mut Wallet,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        self.unfreeze_shown(wallet, words).await.map(|(outcome, _)| outcome)
    }

    /// The same, with the wallet's shape as it was read before.
    pub(crate) async fn unfreeze_shown(
        &mut self,
        wallet: &mut Wallet,
        words: Option<&RecoverySecret>,
    ) -> Result<(Outcome, Shape), Fault> {
        self.stand_undoubted(wallet).await?;
        let mut again = true;
        let (outcome, shape) = loop {
            let shape = self.shape(wallet).await?;
            let seal_key = *self.seal_key().await?.public();
            let recovery = words.zip(shape.freeze).map(|(words, (since, _))| {
                let said = unfreezing(wallet.id(), since, &seal_key);
                let signature = words.identity().sign(UNFREEZE, &said).0;
                Word { seal_key, signature }
            });
            match self.unfreeze_by(wallet, recovery).await {
                // The server was started since it said that it is frozen.
                Err(fault) if fault.reason() == Some(Reason::StaleSealKey) && core::mem::take(&mut again) => {}
                outcome => break (outcome?, shape),
            }
        };
        Ok((outcome, shape))
    }

    /// The same by recovery's word, where it was said on another machine.
    pub(crate) async fn unfreeze_by(&mut self, wallet: &mut Wallet, recovery: Option<Word>) -> Result<Outcome, Fault> {
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = SetFreeze {
            wallet: wallet.id(),
            frozen: false,
            recovery,
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let (asked, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await?;
        Ok(asked.into())
    }

    /// Cancels a change that waits; what recovery asked for is objected to.
    pub async fn cancel_change(&mut self, wallet: &mut Wallet, change: u64) -> Result<(), Fault> {
        let outcome = self
            .ask_anew(wallet, Caution::Notice, |wallet, checkpoint| CancelChange {
                wallet,
                change,
                checkpoint,
            })
            .await;
        let (_, newest) = self.heed_doubt(wallet, outcome).await?;
        self.note_checkpoint(wallet, newest).await
    }

    /// Signs what another device asks for, as the second voice. What it is stands in the entry, which is verified like any
    /// other; show it to the person first.
    pub async fn approve_change(
        &mut self,
        wallet: &mut Wallet,
        change: u64,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        let shape = self.shape(wallet).await?;
        let waiting = shape.waiting.into_iter().find(|waiting| waiting.change == change);
        let waiting = waiting.ok_or(Usage::NoSuchChange { change })?;
        if waiting.asker.is_none() {
            return Err(Usage::AskedByRecovery { change }.into());
        }
        if waiting.entry.is_empty() {
            return self.unfreeze_wallet(wallet, words).await;
        }
        let entry = Change::try_from(waiting.entry.as_slice())?;
        let list = self.list_to_change(wallet, entry.act()).await?;
        list.judge(&entry).map_err(|fault| match fault {
            // Whatever else was done since makes it stale; that is nobody's breach.
            ListFault::StaleHead => Fault::from(Usage::StaleChange { change }),
            fault => Breach::DeviceList(fault).into(),
        })?;
        let proposal = *entry.proposal();
        let mut entry = self.own_signature(entry, &proposal)?;
        if let Some(words) = words {
            let signature = words.identity().sign_raw(&proposal.signing_bytes());
            entry = entry.countersigned(Signer::Recovery, signature)?;
        }
        self.send_entry(wallet, &list, &entry).await
    }

    fn own_signature(&self, entry: Change, proposal: &Proposal) -> Result<Change, Fault> {
        let signature = self.session.device().sign_raw(&proposal.signing_bytes());
        Ok(entry.countersigned(Signer::Device(*self.session.device_key()), signature)?)
    }

    /// Signs an entry on the newest head and sends it; anew where another device was quicker.
    pub(crate) async fn change_devices(
        &mut self,
        wallet: &mut Wallet,
        act: Act,
        words: Option<&RecoverySecret>,
    ) -> Result<Outcome, Fault> {
        self.stand_undoubted(wallet).await?;
        let mut tries = 1;
        // What is sealed to a new machine is of the newest epoch, so whoever adds one reads first.
        let mut list = if matches!(act, Act::Enrol { .. }) {
            self.list_to_change(wallet, &act).await?
        } else {
            self.known_devices(wallet).await?
        };
        let mut read = matches!(act, Act::Enrol { .. });
        loop {
            let proposal = Proposal::new(&list, act);
            let bytes = proposal.signing_bytes();
            let own = Signer::Device(*self.session.device_key());
            let mut entry = proposal.signed(own, self.session.device().sign_raw(&bytes));
            if let Some(words) = words {
                entry = entry.countersigned(Signer::Recovery, words.identity().sign_raw(&bytes))?;
            }
            match list.judge(&entry) {
                Ok(_) => match self.send_entry(wallet, &list, &entry).await {
                    Err(fault) if fault.reason() == Some(Reason::ListChanged) && tries < TRIES => tries += 1,
                    outcome => return outcome,
                },
                Err(fault) if read => return Err(Usage::DeviceList(fault).into()),
                // The server may know more.
                Err(_) => {}
            }
            list = self.list_to_change(wallet, &act).await?;
            read = true;
        }
    }

    /// Signs an entry that recovery has signed on another machine, and sends it; none where it is not on the newest head.
    pub(crate) async fn change_by(
        &mut self,
        wallet: &mut Wallet,
        act: Act,
        recovery: Signature64,
    ) -> Result<Option<Outcome>, Fault> {
        self.stand_undoubted(wallet).await?;
        let list = self.device_list(wallet).await?;
        let proposal = Proposal::new(&list, act);
        let entry = self.own_signature(proposal.signed(Signer::Recovery, recovery), &proposal)?;
        if list.judge(&entry).is_err() {
            return Ok(None);
        }
        self.send_entry(wallet, &list, &entry).await.map(Some)
    }

    /// The newest list, read, to sign an entry on. What is sealed to a new machine is the share of the epoch that counts, so
    /// whoever adds one catches up first.
    async fn list_to_change(&mut self, wallet: &mut Wallet, act: &Act) -> Result<DeviceList, Fault> {
        let list = self.device_list(wallet).await?;
        if !matches!(act, Act::Enrol { .. }) {
            return Ok(list);
        }
        self.keep_up(wallet).await?;
        self.device_list(wallet).await
    }

    async fn send_entry(&mut self, wallet: &mut Wallet, list: &DeviceList, entry: &Change) -> Result<Outcome, Fault> {
        let parcel = match entry.act() {
            Act::Enrol { identity, sealing } => Parcel::seal(
                &wallet.record.share,
                &wallet.record.public,
                &wallet.record.unlock,
                list,
                (identity, sealing),
                self.session.device(),
                &mut self.random,
            )?
            .to_bytes(),
            _ => Vec::new(),
        };
        let checkpoint = self.newest_checkpoint(wallet).await?;
        let request = ChangeDevices {
            wallet: wallet.id(),
            entry: entry.to_bytes(),
            parcel,
            checkpoint,
        };
        let outcome = self.call(&request, Some(&checkpoint), Caution::Stop).await;
        let (asked, newest) = self.heed_doubt(wallet, outcome).await?;
        if asked.waiting.is_none() {
            self.keep_entry(wallet, entry, newest).await?;
        } else {
            self.note_checkpoint(wallet, newest).await?;
        }
        Ok(asked.into())
    }

    pub(crate) async fn shape(&mut self, wallet: &mut Wallet) -> Result<Shape, Fault> {
        let request = GetShape {
            wallet: wallet.id(),
            checkpoint: wallet.checkpoint,
        };
        let (shape, newest) = self.call(&request, wallet.checkpoint.as_ref(), Caution::Notice).await?;
        self.note_checkpoint(wallet, newest).await?;
        Ok(shape)
    }
}
