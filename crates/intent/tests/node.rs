//! A real node builds PSBTs for our descriptor and takes what comes of them.

use std::collections::BTreeMap;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::key::{Secp256k1, TapTweak as _};
use bitcoin::secp256k1::Message;
use bitcoin::{Amount, Network, OutPoint, Psbt, Script, Transaction, TxOut};
use bitcoincore_rpc::{Auth, Client, RpcApi as _};
use serde_json::{Value, json};
use twofold_intent::psbt::{attach, finalize, from_base64, to_base64};
use twofold_intent::{Account, Facts, Keychain, WalletView, facts};
use twofold_testkit::Regtest;

/// The node's own index as the reader's view.
struct Node {
    rpc: Client,
    scripts: BTreeMap<Vec<u8>, (Keychain, u32)>,
}

impl WalletView for Node {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        let found = self
            .rpc
            .get_tx_out(&outpoint.txid, outpoint.vout, Some(true))
            .expect("the node answers")?;
        let script_pubkey = found.script_pub_key.hex.into();
        Some(TxOut {
            value: found.value,
            script_pubkey,
        })
    }

    fn change_horizon(&self, _: Keychain) -> u32 {
        20
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        self.scripts.get(script.as_bytes()).copied()
    }

    fn tip_height(&self) -> Option<u32> {
        u32::try_from(self.rpc.get_block_count().expect("the node answers")).ok()
    }

    fn median_time(&self) -> Option<u32> {
        None
    }
}

/// The wallet's whole key, where the project itself would have two parties sign.
struct Wallet {
    secret: Xpriv,
    account: Account,
}

impl Wallet {
    fn new() -> Self {
        let secret = Xpriv::new_master(Network::Regtest, b"a node looks on").expect("a seed makes a key");
        let account = Account::new(Network::Regtest, Xpub::from_priv(&Secp256k1::new(), &secret))
            .expect("a master key of this network");
        Self { secret, account }
    }

    fn sign(&self, psbt: &mut Psbt, facts: &Facts) {
        let secp = Secp256k1::new();
        let mut signatures = Vec::new();
        for input in &facts.inputs {
            let keychain = ChildNumber::Normal {
                index: input.keychain.number(),
            };
            let path = DerivationPath::from(vec![keychain, ChildNumber::Normal { index: input.child }]);
            let key = self
                .secret
                .derive_priv(&secp, &path)
                .expect("every index has a key")
                .to_keypair(&secp)
                .tap_tweak(&secp, None);
            let message = Message::from_digest(input.sighash);
            signatures.push(secp.sign_schnorr_no_aux_rand(&message, &key.to_keypair()).serialize());
        }
        attach(psbt, facts, &signatures).expect("our signatures verify");
    }
}

fn client(node: &Regtest, wallet: &str) -> Client {
    let url = format!("{}/wallet/{wallet}", node.url());
    Client::new(&url, Auth::CookieFile(node.cookie_file())).expect("the node is running")
}

/// The name of the node's wallet that begins like this.
fn wallet_named(node: &Regtest, start: &str) -> String {
    node.rpc()
        .expect("the node is running")
        .list_wallets()
        .expect("the node answers")
        .into_iter()
        .find(|name| name.starts_with(start))
        .expect("the wallet is loaded")
}

#[test]
fn a_node_finds_our_addresses_and_coins_and_takes_what_we_make_of_its_psbt() {
    let node = Regtest::start().unwrap();
    let Wallet { account, .. } = &Wallet::new();
    let watch = node.core_wallet(&account.descriptor_multipath()).unwrap();
    let ours = |keychain| {
        (0..5)
            .map(|index| account.address(keychain, index).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(watch.receive_addresses(5).unwrap(), ours(Keychain::External));
    assert_eq!(watch.change_addresses(5).unwrap(), ours(Keychain::Internal));

    for index in 0..3 {
        node.fund(
            &account.address(Keychain::External, index).unwrap(),
            Amount::from_sat(1_000_000),
        )
        .unwrap();
    }
    node.mine(1).unwrap();
    let payee = node.miner_address().unwrap();
    let rpc = client(&node, &wallet_named(&node, "watch"));
    let built: Value = rpc
        .call(
            "walletcreatefundedpsbt",
            &[
                json!([]),
                json!([{ payee.to_string(): 0.025 }]),
                json!(node.height().unwrap()),
                json!({ "fee_rate": 7, "changeAddress": account.address(Keychain::Internal, 0).unwrap().to_string() }),
            ],
        )
        .unwrap();
    let mut psbt = from_base64(built["psbt"].as_str().unwrap()).unwrap();
    let view = Node {
        rpc: node.rpc().unwrap(),
        scripts: BTreeMap::new(),
    };
    let facts = facts(&psbt, account, &view).unwrap();
    assert_eq!(facts.inputs.len(), 3);
    assert_eq!(facts.payments[0].address.as_ref(), Some(&payee));
    assert_eq!(facts.payment_value(), Amount::from_sat(2_500_000));
    assert_eq!(
        (facts.change[0].keychain, facts.change[0].child),
        (Keychain::Internal, 0)
    );
    assert_eq!(facts.fee.to_btc().to_string(), built["fee"].to_string());
    assert_eq!(facts.charge(), Amount::from_sat(2_500_000) + facts.fee);

    Wallet::new().sign(&mut psbt, &facts);
    let tx = finalize(&psbt).unwrap();
    assert_eq!(node.broadcast(&tx).unwrap(), facts.txid);
    let waiting: Value = rpc.call("getmempoolentry", &[json!(facts.txid)]).unwrap();
    assert_eq!(waiting["weight"], json!(facts.weight.to_wu()));
    node.mine(1).unwrap();
    assert_eq!(watch.balance().unwrap(), facts.change_value());
}

#[test]
fn two_owners_sign_one_transaction_and_the_node_takes_it() {
    let node = Regtest::start().unwrap();
    let wallet = Wallet::new();
    let coin_address = wallet.account.address(Keychain::External, 30).unwrap();
    let funding = node.fund(&coin_address, Amount::from_sat(1_000_000)).unwrap();
    node.mine(1).unwrap();
    let miner = client(&node, &wallet_named(&node, "miner"));
    let paid: Value = miner.call("gettransaction", &[json!(funding)]).unwrap();
    let paid: Transaction = deserialize_hex(paid["hex"].as_str().unwrap()).unwrap();
    let vout = paid
        .output
        .iter()
        .position(|output| output.script_pubkey == coin_address.script_pubkey())
        .unwrap();

    // The miner adds a coin of its own and does not know our path: the index of scripts does.
    let theirs: Vec<Value> = miner.call("listunspent", &[json!(100)]).unwrap();
    let built: String = miner
        .call(
            "createpsbt",
            &[
                json!([
                    { "txid": funding, "vout": vout },
                    { "txid": theirs[0]["txid"], "vout": theirs[0]["vout"] },
                ]),
                json!([
                    { node.miner_address().unwrap().to_string(): 50.0049 },
                    { wallet.account.address(Keychain::Internal, 3).unwrap().to_string(): 0.005 },
                ]),
            ],
        )
        .unwrap();
    let processed: Value = miner.call("walletprocesspsbt", &[json!(built)]).unwrap();
    let updated: String = miner.call("utxoupdatepsbt", &[processed["psbt"].clone()]).unwrap();
    let mut psbt = from_base64(&updated).unwrap();

    let rpc = node.rpc().unwrap();
    let blind = Node {
        rpc,
        scripts: BTreeMap::new(),
    };
    assert_eq!(
        facts(&psbt, &wallet.account, &blind).unwrap_err().reason(),
        "NO_OWN_INPUT"
    );
    let place = |keychain, child| {
        (
            wallet.account.script(keychain, child).unwrap().to_bytes(),
            (keychain, child),
        )
    };
    let scripts = BTreeMap::from([place(Keychain::External, 30), place(Keychain::Internal, 3)]);
    let view = Node {
        rpc: blind.rpc,
        scripts,
    };
    let facts = facts(&psbt, &wallet.account, &view).unwrap();
    assert_eq!((facts.inputs.len(), facts.foreign_inputs.len()), (1, 1));
    assert_eq!(facts.inputs[0].child, 30);
    assert_eq!(facts.change_value(), Amount::from_sat(500_000));
    assert_eq!(facts.share(), Amount::from_sat(500_000));

    wallet.sign(&mut psbt, &facts);
    let tx = finalize(&from_base64(&to_base64(&psbt)).unwrap()).unwrap();
    assert_eq!(node.broadcast(&tx).unwrap(), facts.txid);
    // Theirs is weighed as light as its kind can be.
    assert!(facts.weight <= tx.weight() && tx.weight().to_wu() - facts.weight.to_wu() <= 4);
}
