//! What the tests share: a house (server over an in-memory store and chain), phones that run the real protocol against
//! it, and an oracle that has seen every commitment the house ever gave out.

mod oracle;
mod phone;
mod refresh;
mod spend;

use std::{
    str::FromStr,
    sync::{Arc, Mutex},
};

use futures::executor::block_on;
use rand_core::OsRng;
use twofold_api::{
    Reason, Refusal,
    audit::{ChainHead, Entry, verify},
    reply::AuditLine,
    signature::Proof,
};
use twofold_threshold::{
    package::{AgeError, SealToRecovery},
    secret::Secret32,
    words::RecoveryRecipient,
};

pub(crate) use oracle::Oracle;
pub(crate) use phone::{Call, Closed, OpenAge, Phone, Purse, Started, URL, copy, name, random};
pub(crate) use spend::{Spend, SpendCall, stranger};

use crate::{
    Config, Cosigner, Kek, Keks, RESTORED, Settled, StartFault, TAKES_OVER,
    anchor::last_token,
    auth::{Authenticated, NamesWallet},
    port::{
        notice::{Notice, Notices},
        record::UserId,
    },
    state::State,
    testing::{MemoryAnchor, MemoryChain, MemoryStore, SetClock, memory::Tables},
};

/// When the tests begin, in seconds since 1970.
pub(crate) const START: u64 = 1_790_000_000;

/// The cosigner under test.
pub(crate) type Mind = Cosigner<MemoryStore, MemoryChain, SetClock>;

/// The age crate, as the server uses it.
pub(crate) struct Age;

impl SealToRecovery for Age {
    fn seal(&self, recipient: &RecoveryRecipient, plaintext: &[u8]) -> Result<Vec<u8>, AgeError> {
        let recipient = age::x25519::Recipient::from_str(&recipient.to_string()).map_err(|_| AgeError)?;
        age::encrypt(&recipient, plaintext).map_err(|_| AgeError)
    }
}

/// A server and what it stands on.
pub(crate) struct House {
    pub(crate) store: MemoryStore,
    pub(crate) chain: MemoryChain,
    pub(crate) clock: SetClock,
    pub(crate) config: Config,
    pub(crate) oracle: Oracle,
    pub(crate) mind: Arc<Mind>,
    /// The byte that its KEK is made of.
    pub(crate) kek: u8,
    /// The same of the one beside it, if there is one.
    pub(crate) next: Option<u8>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(bitcoin::Network::Regtest))
    }

    pub(crate) fn with(config: Config) -> Self {
        let (store, chain, clock) = (MemoryStore::new(), MemoryChain::new(), SetClock::at(START));
        let mind = open(&store, &chain, &clock, &config, (1, None)).expect("a new house opens");
        Self {
            store,
            chain,
            clock,
            config,
            oracle: Oracle::default(),
            mind: Arc::new(mind),
            kek: 1,
            next: None,
        }
    }

    /// Starts again over the same store.
    pub(crate) fn restart(&mut self) {
        let mind = open(&self.store, &self.chain, &self.clock, &self.config, (1, None)).expect("the KEK is the same");
        self.mind = Arc::new(mind);
    }

    /// Starts again and keeps the notices that are posted.
    pub(crate) fn restart_listening(&mut self) -> Kept {
        let kept = Kept::default();
        let mind = open(&self.store, &self.chain, &self.clock, &self.config, (1, None)).expect("the KEK is the same");
        self.mind = Arc::new(mind.with_notices(kept.clone()));
        kept
    }

    /// Starts again over the same store with an anchor, as a server does, and settles what a restore left to do.
    pub(crate) fn restart_with(&mut self, anchor: &MemoryAnchor, anew: bool) -> Result<Settled, StartFault> {
        let mind = open(
            &self.store,
            &self.chain,
            &self.clock,
            &self.config,
            (self.kek, self.next),
        )?;
        let mut mind = block_on(mind.anchored(anchor.clone(), anew))?;
        let settled = block_on(mind.settle_restore())?;
        self.mind = Arc::new(mind);
        Ok(settled)
    }

    /// Puts rows back, as a restore does: the server beside this anchor is to be followed.
    pub(crate) fn restore(&self, backup: &Tables, anchor: &MemoryAnchor) {
        let last = last_token(&anchor.with(|lines| lines.clone())).expect("lines of an anchor");
        self.store.with(|tables| {
            *tables = backup.clone();
            *tables.counters.entry(RESTORED).or_default() += 1;
            tables
                .secrets
                .insert(TAKES_OVER, last.map(Vec::from).unwrap_or_default());
        });
    }

    /// Tries to start over the same store with another KEK, and maybe one beside it.
    pub(crate) fn restart_with_kek(&self, kek: u8, next: Option<u8>) -> Result<(), StartFault> {
        open(&self.store, &self.chain, &self.clock, &self.config, (kek, next)).map(drop)
    }

    /// Lets hours pass, as a clock that is right shows them, and drops what is past its time.
    pub(crate) fn let_time_settle(&self) {
        for _ in 0..2 {
            self.clock.pass(3_600);
            block_on(self.mind.purge()).unwrap();
        }
    }

    /// Authenticates a call.
    pub(crate) fn let_in<T: NamesWallet>(&self, call: &Call, request: T) -> Result<Authenticated<T>, Refusal> {
        block_on(self.mind.authenticate(&call.proof))?
            .arrived(&call.body)?
            .bind(request)
    }

    /// Runs something that must be refused, and holds it to leaving everything as it was.
    pub(crate) fn refuses<T>(&self, reason: Reason, run: impl FnOnce() -> Result<T, Refusal>) -> Refusal {
        let (before, given) = (self.rows(), self.oracle.len());
        let refusal = run()
            .err()
            .unwrap_or_else(|| panic!("not refused with {}", reason.as_str()));
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(
            self.rows() == before,
            "a refusal with {} changed something",
            reason.as_str()
        );
        assert_eq!(self.oracle.len(), given, "a refusal gave out a commitment");
        refusal
    }

    /// All rows.
    pub(crate) fn rows(&self) -> Tables {
        self.store.with(|tables| tables.clone())
    }

    /// The verified state of a wallet.
    pub(crate) fn state(&self, purse: &Purse) -> State {
        let row = self.store.with(|tables| tables.wallets[&purse.id].clone());
        self.mind.load(row).expect("an authentic state").state().clone()
    }

    /// The audit entries of a wallet, the chain verified.
    pub(crate) fn audit(&self, purse: &Purse) -> Vec<Entry> {
        let rows = self.rows().audit;
        let lines: Vec<_> = rows
            .into_values()
            .filter(|row| row.wallet == purse.id)
            .map(|row| AuditLine {
                seq: row.seq,
                entry: row.entry,
                chain: row.chain,
            })
            .collect();
        let (head, entries) = verify(purse.id, ChainHead::START, &lines).expect("a whole chain");
        assert_eq!(head, self.state(purse).head(), "the state names another head");
        entries
    }

    /// The user of a phone.
    pub(crate) fn user_of(&self, phone: &Phone) -> UserId {
        self.store.with(|tables| tables.devices[&phone.id()].user)
    }
}

/// Notices that were posted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(pub(crate) Arc<Mutex<Vec<Notice>>>);

impl Notices for Kept {
    fn post(&self, notice: Notice) {
        self.0.lock().unwrap().push(notice);
    }
}

fn open(
    store: &MemoryStore,
    chain: &MemoryChain,
    clock: &SetClock,
    config: &Config,
    (kek, next): (u8, Option<u8>),
) -> Result<Mind, StartFault> {
    let kek = Kek::new(Secret32::new([kek; 32]));
    let next = next.map(|next| Kek::new(Secret32::new([next; 32])));
    let keks = Keks {
        kek: &kek,
        next: next.as_ref(),
    };
    block_on(Cosigner::open(
        store.clone(),
        chain.clone(),
        clock.clone(),
        Age,
        keks,
        config.clone(),
    ))
}

/// Parses headers as the server does.
pub(crate) fn parse(target: &str, headers: &twofold_api::signature::SignedHeaders) -> Proof {
    let headers: Vec<_> = headers.iter().collect();
    Proof::parse(
        "POST",
        target,
        headers.iter().map(|(name, value)| (*name, value.as_bytes())),
    )
    .expect("our own headers")
}

pub(crate) fn rng() -> OsRng {
    OsRng
}
