//! The server's mind: who asks, what it means, whether it may be, what it costs, and only then the share.
//!
//! It does no I/O of its own. Storage, chain and clock come in through [`port`]; a request comes in as plain types of
//! `twofold-api`, and so does its answer.
//!
//! One request goes one way: [`auth`] finds out who signed it, `wallet` loads what it names and verifies it,
//! `twofold-intent` works out what it does, [`policy`] judges, `charge` counts, `twofold-threshold` makes the share, and
//! one batch stores charge, audit entry, state and recorded reply before anything leaves.

#![forbid(unsafe_code)]

mod anchor;
pub mod auth;
mod chains;
mod charge;
mod checkpoint;
mod config;
mod contacts;
mod drill;
mod failpoint;
mod fault;
mod fence;
#[cfg(test)]
mod fixture;
pub mod follow;
mod identity;
pub mod keys;
mod lock;
mod mailbox;
mod overview;
mod pending;
pub mod policy;
pub mod port;
mod recent;
mod replay;
mod rotate;
mod rpc;
mod seal_keys;
mod shape;
mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
mod wallet;

use std::sync::Arc;

use rand_core::OsRng;
use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    checkpoint::{Checkpoint, Head},
    create::server::Committed,
    device_list::DeviceList,
    envelope::SealPublic,
    id::{EpochId, WalletId},
    identity::{IdentityKey, IdentitySecret},
    package::SealToRecovery,
    transcript::SignedTranscript,
};

pub use anchor::{RESTORED, Settled, TAKES_OVER, last_token};
pub use auth::{
    Announced, Authenticated, Backend, Caller, Inquirer, Inquiry, Introduced, NamesWallet, Newcomer, Scopes,
};
pub use config::Config;
pub use drill::Drilled;
pub use fence::Fenced;
pub use identity::StartFault;
pub use keys::{Kek, KekName, Keks, Unopened};
pub use overview::{DeviceSeen, LogFault, LogSeen, UserSeen, WalletSeen};
pub use pending::Waits;
pub use rotate::{RotateFault, Rotation};
pub use rpc::{join::SignedIn, kept_share::KeptShare, mint_invitation::Minted};
pub use twofold_intent::{ChainName, ChainNameError};

use anchor::Anchored;
use keys::Ring;
use lock::Locks;
use mailbox::Mailboxes;
use port::{
    Clock,
    chain::Chain,
    notice::{Logged, Notices},
    record::UserId,
    store::Store,
};
use recent::Recent;
use rpc::foresee::Foreseen;
use seal_keys::SealKeys;
use time::Time;
use wallet::{Child, ChildName, WalletKeys};

/// How many wallets' public keys and checkpoints are kept at hand, and how many children of them. All of it is public
/// and derived; a few megabytes at most.
const WALLETS_AT_HAND: usize = 2_000;
const CHILDREN_AT_HAND: usize = 8_000;
/// How many device lists are kept, and how many first transcripts: a long list takes a while to verify.
const LISTS_AT_HAND: usize = 512;
/// Of how many ceremonies the outcome is worked out ahead.
const CEREMONIES_AT_HAND: usize = 64;

/// The cosigner, over its ports.
#[derive(Debug)]
pub struct Cosigner<S, C, K> {
    store: S,
    chain: C,
    time: Time<K>,
    config: Config,
    keys: Ring,
    turn: rotate::Turn,
    identity: IdentitySecret,
    anchor: Option<Anchored>,
    timeline: u64,
    sealer: port::Sealer,
    notices: Box<dyn Notices>,
    seal_keys: SealKeys,
    wallets: Locks<WalletId>,
    users: Locks<UserId>,
    coming: rpc::ceremony::Coming,
    wallet_keys: Recent<(WalletId, EpochId), Arc<WalletKeys>>,
    children: Recent<ChildName, Arc<Child>>,
    checkpoints: Recent<WalletId, (Head, Checkpoint)>,
    waiting: Recent<WalletId, u32>,
    refreshed: Recent<WalletId, (u64, u32)>,
    committed: Recent<WalletId, Arc<Committed>>,
    foreseen: Recent<WalletId, Arc<Foreseen>>,
    lists: Recent<[u8; 32], Arc<DeviceList>>,
    transcripts: Recent<[u8; 32], Arc<SignedTranscript>>,
    mailboxes: Mailboxes,
    fees: rpc::estimate_fees::NodeFees,
    reached: follow::Reached,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Starts over a store: opens the server's identity, or makes it where there is none yet.
    ///
    /// `sealer` makes the age files that recovery opens.
    pub async fn open(
        store: S,
        chain: C,
        clock: K,
        sealer: impl SealToRecovery + Send + Sync + 'static,
        keks: impl Into<Keks<'_>>,
        config: Config,
    ) -> Result<Self, StartFault> {
        let standing = rotate::keys(&store, &keks.into()).await?;
        let identity = identity::open_or_make(&store, &standing.now, &mut OsRng).await?;
        let timeline = anchor::timeline(&store).await?;
        let time = Time::new(clock, store.counter(time::COUNTER).await?, config.trust_clock);
        Ok(Self {
            store,
            chain,
            time,
            config,
            keys: Ring::new(standing),
            turn: rotate::Turn::default(),
            identity,
            anchor: None,
            timeline,
            sealer: port::Sealer::new(sealer),
            notices: Box::new(Logged),
            seal_keys: SealKeys::default(),
            wallets: Locks::new(),
            users: Locks::new(),
            coming: rpc::ceremony::Coming::default(),
            wallet_keys: Recent::new(WALLETS_AT_HAND),
            children: Recent::new(CHILDREN_AT_HAND),
            checkpoints: Recent::new(WALLETS_AT_HAND),
            waiting: Recent::new(WALLETS_AT_HAND),
            refreshed: Recent::new(WALLETS_AT_HAND),
            committed: Recent::new(CEREMONIES_AT_HAND),
            foreseen: Recent::new(CEREMONIES_AT_HAND),
            lists: Recent::new(LISTS_AT_HAND),
            transcripts: Recent::new(LISTS_AT_HAND),
            mailboxes: Mailboxes::default(),
            fees: rpc::estimate_fees::NodeFees::default(),
            reached: follow::Reached::default(),
        })
    }

    /// Passes notices on by `notices`, and no longer by the log.
    #[must_use]
    pub fn with_notices(mut self, notices: impl Notices) -> Self {
        self.notices = Box::new(notices);
        self
    }

    /// The server's identity key, as invitations name it.
    #[must_use]
    pub fn identity(&self) -> IdentityKey {
        self.identity.public()
    }

    /// The time that requests are judged by, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.time.now()
    }

    /// The store underneath.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The chain underneath.
    #[must_use]
    pub const fn chain(&self) -> &C {
        &self.chain
    }

    /// What it was told at the start.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    #[expect(
        clippy::unused_self,
        reason = "where randomness comes from is the cosigner's business"
    )]
    pub(crate) fn rng(&self) -> OsRng {
        OsRng
    }

    pub(crate) fn seal_key(&self, now: u64) -> Arc<seal_keys::SealKey> {
        let steady = self.time.steady();
        self.seal_keys.current(now, steady, &self.identity, &mut self.rng())
    }

    /// The key that a request names, while this server holds it. It lives in the memory of one run: a request that must name
    /// one is of no use to a server that was started since, nor to one that was restored.
    pub(crate) fn held_seal_key(&self, named: &SealPublic) -> Result<Arc<seal_keys::SealKey>, Refusal> {
        let now = self.time.now();
        let key = self.seal_keys.holding(now, self.time.steady(), named);
        key.ok_or_else(|| Refusal::from(Reason::StaleSealKey).offering(self.seal_key(now).offer()))
    }
}

#[cfg(test)]
mod tests;
