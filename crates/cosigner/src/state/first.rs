//! The first layout of the record, as releases before the lift of fences wrote it.

use serde::{Deserialize, Serialize};
use twofold_threshold::id::EpochId;

use super::{Standing, State, Tampered, Window};
use crate::{
    contacts::Contacts,
    fence::{Fence, Seen},
    shape::Shape,
};

pub(super) const LABEL: &str = "twofold/state/1";

/// Its fields, in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FirstState {
    pub(super) standing: Standing,
    pub(super) fence: Option<FirstFence>,
    pub(super) generation: u32,
    #[serde(with = "super::epoch")]
    pub(super) epoch: EpochId,
    pub(super) unlock_digest: [u8; 32],
    pub(super) policy: [u8; 32],
    pub(super) device_list: [u8; 32],
    pub(super) seq: u64,
    pub(super) chain: [u8; 32],
    pub(super) windows: Vec<Window>,
}

/// The checkpoint that showed the server to be behind.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct FirstFence {
    pub(super) generation: u32,
    pub(super) seq: u64,
    pub(super) chain: [u8; 32],
}

/// Reads a record whose MAC was verified.
pub(super) fn read(record: &[u8]) -> Result<State, Tampered> {
    let first: FirstState = postcard::from_bytes(record).map_err(|_| Tampered)?;
    // Who showed it and when was not kept: it counts from the beginning, and for the wallet's own epoch.
    let fence = first.fence.map(|fence| {
        let seen = Seen {
            device: [0; 32],
            generation: fence.generation,
            seq: fence.seq,
            chain: fence.chain,
            epoch: first.epoch.number,
        };
        Fence::shown(seen, 0)
    });
    Ok(State {
        standing: first.standing,
        fence,
        generation: first.generation,
        epoch: first.epoch,
        unlock_digest: first.unlock_digest,
        policy: first.policy,
        device_list: first.device_list,
        seq: first.seq,
        chain: first.chain,
        windows: first.windows,
        // It had one device, the one that made it, and nothing could wait.
        shape: Shape::default(),
        contacts: Contacts::default(),
        proved: None,
    })
}
