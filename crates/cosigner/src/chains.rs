//! What a wallet's stored chains come to.
//!
//! A chain grows with every refresh, and each of its entries takes a signature's check. So what bytes came to is kept, by a
//! digest of all that their verification goes by: whose wallet, which recovery, and every byte of every entry. Whatever the
//! store tells is digested each time; bytes that were not verified as they are, are verified. What is kept says nothing of
//! which list counts: that is held to the state record each time.

use std::sync::Arc;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use twofold_api::{Reason, Refusal};
use twofold_threshold::{device_list::DeviceList, id::WalletId, identity::IdentityKey, transcript::SignedTranscript};

use crate::{
    Cosigner, fault,
    port::{Clock, chain::Chain, record::Chains, store::Store},
    shape::Shape,
    wallet::Owned,
};

/// All that the verification of a device list goes by.
fn list_name(wallet: WalletId, recovery: &IdentityKey, entries: &[Vec<u8>]) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    let mut part = |bytes: &[u8]| {
        engine.input(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        engine.input(bytes);
    };
    part(b"twofold/device-list");
    part(&wallet.0);
    part(&recovery.to_bytes());
    for entry in entries {
        part(entry);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// The chains of a wallet that is there.
    pub(crate) async fn chains(&self, wallet: WalletId) -> Result<Chains, Refusal> {
        let chains = self.store.chains(wallet).await?;
        chains.ok_or_else(|| fault::internal("a wallet's chains are missing", &wallet))
    }

    /// A wallet's device list, verified from its first entry to the head that the state record names.
    pub(crate) fn device_list(&self, owned: &Owned, chains: &Chains) -> Result<DeviceList, Refusal> {
        let recovery = match owned.state().shape.recovery()? {
            Some(recovery) => recovery,
            None => self.first_of(chains)?.transcript().recovery().signing,
        };
        let name = list_name(owned.id(), &recovery, &chains.device_list);
        let list = if let Some(list) = self.lists.get(&name) {
            list
        } else {
            let list = DeviceList::verify(owned.id(), recovery, &chains.device_list)
                .map_err(|cause| fault::internal("a device list does not hold", &cause))?;
            let list = Arc::new(list);
            self.lists.put(name, Arc::clone(&list));
            list
        };
        if *list.head() == owned.state().device_list {
            Ok((*list).clone())
        } else {
            tracing::error!(wallet = %owned.id(), "the device list is not the one of the state record");
            Err(Reason::StateTampered.into())
        }
    }

    /// Keeps a list at hand that was verified up to the chain's last entry just now.
    pub(crate) fn keep_list(&self, shape: &Shape, chains: &Chains, list: &DeviceList) {
        if let Ok(Some(recovery)) = shape.recovery() {
            let name = list_name(chains.wallet, &recovery, &chains.device_list);
            self.lists.put(name, Arc::new(list.clone()));
        }
    }

    #[cfg(test)]
    pub(crate) fn has_at_hand(&self, chains: &Chains, recovery: &IdentityKey) -> bool {
        let name = list_name(chains.wallet, recovery, &chains.device_list);
        self.lists.get(&name).is_some()
    }

    /// The signed transcript of a wallet's first epoch.
    pub(crate) async fn first_transcript(&self, wallet: WalletId) -> Result<Arc<SignedTranscript>, Refusal> {
        self.first_of(&self.chains(wallet).await?)
    }

    /// The same out of chains that were read.
    pub(crate) fn first_of(&self, chains: &Chains) -> Result<Arc<SignedTranscript>, Refusal> {
        let bytes = chains.package.get(1).map(Vec::as_slice).unwrap_or_default();
        let name = sha256::Hash::hash(bytes).to_byte_array();
        if let Some(transcript) = self.transcripts.get(&name) {
            return Ok(transcript);
        }
        let transcript =
            SignedTranscript::try_from(bytes).map_err(|cause| fault::internal("a transcript can't be read", &cause))?;
        let transcript = Arc::new(transcript);
        self.transcripts.put(name, Arc::clone(&transcript));
        Ok(transcript)
    }
}
