//! A regtest chain in memory, and a server that tells of it.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, Fingerprint, Xpriv};
use bitcoin::block::Header;
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::key::TapTweak as _;
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::transaction::Version;
use bitcoin::{BlockHash, ScriptBuf, Sequence, TxIn, TxMerkleNode, Witness, merkle_tree};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_api::reply::{Anchor, ChainTransaction, Head, Synced};

use super::*;
use crate::headers::tests::mine;

/// Height at which the wallet was made.
pub(super) const BIRTHDAY: u32 = 50;
/// The generator point, as good a group key as any: its secret is 1.
const GROUP_KEY: [u8; 33] = [
    0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b,
    0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];

pub(super) struct Scene {
    pub(super) ledger: Ledger,
    pub(super) random: ChaCha20Rng,
    blocks: Vec<(Header, Vec<Transaction>)>,
    serial: u32,
    time: u64,
    pub(super) timeline: u64,
}

impl Scene {
    pub(super) fn new() -> Self {
        let account = Account::from_group_key(Network::Regtest, &GROUP_KEY, [7; 32]).expect("an account");
        let mut scene = Self {
            ledger: Ledger::new(account, HeaderChain::starting_at(Network::Regtest.into(), BIRTHDAY)).expect("books"),
            random: ChaCha20Rng::seed_from_u64(5),
            blocks: Vec::new(),
            serial: 0,
            time: 1_000_000,
            timeline: 0,
        };
        scene.mine(&[]);
        scene
    }

    pub(super) fn tip(&self) -> u32 {
        BIRTHDAY + u32::try_from(self.blocks.len()).expect("small") - 1
    }

    /// A payment from a stranger to our first address.
    pub(super) fn payment(&mut self, value: Amount) -> Transaction {
        let address = self
            .ledger
            .account()
            .address(Keychain::External, 0)
            .expect("an address");
        self.payment_to(&address, value)
    }

    pub(super) fn payment_to(&mut self, address: &Address, value: Amount) -> Transaction {
        self.serial += 1;
        let mut from = [9; 32];
        from[..4].copy_from_slice(&self.serial.to_be_bytes());
        transaction(
            OutPoint::new(Txid::from_byte_array(from), 0),
            address.script_pubkey(),
            value,
        )
    }

    /// Mines a block with a coinbase of a stranger's and these.
    pub(super) fn mine(&mut self, transactions: &[&Transaction]) {
        let reward = stranger(0).script_pubkey();
        self.mine_with(reward, Amount::ONE_BTC, transactions);
    }

    /// Mines a block whose reward is ours.
    pub(super) fn mine_to_us(&mut self, value: Amount) -> Transaction {
        let script = self.ledger.account().script(Keychain::External, 0).expect("a script");
        self.mine_with(script, value, &[]);
        self.blocks[self.blocks.len() - 1].1[0].clone()
    }

    fn mine_with(&mut self, reward: ScriptBuf, value: Amount, transactions: &[&Transaction]) {
        self.serial += 1;
        let mut coinbase = transaction(OutPoint::null(), reward, value);
        coinbase.lock_time = LockTime::from_consensus(self.serial);
        let all: Vec<Transaction> = core::iter::once(&coinbase)
            .chain(transactions.iter().copied())
            .cloned()
            .collect();
        let ids = all.iter().map(|transaction| transaction.compute_txid().to_raw_hash());
        let root = TxMerkleNode::from_raw_hash(merkle_tree::calculate_root(ids).expect("not empty"));
        let prev = self
            .blocks
            .last()
            .map_or(BlockHash::all_zeros(), |(header, _)| header.block_hash());
        let time = 10_000 + self.serial;
        self.blocks.push((mine(prev, time, root), all));
    }

    /// Drops the newest blocks and mines empty ones in their place.
    pub(super) fn reorganise(&mut self, drop: usize, mine: usize) {
        self.blocks.truncate(self.blocks.len() - drop);
        for _ in 0..mine {
            self.mine(&[]);
        }
    }

    /// What the server says of a transaction, with its place where a block holds it.
    pub(super) fn told(&self, transaction: &Transaction) -> ChainTransaction {
        let place = self.blocks.iter().enumerate().find_map(|(block, (header, all))| {
            let position = all.iter().position(|other| other == transaction)?;
            Some(Anchor {
                height: BIRTHDAY + u32::try_from(block).expect("small"),
                hash: header.block_hash().to_byte_array(),
                position: u32::try_from(position).expect("small"),
                branch: crate::headers::merkle::tests::branch(all, position),
            })
        });
        ChainTransaction {
            transaction: serialize(transaction),
            block: place,
            seen: 500,
            gone: false,
        }
    }

    /// The server's reply with all headers that the ledger lacks and these transactions.
    pub(super) fn page(&mut self, transactions: Vec<ChainTransaction>) -> Synced {
        self.time += 10;
        let known = SyncRun::new(&self.ledger).locator();
        let from = known.iter().find_map(|(height, hash)| {
            let place = usize::try_from(height.checked_sub(BIRTHDAY)?).ok()?;
            let ours = self.blocks.get(place)?.0.block_hash().to_byte_array();
            (ours == *hash).then_some(place + 1)
        });
        let from = from.unwrap_or(0);
        Synced {
            head: Head {
                checkpoint: None,
                seal_key: Vec::new(),
                time: self.time,
                waiting: 0,
            },
            from_height: BIRTHDAY + u32::try_from(from).expect("small"),
            headers: self.blocks[from..]
                .iter()
                .map(|(header, _)| serialize(header))
                .collect(),
            tip_height: self.tip(),
            transactions,
            cursor: self.time,
            timeline: self.timeline,
            more: false,
            scanned_height: self.tip(),
        }
    }

    pub(super) fn enter(&mut self, page: Synced) -> Result<SyncReport, ChainLie> {
        let mut run = SyncRun::new(&self.ledger);
        assert_eq!(run.page(page)?, NextPage::Finish);
        let found = run.finish()?;
        let (_, report) = self.ledger.enter(found).expect("books");
        Ok(report)
    }

    pub(super) fn sync(&mut self, transactions: &[&Transaction]) -> Result<SyncReport, ChainLie> {
        let told = transactions.iter().map(|transaction| self.told(transaction)).collect();
        let page = self.page(told);
        self.enter(page)
    }

    pub(super) fn sync_mempool(&mut self, transactions: &[&Transaction]) -> Result<SyncReport, ChainLie> {
        let told = transactions.iter().map(|transaction| ChainTransaction {
            block: None,
            ..self.told(transaction)
        });
        let told = told.collect();
        let page = self.page(told);
        self.enter(page)
    }

    pub(super) fn sync_gone(&mut self, transactions: &[&Transaction]) -> Result<SyncReport, ChainLie> {
        let gone = |transaction: &&Transaction| ChainTransaction {
            block: None,
            gone: true,
            ..self.told(transaction)
        };
        let told = transactions.iter().map(gone).collect();
        let page = self.page(told);
        self.enter(page)
    }

    /// Keeps the books and reads them back, as the next command does.
    pub(super) fn restart(&mut self) {
        let account = self.ledger.account().clone();
        let bytes = self.ledger.save().expect("saves");
        let chain = self.ledger.chain();
        let pieces: Vec<Vec<u8>> = chain.segments_from(0).map(|number| chain.segment(number)).collect();
        let chain = HeaderChain::from_segments(Network::Regtest.into(), BIRTHDAY, pieces.iter().map(Vec::as_slice));
        self.ledger = Ledger::load(account, chain, &bytes).expect("loads");
    }
}

/// The transaction of a draft with the signatures that three parties would have made.
pub(super) fn signed(draft: &Draft) -> Transaction {
    let secp = Secp256k1::new();
    let mut secret = [0; 32];
    secret[31] = 1;
    let master = Xpriv {
        network: Network::Regtest.into(),
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::Normal { index: 0 },
        private_key: SecretKey::from_slice(&secret).expect("a secret key"),
        chain_code: [7; 32].into(),
    };
    let sign = |own: &twofold_intent::OwnInput| {
        let path =
            [own.keychain.number(), own.child].map(|step| ChildNumber::from_normal_idx(step).expect("unhardened"));
        let child = master.derive_priv(&secp, &path).expect("a child");
        let pair = child.to_keypair(&secp).tap_tweak(&secp, None).to_keypair();
        let message = Message::from_digest(own.sighash);
        *secp.sign_schnorr_no_aux_rand(&message, &pair).as_ref()
    };
    let signatures: Vec<[u8; 64]> = draft.facts().inputs.iter().map(sign).collect();
    let mut psbt = draft.psbt().clone();
    twofold_intent::psbt::attach(&mut psbt, draft.facts(), &signatures).expect("they verify");
    twofold_intent::psbt::finalize(&psbt).expect("all are there")
}

pub(super) use crate::headers::ChainLie;

pub(super) fn transaction(from: OutPoint, script: ScriptBuf, value: Amount) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: from,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value,
            script_pubkey: script,
        }],
    }
}

/// An address that is not ours.
pub(super) fn stranger(number: u32) -> Address {
    let account = Account::from_group_key(Network::Regtest, &GROUP_KEY, [8; 32]).expect("an account");
    account.address(Keychain::External, number).expect("an address")
}
