//! The books, told true and false things about a chain that the test mines itself.

mod drafts;
mod lies;
mod replace;
mod scene;

use bitcoin::{Amount, SignedAmount};
use drafts::{draft, pay, with_coins};
use scene::{Scene, signed, stranger};
use twofold_api::reply::Synced;

use super::*;

fn sats(sats: u64) -> Amount {
    Amount::from_sat(sats)
}

#[test]
fn money_is_pending_until_a_block_holds_it_and_confirmed_from_then_on() {
    let mut scene = Scene::new();
    let payment = scene.payment(sats(70_000));
    scene.sync_mempool(&[&payment]).expect("syncs");
    let expected = Balance {
        pending: sats(70_000),
        ..Balance::default()
    };
    assert_eq!(scene.ledger.balance(), expected);

    scene.mine(&[&payment]);
    let report = scene.sync(&[&payment]).expect("syncs");
    assert_eq!((report.changed, report.tip_height), (1, scene.tip()));
    let expected = Balance {
        confirmed: sats(70_000),
        ..Balance::default()
    };
    assert_eq!(scene.ledger.balance(), expected);
    let [entry] = &scene.ledger.history()[..] else {
        panic!("one entry")
    };
    assert_eq!(
        (entry.txid, entry.confirmations, entry.fee),
        (payment.compute_txid(), 1, None)
    );
    assert_eq!(entry.net, SignedAmount::from_sat(70_000));
    assert_eq!(entry.paid, []);

    scene.mine(&[]);
    scene.sync(&[]).expect("syncs");
    assert_eq!(scene.ledger.history()[0].confirmations, 2);
}

#[test]
fn mined_money_is_immature_for_a_hundred_blocks() {
    let mut scene = Scene::new();
    let reward = scene.mine_to_us(sats(500_000));
    scene.sync(&[&reward]).expect("syncs");
    assert_eq!(
        scene.ledger.balance(),
        Balance {
            immature: sats(500_000),
            ..Balance::default()
        }
    );
    for _ in 0..98 {
        scene.mine(&[]);
    }
    scene.sync(&[]).expect("syncs");
    assert_eq!(scene.ledger.balance().immature, sats(500_000));
    scene.mine(&[]);
    scene.sync(&[]).expect("syncs");
    assert_eq!(
        scene.ledger.balance(),
        Balance {
            confirmed: sats(500_000),
            ..Balance::default()
        }
    );
}

#[test]
fn c06_a_reorganisation_takes_confirmations_back() {
    let mut scene = Scene::new();
    scene.mine(&[]);
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    scene.sync(&[&payment]).expect("syncs");
    assert_eq!(scene.ledger.balance().confirmed, sats(70_000));

    scene.reorganise(1, 3);
    scene.sync_mempool(&[&payment]).expect("syncs");
    assert_eq!(
        scene.ledger.balance(),
        Balance {
            pending: sats(70_000),
            ..Balance::default()
        }
    );
    scene.mine(&[&payment]);
    scene.sync(&[&payment]).expect("syncs");
    assert_eq!(
        scene.ledger.balance(),
        Balance {
            confirmed: sats(70_000),
            ..Balance::default()
        }
    );
    assert_eq!(scene.ledger.history()[0].height, Some(scene.tip()));
}

#[test]
fn c08_what_is_gone_from_the_network_is_gone_from_the_balance_and_may_come_back() {
    let mut scene = Scene::new();
    let payment = scene.payment(sats(70_000));
    scene.sync_mempool(&[&payment]).expect("syncs");
    scene.sync_gone(&[&payment]).expect("syncs");
    assert_eq!(scene.ledger.balance(), Balance::default());
    assert_eq!(scene.ledger.history(), []);
    scene.sync_mempool(&[&payment]).expect("syncs");
    assert_eq!(scene.ledger.balance().pending, sats(70_000));
}

#[test]
fn s14_what_a_restored_server_tells_counts_whatever_its_numbers_are() {
    let mut scene = with_coins(&[100_000, 50_000]);
    let ours = signed(&draft(&mut scene, &pay(&stranger(1), sats(30_000), 2)).expect("drafts"));
    scene.ledger.note_outgoing(&ours);
    let forgotten = scene.payment(sats(4_000));
    scene.sync_mempool(&[&ours, &forgotten]).expect("syncs");
    assert!(scene.ledger.unseen().is_empty());
    let before = scene.ledger.balance().total();

    // It was restored, and has given out its first number again.
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    scene.timeline = 0xb0;
    let told = vec![scene.told(&payment)];
    let page = Synced {
        cursor: 1,
        ..scene.page(told)
    };
    scene.enter(page).expect("syncs");
    assert_eq!((scene.ledger.cursor(), scene.ledger.timeline()), (1, 0xb0));
    assert_eq!(
        scene.ledger.balance().total(),
        before + sats(70_000) - sats(4_000),
        "what waited and is forgotten comes back when it is seen"
    );
    assert_eq!(scene.ledger.unseen(), [ours], "ours is handed to it again");
    scene.restart();
    assert_eq!((scene.ledger.cursor(), scene.ledger.timeline()), (1, 0xb0));
    scene.sync_mempool(&[&forgotten]).expect("syncs");
    assert_eq!(scene.ledger.balance().total(), before + sats(70_000));
}

#[test]
fn f26_the_books_are_the_same_after_being_kept_and_read_back() {
    let mut scene = Scene::new();
    let payment = scene.payment(sats(70_000));
    scene.mine(&[&payment]);
    scene.sync(&[&payment]).expect("syncs");
    let waiting = scene.payment(sats(1_000));
    scene.sync_mempool(&[&waiting]).expect("syncs");
    let (_, address) = scene.ledger.next_address();
    let books = |ledger: &Ledger| {
        let read = (ledger.cursor(), ledger.tip());
        (ledger.balance(), ledger.history(), ledger.revealed(), read)
    };
    let before = books(&scene.ledger);
    scene.restart();
    assert_eq!(books(&scene.ledger), before);
    assert_eq!(scene.ledger.next_address().1, address);
    scene.mine(&[&waiting]);
    scene.sync(&[&waiting]).expect("syncs on");
    assert_eq!(scene.ledger.balance().confirmed, sats(71_000));
}

#[test]
fn new_books_are_opened_when_somebody_looks_at_them_and_are_kept_like_any_others() {
    let mut ledger = Scene::new().ledger;
    let account = ledger.account().clone();
    assert!(ledger.network() == Network::Regtest && ledger.tip_height().is_none());
    assert!(!ledger.books.are_open(), "nobody asked for a script");
    let script = account.address(Keychain::External, LOOKAHEAD - 1).expect("an address");
    assert!(ledger.script(&script.script_pubkey()).is_some());
    assert!(ledger.books.are_open());

    let mut unseen = Scene::new().ledger;
    let kept = unseen.save().expect("is kept");
    let chain = HeaderChain::starting_at(Network::Regtest.into(), scene::BIRTHDAY);
    let mut read = Ledger::load(account, chain, &kept).expect("is read back");
    assert_eq!(read.next_address(), ledger.next_address());
}

#[test]
fn an_address_is_handed_out_until_it_is_paid_to() {
    let mut scene = Scene::new();
    let (first, address) = scene.ledger.next_address();
    assert_eq!((first, scene.ledger.next_address()), (0, (0, address.clone())));
    let payment = scene.payment_to(&address, sats(5_000));
    scene.sync_mempool(&[&payment]).expect("syncs");
    assert_eq!(scene.ledger.next_address().0, 1);
    assert_eq!(scene.ledger.fresh_address().0, 2);
    assert_eq!(scene.ledger.revealed(), [3, 0]);
}

#[test]
fn money_far_beyond_the_last_address_handed_out_is_still_seen() {
    let mut scene = Scene::new();
    let address = scene
        .ledger
        .account()
        .address(Keychain::External, GAP_LIMIT + 3)
        .expect("an address");
    let payment = scene.payment_to(&address, sats(5_000));
    scene.mine(&[&payment]);
    scene.sync(&[&payment]).expect("syncs");
    assert_eq!(scene.ledger.balance().confirmed, sats(5_000));
}

#[test]
fn money_of_strangers_is_no_business_of_ours() {
    let mut scene = Scene::new();
    let payment = scene.payment_to(&stranger(1), sats(5_000));
    scene.mine(&[&payment]);
    scene.sync(&[&payment]).expect("syncs");
    assert_eq!(
        (scene.ledger.balance(), scene.ledger.history()),
        (Balance::default(), Vec::new())
    );
}
