//! When each device of a wallet was last heard of: who must agree where the devices alone lift a fence.
//!
//! It stands in the wallet's state record and goes along with whatever is written for a device's request anyway. A device
//! that only reads costs a write of its own once a week, and once while a fence stands.

use serde::{Deserialize, Serialize};
use twofold_threshold::id::DeviceId;

use crate::{
    Authenticated, Cosigner,
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store, StoreFault},
    },
    wallet::Owned,
};
use twofold_api::Refusal;

/// A device that was silent for longer is not waited for, in seconds.
const LATELY: u64 = 90 * 86_400;
/// How far behind a device's last contact may be kept, in seconds.
const LAG: u64 = 7 * 86_400;

/// What is kept of the devices' contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contacts {
    last: Vec<Contact>,
    /// The newest of them when the fence went up. A server that was restored does not know who came after its backup: it
    /// counts the silence of none for longer than its record reaches.
    before: u64,
}

/// A device's last contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Contact {
    device: [u8; 32],
    /// In seconds since 1970, by a time that is surely over.
    at: u64,
}

impl Contacts {
    /// Notes that a device was heard of; whether that is worth a write of its own. `fence`: since when the wallet is fenced.
    pub(crate) fn hear(&mut self, device: DeviceId, now: u64, fence: Option<u64>) -> bool {
        // A server that is not sure of the time yet notes nothing.
        if now == 0 {
            return false;
        }
        let Some(contact) = self.last.iter_mut().find(|contact| contact.device == device.0) else {
            let device = device.0;
            self.last.push(Contact { device, at: now });
            return true;
        };
        let old = contact.at;
        contact.at = old.max(now);
        old.saturating_add(LAG) <= now || fence.is_some_and(|since| old < since && since <= now)
    }

    /// Forgets devices that are gone.
    pub(crate) fn keep(&mut self, listed: impl Fn(DeviceId) -> bool) {
        self.last.retain(|contact| listed(DeviceId(contact.device)));
    }

    /// A fence goes up; `shown` is the device that had it go up, which has only just come.
    pub(crate) fn fenced(&mut self, shown: Option<DeviceId>) {
        let others = self
            .last
            .iter()
            .filter(|contact| Some(DeviceId(contact.device)) != shown);
        self.before = others.map(|contact| contact.at).max().unwrap_or_default();
    }

    /// Whether a device was in use lately, as far as can be known, in a wallet that is fenced since `fence`.
    pub(crate) fn lately(&self, device: DeviceId, now: u64, fence: u64) -> bool {
        let contact = self.last.iter().find(|contact| contact.device == device.0);
        let at = contact.map_or(0, |contact| contact.at);
        // Once the fence has stood so long, the server has listened for itself.
        let (listened, at) = if now.saturating_sub(fence) > LATELY {
            (now, at)
        } else if at == 0 {
            return true;
        } else {
            (self.before, at.saturating_add(LAG))
        };
        at.saturating_add(LATELY) >= listened
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Keeps that a device was heard of which only reads, where nothing was kept of it lately. For a request that does not
    /// hold the wallet.
    pub(crate) async fn keep_contact<T>(&self, request: &Authenticated<T>, owned: Owned) -> Result<Owned, Refusal> {
        if !owned.brings_news() {
            return Ok(owned);
        }
        let wallet = owned.id();
        let _held = self.wallets.hold(wallet).await;
        let owned = self.owned(request, wallet).await?;
        if !owned.brings_news() {
            return Ok(owned);
        }
        let mut batch = Batch::default();
        self.store_change(owned.change(), &mut batch)?;
        match self.store.commit(batch).await {
            Ok(()) | Err(StoreFault::Conflict(_)) => self.owned(request, wallet).await,
            Err(fault) => Err(fault.into()),
        }
    }
}

#[cfg(test)]
mod tests;
