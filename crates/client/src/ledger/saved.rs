//! The books as the keystore holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bdk_wallet::{ChangeSet, KeychainKind, Wallet};
use bitcoin::Transaction;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use serde::{Deserialize, Serialize};
use twofold_intent::{Account, Keychain};

use super::books::Books;
use super::{LOOKAHEAD, Ledger, LedgerFault, Outgoing, Refused};
use crate::headers::HeaderChain;

/// The books without the headers, which are kept in pieces of their own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    format: u32,
    cursor: u64,
    #[serde(default)]
    timeline: u64,
    heard: u64,
    changes: ChangeSet,
    outgoing: Vec<SavedOutgoing>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedOutgoing {
    transaction: String,
    seen: bool,
    #[serde(default)]
    refused: Option<Refused>,
}

const FORMAT: u32 = 1;

impl Ledger {
    /// The books as they should be kept.
    pub(crate) fn save(&mut self) -> Result<Vec<u8>, LedgerFault> {
        self.collect_changes();
        let outgoing = self.outgoing.values();
        let outgoing = outgoing.map(|outgoing| SavedOutgoing {
            transaction: serialize_hex(outgoing.transaction.as_ref()),
            seen: outgoing.seen,
            refused: outgoing.refused,
        });
        let saved = Saved {
            format: FORMAT,
            cursor: self.cursor,
            timeline: self.timeline,
            heard: self.heard,
            changes: self.changes.clone(),
            outgoing: outgoing.collect(),
        };
        serde_json::to_vec(&saved).map_err(|fault| LedgerFault(fault.to_string()))
    }

    /// The books as they were kept, over a chain that was kept too.
    pub(crate) fn load(account: Account, chain: HeaderChain, bytes: &[u8]) -> Result<Self, LedgerFault> {
        let saved: Saved = serde_json::from_slice(bytes).map_err(|fault| LedgerFault(fault.to_string()))?;
        if saved.format != FORMAT {
            return Err(LedgerFault(format!(
                "their format is {}, and this version reads {FORMAT}",
                saved.format
            )));
        }
        let [external, internal] = Keychain::ALL.map(|keychain| account.descriptor(keychain));
        let books = Wallet::load()
            .descriptor(KeychainKind::External, Some(external))
            .descriptor(KeychainKind::Internal, Some(internal))
            .check_network(account.network())
            .lookahead(LOOKAHEAD)
            .load_wallet_no_persist(saved.changes.clone())
            .map_err(|fault| LedgerFault(fault.to_string()))?
            .ok_or_else(|| LedgerFault("they are empty".into()))?;
        let mut outgoing = BTreeMap::new();
        for saved in saved.outgoing {
            let transaction: Transaction =
                deserialize_hex(&saved.transaction).map_err(|fault| LedgerFault(fault.to_string()))?;
            outgoing.insert(
                transaction.compute_txid(),
                Outgoing {
                    transaction: Arc::new(transaction),
                    seen: saved.seen,
                    refused: saved.refused,
                },
            );
        }
        Ok(Self {
            account,
            books: Books::Kept(Box::new(books)),
            changes: saved.changes,
            chain,
            cursor: saved.cursor,
            timeline: saved.timeline,
            heard: saved.heard,
            outgoing,
            frozen: BTreeSet::new(),
        })
    }

    /// The headers, for keeping.
    pub(crate) const fn chain(&self) -> &HeaderChain {
        &self.chain
    }
}
