//! One honest spend, and the hooks to spoil it.

use std::collections::BTreeMap;

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::key::{Secp256k1, TapTweak as _};
use bitcoin::script::PushBytesBuf;
use bitcoin::secp256k1::Message;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Network, OutPoint, Psbt, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, WPubkeyHash, Witness,
};

use crate::psbt::{Facts, Limits, OwnInput, Refused, WalletView, facts, facts_within};
use crate::{Account, Keychain};

pub(in crate::psbt) const TIP: u32 = 800_000;
pub(in crate::psbt) const NOW: u32 = 1_700_000_000;
/// The last watched index of both keychains.
pub(in crate::psbt) const HORIZON: u32 = 27;

/// A chain index that knows what it is told.
pub(in crate::psbt) struct View {
    pub(in crate::psbt) coins: BTreeMap<OutPoint, TxOut>,
    pub(in crate::psbt) scripts: BTreeMap<ScriptBuf, (Keychain, u32)>,
    pub(in crate::psbt) horizon: u32,
    pub(in crate::psbt) tip: Option<u32>,
    pub(in crate::psbt) time: Option<u32>,
}

impl WalletView for View {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        self.coins.get(&outpoint).cloned()
    }

    fn change_horizon(&self, _: Keychain) -> u32 {
        self.horizon
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        self.scripts.get(script).copied()
    }

    fn tip_height(&self) -> Option<u32> {
        self.tip
    }

    fn median_time(&self) -> Option<u32> {
        self.time
    }
}

pub(in crate::psbt) struct Scene {
    pub(in crate::psbt) secret: Xpriv,
    pub(in crate::psbt) account: Account,
    pub(in crate::psbt) view: View,
    pub(in crate::psbt) psbt: Psbt,
}

impl Scene {
    /// Nothing spent and nothing paid yet.
    pub(in crate::psbt) fn empty() -> Self {
        let secret = Xpriv::new_master(Network::Regtest, b"two of three").unwrap();
        let account = Account::new(Network::Regtest, Xpub::from_priv(&Secp256k1::new(), &secret)).unwrap();
        let tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: Vec::new(),
        };
        let view = View {
            coins: BTreeMap::new(),
            scripts: BTreeMap::new(),
            horizon: HORIZON,
            tip: Some(TIP),
            time: Some(NOW),
        };
        Self {
            secret,
            account,
            view,
            psbt: Psbt::from_unsigned_tx(tx).unwrap(),
        }
    }

    /// 150,000 sat of ours: 60,000 to a stranger, 89,000 back, 1,000 to the miner.
    pub(in crate::psbt) fn honest() -> Self {
        let mut scene = Self::empty();
        scene.spend_own(Keychain::External, 3, 100_000);
        scene.spend_own(Keychain::Internal, 7, 50_000);
        scene.pay(stranger(1), 60_000);
        scene.keep(Keychain::Internal, 8, 89_000);
        scene
    }

    /// The same with a stranger's 40,000 sat in, of which 39,900 go back to the stranger.
    pub(in crate::psbt) fn shared() -> Self {
        let mut scene = Self::honest();
        scene.spend(TxOut {
            value: Amount::from_sat(40_000),
            script_pubkey: stranger(9),
        });
        scene.pay(stranger(8), 39_900);
        scene
    }

    pub(in crate::psbt) fn facts(&self) -> Result<Facts, Refused> {
        facts(&self.psbt, &self.account, &self.view)
    }

    pub(in crate::psbt) fn facts_within(&self, limits: &Limits) -> Result<Facts, Refused> {
        facts_within(&self.psbt, &self.account, &self.view, limits)
    }

    pub(in crate::psbt) fn reason(&self) -> &'static str {
        self.facts().map_or_else(|refused| refused.reason(), |_| "accepted")
    }

    /// One signature for each own input, made with the wallet's whole key.
    pub(in crate::psbt) fn signatures(&self, facts: &Facts) -> Vec<[u8; 64]> {
        let secp = Secp256k1::new();
        let sign = |input: &OwnInput| {
            let path = DerivationPath::from(vec![
                ChildNumber::Normal {
                    index: input.keychain.number(),
                },
                ChildNumber::Normal { index: input.child },
            ]);
            let key = self
                .secret
                .derive_priv(&secp, &path)
                .unwrap()
                .to_keypair(&secp)
                .tap_tweak(&secp, None);
            secp.sign_schnorr_no_aux_rand(&Message::from_digest(input.sighash), &key.to_keypair())
                .serialize()
        };
        facts.inputs.iter().map(sign).collect()
    }

    /// Adds an input for any coin; returns its position.
    pub(in crate::psbt) fn spend(&mut self, coin: TxOut) -> usize {
        let index = self.psbt.inputs.len();
        let mut id = [7; 32];
        id[0] = u8::try_from(index).unwrap_or(255);
        id[1] = u8::try_from(index / 255).unwrap();
        self.psbt.unsigned_tx.input.push(TxIn {
            previous_output: OutPoint {
                txid: Txid::from_byte_array(id),
                vout: 1,
            },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        });
        self.psbt.inputs.push(bitcoin::psbt::Input {
            witness_utxo: Some(coin),
            ..Default::default()
        });
        index
    }

    /// Adds one of our inputs with its path, known to the chain index.
    pub(in crate::psbt) fn spend_own(&mut self, keychain: Keychain, child: u32, sats: u64) -> usize {
        let script_pubkey = self.account.script(keychain, child).unwrap();
        let coin = TxOut {
            value: Amount::from_sat(sats),
            script_pubkey,
        };
        let index = self.spend(coin.clone());
        self.view.coins.insert(self.outpoint(index), coin);
        let key = self.account.internal_key(keychain, child).unwrap();
        let source = self.account.origin(keychain, child).unwrap();
        self.psbt.inputs[index]
            .tap_key_origins
            .insert(key, (Vec::new(), source));
        self.psbt.inputs[index].tap_internal_key = Some(key);
        index
    }

    pub(in crate::psbt) fn pay(&mut self, script_pubkey: ScriptBuf, sats: u64) -> usize {
        self.psbt.unsigned_tx.output.push(TxOut {
            value: Amount::from_sat(sats),
            script_pubkey,
        });
        self.psbt.outputs.push(bitcoin::psbt::Output::default());
        self.psbt.outputs.len() - 1
    }

    /// Adds an output of ours with its path.
    pub(in crate::psbt) fn keep(&mut self, keychain: Keychain, child: u32, sats: u64) -> usize {
        let index = self.pay(self.account.script(keychain, child).unwrap(), sats);
        self.claim_output(index, keychain, child);
        index
    }

    /// Makes an output say that it is ours.
    pub(in crate::psbt) fn claim_output(&mut self, index: usize, keychain: Keychain, child: u32) {
        let key = self.account.internal_key(keychain, child).unwrap();
        let source = self.account.origin(keychain, child).unwrap();
        self.psbt.outputs[index]
            .tap_key_origins
            .insert(key, (Vec::new(), source));
        self.psbt.outputs[index].tap_internal_key = Some(key);
    }

    pub(in crate::psbt) fn outpoint(&self, index: usize) -> OutPoint {
        self.psbt.unsigned_tx.input[index].previous_output
    }

    pub(in crate::psbt) fn output(&mut self, index: usize) -> &mut TxOut {
        &mut self.psbt.unsigned_tx.output[index]
    }
}

/// A stranger's key-hash script.
pub(in crate::psbt) fn stranger(number: u8) -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([number; 20]))
}

/// A data output's script carrying so many bytes.
pub(in crate::psbt) fn data(length: usize) -> ScriptBuf {
    ScriptBuf::new_op_return(PushBytesBuf::try_from(vec![1; length]).unwrap())
}
