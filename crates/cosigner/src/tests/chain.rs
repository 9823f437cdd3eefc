//! Broadcasting, fees and what the chain says.

use bitcoin::{Transaction, consensus::encode, hashes::Hash};
use futures::executor::block_on;
use twofold_api::{Reason, Refusal, audit::Event, limits, reply, request};

use crate::{
    fixture::{Call, House, Phone, Purse, START, random},
    port::{
        record::{Block, Mined, WalletTransaction},
        store::{Batch, Write},
    },
    testing::memory::Fate,
};

struct Out {
    call: Call,
    transaction: Vec<u8>,
}

fn out(phone: &Phone, purse: &Purse, transaction: &Transaction) -> Out {
    let transaction = encode::serialize(transaction);
    Out {
        call: phone.call("Broadcast", Some(purse.id), &transaction),
        transaction,
    }
}

impl Out {
    fn send(&self, house: &House, purse: &Purse) -> Result<reply::Sent, Refusal> {
        let asked = request::Broadcast {
            wallet: purse.id,
            transaction: self.transaction.clone(),
            checkpoint: purse.newest.get(),
        };
        block_on(house.mind.broadcast(house.let_in(&self.call, asked)?))
    }
}

#[test]
fn c10_a_broadcast_while_the_node_is_down_is_repeated_harmlessly() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let transaction = purse.psbt(&[coin], 40_000).unsigned_tx;
    let out = out(&phone, &purse, &transaction);
    house.chain.with(|chain| chain.down = true);
    let refused = out.send(&house, &purse).unwrap_err();
    assert_eq!(refused.reason, Reason::ChainUnavailable);
    assert!(refused.retry_after.is_some());
    house.chain.with(|chain| chain.down = false);
    let first = out.send(&house, &purse).unwrap();
    assert_eq!(out.send(&house, &purse).unwrap(), first);
    assert_eq!(first.txid, transaction.compute_txid().to_byte_array());
    let sent = house
        .audit(&purse)
        .iter()
        .filter(|entry| matches!(entry.event, Event::Broadcast { .. }))
        .count();
    assert_eq!(sent, 1, "an entry for each time it was asked for, not for each try");
    assert!(
        house
            .chain
            .with(|chain| chain.mempool.contains_key(&transaction.compute_txid()))
    );
}

#[test]
fn c10_a_broadcast_that_was_taken_without_an_answer_is_repeated_harmlessly() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let transaction = purse.psbt(&[coin], 40_000).unsigned_tx;
    let first = out(&phone, &purse, &transaction);
    house.chain.with(|chain| chain.unheard = true);
    assert_eq!(first.send(&house, &purse).unwrap_err().reason, Reason::ChainUnavailable);
    assert_eq!(house.chain.with(|chain| chain.mempool.len()), 1);
    house.chain.with(|chain| chain.unheard = false);
    // The same request again, and one of its own from a device that gave the first one up.
    let sent = first.send(&house, &purse).unwrap();
    assert_eq!(first.send(&house, &purse).unwrap(), sent);
    purse.note(&sent.head, &house.mind.identity());
    let again = out(&phone, &purse, &transaction).send(&house, &purse).unwrap();
    assert_eq!(again.txid, sent.txid);
    assert_eq!(house.chain.with(|chain| chain.mempool.len()), 1);
    let told = house.audit(&purse);
    let asked = told
        .iter()
        .filter(|entry| matches!(entry.event, Event::Broadcast { .. }));
    assert_eq!(asked.count(), 2, "an entry for each time it was asked for");
}

#[test]
fn f03_a_strangers_transaction_is_not_broadcast() {
    let house = House::new();
    let (phone, neighbour) = (Phone::joined(&house), Phone::joined(&house));
    let (purse, theirs) = (phone.create(&house), neighbour.create(&house));
    let coin = house.pay(&theirs, 100_000, 0);
    let transaction = theirs.psbt(&[coin], 40_000).unsigned_tx;
    house.refuses(Reason::NotYourTransaction, || {
        out(&phone, &purse, &transaction).send(&house, &purse)
    });
    assert!(house.chain.with(|chain| chain.sent.is_empty()));
    let rubbish = Out {
        call: phone.call("Broadcast", Some(purse.id), b"x"),
        transaction: vec![1, 2, 3],
    };
    house.refuses(Reason::Malformed, || rubbish.send(&house, &purse));
}

#[test]
fn what_was_signed_is_broadcast_even_if_the_index_has_not_seen_its_coin() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    phone.sign(&house, &purse, &psbt).unwrap();
    house.store.with(|tables| tables.coins.clear());
    out(&phone, &purse, &psbt.unsigned_tx).send(&house, &purse).unwrap();
}

#[test]
fn a_refusal_of_the_nodes_is_told_with_its_reason() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    house
        .chain
        .with(|chain| chain.refuses = Some("min relay fee not met".into()));
    let transaction = purse.psbt(&[coin], 40_000).unsigned_tx;
    let refused = out(&phone, &purse, &transaction).send(&house, &purse).unwrap_err();
    assert_eq!(refused.reason, Reason::ChainRefused);
    assert!(refused.message.contains("min relay fee not met"));
}

#[test]
fn c07_estimates_are_clamped_and_the_fallback_is_named() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let fees = || {
        let asked = request::EstimateFees {
            wallet: purse.id,
            checkpoint: None,
        };
        let call = phone.call("EstimateFees", Some(purse.id), b"");
        block_on(house.mind.estimate_fees(house.let_in(&call, asked).unwrap())).unwrap()
    };
    let told = fees();
    assert_eq!(told.source, "fallback");
    assert_eq!(
        told.estimates.iter().map(|(target, _)| *target).collect::<Vec<_>>(),
        [1, 2, 3, 6, 12, 24, 144]
    );
    assert!(
        told.estimates
            .iter()
            .all(|(_, rate)| *rate == house.config.fallback_rate)
    );

    house
        .chain
        .with(|chain| chain.estimates = [(1, u64::MAX), (6, 5_000), (144, 0)].into());
    house.clock.pass(30);
    let told = fees();
    assert_eq!(told.source, "node");
    let rates: Vec<_> = told.estimates.iter().map(|(_, rate)| *rate).collect();
    assert_eq!(rates, [1_000_000, 1_000_000, 1_000_000, 5_000, 5_000, 5_000, 1_000]);

    house.chain.with(|chain| chain.down = true);
    house.clock.set(START - 60);
    phone.clock.set(START - 60);
    assert_eq!(fees().source, "fallback");
}

#[test]
fn the_node_is_asked_for_fees_once_in_half_a_minute_whoever_asks() {
    let house = House::new();
    let (phone, other) = (Phone::joined(&house), Phone::joined(&house));
    let purses = [phone.create(&house), other.create(&house)];
    let asked = || {
        for (phone, purse) in [&phone, &other].into_iter().zip(&purses) {
            let call = phone.call("EstimateFees", Some(purse.id), b"");
            let asked = request::EstimateFees {
                wallet: purse.id,
                checkpoint: None,
            };
            block_on(house.mind.estimate_fees(house.let_in(&call, asked).unwrap())).unwrap();
        }
        house.chain.with(|chain| std::mem::take(&mut chain.asked_for_fees))
    };
    let once = 7;
    assert_eq!((asked(), asked()), (once, 0));
    house.clock.pass(29);
    assert_eq!(asked(), 0);
    house.clock.pass(1);
    assert_eq!((asked(), asked()), (once, 0));
    // A clock that goes back makes no answer last.
    house.clock.set(START - 3_600);
    phone.clock.set(START - 3_600);
    other.clock.set(START - 3_600);
    assert_eq!((asked(), asked()), (once, 0));
}

pub(crate) fn sync(house: &House, phone: &Phone, purse: &Purse, ask: impl FnOnce(&mut request::Sync)) -> reply::Synced {
    let mut asked = request::Sync {
        wallet: purse.id,
        cursor: 0,
        timeline: 0,
        locator: Vec::new(),
        revealed: [0, 0],
        checkpoint: None,
    };
    ask(&mut asked);
    let call = phone.call("Sync", Some(purse.id), b"");
    block_on(house.mind.sync(house.let_in(&call, asked).unwrap())).unwrap()
}

fn blocks(house: &House, heights: std::ops::RangeInclusive<u32>) {
    house.store.with(|tables| {
        for height in heights {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&height.to_le_bytes());
            tables.blocks.insert(
                height,
                Block {
                    height,
                    hash,
                    header: vec![u8::try_from(height % 251).unwrap(); 80],
                },
            );
        }
    });
}

#[test]
fn sync_tells_headers_from_what_both_know_and_transactions_after_the_cursor() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    blocks(&house, 111..=2_300);
    house.store.with(|tables| {
        for number in 0..230_u64 {
            let txid = random();
            let block = Some(Mined {
                height: 111,
                hash: [0; 32],
                position: 1,
                branch: vec![[1; 32]],
            });
            let row = WalletTransaction {
                wallet: purse.id,
                txid,
                transaction: vec![1, 2],
                block,
                seen: number,
                gone: false,
                cursor: number + 1,
            };
            tables.transactions.insert((purse.id, txid), row);
        }
    });
    let first = sync(&house, &phone, &purse, |_| {});
    assert_eq!(
        (first.from_height, first.tip_height, first.headers.len()),
        (110, 2_300, limits::SYNC_HEADERS)
    );
    assert_eq!((first.transactions.len(), first.cursor, first.more), (100, 100, true));
    assert_eq!(first.scanned_height, 2_300);

    let mut known = [0; 32];
    known[..4].copy_from_slice(&2_298_u32.to_le_bytes());
    let last = sync(&house, &phone, &purse, |asked| {
        asked.cursor = 200;
        // A block of another chain first: the newest that both know counts.
        asked.locator = vec![(2_299, [9; 32]), (2_298, known), (2_000, [9; 32])];
    });
    assert_eq!((last.from_height, last.headers.len(), last.more), (2_299, 2, false));
    assert_eq!((last.transactions.len(), last.cursor), (30, 230));
    let none = sync(&house, &phone, &purse, |asked| asked.cursor = 230);
    assert_eq!((none.transactions.len(), none.cursor), (0, 230));
}

/// What the follower commits with a block that pays the wallet.
fn payment_in_block(purse: &Purse, height: u32) -> Batch {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&height.to_le_bytes());
    let mined = Mined {
        height,
        hash,
        position: 1,
        branch: vec![[1; 32]],
    };
    Batch {
        expect: Vec::new(),
        writes: vec![
            Write::PutTransaction(WalletTransaction {
                wallet: purse.id,
                txid: random(),
                transaction: vec![1, 2],
                block: Some(mined),
                seen: 1,
                gone: false,
                cursor: 0,
            }),
            Write::PutBlock(Block {
                height,
                hash,
                header: vec![1; 80],
            }),
        ],
    }
}

#[test]
fn a_block_that_comes_while_sync_is_answered_is_told_with_its_payments() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    house.store.meanwhile([payment_in_block(&purse, 111)]);
    let told = sync(&house, &phone, &purse, |_| {});
    assert_eq!(
        (told.tip_height, told.scanned_height, told.transactions.len()),
        (111, 111, 1)
    );
}

#[test]
fn blocks_that_keep_coming_while_sync_is_answered_are_not_said_to_be_read() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    house
        .store
        .meanwhile((111..=120).map(|height| payment_in_block(&purse, height)));
    let told = sync(&house, &phone, &purse, |_| {});
    assert!(told.scanned_height < told.tip_height, "{told:?}");
    assert_eq!(
        told.transactions.len(),
        usize::try_from(told.scanned_height - 110).unwrap(),
        "what is said to be read is told"
    );
}

#[test]
fn old_blocks_whose_reading_ends_while_sync_is_answered_are_not_said_to_be_read() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    sync(&house, &phone, &purse, |asked| asked.revealed = [60, 0]);
    let from = house.rows().rescans[&purse.id];
    house.store.meanwhile([Batch {
        expect: Vec::new(),
        writes: vec![Write::MoveRescan { from, to: None }],
    }]);
    assert_eq!(sync(&house, &phone, &purse, |_| {}).scanned_height, 109);
    assert_eq!(sync(&house, &phone, &purse, |_| {}).scanned_height, 110);
}

#[test]
fn sync_watches_as_far_as_addresses_were_handed_out_and_no_further_than_is_sane() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    let watched = |house: &House| {
        let rows = house.rows().scripts;
        let count = |keychain| rows.values().filter(|script| script.keychain == keychain).count();
        [count(0), count(1)]
    };
    let revealing = |revealed| sync(&house, &phone, &purse, |asked| asked.revealed = revealed);
    revealing([5, 0]);
    assert_eq!(watched(&house), [25, 20]);
    assert!(
        house.rows().rescans.is_empty(),
        "nobody can have paid what was not handed out"
    );

    // Handed out before it was watched: old blocks are read again.
    let told = revealing([60, 0]);
    assert_eq!(watched(&house), [140, 20]);
    assert_eq!(house.rows().rescans[&purse.id].next, 110);
    assert_eq!(told.scanned_height, 109);

    revealing([u32::MAX, u32::MAX]);
    assert_eq!(
        watched(&house),
        [1_020, 1_020],
        "one request made the server watch without bound"
    );
}

#[test]
fn a_device_that_reveals_a_little_more_each_time_has_old_blocks_read_a_few_times_and_no_more() {
    let house = House::new();
    let phone = Phone::joined(&house);
    blocks(&house, 100..=110);
    let purse = phone.create(&house);
    let mut restarts = 0;
    let watched = || {
        house
            .store
            .with(|tables| tables.scripts.values().filter(|row| row.keychain == 0).count())
    };
    for _ in 0..50 {
        // One more than the server is ready for.
        let revealed = u32::try_from(watched()).unwrap() + 1;
        sync(&house, &phone, &purse, |asked| asked.revealed = [revealed, 0]);
        // The server has read it all when the next request comes.
        restarts += usize::from(house.store.with(|tables| tables.rescans.remove(&purse.id).is_some()));
    }
    assert!((1..=6).contains(&restarts), "old blocks were read {restarts} times");
    let rows = house.rows().scripts;
    let mut external: Vec<_> = rows
        .values()
        .filter(|row| row.keychain == 0)
        .map(|row| row.index)
        .collect();
    external.sort_unstable();
    assert_eq!(external, (0..1_020).collect::<Vec<_>>());
}

#[test]
fn scripts_that_are_watched_late_are_never_stored_without_their_past_being_read() {
    for chunks in 0..4 {
        let house = House::new();
        let phone = Phone::joined(&house);
        blocks(&house, 100..=110);
        let purse = phone.create(&house);
        // The server stops after so many chunks.
        house
            .store
            .fates(std::iter::repeat_n(Fate::Commit, chunks).chain([Fate::Refuse]));
        let revealing = || {
            let asked = request::Sync {
                wallet: purse.id,
                cursor: 0,
                timeline: 0,
                locator: Vec::new(),
                revealed: [200, 0],
                checkpoint: None,
            };
            let call = phone.call("Sync", Some(purse.id), b"");
            block_on(house.mind.sync(house.let_in(&call, asked).unwrap()))
        };
        revealing().unwrap_err();
        let rows = house.rows();
        let watched = rows.scripts.values().filter(|row| row.keychain == 0).count();
        assert_eq!(watched, 20 + 64 * chunks);
        assert_eq!(rows.rescans.contains_key(&purse.id), chunks > 0);
        revealing().unwrap();
        assert!(house.rows().rescans.contains_key(&purse.id));
    }
}

#[test]
fn numbers_at_their_extremes_are_answered() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let told = sync(&house, &phone, &purse, |asked| {
        asked.cursor = u64::MAX;
        asked.locator = vec![(u32::MAX, [0; 32]); 32];
    });
    assert!(told.transactions.is_empty() && !told.more);
    let call = phone.call("GetAudit", Some(purse.id), b"");
    let asked = house
        .let_in(
            &call,
            request::GetAudit {
                wallet: purse.id,
                from: u64::MAX,
                checkpoint: None,
            },
        )
        .unwrap();
    assert!(block_on(house.mind.get_audit(asked)).unwrap().lines.is_empty());
}
