mod lies;

use bitcoin::{
    Amount, Block, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Txid, Witness,
    absolute::LockTime,
    block::{Header, Version},
    hashes::Hash,
};
use futures::executor::block_on;

use crate::{
    Config,
    follow::{FollowFault, Follower},
    port::{
        conformance::sample::{populate, put, script, wallet_id},
        record::{Issued, Rescan},
        store::{Store, Write},
    },
    rpc::outpoint,
    testing::{MemoryChain, MemoryStore},
};

/// A store with wallets 1 and 2, and a source that is followed by its scripts.
struct Scene {
    store: MemoryStore,
    chain: MemoryChain,
    follower: Follower,
}

impl Scene {
    fn new() -> Self {
        let (store, chain) = (MemoryStore::new(), MemoryChain::new());
        chain.with(|chain| chain.by_script = true);
        block_on(populate(&store));
        let scripts = (0..5).map(|index| script(1, 0, index)).chain([script(2, 0, 0)]);
        block_on(put(&store, [Write::AddScripts(scripts.collect())]));
        let mut scene = Self {
            store,
            chain,
            follower: follower(),
        };
        scene.mine(&[]);
        scene
    }

    fn step(&mut self) -> Result<bool, FollowFault> {
        block_on(self.follower.step(&self.store, &self.chain, 1_900_000_000)).map(|progress| progress.more)
    }

    fn catch_up(&mut self) {
        for _ in 0..1_000 {
            if !self.step().unwrap() {
                return;
            }
        }
        panic!("the follower never comes to rest");
    }

    fn height(&self) -> u32 {
        block_on(self.store.tip()).unwrap().unwrap().height
    }

    /// Mines these on top of the best block.
    fn mine(&mut self, transactions: &[Transaction]) {
        self.chain.with(|chain| {
            let height = u32::try_from(chain.blocks.len()).unwrap();
            chain.mempool.retain(|_, waiting| !transactions.contains(waiting));
            let last = chain.blocks.last().unwrap().header;
            chain.blocks.push(block(&last, height, 0, transactions));
        });
    }

    /// What is stored of a transaction of a wallet: its height, and whether it is gone.
    fn told(&self, wallet: u8, transaction: &Transaction) -> Option<(Option<u32>, bool)> {
        let txid = transaction.compute_txid().to_byte_array();
        let row = block_on(self.store.transaction(wallet_id(wallet), txid)).unwrap()?;
        Some((row.block.map(|mined| mined.height), row.gone))
    }
}

fn follower() -> Follower {
    Follower::new(Config::new(bitcoin::Network::Regtest))
}

/// A block of a coinbase and these; `salt` tells forks apart.
fn block(last: &Header, height: u32, salt: u32, transactions: &[Transaction]) -> Block {
    let coinbase = Transaction {
        input: vec![TxIn {
            script_sig: ScriptBuf::from(height.to_le_bytes().to_vec()),
            ..TxIn::default()
        }],
        ..pays(&[], &[ScriptBuf::new()], u64::from(salt))
    };
    let mut block = Block {
        header: Header {
            version: Version::TWO,
            prev_blockhash: last.block_hash(),
            merkle_root: TxMerkleNode::all_zeros(),
            time: last.time + 600,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            nonce: 0,
        },
        txdata: [&[coinbase], transactions].concat(),
    };
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    while !block.header.target().is_met_by(block.header.block_hash()) {
        block.header.nonce += 1;
    }
    block
}

fn pays(spent: &[OutPoint], to: &[ScriptBuf], sat: u64) -> Transaction {
    let input = |previous_output: &OutPoint| TxIn {
        previous_output: *previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let output = |script_pubkey: &ScriptBuf| TxOut {
        value: Amount::from_sat(sat),
        script_pubkey: script_pubkey.clone(),
    };
    Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: spent.iter().map(input).collect(),
        output: to.iter().map(output).collect(),
    }
}

/// The script of a wallet's first addresses.
fn address(wallet: u8, index: u32) -> ScriptBuf {
    let key = script(wallet, 0, index).output_key;
    ScriptBuf::from([[0x51, 0x20].as_slice(), key.as_slice()].concat())
}

/// A payment from somewhere else, told apart by its amount.
fn payment(wallet: u8, index: u32, sat: u64) -> Transaction {
    let elsewhere = OutPoint::new(Txid::from_byte_array([9; 32]), u32::try_from(sat).unwrap());
    pays(&[elsewhere], &[address(wallet, index)], sat)
}

fn spend(coin: &Transaction, sat: u64) -> Transaction {
    let coin = OutPoint::new(coin.compute_txid(), 0);
    pays(&[coin], &[ScriptBuf::new()], sat)
}

#[test]
fn a_payment_waits_is_mined_and_is_spent() {
    let mut scene = Scene::new();
    scene.catch_up();
    let (coin, other) = (payment(1, 0, 5_000), payment(2, 0, 6_000));
    let spend = spend(&coin, 4_000);
    scene
        .chain
        .with(|chain| chain.mempool.insert(coin.compute_txid(), coin.clone()));
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), Some((None, false)));
    let issued = Issued {
        wallet: wallet_id(1),
        txid: spend.compute_txid().to_byte_array(),
        outpoints: vec![outpoint(OutPoint::new(coin.compute_txid(), 0))],
        at: 1,
    };
    block_on(put(&scene.store, [Write::PutIssued(issued)]));
    scene.mine(std::slice::from_ref(&coin));
    scene.mine(&[other.clone(), spend.clone()]);
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
    assert_eq!(scene.told(1, &spend), Some((Some(3), false)));
    assert_eq!(scene.told(2, &other), Some((Some(3), false)));
    assert_eq!(scene.told(2, &coin), None);
    assert!(block_on(scene.store.issued(wallet_id(1))).unwrap().is_empty());
    let row = block_on(
        scene
            .store
            .transaction(wallet_id(1), spend.compute_txid().to_byte_array()),
    );
    let mined = row.unwrap().unwrap().block.unwrap();
    assert_eq!((mined.position, mined.branch.len()), (2, 2));

    // A start over the same store changes nothing.
    let before = block_on(scene.store.transactions(wallet_id(1), 0, 10)).unwrap();
    scene.follower = follower();
    scene.catch_up();
    assert_eq!(block_on(scene.store.transactions(wallet_id(1), 0, 10)).unwrap(), before);
}

#[test]
fn c05_a_false_confirmation_is_not_believed_and_holds_up_no_other_wallet() {
    let mut scene = Scene::new();
    scene.catch_up();
    let (lied, honest) = (payment(1, 0, 5_000), payment(2, 0, 6_000));
    scene.chain.with(|chain| {
        // It waits, and is said to be in a block that others are in.
        chain.mempool.insert(lied.compute_txid(), lied.clone());
        chain.elsewhere.insert(lied.compute_txid(), 1);
    });
    scene.mine(std::slice::from_ref(&honest));
    let mut faults = 0;
    for _ in 0..20 {
        faults += usize::from(matches!(scene.step(), Err(FollowFault::FalseProof { .. })));
    }
    assert!(faults > 0);
    assert_eq!(scene.told(1, &lied), None);
    assert_eq!(scene.told(2, &honest), Some((Some(2), false)));
    // Once the truth is told it is taken.
    scene.chain.with(|chain| chain.elsewhere.clear());
    scene.catch_up();
    assert_eq!(scene.told(1, &lied), Some((None, false)));
}

#[test]
fn c05_a_branch_that_leads_elsewhere_proves_nothing() {
    let mut scene = Scene::new();
    scene.catch_up();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    scene.chain.with(|chain| chain.false_branches = true);
    let faults = (0..20).filter(|_| matches!(scene.step(), Err(FollowFault::FalseProof { height: 2, .. })));
    assert!(faults.count() > 0);
    assert_eq!(scene.told(1, &coin), None);
}

#[test]
fn c05_headers_without_work_or_links_are_not_believed() {
    let mut scene = Scene::new();
    scene.catch_up();
    scene.mine(&[]);
    let good = scene.chain.with(|chain| chain.blocks.last().cloned()).unwrap();
    let spoil = |scene: &mut Scene, spoil: &dyn Fn(&mut Header)| {
        let mut block = good.clone();
        spoil(&mut block.header);
        scene.chain.with(|chain| *chain.blocks.last_mut().unwrap() = block);
        (0..5).find_map(|_| scene.step().err())
    };
    let no_work = |header: &mut Header| {
        while header.target().is_met_by(header.block_hash()) {
            header.nonce += 1;
        }
    };
    let early = |header: &mut Header| {
        header.time = 1;
        while !header.target().is_met_by(header.block_hash()) {
            header.nonce += 1;
        }
    };
    let easy = |header: &mut Header| header.bits = CompactTarget::from_consensus(0x207f_fffe);
    for (what, wrong) in [("work", &no_work as &dyn Fn(&mut Header)), ("difficulty", &easy)] {
        let fault = spoil(&mut scene, wrong);
        assert!(
            matches!(fault, Some(FollowFault::Header { height: 2, .. })),
            "{what}: {fault:?}"
        );
        assert_eq!(scene.height(), 1);
    }
    // The median of eleven is not known on so short a chain.
    assert!(spoil(&mut scene, &early).is_none());
    assert_eq!(scene.height(), 2);
}

#[test]
fn c06_after_a_reorganization_of_one_to_six_blocks_what_moved_is_where_it_is_now() {
    for depth in 1..=6_u32 {
        let mut scene = Scene::new();
        let coins: Vec<_> = (0..depth).map(|n| payment(1, n % 5, 5_000 + u64::from(n))).collect();
        for coin in &coins {
            scene.mine(std::slice::from_ref(coin));
        }
        scene.catch_up();
        for (height, coin) in (2..).zip(&coins) {
            assert_eq!(scene.told(1, coin), Some((Some(height), false)));
        }
        // Another chain, one block longer: the first of them at the same height as before, the last waits again, the
        // others are in its top block.
        scene.chain.with(|chain| {
            chain.blocks.truncate(2);
            for height in 2..=2 + depth {
                let last = chain.blocks.last().unwrap().header;
                let mined = match height {
                    2 => &coins[..1],
                    height if height == 2 + depth && depth > 1 => &coins[1..coins.len() - 1],
                    _ => &[],
                };
                chain.blocks.push(block(&last, height, 1, mined));
            }
            if let Some(last) = coins.last().filter(|_| depth > 1) {
                chain.mempool.insert(last.compute_txid(), last.clone());
            }
            // A server need not tell of what looks to it as before.
            let watched: Vec<_> = chain.watched.keys().copied().collect();
            for key in watched {
                let history = chain.history_of(key);
                chain.watched.insert(key, Some(history));
            }
        });
        scene.catch_up();
        assert_eq!(scene.height(), 2 + depth);
        for (place, coin) in coins.iter().enumerate() {
            let expected = match place {
                0 => Some(2),
                place if place + 1 == coins.len() => None,
                _ => Some(2 + depth),
            };
            assert_eq!(scene.told(1, coin), Some((expected, false)), "{place} of {depth}");
        }
        let first = block_on(
            scene
                .store
                .transaction(wallet_id(1), coins[0].compute_txid().to_byte_array()),
        );
        let mined = first.unwrap().unwrap().block.unwrap();
        let stored = block_on(scene.store.blocks(2, 1)).unwrap().pop().unwrap();
        assert_eq!(mined.hash, stored.hash, "depth {depth}");
    }
}

#[test]
fn c05_a_chain_with_no_more_work_takes_the_place_of_none() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    scene.mine(&[]);
    scene.catch_up();
    for shorter in [0, 1] {
        scene.chain.with(|chain| {
            chain.blocks.truncate(2);
            for height in 2..4 - shorter {
                let last = chain.blocks.last().unwrap().header;
                chain.blocks.push(block(&last, height, 7, &[]));
            }
        });
        let fault = scene.step();
        assert!(matches!(fault, Err(FollowFault::LessWork { above: 1 })), "{fault:?}");
        assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
    }
}

#[test]
fn c08_what_was_replaced_is_gone_and_c09_what_was_dropped_is_sent_again() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    let (ours, foreign) = (spend(&coin, 4_000), payment(2, 0, 6_000));
    scene.chain.with(|chain| {
        for transaction in [&ours, &foreign] {
            chain.mempool.insert(transaction.compute_txid(), transaction.clone());
        }
    });
    scene.catch_up();
    assert_eq!(scene.told(1, &ours), Some((None, false)));
    // Dropped: what spends a wallet's coin is sent again, what a stranger sent is not.
    scene.chain.with(|chain| chain.mempool.clear());
    scene.catch_up();
    assert_eq!(scene.chain.with(|chain| chain.sent.clone()), [ours.compute_txid()]);
    assert_eq!(scene.told(1, &ours), Some((None, false)));
    assert_eq!(scene.told(2, &foreign), Some((None, true)));
    // Replaced.
    let other = spend(&coin, 3_000);
    scene.chain.with(|chain| {
        chain.mempool.clear();
        chain.mempool.insert(other.compute_txid(), other.clone());
        chain.refuses = Some("txn-mempool-conflict".to_owned());
    });
    scene.catch_up();
    assert_eq!(scene.told(1, &ours), Some((None, true)));
    assert_eq!(scene.told(1, &other), Some((None, false)));
}

#[test]
fn scripts_that_are_added_later_have_their_past_read_and_their_rescan_ends() {
    let mut scene = Scene::new();
    let coin = payment(1, 30, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    scene.mine(&[]);
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), None);
    let rescan = Rescan {
        wallet: wallet_id(1),
        next: 0,
        last: 3,
        missing_below: None,
    };
    let scripts = (5..31).map(|index| script(1, 0, index)).collect();
    block_on(put(
        &scene.store,
        [Write::AddScripts(scripts), Write::PutRescan(rescan)],
    ));
    scene.catch_up();
    // What was added is told of at the next look.
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
    assert_eq!(block_on(scene.store.rescan(wallet_id(1))).unwrap(), None);
}

#[test]
fn a_payment_from_before_the_server_began_is_proved_by_the_headers_that_lead_to_it() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    for _ in 0..4_500 {
        scene.mine(&[]);
    }
    scene.catch_up();
    let lowest = block_on(scene.store.blocks(0, 1)).unwrap()[0].height;
    assert_eq!(lowest, 4_032, "the start of a difficulty period near the tip");
    assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
}
