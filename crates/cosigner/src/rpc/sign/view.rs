//! What the store knows about a PSBT, read at once before facts are worked out.

use std::{collections::HashMap, sync::Arc};

use bitcoin::{Amount, OutPoint, Psbt, Script, Transaction, TxOut, absolute::LockTime};
use twofold_api::{Refusal, request::Sign};
use twofold_intent::{ChildKeys, Keychain, WalletView};
use twofold_threshold::id::KeyKind;

use super::outpoint;
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    port::{
        Clock,
        chain::Chain,
        record::{self, ChargeGroup},
        store::{SpendQuery, SpendRows, Store},
    },
    wallet::{Child, Owned, output_key},
};

/// How many headers the median time past is taken over (BIP-113).
const MEDIAN_SPAN: u32 = 11;
/// Where a block header holds its time.
const HEADER_TIME: std::ops::Range<usize> = 68..72;

/// What is read with the view and needed after the verdict.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The charge groups chosen by any of the inputs.
    pub(super) charges: Vec<ChargeGroup>,
    /// The server's share, sealed.
    pub(super) share: Option<record::Share>,
}

/// The answers, read at once.
#[derive(Debug, Default)]
pub(super) struct View {
    coins: HashMap<OutPoint, TxOut>,
    scripts: HashMap<[u8; 32], (Keychain, u32)>,
    kept: HashMap<(Keychain, u32), Arc<Child>>,
    horizon: [u32; 2],
    tip_height: Option<u32>,
    median_time: Option<u32>,
}

impl WalletView for View {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        self.coins.get(&outpoint).cloned()
    }

    fn change_horizon(&self, keychain: Keychain) -> u32 {
        match keychain {
            Keychain::External => self.horizon[0],
            Keychain::Internal => self.horizon[1],
        }
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        self.scripts.get(&output_key(script)?).copied()
    }

    fn kept(&self, keychain: Keychain, index: u32) -> Option<ChildKeys> {
        self.kept.get(&(keychain, index)).map(|child| child.keys.clone())
    }

    fn tip_height(&self) -> Option<u32> {
        self.tip_height
    }

    fn median_time(&self) -> Option<u32> {
        self.median_time
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads all that a request to sign needs of the store: nothing of it is judged yet, the wallet may be anybody's.
    pub(super) async fn rows(&self, request: &Authenticated<Sign>, psbt: Option<&Psbt>) -> Result<SpendRows, Refusal> {
        let sanity = &self.config.sanity;
        let fits = |tx: &Transaction| tx.input.len() <= sanity.max_inputs && tx.output.len() <= sanity.max_outputs;
        // Nothing is looked up for one that will be refused for its size.
        let psbt = psbt.filter(|psbt| fits(&psbt.unsigned_tx));
        Ok(self.store.spend(query(request, psbt)).await?)
    }

    /// Works out what a PSBT's reader must know, from what the store has of it.
    pub(super) async fn view(&self, owned: &Owned, psbt: &Psbt, rows: SpendRows) -> Result<(View, Held), Refusal> {
        let mut view = View {
            horizon: rows.used.map(|used| self.last_watched(used)),
            ..View::default()
        };
        for coin in rows.coins.into_iter().filter(|coin| coin.wallet == owned.id()) {
            // Its tweak is what the input will be signed with: derived from the group key, and kept in memory alone.
            let child = self.child_of(owned, coin.keychain, coin.index)?;
            if let (Some(outpoint), Some((keychain, child))) = (read_outpoint(&coin.outpoint), child) {
                let (value, script_pubkey) = (Amount::from_sat(coin.value), child.keys.script.clone());
                view.coins.insert(outpoint, TxOut { value, script_pubkey });
                view.kept.insert((keychain, coin.index), child);
            }
        }
        for script in rows.scripts.into_iter().filter(|script| script.wallet == owned.id()) {
            // Change is the coin that is spent next: its tweak will be at hand then.
            if let Some((keychain, child)) = self.child_of(owned, script.keychain, script.index)? {
                view.scripts.insert(script.output_key, (keychain, script.index));
                view.kept.insert((keychain, script.index), child);
            }
        }
        (view.tip_height, view.median_time) = self.chain_time(psbt.unsigned_tx.lock_time).await?;
        let held = Held {
            charges: rows.charges,
            share: rows.share,
        };
        Ok((view, held))
    }

    /// A child that a row names.
    fn child_of(&self, owned: &Owned, keychain: u8, index: u32) -> Result<Option<(Keychain, Arc<Child>)>, Refusal> {
        let Ok(keychain) = Keychain::try_from(u32::from(keychain)) else {
            return Ok(None);
        };
        let child = self.child(owned.id(), owned.keys(), [keychain.number(), index])?;
        Ok(Some((keychain, child)))
    }

    /// The last index watched when so many are used: a gap limit past the last used one.
    fn last_watched(&self, used: u32) -> u32 {
        used.saturating_add(self.config.gap_limit).saturating_sub(1)
    }

    /// Height and median time of the chain, where a lock makes them matter.
    async fn chain_time(&self, lock: LockTime) -> Result<(Option<u32>, Option<u32>), Refusal> {
        if lock == LockTime::ZERO {
            return Ok((None, None));
        }
        let Some(tip) = self.store.tip().await? else {
            return Ok((None, None));
        };
        if !lock.is_block_time() {
            return Ok((Some(tip.height), None));
        }
        let first = tip.height.saturating_sub(MEDIAN_SPAN - 1);
        let blocks = self.store.blocks(first, MEDIAN_SPAN).await?;
        let time = |header: &[u8]| Some(u32::from_le_bytes(header.get(HEADER_TIME)?.try_into().ok()?));
        let mut times: Vec<_> = blocks.iter().filter_map(|block| time(&block.header)).collect();
        times.sort_unstable();
        Ok((Some(tip.height), times.get(times.len() / 2).copied()))
    }
}

/// Everything that a request and its PSBT name.
fn query(request: &Authenticated<Sign>, psbt: Option<&Psbt>) -> SpendQuery {
    let asked = request.request();
    let claimed = psbt.iter().flat_map(|psbt| &psbt.inputs);
    let claimed = claimed.filter_map(|input| input.witness_utxo.as_ref());
    let paid = psbt.iter().flat_map(|psbt| &psbt.unsigned_tx.output);
    let mut output_keys: Vec<_> = claimed
        .chain(paid)
        .filter_map(|out| output_key(&out.script_pubkey))
        .collect();
    output_keys.sort_unstable();
    output_keys.dedup();
    let inputs = psbt.iter().flat_map(|psbt| &psbt.unsigned_tx.input);
    SpendQuery {
        device: request.device(),
        nonce: request.nonce(),
        wallet: asked.wallet,
        spent: inputs.map(|input| outpoint(input.previous_output)).collect(),
        output_keys,
        kind: KeyKind::Taproot,
        // Held to the wallet's own before any of this is used.
        epoch: asked.epoch.number,
    }
}

fn read_outpoint(bytes: &[u8; 36]) -> Option<OutPoint> {
    bitcoin::consensus::encode::deserialize(bytes).ok()
}

#[cfg(test)]
mod tests;
