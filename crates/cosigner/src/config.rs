//! What the operator sets.

use std::sync::Arc;

use twofold_api::limits;
use twofold_intent::{ChainName, Limits, psbt};
use twofold_threshold::words::RecoveryRecipient;

use crate::{auth::Backend, pending::Waits};

// What the API carries is what intents are read from and what shares are made for.
const _: () = assert!(
    limits::PSBT_BYTES == psbt::MAX_BYTES
        && limits::INPUTS == Limits::MAX_INPUTS
        && limits::INPUTS <= twofold_threshold::sign::MAX_INPUTS
);

/// Settings of the cosigner.
#[derive(Debug, Clone)]
pub struct Config {
    /// The one chain this server serves.
    pub chain: ChainName,
    /// Version of the server, as `hello` tells it.
    pub version: String,
    /// What no transaction passes: fee rate, fee, fee's share of the amount, sizes.
    pub sanity: Limits,
    /// Unused addresses watched past the last used one.
    pub gap_limit: u32,
    /// Ceremonies that one user may have open.
    pub ceremonies_per_user: u32,
    /// Ceremonies that may be open in all.
    pub ceremonies: u32,
    /// How long a ceremony waits for its next round, in seconds.
    pub ceremony_seconds: u64,
    /// How long it waits where recovery is on another machine and answers by hand, in seconds.
    pub elsewhere_seconds: u64,
    /// Ceremonies of that kind that one user may have open; they count among all that a user may have open, too.
    pub elsewhere_per_user: u32,
    /// Ceremonies of that kind that may be open in all.
    pub elsewhere: u32,
    /// Wallets that one user may have.
    pub wallets_per_user: u32,
    /// Devices that one user may enrol by signing in; 1 where a further one comes by another of the user's devices alone.
    pub devices_per_user: u32,
    /// Whether a wallet may be on several devices. If not, only recovery puts another one on its list, in the lost one's place.
    pub several_devices: bool,
    /// Whether new wallets are made, by whoever is a user.
    pub new_wallets: bool,
    /// How long ago a sign-in with a second factor may be, in seconds, to stand in for the operator's yes to what waits for it.
    /// None: only the operator says yes.
    pub step_up: Option<u64>,
    /// Backends of apps that may ask about their people.
    pub backends: Vec<Arc<Backend>>,
    /// Signed transactions of one wallet that may wait for the chain. One that spends a coin which never was would wait
    /// for ever, and takes space.
    pub issued_per_wallet: u32,
    /// Refreshes of one wallet that a day has room for, but for the one that follows a revocation: a device that is in a
    /// thief's hands must not use up all that recovery's package can hold before anybody looks.
    pub refreshes_per_day: u32,
    /// How long what one device asks for waits.
    pub waits: Waits,
    /// How long an invitation is good for, in seconds.
    pub invitation_seconds: u64,
    /// The machine's clock is right, however far it has moved since this server ran last.
    pub trust_clock: bool,
    /// The operator's offline key: at a refresh the device keeps the server's share, sealed to it, for a server that is
    /// restored from before. None: no device keeps anything.
    pub offline_key: Option<RecoveryRecipient>,
    /// Rates told where the node has no estimate, in sat per 1000 virtual bytes, before clamping.
    pub fallback_rate: u64,
}

impl Config {
    /// The usual settings for a chain.
    #[must_use]
    pub fn new(chain: impl Into<ChainName>) -> Self {
        Self {
            chain: chain.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sanity: Limits::default(),
            gap_limit: limits::GAP_LIMIT,
            ceremonies_per_user: 3,
            ceremonies: 10_000,
            ceremony_seconds: 600,
            elsewhere_seconds: limits::ELSEWHERE_SECONDS,
            elsewhere_per_user: 2,
            elsewhere: 1_000,
            wallets_per_user: 100,
            devices_per_user: 20,
            several_devices: true,
            new_wallets: true,
            step_up: None,
            backends: Vec::new(),
            issued_per_wallet: 1_000,
            refreshes_per_day: 48,
            waits: Waits::default(),
            invitation_seconds: 86_400,
            trust_clock: false,
            offline_key: None,
            fallback_rate: 2_000,
        }
    }
}
