//! The server helps a device to give new recovery words their share.
//!
//! Who may have it is who may put the words in the old ones' place at once ([`super::replace_recovery`]). The share is
//! sealed to a key that the new words themselves have signed for: the entry names them, and nobody else gets it in their
//! name. One request, and nothing of the ceremony is kept. The wallet is what it was until the words take their place.

use twofold_api::{
    Reason, Refusal,
    audit::{Event, ShapeStep},
    recovery::{ACCEPT, accepting, replacing},
    reply::Recovered,
    request::RepairRecovery,
    seal_key::Step,
};
use twofold_threshold::{
    checkpoint::Checkpoint,
    device_list::{Act, Change as ListEntry, DeviceList, Signer, powers::Deed, powers::leave},
    id::{Party, WalletId},
    identity::Signature64,
    repair::{Opening, Signed},
    words::RecoveryIdentity,
};

use super::repair::Case;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    pending::{self, Asker},
    port::{
        Clock,
        chain::Chain,
        record::Chains,
        store::{Batch, Store},
    },
    shape,
    wallet::Owned,
};

/// A wallet whose words may be replaced now, by the entry that says so.
pub(super) struct Replacing {
    pub(super) owned: Owned,
    pub(super) chains: Chains,
    pub(super) list: DeviceList,
    pub(super) entry: ListEntry,
    pub(super) words: RecoveryIdentity,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Answers the opening of a repair of recovery's share.
    pub async fn repair_recovery(&self, request: Authenticated<RepairRecovery>) -> Result<Recovered, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let Replacing { owned, words, .. } = self
            .replacing(&request, asked.wallet, &asked.checkpoint, &asked.entry)
            .await?;
        let opening = Signed::<Opening>::try_from(asked.opening.as_slice()).map_err(|fault| fault::protocol(&fault))?;
        let said = accepting(&self.identity.public(), &opening.claim().key);
        words
            .signing
            .verify(ACCEPT, &said, &Signature64(asked.accepted))
            .map_err(|_| Refusal::from(Reason::NotRecovery))?;
        let subject = replacing(&words);
        let case = Case {
            step: Step::RepairRecovery,
            repaired: Party::Recovery,
            identity: words.signing,
            first: (Party::Device, *request.key()),
            mandate: subject,
        };
        failpoint!("repair_recovery::before_answer");
        let answer = self
            .answer_repair(&request, &owned, case, &opening, &asked.unlock)
            .await?;

        let mut change = owned.change();
        change.log(
            request.now(),
            Event::Shape {
                device: request.device(),
                step: ShapeStep::Repaired,
                subject,
            },
        );
        let reply = Recovered {
            head: self.head(Some((change.row.id, &change.state))),
            answer,
        };
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        failpoint!("repair_recovery::before_commit");
        let reply = self.settle(&request, reply, batch).await?;
        failpoint!("repair_recovery::after_commit");
        Ok(reply)
    }

    /// Judges an entry that names new words: its signers may have it now, or the device that sends it has asked and waited.
    pub(super) async fn replacing<T>(
        &self,
        request: &Authenticated<T>,
        wallet: WalletId,
        seen: &Checkpoint,
        entry: &[u8],
    ) -> Result<Replacing, Refusal> {
        let owned = self.owned(request, wallet).await?;
        let owned = self.heed(request, owned, seen).await?;
        owned.unfenced()?;
        owned.active()?;
        let entry = ListEntry::try_from(entry).map_err(|fault| fault::protocol(&fault))?;
        if !entry.signers().any(|signer| *signer == Signer::Device(*request.key())) {
            return Err(Refusal::new(
                Reason::PartyMismatch,
                "the device that sends an entry is one that signs it",
            ));
        }
        let chains = self.chains(wallet).await?;
        let list = self.device_list(&owned, &chains)?;
        let (deed, voices) = list.judge(&entry).map_err(|fault| shape::refused(&fault))?;
        let words = match entry.act() {
            Act::ReplaceRecovery(words) if deed == Deed::ReplaceWords => *words,
            _ => {
                return Err(Refusal::new(
                    Reason::NotPermitted,
                    "this takes an entry that names new recovery words",
                ));
            }
        };
        let noticed = pending::noticed(&list, request.device());
        let wait = pending::wait(leave(deed, voices), noticed, &self.config.waits)?;
        let waiting = &owned.state().shape.waiting;
        let by = Asker::Device(request.device().0);
        // What the words ask for goes before what one device asks for.
        let ripe = !waiting.recovers() && waiting.is_ripe(by, &replacing(&words), self.time.counted());
        if wait.is_some() && !ripe {
            return Err(Refusal::new(
                Reason::RecoveryWaits,
                "new words wait, and take the operator's yes, where the old ones do not speak for them",
            ));
        }
        Ok(Replacing {
            owned,
            chains,
            list,
            entry,
            words,
        })
    }
}
