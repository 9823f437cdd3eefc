//! Changes the device list by one signed entry, or lets it wait.

use aws_lc_rs::digest;
use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::replacing,
    reply::Asked,
    request::ChangeDevices,
};
use twofold_threshold::{
    device_list::{Act, Change as ListEntry, Device, DeviceList, Signer, powers::leave},
    id::{DeviceId, WalletId},
    identity::IdentityKey,
};

use super::refresh::last_refresh;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    pending::{self, Asker, What, Wish},
    port::{
        Clock,
        chain::Chain,
        notice::Notice,
        record::{Chains, UserId},
        store::{Batch, Store, Write},
    },
    shape,
    wallet::Owned,
};

/// What an entry asks for, in a word and by its digest; none where it asks for nothing.
fn subject(act: &Act) -> Option<(What, [u8; 32])> {
    let hash = |kind: u8, parts: &[&[u8]]| {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"twofold/asked/1");
        context.update(&[kind]);
        for part in parts {
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    };
    match act {
        Act::Enrol { identity, sealing } => {
            let digest = hash(1, &[&identity.to_bytes(), sealing.as_bytes()]);
            Some((What::Enrol, digest))
        }
        Act::Revoke(device) => Some((What::Revoke, hash(2, &[&device.0]))),
        Act::MakeApprover(device) => Some((What::Approver, hash(3, &[&device.0]))),
        Act::ReplaceRecovery(words) => Some((What::Words, replacing(words))),
        // A device's fresh sealing key gives it nothing.
        _ => None,
    }
}

/// Refuses a fresh sealing key in place of one that nothing was sealed to: a device that asks for one again and again would
/// fill the list.
fn used(owned: &Owned, chains: &Chains, list: &DeviceList, device: DeviceId) -> Result<(), Refusal> {
    let left = owned.state().shape.has_parcel(device);
    let sealing = list.device(device).map(Device::sealing);
    let sealed = last_refresh(owned.id(), chains)?.is_some_and(|link| {
        let mut recipients = link.signed().transcript().recipients().iter();
        recipients.any(|(identity, key)| identity.device_id() == device && Some(key) == sealing)
    });
    if left || sealed {
        Ok(())
    } else {
        Err(Refusal::new(
            Reason::NotPermitted,
            "nothing was sealed to this device's key yet: it is as good as a fresh one",
        ))
    }
}

/// Where the operator lets a wallet be on one device alone.
pub(super) fn one_device_alone() -> Refusal {
    Refusal::new(
        Reason::NotPermitted,
        "at this server a wallet is on one machine; another one takes its place by recovery, and none stands beside it",
    )
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Appends an entry whose signers may have what it says, now or because they asked and waited; otherwise lets it
    /// wait.
    pub async fn change_devices(&self, request: Authenticated<ChangeDevices>) -> Result<Asked, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        owned.unfenced()?;
        owned.active()?;
        let entry = ListEntry::try_from(asked.entry.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        if !entry.signers().any(|signer| *signer == Signer::Device(*request.key())) {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "the device that sends an entry is one that signs it",
            ));
        }
        let chains = self.chains(asked.wallet).await?;
        let list = self.device_list(&owned, &chains)?;
        let (deed, voices) = list.judge(&entry).map_err(|fault| shape::refused(&fault))?;
        if let Act::Reseal { device, .. } = entry.act() {
            used(&owned, &chains, &list, *device)?;
        }
        let name = match entry.act() {
            Act::Enrol { .. } if !self.config.several_devices => return Err(one_device_alone()),
            Act::Enrol { identity, .. } => self.name_of_newcomer(&request, identity).await?,
            _ => String::new(),
        };
        let Some((what, subject)) = subject(entry.act()) else {
            return self.append(&request, owned, chains, list, &entry, &name).await;
        };
        let noticed = pending::noticed(&list, request.device());
        let wait = pending::wait(leave(deed, voices), noticed, &self.config.waits)?;
        let by = Asker::Device(request.device().0);
        // New words come with the package that they open; here they are only asked for.
        let done_here = what != What::Words;
        let ripe = |counted| done_here && owned.state().shape.waiting.is_ripe(by, &subject, counted);
        let Some(wait) = wait.filter(|_| !ripe(self.time.counted())) else {
            if !done_here {
                return Err(Refusal::new(
                    Reason::NotPermitted,
                    "new recovery words come with the package that they open; run: twofold recovery replace",
                ));
            }
            return self.append(&request, owned, chains, list, &entry, &name).await;
        };
        let wish = Wish {
            what,
            subject,
            asker: by,
            body: asked.entry.clone(),
        };
        self.let_wait(&request, owned, wish, wait).await
    }

    /// What a device that is to be enrolled is called: it must have joined as this user's.
    async fn name_of_newcomer(
        &self,
        request: &Authenticated<ChangeDevices>,
        identity: &IdentityKey,
    ) -> Result<String, Refusal> {
        match self.store.device(identity.device_id()).await? {
            Some(device) if device.user == request.user() => Ok(device.name),
            _ => Err(Refusal::new(
                Reason::NotPermitted,
                "that machine has not joined with a code of this wallet; run there: twofold join",
            )),
        }
    }

    /// Lets a wish wait, logged and told.
    pub(super) async fn let_wait<T>(
        &self,
        request: &Authenticated<T>,
        owned: Owned,
        wish: Wish,
        wait: pending::Wait,
    ) -> Result<Asked, Refusal> {
        let (user, wallet) = (request.user(), owned.id());
        let mut change = owned.change();
        let known = change.state.shape.waiting.last();
        let subject = wish.subject;
        // By the clock that shows: a wait must not seem over because what is surely over lies behind.
        let waiting = change.state.shape.waiting.ask(wish, wait, self.time.now())?.tell();
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::Asked,
                subject,
            },
        );
        let reply = Asked {
            head: self.head(Some((change.row.id, &change.state))),
            waiting: Some(waiting),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        failpoint!("let_wait::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("let_wait::after_commit");
        self.notify(user, wallet, known, &reply);
        Ok(reply)
    }

    /// Has the owner told of what waits, unless it was known by its number already.
    pub(super) fn notify(&self, user: UserId, wallet: WalletId, known: u64, asked: &Asked) {
        let waiting = asked.waiting.as_ref().filter(|waiting| waiting.change > known);
        if let Some(waiting) = waiting.cloned() {
            self.notices.post(Notice { user, wallet, waiting });
        }
    }

    async fn append(
        &self,
        request: &Authenticated<ChangeDevices>,
        owned: Owned,
        mut chains: Chains,
        mut list: DeviceList,
        entry: &ListEntry,
        name: &str,
    ) -> Result<Asked, Refusal> {
        let struck = list.append(entry).map_err(|fault| shape::refused(&fault))?;
        chains.device_list.push(entry.to_bytes());
        let mut change = owned.change();
        let epoch = change.state.epoch().number;
        let shape = &mut change.state.shape;
        shape.follow(&list, name);
        shape.struck(&struck, epoch);
        change.state.contacts.keep(|device| list.device(device).is_some());
        let shape = &mut change.state.shape;
        if let Some((_, subject)) = subject(entry.act()) {
            shape.waiting.done(&subject);
        }
        match entry.act() {
            Act::Enrol { identity, .. } => {
                shape.leave_parcel(identity.device_id(), epoch, request.request().parcel.clone());
            }
            // It has opened all that was sealed to the old key.
            Act::Reseal { device, .. } => shape.leave_parcel(*device, epoch, Vec::new()),
            _ => {}
        }
        change.state.device_list = *list.head();
        self.keep_list(&change.state.shape, &chains, &list);
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::ListChanged,
                subject: *list.head(),
            },
        );
        let reply = Asked {
            head: self.head(Some((change.row.id, &change.state))),
            waiting: None,
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        batch.writes.push(Write::PutChains(chains));
        failpoint!("change_devices::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("change_devices::after_commit");
        Ok(reply)
    }
}
