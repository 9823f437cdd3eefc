//! Bytes of a PSBT, through to the facts, the signatures and the finished transaction.

use std::{collections::BTreeMap, sync::LazyLock};

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::key::{Secp256k1, TapTweak as _};
use bitcoin::psbt::PsbtSighashType;
use bitcoin::script::PushBytesBuf;
use bitcoin::secp256k1::{All, Message};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Network, OutPoint, Psbt, Script, ScriptBuf, Sequence, TapNodeHash, Transaction, TxIn, TxOut, Txid,
    WPubkeyHash, Witness,
};
use twofold_intent::psbt::{attach, finalize, read, to_base64};
use twofold_intent::{Account, Facts, Keychain, OwnInput, WalletView, facts};

use crate::{Seed, Target, choice, seed};

pub(crate) const TARGET: Target = Target {
    name: "psbt",
    run,
    stages: &[
        "nothing",
        "PSBT_EMPTY",
        "PSBT_NOT_BASE64",
        "PSBT_UNPARSEABLE",
        "PSBT_TRAILING_BYTES",
        "EMPTY_TRANSACTION",
        "TRANSACTION_VERSION",
        "COINBASE_INPUT",
        "DUPLICATE_INPUT",
        "RELATIVE_LOCK",
        "LOCK_TIME_TOO_FAR",
        "AMOUNT_MISSING",
        "PREVIOUS_TRANSACTION",
        "CHAIN_DISAGREES",
        "AMOUNT_OUT_OF_RANGE",
        "OUTPUTS_EXCEED_INPUTS",
        "NO_OWN_INPUT",
        "FALSE_PATH",
        "FALSE_CHANGE",
        "FOREIGN_MERKLE_ROOT",
        "FOREIGN_INTERNAL_KEY",
        "SCRIPT_PATH",
        "SIGHASH_TYPE",
        "DUST_OUTPUT",
        "BURNED_VALUE",
        "DATA_TOO_LONG",
        "MANY_DATA_OUTPUTS",
        "NONSTANDARD_OUTPUT",
        "FEE_TOO_HIGH",
        "FEE_SHARE_TOO_HIGH",
        "facts",
        "signed",
    ],
    seeds,
};

const HORIZON: u32 = 27;
const TIP: u32 = 800_000;
const NOW: u32 = 1_700_000_000;
/// The wallet's coins that the chain index knows: keychain, child, satoshi.
const COINS: [(Keychain, u32, u64); 3] = [
    (Keychain::External, 3, 100_000),
    (Keychain::Internal, 7, 50_000),
    (Keychain::External, 4, 30_000_000),
];

/// A wallet whose whole key is known here.
struct Scene {
    secp: Secp256k1<All>,
    secret: Xpriv,
    account: Account,
    coins: BTreeMap<OutPoint, TxOut>,
    scripts: BTreeMap<ScriptBuf, (Keychain, u32)>,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let secp = Secp256k1::new();
    let secret = Xpriv::new_master(Network::Regtest, b"two of three").expect("a key");
    let account = Account::new(Network::Regtest, Xpub::from_priv(&secp, &secret)).expect("an account");
    let coins = (0..).zip(COINS).map(|(place, (keychain, child, sats))| {
        let script_pubkey = account.script(keychain, child).expect("a script");
        let value = Amount::from_sat(sats);
        (outpoint(place), TxOut { value, script_pubkey })
    });
    let coins = coins.collect();
    let scripts = Keychain::ALL.into_iter().flat_map(|keychain| {
        let account = &account;
        (0..=HORIZON).map(move |child| (account.script(keychain, child).expect("a script"), (keychain, child)))
    });
    let scripts = scripts.collect();
    Scene {
        secp,
        secret,
        account,
        coins,
        scripts,
    }
});

/// What the reader knows is the input's to choose: nothing, the coins, the scripts, the time.
struct View(usize);

impl WalletView for View {
    fn coin(&self, outpoint: OutPoint) -> Option<TxOut> {
        (self.0 & 1 != 0).then(|| SCENE.coins.get(&outpoint).cloned()).flatten()
    }

    fn change_horizon(&self, _: Keychain) -> u32 {
        HORIZON
    }

    fn script(&self, script: &Script) -> Option<(Keychain, u32)> {
        (self.0 & 2 != 0).then(|| SCENE.scripts.get(script).copied()).flatten()
    }

    fn tip_height(&self) -> Option<u32> {
        (self.0 & 4 != 0).then_some(TIP)
    }

    fn median_time(&self) -> Option<u32> {
        (self.0 & 4 != 0).then_some(NOW)
    }
}

fn run(input: &[u8]) -> &'static str {
    let Some((knows, file)) = choice(input) else {
        return "nothing";
    };
    let psbt = match read(file) {
        Ok(psbt) => psbt,
        Err(refused) => {
            assert!(!refused.to_string().chars().any(char::is_control), "{refused}");
            return refused.reason();
        }
    };
    // What other wallets are given is what was read.
    assert_eq!(read(to_base64(&psbt).as_bytes()).as_ref(), Ok(&psbt));
    let _ = finalize(&psbt);
    match facts(&psbt, &SCENE.account, &View(knows)) {
        Ok(facts) => {
            add_up(&facts, &psbt);
            assert!(!facts.to_string().is_empty());
            finish(psbt, &facts)
        }
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            refused.reason()
        }
    }
}

/// What must hold of all facts, whoever wrote the PSBT.
fn add_up(facts: &Facts, psbt: &Psbt) {
    let (tx, account) = (&psbt.unsigned_tx, &SCENE.account);
    let own = facts.own_value();
    let given = facts.payment_value() + facts.change_value() + facts.fee;
    assert_eq!(own + facts.foreign_value(), given);
    assert_eq!(facts.charge(), facts.payment_value() + facts.fee);
    assert!(facts.share() <= facts.charge());
    assert!(!facts.foreign_inputs.is_empty() || facts.share() == facts.charge());
    assert!(!facts.inputs.is_empty());
    assert_eq!(facts.inputs.len() + facts.foreign_inputs.len(), tx.input.len());
    assert_eq!(facts.payments.len() + facts.change.len(), tx.output.len());
    assert_eq!(facts.txid, tx.compute_txid());
    for input in &facts.inputs {
        assert_eq!(input.outpoint, tx.input[input.index].previous_output);
        if let Some(coin) = &psbt.inputs[input.index].witness_utxo {
            assert_eq!(
                Ok(&coin.script_pubkey),
                account.script(input.keychain, input.child).as_ref()
            );
            assert_eq!(coin.value, input.value);
        }
    }
    for change in &facts.change {
        let output = &tx.output[change.index];
        assert_eq!(
            Ok(&output.script_pubkey),
            account.script(change.keychain, change.child).as_ref()
        );
        assert_eq!((output.value, change.child <= HORIZON), (change.value, true));
    }
}

/// Signs as the whole key would. The digests in the facts are the ones that the finished transaction is checked against.
fn finish(mut psbt: Psbt, facts: &Facts) -> &'static str {
    let sign = |input: &OwnInput| {
        let index = input.keychain.number();
        let path = [
            ChildNumber::Normal { index },
            ChildNumber::Normal { index: input.child },
        ];
        let key = SCENE
            .secret
            .derive_priv(&SCENE.secp, &DerivationPath::from(path.to_vec()));
        let key = key
            .expect("a child")
            .to_keypair(&SCENE.secp)
            .tap_tweak(&SCENE.secp, None);
        let digest = Message::from_digest(input.sighash);
        SCENE
            .secp
            .sign_schnorr_no_aux_rand(&digest, &key.to_keypair())
            .serialize()
    };
    let signatures: Vec<_> = facts.inputs.iter().map(sign).collect();
    attach(&mut psbt, facts, &signatures).expect("signatures of the whole key fit");
    match finalize(&psbt) {
        Ok(transaction) => {
            let scripts = psbt.inputs.iter().any(|input| input.final_script_sig.is_some());
            assert!(scripts || transaction.compute_txid() == facts.txid);
            "signed"
        }
        Err(_) => {
            assert!(
                !facts.foreign_inputs.is_empty(),
                "with our inputs alone nothing is missing"
            );
            "facts"
        }
    }
}

fn outpoint(place: u8) -> OutPoint {
    let txid = Txid::from_byte_array([place + 1; 32]);
    OutPoint { txid, vout: 1 }
}

fn stranger() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([9; 20]))
}

/// 150,000 sat of ours: 60,000 to a stranger, 89,000 back, 1,000 to the miner.
fn honest() -> Psbt {
    let account = &SCENE.account;
    let input = |place| TxIn {
        previous_output: outpoint(place),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let output = |script_pubkey, sats| TxOut {
        value: Amount::from_sat(sats),
        script_pubkey,
    };
    let back = account.script(Keychain::Internal, 8).expect("a script");
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input(0), input(1)],
        output: vec![output(stranger(), 60_000), output(back, 89_000)],
    };
    let mut psbt = Psbt::from_unsigned_tx(transaction).expect("unsigned");
    for (place, (keychain, child, _)) in COINS.into_iter().take(2).enumerate() {
        let key = account.internal_key(keychain, child).expect("a key");
        let origin = (Vec::new(), account.origin(keychain, child).expect("a path"));
        let map = &mut psbt.inputs[place];
        map.witness_utxo = SCENE.coins.get(&psbt.unsigned_tx.input[place].previous_output).cloned();
        map.tap_internal_key = Some(key);
        map.tap_key_origins.insert(key, origin);
    }
    let key = account.internal_key(Keychain::Internal, 8).expect("a key");
    let origin = (Vec::new(), account.origin(Keychain::Internal, 8).expect("a path"));
    psbt.outputs[1].tap_key_origins.insert(key, origin);
    psbt.outputs[1].tap_internal_key = Some(key);
    psbt
}

/// The same with somebody else's coin in it.
fn shared() -> Psbt {
    let mut psbt = honest();
    psbt.unsigned_tx.input.push(TxIn {
        previous_output: outpoint(9),
        ..psbt.unsigned_tx.input[0].clone()
    });
    psbt.inputs.push(bitcoin::psbt::Input {
        witness_utxo: Some(TxOut {
            value: Amount::from_sat(40_000),
            script_pubkey: stranger(),
        }),
        ..Default::default()
    });
    psbt.unsigned_tx.output[0].value = Amount::from_sat(99_000);
    psbt
}

type Spoil = fn(&mut Psbt);

/// One spoiled PSBT for a reason.
const SPOILED: [(&str, Spoil); 25] = [
    ("version", |psbt| psbt.unsigned_tx.version = Version(9)),
    ("coinbase", |psbt| {
        psbt.unsigned_tx.input[0].previous_output = OutPoint::null()
    }),
    ("duplicate", |psbt| {
        psbt.unsigned_tx.input[1].previous_output = psbt.unsigned_tx.input[0].previous_output;
    }),
    ("relative-lock", |psbt| {
        psbt.unsigned_tx.input[0].sequence = Sequence::from_height(5)
    }),
    ("late-lock", |psbt| {
        psbt.unsigned_tx.lock_time = LockTime::from_consensus(499_999_999)
    }),
    ("no-amount", |psbt| psbt.inputs[0].witness_utxo = None),
    ("other-previous", |psbt| {
        psbt.inputs[0].non_witness_utxo = Some(psbt.unsigned_tx.clone())
    }),
    ("false-amount", |psbt| amount(psbt, 0, 100_001)),
    ("all-the-money", |psbt| amount(psbt, 0, u64::MAX)),
    ("from-nowhere", |psbt| {
        psbt.unsigned_tx.output[0].value = Amount::from_sat(160_000)
    }),
    ("not-ours", |psbt| {
        for map in &mut psbt.inputs {
            map.tap_key_origins.clear();
            map.witness_utxo.as_mut().expect("a coin").script_pubkey = stranger();
        }
        for (place, input) in (20..).zip(&mut psbt.unsigned_tx.input) {
            input.previous_output = outpoint(place);
        }
    }),
    ("false-path", |psbt| {
        psbt.unsigned_tx.input[0].previous_output = outpoint(20);
        psbt.inputs[0].witness_utxo.as_mut().expect("a coin").script_pubkey = stranger();
    }),
    ("false-change", |psbt| {
        psbt.unsigned_tx.output[1].script_pubkey = stranger()
    }),
    ("merkle-root", |psbt| {
        psbt.inputs[0].tap_merkle_root = Some(TapNodeHash::from_byte_array([1; 32]))
    }),
    ("internal-key", |psbt| {
        psbt.inputs[0].tap_internal_key = psbt.inputs[1].tap_internal_key
    }),
    ("script", |psbt| psbt.inputs[0].redeem_script = Some(stranger())),
    ("sighash-none", |psbt| {
        psbt.inputs[0].sighash_type = Some(PsbtSighashType::from_u32(2))
    }),
    ("dust", |psbt| psbt.unsigned_tx.output[0].value = Amount::from_sat(100)),
    ("burned", |psbt| psbt.unsigned_tx.output[0].script_pubkey = data(5)),
    ("long-data", |psbt| no_value(psbt, 90)),
    ("two-data", |psbt| {
        no_value(psbt, 5);
        psbt.unsigned_tx.output.push(psbt.unsigned_tx.output[0].clone());
        psbt.outputs.push(bitcoin::psbt::Output::default());
    }),
    ("odd-script", |psbt| {
        psbt.unsigned_tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51])
    }),
    ("high-fee", |psbt| {
        psbt.unsigned_tx.input[0].previous_output = outpoint(2);
        amount(psbt, 0, 30_000_000);
        let script = SCENE.coins[&outpoint(2)].script_pubkey.clone();
        psbt.inputs[0].witness_utxo.as_mut().expect("a coin").script_pubkey = script;
        psbt.inputs[0].tap_key_origins.clear();
        psbt.inputs[0].tap_internal_key = None;
    }),
    ("high-share", |psbt| {
        psbt.unsigned_tx.output[0].value = Amount::from_sat(30_000)
    }),
    ("all", |psbt| {
        for map in &mut psbt.inputs {
            map.sighash_type = Some(PsbtSighashType::from_u32(1));
        }
    }),
];

fn amount(psbt: &mut Psbt, input: usize, sats: u64) {
    psbt.inputs[input].witness_utxo.as_mut().expect("a coin").value = Amount::from_sat(sats);
}

fn data(length: usize) -> ScriptBuf {
    ScriptBuf::new_op_return(PushBytesBuf::try_from(vec![1; length]).expect("short"))
}

fn no_value(psbt: &mut Psbt, length: usize) {
    let output = &mut psbt.unsigned_tx.output[0];
    (output.value, output.script_pubkey) = (Amount::ZERO, data(length));
}

fn seeds() -> Vec<Seed> {
    let honest = honest();
    let empty = Transaction {
        input: Vec::new(),
        output: Vec::new(),
        ..honest.unsigned_tx.clone()
    };
    let empty = Psbt::from_unsigned_tx(empty).expect("unsigned");
    let bytes = honest.serialize();
    let mut seeds = vec![
        ("nothing".into(), Vec::new()),
        seed("empty", 7, b""),
        seed("no-base64", 7, b"{}"),
        seed("cut", 7, &bytes[..bytes.len() / 2]),
        seed("trailing", 7, &[&bytes, b"!".as_slice()].concat()),
        seed("no-transaction", 7, &empty.serialize()),
        seed("honest", 7, &bytes),
        seed("honest-blind", 0, &bytes),
        seed("honest-base64", 7, to_base64(&honest).as_bytes()),
        seed("shared", 7, &shared().serialize()),
    ];
    for (name, spoil) in SPOILED {
        let mut psbt = honest.clone();
        spoil(&mut psbt);
        // The chain index would disagree first.
        let knows = if name == "all-the-money" { 6 } else { 7 };
        seeds.push(seed(name, knows, &psbt.serialize()));
    }
    seeds
}
