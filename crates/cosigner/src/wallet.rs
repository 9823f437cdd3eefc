//! A wallet as a request works on it: its row, its verified state, and what is derived from its public shares.

mod load;

use std::{ops::Range, sync::Arc};

use bitcoin::{ScriptBuf, XOnlyPublicKey, key::TweakedPublicKey};
use twofold_api::{
    Reason, Refusal,
    audit::{Entry, Event},
    reply,
};
use twofold_intent::{Account, ChildKeys, Keychain};
use twofold_threshold::{
    derive::ChildTweak,
    id::{EpochId, WalletId},
    share::PublicShares,
};

use crate::{
    Cosigner, fault,
    keys::Subkeys,
    policy::Policy,
    port::{
        Clock,
        anchor::Mark,
        chain::Chain,
        record::{self, AuditEntry, Script},
        store::{Batch, Store, Write},
    },
    state::{Binding, Standing, State},
};

/// A wallet with its state verified. A request's comes from [`Cosigner::owned`] and is the caller's.
#[derive(Debug, Clone)]
pub(crate) struct Owned {
    row: record::Wallet,
    state: State,
    keys: Arc<WalletKeys>,
    under: Arc<Subkeys>,
    /// Whoever asks was not heard of lately, as far as is kept.
    news: bool,
}

/// What follows from a wallet's public shares.
#[derive(Debug)]
pub(crate) struct WalletKeys {
    /// The public shares.
    pub(crate) public: PublicShares,
    /// The account of their extended key.
    pub(crate) account: Account,
}

/// A child of a wallet's key, derived once.
#[derive(Debug)]
pub(crate) struct Child {
    /// What brings shares to its output key.
    pub(crate) tweak: ChildTweak,
    /// What it is known by: made of the tweak, for lifting a key from its x alone takes a square root.
    pub(crate) keys: ChildKeys,
}

/// The name of a child: of which wallet, at which epoch, by keychain and index.
pub(crate) type ChildName = (WalletId, EpochId, [u32; 2]);

impl Owned {
    pub(crate) const fn id(&self) -> WalletId {
        self.row.id
    }

    pub(crate) const fn row(&self) -> &record::Wallet {
        &self.row
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    pub(crate) const fn keys(&self) -> &Arc<WalletKeys> {
        &self.keys
    }

    /// The keys that its record stands under.
    pub(crate) const fn under(&self) -> &Arc<Subkeys> {
        &self.under
    }

    /// Whether it is worth a write that this device was heard of.
    pub(crate) const fn brings_news(&self) -> bool {
        self.news
    }

    /// Refuses a device that is at another epoch.
    pub(crate) fn at_epoch(&self, epoch: EpochId) -> Result<(), Refusal> {
        if self.state.epoch() == epoch {
            Ok(())
        } else {
            Err(Reason::StaleEpoch.into())
        }
    }

    /// Refuses while the server may be behind what a device has seen.
    pub(crate) fn unfenced(&self) -> Result<(), Refusal> {
        if self.state.fence.is_none() {
            Ok(())
        } else {
            Err(Reason::RestoreFence.into())
        }
    }

    /// Refuses before the test signature was shown.
    pub(crate) fn active(&self) -> Result<(), Refusal> {
        match self.state.standing {
            Standing::Active => Ok(()),
            Standing::Pending => Err(Reason::NotActive.into()),
        }
    }

    /// Refuses while a device has the wallet frozen.
    pub(crate) fn unfrozen(&self) -> Result<(), Refusal> {
        if self.state.shape.freeze.is_none() {
            Ok(())
        } else if self.state.shape.waiting.recovers() {
            let told = "the recovery words asked that another machine take a lost one's place, and until that is done or refused \
                        the wallet is frozen (twofold pending)";
            Err(Refusal::new(Reason::WalletFrozen, told))
        } else {
            Err(Reason::WalletFrozen.into())
        }
    }

    /// What judges its spends.
    pub(crate) fn policy(&self) -> Result<Policy, Refusal> {
        Policy::by_hash(&self.state.policy).ok_or_else(|| fault::internal("a wallet's policy is unknown", &self.row.id))
    }

    /// The wallet in one line.
    pub(crate) fn line(&self) -> reply::WalletLine {
        let frozen = self.state.shape.freeze.is_some();
        let standing = match (&self.state.fence, frozen, self.state.standing) {
            (Some(_), _, _) => reply::Standing::Fenced,
            (None, true, _) => reply::Standing::Frozen,
            (None, false, Standing::Active) => reply::Standing::Active,
            (None, false, Standing::Pending) => reply::Standing::Pending,
        };
        reply::WalletLine {
            wallet: self.row.id.0,
            name: self.row.name.clone(),
            standing,
            epoch: self.state.epoch().number,
        }
    }

    /// Opens the wallet for change.
    pub(crate) fn change(self) -> Change {
        Change {
            stood: Mark::of(self.row.id, &self.state),
            row: self.row,
            state: self.state,
            entries: Vec::new(),
            under: Some(self.under),
        }
    }
}

/// A wallet while a batch that changes it is put together. Its state and its audit chain go into the batch together, so
/// neither is ever written without the other.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) row: record::Wallet,
    pub(crate) state: State,
    entries: Vec<AuditEntry>,
    /// What the anchor has of it, if anything.
    stood: Mark,
    /// The keys that its record stands under, and will until it is moved whole; none for a new one.
    under: Option<Arc<Subkeys>>,
}

impl Change {
    /// Opens a wallet that is not stored yet; its row's version is the one that it will be stored with.
    pub(crate) const fn fresh(row: record::Wallet, state: State) -> Self {
        Self {
            stood: Mark::of(row.id, &state),
            row,
            state,
            entries: Vec::new(),
            under: None,
        }
    }

    /// Where it will stand, as the anchor says it.
    pub(crate) const fn stands(&self) -> Mark {
        Mark::of(self.row.id, &self.state)
    }

    /// Appends to the audit chain.
    pub(crate) fn log(&mut self, at: u64, event: Event) {
        self.append(Entry { at, event }.to_bytes());
    }

    /// Appends an entry that was in the chain before.
    pub(crate) fn append(&mut self, entry: Vec<u8>) {
        let head = self.state.head().next(self.row.id, &entry);
        self.state.advance(head);
        self.entries.push(AuditEntry {
            wallet: self.row.id,
            seq: head.seq,
            entry,
            chain: head.chain,
        });
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// A child, kept since it takes four point multiplications.
    pub(crate) fn child(&self, wallet: WalletId, keys: &WalletKeys, path: [u32; 2]) -> Result<Arc<Child>, Refusal> {
        let name = (wallet, keys.public.epoch(), path);
        if let Some(child) = self.children.get(&name) {
            return Ok(child);
        }
        let child = Arc::new(Child::derive(&keys.public, path)?);
        self.children.put(name, Arc::clone(&child));
        Ok(child)
    }

    /// The writes that store a changed wallet: its row with the state's new MAC, and the new audit entries. Where epoch,
    /// device list or freeze change, the anchor hears of it first: such a batch goes through [`Self::commit`].
    pub(crate) fn store_change(&self, change: Change, batch: &mut Batch) -> Result<(), Refusal> {
        let Change {
            mut row,
            state,
            entries,
            stood,
            under,
        } = change;
        let stands = Mark::of(row.id, &state);
        if stands != stood {
            batch.writes.push(Write::Mark(stands));
        }
        batch.expect.push((row.id, row.version));
        row.version = row.version.saturating_add(1);
        self.seal_state(&mut row, &state, under.as_deref())?;
        batch.writes.push(Write::UpdateWallet(row));
        batch.writes.extend(entries.into_iter().map(Write::Audit));
        Ok(())
    }

    /// The writes that store a new wallet.
    pub(crate) fn store_fresh(&self, change: Change, batch: &mut Batch) -> Result<(), Refusal> {
        // The anchor's silence says that a wallet is as it was made.
        let Change {
            mut row,
            state,
            entries,
            stood: _,
            under,
        } = change;
        self.seal_state(&mut row, &state, under.as_deref())?;
        batch.writes.push(Write::AddWallet(row));
        batch.writes.extend(entries.into_iter().map(Write::Audit));
        Ok(())
    }

    fn seal_state(&self, row: &mut record::Wallet, state: &State, under: Option<&Subkeys>) -> Result<(), Refusal> {
        let keys = self.keys.get();
        let public = row.public.as_deref().unwrap_or_default();
        let binding = Binding {
            wallet: row.id,
            user: row.user,
            version: row.version,
            public,
        };
        let bytes = state.to_bytes(&under.unwrap_or(&keys.now).state, &binding);
        row.state = bytes.map_err(|cause| fault::internal("a state record does not encode", &cause))?;
        Ok(())
    }
}

impl Mark {
    pub(crate) const fn of(wallet: WalletId, state: &State) -> Self {
        Self {
            wallet,
            epoch: state.epoch(),
            list: state.device_list,
            frozen: state.shape.freeze.is_some(),
        }
    }

    /// Whether a wallet that stands like this may go on, where the last that was heard of it is this mark. One that is
    /// frozen signs nothing anyway.
    pub(crate) fn lets_go_on(&self, stands: &Self) -> bool {
        let frozen = stands.frozen;
        *stands == Self { frozen, ..*self } && (frozen || !self.frozen)
    }
}

impl Child {
    pub(crate) fn derive(public: &PublicShares, path: [u32; 2]) -> Result<Self, Refusal> {
        let tweak = public.child(path).map_err(|fault| fault::protocol(&fault))?;
        let key = |x: &[u8; 32]| {
            XOnlyPublicKey::from_slice(x).map_err(|cause| fault::internal("a child's key is no key", &cause))
        };
        let output = TweakedPublicKey::dangerous_assume_tweaked(key(tweak.output_key())?);
        let keys = ChildKeys {
            internal: key(tweak.internal_key())?,
            script: ScriptBuf::new_p2tr_tweaked(output),
        };
        Ok(Self { tweak, keys })
    }
}

impl WalletKeys {
    pub(crate) fn new(public: PublicShares, config: &crate::Config) -> Result<Self, Refusal> {
        let account = Account::from_group_key(config.chain.network(), public.group_key(), *public.chain_code())
            .map_err(|cause| fault::internal("a group key makes no account", &cause))?;
        Ok(Self { public, account })
    }

    /// The scripts of a keychain, as rows to watch.
    pub(crate) fn scripts(
        &self,
        wallet: WalletId,
        keychain: Keychain,
        indexes: Range<u32>,
    ) -> Result<Vec<Script>, Refusal> {
        scripts(&self.account, wallet, keychain, indexes)
    }
}

/// The scripts of an account's keychain, as rows to watch.
pub(crate) fn scripts(
    account: &Account,
    wallet: WalletId,
    keychain: Keychain,
    indexes: Range<u32>,
) -> Result<Vec<Script>, Refusal> {
    let number = u8::try_from(keychain.number()).unwrap_or(u8::MAX);
    let no_script = |cause: &dyn std::fmt::Display| fault::internal("a child has no script", cause);
    indexes
        .map(|index| {
            let script = account.script(keychain, index).map_err(|cause| no_script(&cause))?;
            let output_key = output_key(&script).ok_or_else(|| no_script(&"not a taproot output"))?;
            Ok(Script {
                wallet,
                keychain: number,
                index,
                output_key,
            })
        })
        .collect()
}

/// The key that a taproot output pays to.
pub(crate) fn output_key(script: &bitcoin::Script) -> Option<[u8; 32]> {
    if script.is_p2tr() {
        script.as_bytes().get(2..)?.try_into().ok()
    } else {
        None
    }
}
