//! What the index knows about a PSBT, read before facts are worked out.

use std::collections::HashMap;

use bitcoin::{
    Amount, OutPoint, Psbt, Script, ScriptBuf, TxOut, XOnlyPublicKey, absolute::LockTime, key::TweakedPublicKey,
};
use twofold_api::Refusal;
use twofold_intent::{ChildKeys, Keychain, WalletView};
use twofold_threshold::derive::ChildTweak;

use super::outpoint;
use crate::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
    wallet::{Owned, output_key},
};

/// How many headers the median time past is taken over (BIP-113).
const MEDIAN_SPAN: u32 = 11;
/// Where a block header holds its time.
const HEADER_TIME: std::ops::Range<usize> = 68..72;

/// The answers, read at once.
#[derive(Debug, Default)]
pub(super) struct View {
    coins: HashMap<OutPoint, TxOut>,
    scripts: HashMap<[u8; 32], (Keychain, u32)>,
    kept: HashMap<(Keychain, u32), ChildKeys>,
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
        self.kept.get(&(keychain, index)).cloned()
    }

    fn tip_height(&self) -> Option<u32> {
        self.tip_height
    }

    fn median_time(&self) -> Option<u32> {
        self.median_time
    }
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads what the index knows of a PSBT's inputs and outputs.
    pub(super) async fn view(&self, owned: &Owned, psbt: &Psbt) -> Result<View, Refusal> {
        let tx = &psbt.unsigned_tx;
        let sanity = &self.config.sanity;
        if tx.input.len() > sanity.max_inputs || tx.output.len() > sanity.max_outputs {
            // It will be refused for its size: nothing is looked up for it.
            return Ok(View::default());
        }
        let spent: Vec<_> = tx.input.iter().map(|input| outpoint(input.previous_output)).collect();
        let (mut coins, mut kept) = (HashMap::new(), HashMap::new());
        for coin in self
            .store
            .coins(spent)
            .await?
            .into_iter()
            .filter(|coin| coin.wallet == owned.id())
        {
            // The tweak is what the input will be signed with: derived from the group key, and kept in memory alone.
            let tweak = self.child(owned.id(), owned.keys(), [u32::from(coin.keychain), coin.index])?;
            let named = (
                read_outpoint(&coin.outpoint),
                Keychain::try_from(u32::from(coin.keychain)),
                keys(&tweak),
            );
            if let (Some(outpoint), Ok(keychain), Some(keys)) = named {
                let (value, script_pubkey) = (Amount::from_sat(coin.value), keys.script.clone());
                coins.insert(outpoint, TxOut { value, script_pubkey });
                kept.insert((keychain, coin.index), keys);
            }
        }
        let claimed = psbt.inputs.iter().filter_map(|input| input.witness_utxo.as_ref());
        let mut keys: Vec<_> = claimed
            .chain(&tx.output)
            .filter_map(|out| output_key(&out.script_pubkey))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let own = self
            .store
            .scripts(keys)
            .await?
            .into_iter()
            .filter(|script| script.wallet == owned.id());
        let scripts = own
            .filter_map(|script| {
                let keychain = Keychain::try_from(u32::from(script.keychain)).ok()?;
                Some((script.output_key, (keychain, script.index)))
            })
            .collect();
        let horizon = self.store.used(owned.id()).await?.map(|used| self.last_watched(used));
        let (tip_height, median_time) = self.chain_time(tx.lock_time).await?;
        Ok(View {
            coins,
            scripts,
            kept,
            horizon,
            tip_height,
            median_time,
        })
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

fn read_outpoint(bytes: &[u8; 36]) -> Option<OutPoint> {
    bitcoin::consensus::encode::deserialize(bytes).ok()
}

fn keys(tweak: &ChildTweak) -> Option<ChildKeys> {
    let output = XOnlyPublicKey::from_slice(tweak.output_key()).ok()?;
    Some(ChildKeys {
        internal: XOnlyPublicKey::from_slice(tweak.internal_key()).ok()?,
        script: ScriptBuf::new_p2tr_tweaked(TweakedPublicKey::dangerous_assume_tweaked(output)),
    })
}

#[cfg(test)]
mod tests;
