//! The invariants of the protocol, after each step.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::consensus::encode::serialize;
use bitcoin::{Psbt, psbt};
use futures::executor::block_on;
use twofold_api::audit::{ChainHead, Entry, Event, verify};
use twofold_api::reply::AuditLine;
use twofold_cosigner::testing::Looked;
use twofold_cosigner::testing::memory::Tables;
use twofold_threshold::id::{EpochId, RequestDigest};
use twofold_threshold::share::PublicShares;
use twofold_threshold::sign::{Commitment, CosignReply};

use super::House;
use crate::model::book::money::TEXTS;
use crate::model::book::{BLANK, Share};
use crate::server::{Given, MOST_FEE};
use crate::world::stranger;

/// What a server's commitment was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    intent: Vec<u8>,
    device: Vec<Vec<u8>>,
    place: usize,
}

/// What servers of this wallet have ever been at.
#[derive(Debug, Default)]
pub(super) struct Ever {
    entries: BTreeSet<(u64, [u8; 32])>,
    lists: BTreeSet<[u8; 32]>,
    epochs: BTreeSet<(u32, [u8; 32])>,
    generation: u32,
}

impl Ever {
    /// Whether a server was there before: nobody brings it anywhere else.
    pub(super) fn knows(&self, tables: &Tables, looked: &Looked) -> bool {
        let EpochId { number, transcript } = looked.epoch;
        let entries = tables.audit.values().map(|row| (row.seq, row.chain));
        entries.into_iter().all(|entry| self.entries.contains(&entry))
            && self.lists.contains(looked.list.head())
            && self.epochs.contains(&(number, transcript))
            && looked.generation <= self.generation
    }
}

fn worth(input: &psbt::Input) -> u64 {
    input.witness_utxo.as_ref().expect("ours").value.to_sat()
}

impl House {
    /// Invariants 1, 3, 4 and 5, after each step.
    pub(super) fn check(&mut self, looked: &Looked) {
        let given = core::mem::take(&mut *self.server.given.lock().expect("not poisoned"));
        for given in given {
            self.saw(&given, looked);
        }
        let tables = self.server.store.with(|tables| tables.clone());
        let shares = tables.shares.keys().filter(|(wallet, ..)| *wallet == self.wallet);
        let shares: Vec<_> = shares.map(|(.., epoch)| *epoch).collect();
        let epochs: &[u32] = match self.book.share {
            Share::Missing => &[],
            Share::There | Share::Sealed => &[looked.epoch.number],
        };
        assert_eq!(shares, epochs, "the server's shares are of these epochs");
        assert_eq!(
            self.sealed_share(),
            self.book.share == Share::Sealed,
            "the share's form"
        );
        let public = tables.wallets[&self.wallet].public.as_deref().expect("made");
        let public = PublicShares::try_from(public).expect("public shares");
        assert_eq!(public.epoch(), looked.epoch);

        let lines = tables.audit.values().filter(|row| row.wallet == self.wallet);
        let lines: Vec<_> = lines
            .map(|row| AuditLine {
                seq: row.seq,
                entry: row.entry.clone(),
                chain: row.chain,
            })
            .collect();
        let (head, entries) = verify(self.wallet, ChainHead::START, &lines).expect("a whole chain");
        assert_eq!(head.seq, looked.entries);
        let (mut signed, mut added) = (Vec::<RequestDigest>::new(), 0);
        for entry in entries {
            match entry.event {
                Event::Signed(entry) => {
                    assert!(entry.added <= entry.charge);
                    added += entry.added;
                    signed.push(entry.request);
                }
                Event::MessageSigned { request, .. } => signed.push(request),
                _ => {}
            }
        }
        assert_eq!(
            signed, self.book.signed,
            "the audit chain has other signatures than were given out"
        );
        let charged: u64 = tables.charges.values().map(|group| group.amount).sum();
        assert_eq!(charged + self.book.uncharged, added, "groups and audit chain disagree");
        let groups: BTreeMap<_, _> = tables
            .charges
            .values()
            .map(|group| (group.outpoint, group.amount))
            .collect();
        assert_eq!(groups, self.book.charges, "spends are charged otherwise");
        assert_eq!(looked.spent, self.book.spent(), "the open windows have another sum");
        self.remember(&tables, looked);
        self.entries = tables.audit.len();
    }

    fn saw(&mut self, given: &Given, looked: &Looked) {
        let half = CosignReply::try_from(given.reply.cosign.as_slice()).expect("a half");
        for (place, commitment) in half.commitments.iter().enumerate() {
            let challenge = Challenge {
                intent: given.intent.clone(),
                device: given
                    .commitments
                    .iter()
                    .map(|commitment| commitment.to_bytes().to_vec())
                    .collect(),
                place,
            };
            let bytes = Commitment::to_bytes(commitment).to_vec();
            let earlier = self.oracle.insert(bytes, challenge.clone());
            assert!(
                earlier.is_none_or(|earlier| earlier == challenge),
                "a commitment appears with two challenges"
            );
        }
        if self.book.signed.contains(&given.request) {
            return;
        }
        assert_eq!(given.epoch, looked.epoch, "a share of a dead epoch signed");
        assert!(looked.list.device(given.device).is_some(), "an unlisted device signed");
        assert!(!looked.fenced, "a fenced wallet signed");
        assert_eq!(looked.frozen_by, None, "a frozen wallet signed");
        self.book.signed.push(given.request);
        let now = self.now();
        let Ok(psbt) = Psbt::deserialize(&given.intent) else {
            return self.book.spend(TEXTS, 1, now);
        };
        // All that the model's spends pay goes to the stranger; the rest comes back.
        let stranger = stranger().script_pubkey();
        let spent: u64 = psbt.inputs.iter().map(worth).sum();
        let outputs = psbt
            .unsigned_tx
            .output
            .iter()
            .filter(|output| output.script_pubkey != stranger);
        let change: u64 = outputs.map(|output| output.value.to_sat()).sum();
        let inputs = psbt.unsigned_tx.input.iter().map(|input| input.previous_output);
        let inputs: Vec<[u8; 36]> = inputs
            .map(|outpoint| serialize(&outpoint).try_into().expect("36 bytes"))
            .collect();
        self.book.charge(&inputs, spent - change, now);
        let paid: u64 = psbt.unsigned_tx.output.iter().map(|output| output.value.to_sat()).sum();
        assert!(
            spent - paid <= MOST_FEE,
            "a spend above the operator's limit was signed"
        );
    }

    /// Whether the server's share waits for the operator's key.
    pub(super) fn sealed_share(&self) -> bool {
        let (kept, _) = block_on(self.server.cosigner.kept_shares(None)).expect("reads");
        !kept.is_empty()
    }

    fn remember(&mut self, tables: &Tables, looked: &Looked) {
        let EpochId { number, transcript } = looked.epoch;
        self.ever.epochs.insert((number, transcript));
        self.ever.lists.extend(self.list_heads());
        self.ever.generation = self.ever.generation.max(looked.generation);
        self.ever
            .entries
            .extend(tables.audit.values().map(|row| (row.seq, row.chain)));
        let epochs = self.book.path.iter().skip(1).zip(&self.book.links);
        let known = epochs.filter(|(epoch, link)| epoch.transcript != BLANK && link.key != BLANK);
        self.links
            .extend(known.map(|(epoch, link)| (epoch.transcript, link.clone())));
    }
}

/// What an entry of the log says was signed.
pub(super) fn signed(entry: &Entry) -> Option<(RequestDigest, u64)> {
    match &entry.event {
        Event::Signed(signed) => Some((signed.request, signed.added)),
        Event::MessageSigned { request, .. } => Some((*request, 0)),
        _ => None,
    }
}
