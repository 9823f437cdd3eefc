//! Recovery asks that a new device take a lost one's place. Every device is told, and the wallet is frozen meanwhile.

use std::future::Future;

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::mandate,
    reply::Asked,
    request::AskRecovery,
};
use twofold_threshold::{
    device_list::{
        Act, Change as ListEntry, DeviceList,
        powers::{Deed, Leave, Voices, leave},
    },
    identity::IdentityKey,
};

use super::get_recovery::{Pass, Reached};
use crate::{
    Authenticated, Cosigner, SignedIn,
    auth::Unique,
    failpoint::failpoint,
    fault,
    pending::{self, Asker, What, Wish},
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    shape::{self, Freeze},
    wallet::Owned,
};

/// What names the recovery of this device: it is listed, or recovery has asked for it.
pub(super) fn subject(key: &IdentityKey, list: &DeviceList, owned: &Owned) -> Option<[u8; 32]> {
    if let Some(device) = list.device(key.device_id()) {
        return Some(mandate(device.identity(), device.sealing()));
    }
    let asked = owned.state().shape.waiting.of_recovery();
    asked
        .filter_map(|pending| ListEntry::try_from(pending.body()).ok())
        .find_map(|entry| match entry.act() {
            Act::Enrol { identity, sealing } if identity == key => Some(mandate(identity, sealing)),
            _ => None,
        })
}

/// Reads an entry that lists the asking device, signed by recovery alone on the newest entry; what names it, and whether it
/// may be.
pub(super) fn judged(
    bytes: &[u8],
    key: &IdentityKey,
    list: &DeviceList,
) -> Result<(ListEntry, [u8; 32], Leave), Refusal> {
    let entry = ListEntry::try_from(bytes).map_err(|fault| fault::protocol(&fault))?;
    let judged = list.judge(&entry).map_err(|fault| shape::refused(&fault))?;
    for_asker(entry, judged, key)
}

/// The same of what is only asked for: recovery, where it is on a machine of its own, asks before it sees the list.
fn wished(bytes: &[u8], key: &IdentityKey, list: &DeviceList) -> Result<([u8; 32], Leave), Refusal> {
    let wish = ListEntry::try_from(bytes).map_err(|fault| fault::protocol(&fault))?;
    let judged = if wish.is_wish() {
        list.judge_wish(&wish)
    } else {
        list.judge(&wish)
    };
    let (_, subject, leave) = for_asker(wish, judged.map_err(|fault| shape::refused(&fault))?, key)?;
    Ok((subject, leave))
}

fn for_asker(
    entry: ListEntry,
    (deed, voices): (Deed, Voices),
    key: &IdentityKey,
) -> Result<(ListEntry, [u8; 32], Leave), Refusal> {
    match entry.act() {
        Act::Enrol { identity, sealing } if deed == Deed::Recover => {
            if identity != key {
                return Err(Refusal::new(
                    Reason::PartyMismatch,
                    "recovery signed for another machine than the one that asks",
                ));
            }
            let subject = mandate(identity, sealing);
            Ok((entry, subject, leave(deed, voices)))
        }
        _ => Err(Refusal::new(
            Reason::NotPermitted,
            "this takes an entry that lists the machine and that recovery alone has signed",
        )),
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Lets a recovery wait, and freezes the wallet. Works behind a fence too.
    pub async fn ask_recovery(&self, request: Authenticated<AskRecovery>) -> Result<Asked, Refusal> {
        let pass = Pass::Code(request.request().code);
        self.let_recovery_wait(request, pass).await
    }

    /// The same for a machine whose owner signed in. `who` is asked only if this request was not answered before: the same
    /// bytes get the same answer, also when the token's time is over.
    pub async fn ask_recovery_signed_in(
        &self,
        request: Authenticated<AskRecovery>,
        who: impl Future<Output = Result<SignedIn, Refusal>>,
    ) -> Result<Asked, Refusal> {
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        Pass::no_code(request.request().code)?;
        self.same_person(&request, who).await?;
        self.let_recovery_wait(request, Pass::SignIn).await
    }

    async fn let_recovery_wait(&self, request: Authenticated<AskRecovery>, pass: Pass) -> Result<Asked, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let Reached { owned, list, .. } = self.reached(&request, asked.wallet).await?;
        let (subject, leave) = wished(&asked.entry, request.key(), &list)?;
        let waiting = &owned.state().shape.waiting;
        let again = waiting.of_recovery().any(|pending| *pending.subject() == subject);
        // The code ends sooner than the wait.
        if !again {
            self.let_through(request.device(), &owned, pass).await?;
        }
        let mut waits = self.config.waits;
        if let Some(seconds) = owned.state().shape.recovery_wait {
            waits.recovery = seconds;
        }
        // What recovery asks for is never at once: where the operator waived the wait it is over when it begins.
        let wait = pending::wait(leave, true, &waits)?.ok_or(Reason::NotPermitted)?;
        let wish = Wish {
            what: What::Recover,
            subject,
            asker: Asker::Recovery,
            body: asked.entry.clone(),
        };
        let mut change = owned.change();
        let known = change.state.shape.waiting.last();
        let waiting = change.state.shape.waiting.ask(wish, wait, self.time.now())?.tell();
        // What one device has asked for before must not come true meanwhile, nor in the moment after.
        change.state.shape.waiting.drop_what(What::Unfreeze);
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::Asked,
                subject,
            },
        );
        if change.state.shape.freeze.is_none() {
            change.state.shape.freeze = Some(Freeze {
                since: change.state.head().seq.saturating_add(1),
                by: request.device().0,
            });
            change.log(
                request.now(),
                Event::Shape {
                    device: request.device(),
                    step: ShapeStep::Frozen,
                    subject: [0; 32],
                },
            );
        }
        let reply = Asked {
            head: self.head(Some((change.row.id, &change.state))),
            waiting: Some(waiting),
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        failpoint!("ask_recovery::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("ask_recovery::after_commit");
        self.notify(request.user(), asked.wallet, known, &reply);
        Ok(reply)
    }
}
