//! Why a wallet's signing stops, and what it takes to lift that.
//!
//! A wallet is fenced where the server may have forgotten something: it was restored from a backup, or a device showed a
//! checkpoint that its chain lacks. The fence is part of the wallet's state record and writes no entry of the audit chain:
//! so the chain stays a beginning of the one that was lost, and a device that has the rest can bring it back. What was
//! known of the fence is logged when it is lifted.

use serde::{Deserialize, Serialize};
use twofold_api::{
    Reason, Refusal,
    audit::{Event, Lift},
};
use twofold_threshold::id::{DeviceId, WalletId};

use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    rpc::{ASSET, ShareStanding},
    wallet::Change,
};

/// Longest reason that an operator gives, in bytes.
const REASON_BYTES: usize = 200;
/// How long after notice the devices alone may lift a fence, in seconds.
const NOTICE_SECONDS: u64 = 72 * 3600;
/// Wallets looked at for one page of fences, and fences on it at most.
const PAGE: u32 = 512;
const FENCES: usize = 50;

/// A fence, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fenced {
    /// The wallet.
    pub wallet: WalletId,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// Why, and what it waits for.
    pub why: String,
}

/// A fence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fence {
    /// The server was restored from a backup.
    pub(crate) restored: bool,
    /// The anchor's last word of this wallet is another than the backup's, and of this epoch: a later one, which was made or a
    /// crash was quicker, or the same with other devices or a freeze.
    pub(crate) anchored: Option<u32>,
    /// The furthest checkpoint that a device showed and the chain lacks.
    pub(crate) seen: Option<Seen>,
    /// Since when, in seconds since 1970, by the clock that shows: of what is surely over a server that was restored knows no
    /// more at first than its backup, and the time for notice would be over when it begins.
    pub(crate) since: u64,
    /// The operator's word that it may be lifted.
    pub(crate) decision: Option<Decision>,
    /// The devices whose person said yes.
    pub(crate) agreed: Vec<[u8; 32]>,
}

/// A checkpoint that the server signed and lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// The device that showed it.
    pub(crate) device: [u8; 32],
    /// Its generation.
    pub(crate) generation: u32,
    /// Its number.
    pub(crate) seq: u64,
    /// Its hash.
    pub(crate) chain: [u8; 32],
    /// Its epoch's number.
    pub(crate) epoch: u32,
}

/// What the operator decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// In seconds since 1970.
    pub(crate) at: u64,
    /// Why.
    pub(crate) reason: String,
}

impl Fence {
    /// The fence of a wallet whose server was restored.
    pub(crate) const fn restored(since: u64, anchored: Option<u32>) -> Self {
        Self {
            restored: true,
            anchored,
            seen: None,
            since,
            decision: None,
            agreed: Vec::new(),
        }
    }

    /// The server was restored once more, from a backup in which the wallet was fenced already. What was said of that fence
    /// was said without what came after the backup: it counts no longer, and the time begins anew.
    pub(crate) fn again(&mut self, since: u64, anchored: Option<u32>) {
        self.restored = true;
        self.anchored = self.anchored.max(anchored);
        self.since = self.since.max(since);
        self.decision = None;
        self.agreed.clear();
    }

    /// The fence of a wallet whose device has seen more.
    pub(crate) const fn shown(seen: Seen, since: u64) -> Self {
        Self {
            restored: false,
            anchored: None,
            seen: Some(seen),
            since,
            decision: None,
            agreed: Vec::new(),
        }
    }

    /// Takes in another checkpoint that the chain lacks; whether it says more than those before. Newer evidence undoes
    /// what was agreed on without it, and the time begins anew. `ours` is the wallet's own epoch.
    pub(crate) fn see(&mut self, seen: Seen, ours: u32, now: u64) -> bool {
        let further = |old: &Seen| (seen.epoch, seen.generation, seen.seq) > (old.epoch, old.generation, old.seq);
        if !self.seen.as_ref().is_none_or(further) {
            return false;
        }
        // What was spent is covered by limits that count as spent; what shares there are is not.
        if seen.epoch > self.seen.as_ref().map_or(ours, |old| old.epoch) {
            self.decision = None;
            self.agreed.clear();
        }
        self.since = self.since.max(now);
        self.seen = Some(seen);
        true
    }

    /// Refuses while a device is known to be at a later epoch: what would sign then is a share that was refreshed away,
    /// and no such device would follow. `ours` is the wallet's own epoch.
    pub(crate) fn may_be_lifted(&self, ours: u32) -> Result<(), Refusal> {
        match &self.seen {
            Some(seen) if seen.epoch > ours => Err(Refusal::new(
                Reason::RestoreFence,
                format!(
                    "a device is at epoch {} of this wallet, and this server at {ours}: it lacks a refresh, which must be \
                     brought back first",
                    seen.epoch
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The server was brought forward from one epoch to another or the same; `listed` says which devices there are now.
    /// Nothing is lifted by that. Other devices that the anchor heard of may be more than what was brought.
    pub(crate) fn brought(&mut self, (from, to): (u32, u32), listed: impl Fn(DeviceId) -> bool) {
        self.anchored = self
            .anchored
            .filter(|anchored| *anchored > to || (*anchored == from && from == to));
        self.agreed.retain(|device| listed(DeviceId(*device)));
    }

    /// Notes a device's yes.
    pub(crate) fn agree(&mut self, device: DeviceId) {
        if !self.agreed.contains(&device.0) {
            self.agreed.push(device.0);
        }
    }

    /// On whose word the fence is lifted once `device` has said yes, if that is enough: with the operator it is; without,
    /// more than one must have said so, with them all that are `listed` and were in use `lately`, and the time for notice be
    /// over.
    pub(crate) fn lifted_by(
        &self,
        device: DeviceId,
        listed: &[DeviceId],
        lately: impl Fn(DeviceId) -> bool,
        now: u64,
    ) -> Option<Lift> {
        if let Some(decision) = &self.decision {
            return Some(Lift::Operator {
                device,
                reason: decision.reason.clone(),
            });
        }
        let yes = |other: &DeviceId| *other == device || self.agreed.contains(&other.0);
        let over = now >= self.since.saturating_add(NOTICE_SECONDS);
        let voices = listed.iter().filter(|other| yes(other)).count();
        let agreed = listed.iter().all(|other| yes(other) || !lately(*other));
        (over && voices > 1 && agreed).then_some(Lift::Devices)
    }
}

impl Fence {
    fn why(&self, ours: u32, log: u64, standing: ShareStanding) -> String {
        let cause = match (&self.seen, self.anchored) {
            (Some(seen), _) if seen.epoch > ours => format!(
                "a device is at epoch {} and this server at {ours}: bring the refresh back before anything is lifted",
                seen.epoch
            ),
            // What devices brought since may be less than there was.
            (_, Some(epoch)) if epoch <= ours => {
                "restored from a backup, and the anchor heard of other devices or of a \
                                                  freeze since: unless a device has brought that back, one that was \
                                                  struck off could sign; ask the owner before you name this wallet"
                    .to_owned()
            }
            (_, Some(epoch)) => format!(
                "restored from a backup and at epoch {ours}, and the anchor heard of epoch {epoch}: unless that refresh was \
                 never finished, a stolen old device could sign; ask the owner before you name this wallet"
            ),
            (Some(seen), None) if seen.seq <= log => "rolled back, and brought forward by a device".to_owned(),
            (Some(seen), None) => format!(
                "a device has seen entry {} of the log, which this server lacks",
                seen.seq
            ),
            (None, None) => "restored from a backup, and the anchor does not vouch for it".to_owned(),
        };
        let waits = match (&self.decision, self.agreed.len()) {
            _ if standing == ShareStanding::Sealed => {
                "a device brought this server's share back: open it with twofold-server fence adopt".to_owned()
            }
            _ if standing == ShareStanding::Missing => {
                "this server's share is missing: the device that refreshed last brings it back, or recovery repairs it"
                    .to_owned()
            }
            (Some(decision), _) => format!("the operator decided ({}): waits for a person's yes", decision.reason),
            (None, 0) => "waits for the operator and a person's yes, or for recovery".to_owned(),
            (None, said) => format!("{said} said yes: waits for the operator"),
        };
        format!("{cause}; {waits}")
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// The fences of the wallets after `after`, some of them, and the wallet to go on after; none where that was all.
    pub async fn fences(&self, after: Option<WalletId>) -> Result<(Vec<Fenced>, Option<WalletId>), Refusal> {
        let mut fences = Vec::new();
        let rows = self.store.wallets(None, after, PAGE).await?;
        let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let mut last = None;
        for row in rows {
            let wallet = row.id;
            last = Some(wallet);
            if let Ok(owned) = self.load_or_read_again(row).await
                && let Some(fence) = &owned.state().fence
            {
                let standing = self.share_standing(&owned).await?;
                let state = owned.state();
                fences.push(Fenced {
                    wallet,
                    since: fence.since,
                    why: fence.why(state.epoch().number, state.head().seq, standing),
                });
            }
            if fences.len() >= FENCES {
                return Ok((fences, last));
            }
        }
        Ok((fences, last.filter(|_| full)))
    }

    /// The operator's decision that a wallet's fence may be lifted, with the reason. It is lifted once a person says yes on
    /// a device; whether one had already. One of `many` does not count where the anchor's last word of it is another.
    pub async fn decide_fence(&self, wallet: WalletId, reason: &str, many: bool) -> Result<bool, Refusal> {
        if reason.trim().is_empty() || reason.len() > REASON_BYTES || reason.chars().any(char::is_control) {
            let told = "give a reason of one line, at most 200 bytes: it stands in the wallet's log";
            return Err(Refusal::new(Reason::Malformed, told));
        }
        let _held = self.wallets.hold(wallet).await;
        let row = self.store.wallet(wallet).await?.ok_or(Reason::WalletNotFound)?;
        let owned = self.load(row)?;
        let now = self.time.now();
        let Some(fence) = &owned.state().fence else {
            return Err(Refusal::new(Reason::OutOfOrder, "this wallet is not fenced"));
        };
        fence.may_be_lifted(owned.state().epoch().number)?;
        self.has_share(&owned).await?;
        if many && fence.anchored.is_some() {
            let told = "the anchor heard of a refresh, of other devices or of a freeze that this server may lack: ask the \
                        owner, then name the wallet";
            return Err(Refusal::new(Reason::RestoreFence, told));
        }
        let agreed = fence.agreed.first().map(|device| DeviceId(*device));
        let line = match agreed {
            Some(_) => self.anchor_lift(&owned).await?,
            None => None,
        };
        let mut change = owned.change();
        let reason = reason.to_owned();
        if let Some(device) = agreed {
            self.lift(&mut change, Lift::Operator { device, reason }, line);
        } else if let Some(fence) = &mut change.state.fence {
            fence.decision = Some(Decision { at: now, reason });
        }
        let mut batch = Batch::default();
        self.store_change(change, &mut batch)?;
        self.commit(batch).await?;
        Ok(agreed.is_some())
    }

    /// Lifts a wallet's fence: another generation begins, and nothing is left to spend of the window that is open. The
    /// generation is the number of a line of the anchor where there is one: a server that is restored once more begins
    /// none that was there before, though its database has forgotten it.
    pub(crate) fn lift(&self, change: &mut Change, by: Lift, line: Option<u64>) {
        let line = line.map_or(0, |line| u32::try_from(line).unwrap_or(u32::MAX));
        let (fork, now) = (change.state.head().seq, self.time.now());
        let seen = change.state.fence.take().and_then(|fence| fence.seen);
        change.state.generation = change.state.generation.saturating_add(1).max(line);
        // By the clock that shows: the day of the backup is over.
        change.state.exhaust(ASSET, now);
        if let Some(seen) = seen {
            let event = Event::Fenced {
                device: DeviceId(seen.device),
                generation: seen.generation,
                seq: seen.seq,
                chain: seen.chain,
            };
            change.log(now, event);
        }
        let event = Event::Lifted {
            generation: change.state.generation,
            fork,
            epoch: change.state.epoch(),
            by,
        };
        change.log(now, event);
    }
}

#[cfg(test)]
mod tests;
