//! What a lying server says, and what the books make of it: a named lie, and nothing taken over.

use bitcoin::Witness;
use bitcoin::consensus::encode::serialize;
use twofold_api::reply::{Anchor, ChainTransaction, Synced};

use super::drafts::{draft, pay, with_coins};
use super::scene::{ChainLie, Scene, signed, stranger, transaction};
use super::*;

/// Tells a lie and checks that nothing of it stays.
fn refused(scene: &mut Scene, page: Synced) -> ChainLie {
    let before = (
        scene.ledger.balance(),
        scene.ledger.history(),
        scene.ledger.tip_height(),
        scene.ledger.cursor,
    );
    let lie = scene.enter(page).expect_err("must refuse");
    let after = (
        scene.ledger.balance(),
        scene.ledger.history(),
        scene.ledger.tip_height(),
        scene.ledger.cursor,
    );
    assert_eq!(before, after, "a lie changed the books");
    lie
}

#[test]
fn c05_a_server_that_never_stops_telling_of_payments_that_wait_is_stopped() {
    let mut scene = Scene::new();
    let mut large = scene.payment(sats(70_000));
    large.input[0].witness = Witness::from_slice(&[vec![0; 3_900_000]]);
    let mut first = scene.page(vec![scene.told(&large)]);
    first.more = true;
    let mut second = scene.page(Vec::new());
    second.transactions = vec![
        ChainTransaction {
            transaction: vec![0; 4_000_000],
            ..scene.told(&large)
        };
        25
    ];
    let mut run = SyncRun::new(&scene.ledger);
    assert_eq!(run.page(first), Ok(NextPage::Ask));
    assert_eq!(run.page(second), Err(ChainLie::TooMuch), "before any of it is read");
}

#[test]
fn c05_a_transaction_that_no_block_holds_is_not_confirmed_by_saying_so() {
    let mut scene = Scene::new();
    let real = scene.payment(sats(70_000));
    scene.mine(&[&real]);
    let invented = scene.payment(sats(9_000_000));
    let place = scene.told(&real).block;
    let told = ChainTransaction {
        block: place,
        ..scene.told(&invented)
    };
    let page = scene.page(vec![told]);
    let (txid, height) = (invented.compute_txid(), scene.tip());
    assert_eq!(refused(&mut scene, page), ChainLie::FalseBranch { txid, height });
}

#[test]
fn c05_a_block_off_the_chain_confirms_nothing() {
    let mut scene = Scene::new();
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    let true_place = scene.told(&payment);
    let (txid, tip) = (payment.compute_txid(), scene.tip());
    let alter = |change: &dyn Fn(&mut Anchor)| {
        let mut told = true_place.clone();
        told.block.iter_mut().for_each(change);
        told
    };
    for (told, height) in [
        (alter(&|anchor| anchor.hash[0] ^= 1), tip),
        (alter(&|anchor| anchor.height += 1), tip + 1),
        (alter(&|anchor| anchor.height -= 1), tip - 1),
        (alter(&|anchor| anchor.height = 0), 0),
    ] {
        let page = scene.page(vec![told]);
        assert_eq!(refused(&mut scene, page), ChainLie::UnknownBlock { txid, height });
    }
}

#[test]
fn c05_amounts_can_not_be_altered_under_a_true_branch() {
    let mut scene = Scene::new();
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    let mut richer = payment.clone();
    richer.output[0].value = sats(7_000_000);
    let told = ChainTransaction {
        transaction: serialize(&richer),
        ..scene.told(&payment)
    };
    let page = scene.page(vec![told]);
    let lie = refused(&mut scene, page);
    assert_eq!(
        lie,
        ChainLie::FalseBranch {
            txid: richer.compute_txid(),
            height: scene.tip()
        }
    );
}

#[test]
fn c05_a_true_transaction_in_a_refused_fork_is_not_taken_over() {
    let mut scene = Scene::new();
    scene.mine(&[]);
    scene.mine(&[]);
    scene.sync(&[]).expect("syncs");
    scene.reorganise(2, 0);
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    let told = scene.told(&payment);
    let page = scene.page(vec![told]);
    assert_eq!(refused(&mut scene, page), ChainLie::LessWork { height: scene.tip() });
}

#[test]
fn c04_bytes_that_are_no_transaction_are_named() {
    let mut scene = Scene::new();
    let told = ChainTransaction {
        transaction: vec![1, 2, 3],
        block: None,
        seen: 0,
        gone: false,
    };
    let page = scene.page(vec![told]);
    assert_eq!(refused(&mut scene, page), ChainLie::NoTransaction);
}

#[test]
fn f25_a_server_that_always_has_more_and_says_nothing_new_is_left() {
    let mut scene = Scene::new();
    scene.sync(&[]).expect("syncs");
    let page = Synced {
        more: true,
        cursor: 0,
        ..scene.page(Vec::new())
    };
    let mut run = SyncRun::new(&scene.ledger);
    assert_eq!(run.page(page), Err(ChainLie::Stalled));
}

#[test]
fn pages_add_up() {
    let mut scene = Scene::new();
    let payments = [scene.payment(sats(1_000)), scene.payment(sats(2_000))];
    scene.mine(&[&payments[0]]);
    scene.mine(&[&payments[1]]);
    let told = payments.iter().map(|payment| scene.told(payment)).collect();
    let whole = scene.page(told);
    let mut run = SyncRun::new(&scene.ledger);
    // The second payment is told of before the header of its block.
    let first = Synced {
        headers: whole.headers[..1].to_vec(),
        cursor: 1,
        more: true,
        ..whole.clone()
    };
    assert_eq!(run.page(first), Ok(NextPage::Ask));
    let from_height = whole.from_height + 1;
    let second = Synced {
        headers: whole.headers[1..].to_vec(),
        transactions: Vec::new(),
        cursor: 2,
        from_height,
        ..whole
    };
    assert_eq!(run.page(second), Ok(NextPage::Finish));
    let found = run.finish().expect("true");
    scene.ledger.enter(found).expect("books");
    assert_eq!(scene.ledger.balance().confirmed, sats(3_000));
}

#[test]
fn a_server_whose_node_is_behind_is_said_to_be() {
    let mut scene = Scene::new();
    scene.mine(&[]);
    scene.mine(&[]);
    scene.sync(&[]).expect("syncs");
    let tip = scene.tip();
    scene.reorganise(1, 0);
    let report = scene.sync(&[]).expect("is no lie");
    assert_eq!((report.behind, report.tip_height), (Some(tip), tip));
}

#[test]
fn mined_money_that_waits_for_a_block_is_none() {
    let mut scene = Scene::new();
    let ours = scene.ledger.account().script(Keychain::External, 0).expect("a script");
    let stray = transaction(OutPoint::null(), ours, sats(1));
    scene.sync_mempool(&[&stray]).expect("syncs");
    assert_eq!(
        (scene.ledger.history(), scene.ledger.balance()),
        (Vec::new(), Balance::default())
    );
}

#[test]
fn more_money_than_there_is_is_named_and_much_of_it_does_not_overflow() {
    let mut scene = Scene::new();
    let most = scene.payment(Amount::MAX_MONEY);
    let mut more = most.clone();
    more.output.push(more.output[0].clone());
    let mut told = scene.told(&most);
    told.transaction = serialize(&more);
    let page = scene.page(vec![told]);
    assert_eq!(refused(&mut scene, page), ChainLie::NoTransaction);

    let invented: Vec<_> = (0..9_000).map(|_| scene.payment(Amount::MAX_MONEY)).collect();
    let told = invented.iter().map(|payment| scene.told(payment)).collect();
    let page = scene.page(told);
    scene
        .enter(page)
        .expect("waiting money proves nothing, so it may be any");
    assert_eq!(scene.ledger.balance().total(), Amount::MAX);
    assert_eq!(scene.ledger.balance().spendable(), Amount::ZERO);
}

#[test]
fn c05_a_payment_that_nobody_signed_does_not_take_the_place_of_ours() {
    let mut scene = with_coins(&[100_000, 50_000]);
    let ours = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    scene.ledger.note_outgoing(&ours);
    scene.sync_mempool(&[&ours]).expect("syncs");

    // The same coins, the same amount, to the thief; then with a signature that is none.
    let mut theirs = ours.clone();
    let paid = theirs.output.iter().position(|output| output.value == sats(30_000));
    theirs.output[paid.expect("is paid")].script_pubkey = stranger(2).script_pubkey();
    let waiting = |scene: &Scene, transaction: &Transaction| ChainTransaction {
        block: None,
        ..scene.told(transaction)
    };
    let txid = theirs.compute_txid();
    for witness in [
        Witness::new(),
        Witness::from_slice(&[[1; 64]]),
        theirs.input[0].witness.clone(),
    ] {
        for input in &mut theirs.input {
            input.witness = witness.clone();
        }
        let page = {
            let told = waiting(&scene, &theirs);
            scene.page(vec![told])
        };
        assert_eq!(refused(&mut scene, page), ChainLie::Unsigned { txid });
    }
    assert!(scene.ledger.replaceable(ours.compute_txid()).is_ok());
    assert!(scene.ledger.replaceable(txid).is_err());
}

#[test]
fn what_another_device_of_ours_signed_is_taken_in_before_a_block_has_it() {
    let mut scene = with_coins(&[100_000]);
    let first = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    let mut elsewhere = with_coins(&[100_000]);
    assert_eq!(elsewhere.ledger.balance(), scene.ledger.balance());
    elsewhere.sync_mempool(&[&first]).expect("is signed");
    assert!(elsewhere.ledger.replaceable(first.compute_txid()).is_ok());
    // A chain of two, told at once.
    scene.ledger.note_outgoing(&first);
    scene.sync_mempool(&[&first]).expect("syncs");
    let second = signed(&draft(&mut scene, &pay(&stranger(1), sats(20_000), 2)).expect("spends the change"));
    let mut third = with_coins(&[100_000]);
    third.sync_mempool(&[&second, &first]).expect("both are signed");
    assert!(third.ledger.replaceable(second.compute_txid()).is_ok());
}

#[test]
fn a_joint_payment_whose_other_coins_are_unknown_counts_once_a_block_holds_it() {
    let mut scene = with_coins(&[100_000]);
    let before = scene.ledger.balance();
    let mut joint = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    let theirs = scene.payment(sats(1)).input.remove(0);
    joint.input.push(theirs);
    scene.sync_mempool(&[&joint]).expect("is no lie");
    assert_eq!(scene.ledger.balance(), before);
    scene.mine(&[&joint]);
    scene.sync(&[&joint]).expect("syncs");
    assert!(scene.ledger.balance().total() < before.total());
}
