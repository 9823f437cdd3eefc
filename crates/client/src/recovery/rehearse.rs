//! A sweep to practise with: real shares, real files, and a transaction that no node can take.

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::key::{TweakedPublicKey, UntweakedPublicKey};
use bitcoin::{Address, Amount, OutPoint, Txid};
use rand_core::RngCore as _;
use twofold_intent::Keychain;

use super::Coin;
use crate::client::Client;
use crate::fault::Fault;
use crate::ledger::Draft;
use crate::port::Platform;
use crate::wallet::Wallet;

/// BIP-341's point of which nobody knows the logarithm. What pays to it bare is gone; nothing ever does.
const NOBODY: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07, 0x8a, 0x5a,
    0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];
/// What the coin that does not exist is worth.
const VALUE: Amount = Amount::from_sat(100_000);

impl<P: Platform> Client<P> {
    /// A draft that moves a coin which does not exist: its transaction is named by a hash of randomness, so none can ever
    /// be made that has that name.
    pub fn draft_rehearsal(&mut self, wallet: &Wallet) -> Result<Draft, Fault> {
        let mut random = [0; 32];
        self.random.fill_bytes(&mut random);
        let named = sha256::Hash::hash(&[b"twofold/rehearsal".as_slice(), &random].concat());
        let coin = Coin {
            outpoint: OutPoint::new(Txid::from_byte_array(named.to_byte_array()), 0),
            value: VALUE,
            keychain: Keychain::External,
            index: 0,
        };
        let nobody = UntweakedPublicKey::from_slice(&NOBODY).map_err(|_| crate::session::internal())?;
        let nobody = TweakedPublicKey::dangerous_assume_tweaked(nobody);
        let to = Address::p2tr_tweaked(nobody, wallet.network());
        let mut sweep = self.draft_sweep(wallet, vec![coin], &to, crate::fees::LEAST)?;
        sweep.drafts.pop().ok_or_else(crate::session::internal)
    }
}
