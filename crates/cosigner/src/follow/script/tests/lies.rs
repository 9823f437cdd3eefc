//! A server that tells what is not so, or more than can be taken in.

use futures::executor::block_on;

use super::{Scene, block, payment};
use crate::{
    follow::FollowFault,
    port::{
        conformance::sample::{put, script},
        store::Write,
    },
    testing::memory::Fate,
};

#[test]
fn c06_a_server_that_tells_of_a_fork_and_shows_the_same_blocks_takes_nothing_back() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    scene.mine(&[]);
    scene.catch_up();
    scene.chain.with(|chain| chain.parts_above = Some(0));
    scene.mine(&[]);
    for _ in 0..5 {
        scene.step().unwrap();
        assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
    }
    assert_eq!(scene.height(), 4);
}

#[test]
fn c06_after_a_reorganization_whose_end_nobody_heard_what_moved_is_read_again() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.mine(std::slice::from_ref(&coin));
    scene.catch_up();
    scene.chain.with(|chain| {
        chain.blocks.truncate(2);
        for (height, mined) in [(2, std::slice::from_ref(&coin)), (3, &[])] {
            let last = chain.blocks.last().unwrap().header;
            chain.blocks.push(block(&last, height, 1, mined));
        }
        // To the server the script looks as before.
        for (key, told) in &mut chain.watched.clone() {
            *told = Some(chain.history_of(*key));
            chain.watched.insert(*key, told.clone());
        }
    });
    scene.store.fates([Fate::CommitUnheard]);
    assert!(matches!(scene.step(), Err(FollowFault::Store(_))));
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
}

#[test]
fn c13_scripts_beyond_what_a_server_watches_hold_up_none_of_the_others() {
    let mut scene = Scene::new();
    scene.chain.with(|chain| chain.most_watched = 6);
    scene.catch_up();
    let more = (1..4).map(|index| script(2, 0, index)).collect();
    block_on(put(&scene.store, [Write::AddScripts(more)]));
    let (coin, foreign) = (payment(2, 0, 5_000), payment(2, 1, 6_000));
    scene.mine(&[coin.clone(), foreign.clone()]);
    let mut faults = 0;
    for _ in 0..20 {
        faults += usize::from(matches!(scene.step(), Err(FollowFault::TooManyScripts)));
    }
    assert!(faults > 0, "nobody is told");
    assert_eq!(scene.told(2, &coin), Some((Some(2), false)));
    assert_eq!(scene.told(2, &foreign), None);
    // Of a server that watches more all is known.
    scene.chain.with(|chain| chain.most_watched = usize::MAX);
    scene.catch_up();
    scene.catch_up();
    assert_eq!(scene.told(2, &foreign), Some((Some(2), false)));
}

#[test]
fn c05_what_is_read_of_a_long_history_stays_though_its_end_is_false() {
    let mut scene = Scene::new();
    let coins: Vec<_> = (0..201).map(|n| payment(1, 0, 5_000 + n)).collect();
    scene.mine(&coins);
    let lied = payment(1, 0, 4_000);
    scene.chain.with(|chain| {
        chain.mempool.insert(lied.compute_txid(), lied.clone());
        chain.elsewhere.insert(lied.compute_txid(), 1);
    });
    let faults = (0..5).filter(|_| matches!(scene.step(), Err(FollowFault::FalseProof { .. })));
    assert!(faults.count() > 0);
    assert_eq!(scene.told(1, &coins[0]), Some((Some(2), false)));
    assert_eq!(scene.told(1, &lied), None);
}

#[test]
fn a_history_that_is_not_at_rest_yet_is_no_fault_until_it_lasts() {
    let mut scene = Scene::new();
    let coin = payment(1, 0, 5_000);
    scene.catch_up();
    scene.mine(std::slice::from_ref(&coin));
    scene.step().unwrap();
    let txid = coin.compute_txid();
    scene.chain.with(|chain| chain.lacks = Some(txid));
    let told: Vec<_> = (0..6).map(|_| scene.step().is_ok()).collect();
    assert_eq!(told, [true, true, true, true, false, false]);
    scene.chain.with(|chain| chain.lacks = None);
    scene.catch_up();
    assert_eq!(scene.told(1, &coin), Some((Some(2), false)));
}
