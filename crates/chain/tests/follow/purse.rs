//! A wallet whose whole key the test holds, so that it can spend.

use bitcoin::{
    Address, Amount, Network, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Witness,
    absolute::LockTime,
    bip32::{ChainCode, ChildNumber, Fingerprint, Xpriv},
    consensus::Encodable,
    key::TapTweak,
    secp256k1::{Keypair, Message, PublicKey, Secp256k1, SecretKey},
    sighash::{Prevouts, SighashCache},
    transaction::Version,
};
use twofold_cosigner::port::{
    conformance::sample,
    record::{Script, Wallet},
    store::Write,
};
use twofold_intent::{Account, Keychain};
use twofold_threshold::id::WalletId;

/// The usual number of scripts watched ahead.
pub(crate) const GAP: u32 = 20;

pub(crate) struct Purse {
    pub(crate) id: WalletId,
    xpriv: Xpriv,
    account: Account,
}

/// A coin to spend: where it is, what it holds, and the child that it pays.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) outpoint: OutPoint,
    pub(crate) value: Amount,
    pub(crate) child: (Keychain, u32),
}

impl Purse {
    pub(crate) fn new(n: u16) -> Self {
        let mut secret = [7; 32];
        secret[30..].copy_from_slice(&n.to_be_bytes());
        let private_key = SecretKey::from_slice(&secret).unwrap();
        let chain_code = [9; 32];
        let xpriv = Xpriv {
            network: Network::Regtest.into(),
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::Normal { index: 0 },
            private_key,
            chain_code: ChainCode::from(chain_code),
        };
        let public = PublicKey::from_secret_key(&Secp256k1::new(), &private_key).serialize();
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        Self {
            id: WalletId(id),
            xpriv,
            account: Account::from_group_key(Network::Regtest, &public, chain_code).unwrap(),
        }
    }

    pub(crate) fn address(&self, index: u32) -> Address {
        self.account.address(Keychain::External, index).unwrap()
    }

    pub(crate) fn change(&self, index: u32) -> Address {
        self.account.address(Keychain::Internal, index).unwrap()
    }

    pub(crate) fn script(&self, keychain: Keychain, index: u32) -> Script {
        let script = self.account.script(keychain, index).unwrap();
        Script {
            wallet: self.id,
            keychain: u8::try_from(keychain.number()).unwrap(),
            index,
            output_key: script.as_bytes()[2..].try_into().unwrap(),
        }
    }

    /// The writes that make the wallet, of a user that is there.
    pub(crate) fn made(&self, birthday: u32) -> Vec<Write> {
        let scripts = Keychain::ALL.into_iter();
        let scripts = scripts.flat_map(|keychain| (0..GAP).map(move |index| self.script(keychain, index)));
        let wallet = Wallet {
            id: self.id,
            birthday,
            public: Some(self.public()),
            ..sample::wallet(1, 1)
        };
        vec![Write::AddWallet(wallet), Write::AddScripts(scripts.collect())]
    }

    /// `PublicShares` of this key, as the threshold crate encodes them. The verifying shares play no part here.
    fn public(&self) -> Vec<u8> {
        let public = PublicKey::from_secret_key(&Secp256k1::new(), &self.xpriv.private_key).serialize();
        let mut bytes = vec![1, 18, 1, 0, 0, 0, 0];
        bytes.extend_from_slice(&[5; 32]);
        bytes.extend_from_slice(&public);
        bytes.extend_from_slice(&[9; 32]);
        bytes.extend_from_slice(&public.repeat(3));
        bytes
    }

    /// Spends coins whole, less a fee, to outputs that share the rest evenly.
    pub(crate) fn spend(&self, coins: &[Held], to: &[ScriptBuf], fee: u64) -> Transaction {
        let total: Amount = coins.iter().map(|coin| coin.value).sum();
        let value = (total - Amount::from_sat(fee)) / u64::try_from(to.len()).unwrap();
        let input = |coin: &Held| TxIn {
            previous_output: coin.outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        };
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins.iter().map(input).collect(),
            output: to
                .iter()
                .cloned()
                .map(|script_pubkey| TxOut { value, script_pubkey })
                .collect(),
        };
        let spent: Vec<TxOut> = coins
            .iter()
            .map(|coin| TxOut {
                value: coin.value,
                script_pubkey: self.account.script(coin.child.0, coin.child.1).unwrap(),
            })
            .collect();
        for (place, coin) in coins.iter().enumerate() {
            let sighash = SighashCache::new(&transaction)
                .taproot_key_spend_signature_hash(place, &Prevouts::All(&spent), TapSighashType::Default)
                .unwrap();
            let secp = Secp256k1::new();
            let path = [coin.child.0.number(), coin.child.1].map(|index| ChildNumber::Normal { index });
            let child = self.xpriv.derive_priv(&secp, &path).unwrap().private_key;
            let tweaked = Keypair::from_secret_key(&secp, &child).tap_tweak(&secp, None);
            let signature = secp.sign_schnorr_no_aux_rand(&Message::from(sighash), &tweaked.to_keypair());
            transaction.input[place].witness = Witness::from_slice(&[signature.as_ref()]);
        }
        transaction
    }
}

/// An outpoint as it is stored.
pub(crate) fn stored(outpoint: OutPoint) -> [u8; 36] {
    let mut bytes = Vec::new();
    outpoint.consensus_encode(&mut bytes).unwrap();
    bytes.try_into().unwrap()
}
