//! A wallet's state record, opened for a test that compares it with what it expects.

use twofold_api::{Refusal, reply};
use twofold_threshold::{
    device_list::DeviceList,
    id::{EpochId, WalletId},
};

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

/// What a wallet's state says, its chains held against it.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The epoch.
    pub epoch: EpochId,
    /// How often a fence was lifted, or more.
    pub generation: u32,
    /// It is fenced.
    pub fenced: bool,
    /// The device that froze it, where it is frozen.
    pub frozen_by: Option<[u8; 32]>,
    /// What waits.
    pub waiting: Vec<reply::Waiting>,
    /// The devices that it lets in.
    pub devices: Vec<[u8; 32]>,
    /// The device list, verified to the head that the state names.
    pub list: DeviceList,
    /// What was spent in the open windows, in the asset's smallest unit.
    pub spent: u64,
    /// How many entries the audit chain has.
    pub entries: u64,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Opens a wallet's state; none where there is no such wallet.
    pub async fn look(&self, wallet: WalletId) -> Result<Option<Looked>, Refusal> {
        let Some(row) = self.store.wallet(wallet).await? else {
            return Ok(None);
        };
        let owned = self.load(row)?;
        let chains = self.chains(wallet).await?;
        let list = self.device_list(&owned, &chains)?;
        let state = owned.state();
        Ok(Some(Looked {
            epoch: state.epoch(),
            generation: state.generation,
            fenced: state.fence.is_some(),
            frozen_by: state.shape.freeze.map(|freeze| freeze.by),
            waiting: state.shape.waiting.tell(),
            devices: state.shape.names().into_iter().map(|(id, _)| id).collect(),
            list,
            spent: state
                .windows
                .iter()
                .fold(0, |sum, window| sum.saturating_add(window.sum)),
            entries: state.head().seq,
        }))
    }
}
