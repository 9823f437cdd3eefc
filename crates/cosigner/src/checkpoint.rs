//! Checkpoints: each reply about a wallet carries the newest, and each request shows the newest that its device has.
//!
//! One that this server did not sign, or signed for another wallet, is refused and changes nothing. One that it signed
//! but whose entry its own chain lacks proves that the server was rolled back: the wallet is fenced, durably, and signs
//! nothing until the fence is lifted. Reading goes on. A lift opens the next generation: what was signed in an older one
//! and is not in the chain was lost, that is known, and fences no more, unless it is of a later epoch than the chain's.

use std::cmp::Ordering;

use twofold_api::{Reason, Refusal, reply};
use twofold_threshold::{
    checkpoint::{Checkpoint, Head},
    id::WalletId,
};

use crate::{
    Cosigner,
    auth::Authenticated,
    fence::{Fence, Seen},
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, StoreFault},
    },
    state::State,
    wallet::Owned,
};

/// How often a fence is tried again when other requests change the wallet meanwhile.
const TRIES: u32 = 5;

/// What a checkpoint says of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    /// The chain contains it.
    Contained,
    /// The chain lacks it: the server is behind.
    Ahead(Head),
}

/// The head that a state stands at.
fn head_of(wallet: WalletId, state: &State) -> Head {
    Head {
        wallet,
        generation: state.generation,
        seq: state.head().seq,
        epoch: state.epoch(),
        list: state.device_list,
        chain: state.head().chain,
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// What goes with every reply, with the newest checkpoint of the wallet it is about.
    pub(crate) fn head(&self, wallet: Option<(WalletId, &State)>) -> reply::Head {
        let time = self.time.now();
        reply::Head {
            checkpoint: wallet.map(|(wallet, state)| self.newest(wallet, state).to_bytes()),
            seal_key: self.seal_key(time).offer().to_bytes(),
            time,
            waiting: wallet.map_or(0, |(_, state)| state.shape.waiting.len()),
        }
    }

    /// The checkpoint of a state.
    pub(crate) fn newest(&self, wallet: WalletId, state: &State) -> Checkpoint {
        let head = head_of(wallet, state);
        match self.checkpoints.get(&wallet) {
            Some((signed, checkpoint)) if signed == head => checkpoint,
            _ => {
                let checkpoint = head.sign(&self.identity);
                self.checkpoints.put(wallet, (head, checkpoint));
                checkpoint
            }
        }
    }

    /// Checks what a device has seen against a wallet that this request holds alone. Where it shows the server to be
    /// behind, the fence is written, and the wallet comes back fenced.
    pub(crate) async fn heed<T>(
        &self,
        request: &Authenticated<T>,
        owned: Owned,
        seen: &Checkpoint,
    ) -> Result<Owned, Refusal> {
        match self.witness(&owned, seen).await? {
            Witness::Contained => Ok(owned),
            Witness::Ahead(head) => self.fence(request, owned, head).await,
        }
    }

    /// The same for a request that shows a checkpoint where its device has one: one that has just made its wallet has none.
    pub(crate) async fn heed_shown<T>(
        &self,
        request: &Authenticated<T>,
        owned: Owned,
        seen: Option<&Checkpoint>,
    ) -> Result<Owned, Refusal> {
        match seen {
            Some(seen) => self.heed(request, owned, seen).await,
            None => Ok(owned),
        }
    }

    /// Checks what a device has seen of a wallet that is not here. A true checkpoint of it proves that it was here once;
    /// there is no state to keep a fence in, so only this request is refused.
    pub(crate) fn heed_missing(&self, wallet: WalletId, seen: Option<&Checkpoint>) -> Result<(), Refusal> {
        let Some(seen) = seen else { return Ok(()) };
        match seen.verify(&self.identity.public()) {
            Ok(head) if head.wallet == wallet => Err(Reason::RestoreFence.into()),
            _ => Err(Reason::CheckpointInvalid.into()),
        }
    }

    /// The same for a request that only reads, and so holds the wallet only where a fence must be written.
    pub(crate) async fn heed_reading<T>(
        &self,
        request: &Authenticated<T>,
        owned: Owned,
        seen: Option<&Checkpoint>,
    ) -> Result<Owned, Refusal> {
        let owned = self.keep_contact(request, owned).await?;
        let Some(seen) = seen else { return Ok(owned) };
        match self.witness(&owned, seen).await? {
            Witness::Contained => Ok(owned),
            // What looked like the future may be what another request has just written: look again, alone.
            Witness::Ahead(_) => {
                let wallet = owned.id();
                let _held = self.wallets.hold(wallet).await;
                let owned = self.owned(request, wallet).await?;
                self.heed(request, owned, seen).await
            }
        }
    }

    /// Refuses what was signed before the wallet's shares were dealt anew or its devices changed, by the checkpoint that it
    /// shows, which was heeded already. A server that was owned may have set a device's clock ahead and kept what the device
    /// signed then: once the owner has refreshed, none of that is of use. A device that is ahead of this server is heard.
    pub(crate) fn unmoved(&self, owned: &Owned, seen: &Checkpoint) -> Result<(), Refusal> {
        let (here, head) = self.heads(owned, seen)?;
        let before = head.generation <= here.generation && head.seq < here.seq;
        if before && (head.epoch != here.epoch || head.list != here.list) {
            return Err(Refusal::new(
                Reason::ListChanged,
                "the wallet was refreshed, or its devices changed, since this was signed: read it and sign again",
            ));
        }
        Ok(())
    }

    /// Refuses a wish to end a freeze that the device had not seen when it signed.
    pub(crate) fn saw_freeze(&self, owned: &Owned, seen: &Checkpoint, since: u64) -> Result<(), Refusal> {
        let (here, head) = self.heads(owned, seen)?;
        if head.generation >= here.generation && head.seq >= since {
            Ok(())
        } else {
            Err(Refusal::new(
                Reason::ListChanged,
                "the wallet was frozen after this was signed: look why, and sign again",
            ))
        }
    }

    /// Where the wallet stands here, and where a request showed it.
    fn heads(&self, owned: &Owned, seen: &Checkpoint) -> Result<(Head, Head), Refusal> {
        let here = head_of(owned.id(), owned.state());
        if self.newest(owned.id(), owned.state()) == *seen {
            return Ok((here, here));
        }
        let head = seen.verify(&self.identity.public());
        Ok((here, *head.map_err(|_| Refusal::from(Reason::CheckpointInvalid))?))
    }

    async fn witness(&self, owned: &Owned, seen: &Checkpoint) -> Result<Witness, Refusal> {
        let here = head_of(owned.id(), owned.state());
        // Almost always a device shows what it was told last.
        if self.newest(owned.id(), owned.state()) == *seen {
            return Ok(Witness::Contained);
        }
        let head = *seen
            .verify(&self.identity.public())
            .map_err(|_| Refusal::from(Reason::CheckpointInvalid))?;
        if head.wallet != owned.id() {
            return Err(Reason::CheckpointInvalid.into());
        }
        // The hash at a number commits to all entries up to it, so it alone says whether the chain contains the head.
        let stored = match head.seq.cmp(&here.seq) {
            Ordering::Less => {
                let rows = self.store.audit(owned.id(), head.seq, 1).await?;
                rows.first().filter(|row| row.seq == head.seq).map(|row| row.chain)
            }
            Ordering::Equal => Some(here.chain),
            Ordering::Greater => None,
        };
        let contained = stored == Some(head.chain) && head.generation <= here.generation;
        let lifted = head.generation < here.generation && head.epoch.number <= here.epoch.number;
        Ok(if contained || lifted {
            Witness::Contained
        } else {
            Witness::Ahead(head)
        })
    }

    async fn fence<T>(&self, request: &Authenticated<T>, owned: Owned, head: Head) -> Result<Owned, Refusal> {
        let wallet = owned.id();
        let mut owned = owned;
        for _ in 0..TRIES {
            let seen = Seen {
                device: request.device().0,
                generation: head.generation,
                seq: head.seq,
                chain: head.chain,
                epoch: head.epoch.number,
            };
            let (ours, now) = (owned.state().epoch().number, self.time.now());
            let mut change = owned.clone().change();
            let news = match &mut change.state.fence {
                Some(fence) => fence.see(seen, ours, now),
                none => {
                    change.state.contacts.fenced(Some(request.device()));
                    // What was objected to or cancelled may be forgotten.
                    change.state.shape.waiting.begin_anew(now);
                    none.replace(Fence::shown(seen, now)).is_none()
                }
            };
            if !news {
                return Ok(owned);
            }
            tracing::warn!(%wallet, ours = owned.state().head().seq, seen = head.seq, "a device has seen more: fenced");
            let mut batch = Batch::default();
            self.store_change(change, &mut batch)?;
            match self.store.commit(batch).await {
                Ok(()) | Err(StoreFault::Conflict(_)) => owned = self.owned(request, wallet).await?,
                Err(fault) => return Err(fault.into()),
            }
        }
        if owned.state().fence.is_some() {
            Ok(owned)
        } else {
            Err(Reason::Conflict.into())
        }
    }
}
