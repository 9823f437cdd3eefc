//! What a person reads before saying yes.

use bitcoin::absolute::LockTime;

use crate::Keychain;
use crate::psbt::tests::scene::{Scene, stranger};

#[test]
fn a_person_reads_who_is_paid_what_it_costs_and_what_comes_back() {
    let mut scene = Scene::shared();
    scene.psbt.unsigned_tx.lock_time = LockTime::from_consensus(800_000);
    scene.pay(bitcoin::ScriptBuf::new_op_return(*b"hello"), 0);
    insta::assert_snapshot!(scene.facts().unwrap(), @r"
    pays     0.00060000 BTC to bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t
    pays     0.00039900 BTC to bcrt1qpqyqszqgpqyqszqgpqyqszqgpqyqszqgz7fmv0
    data     6a0568656c6c6f
    change   0.00089000 BTC back to this wallet (internal 8)
    fee      0.00001100 BTC, 3.5 sat/vB over 315 vB
    inputs   2 of this wallet, 0.00150000 BTC
    foreign  0.00040000 BTC at input 2 (0707070707070707070707070707070707070707070707070707070707070002:1), left alone
    lock     after block 800000
    charged  0.00101000 BTC, others' payments included
    leaves   0.00061000 BTC of this wallet's money in all
    ");
}

#[test]
fn an_output_past_the_horizon_is_shown_as_such() {
    let mut scene = Scene::empty();
    scene.spend_own(Keychain::External, 0, 100_000_000);
    scene.pay(stranger(1), 50_000_000);
    scene.keep(Keychain::Internal, 5_000, 49_999_000);
    scene.psbt.unsigned_tx.lock_time = LockTime::from_consensus(1_700_000_000);
    insta::assert_snapshot!(scene.facts().unwrap(), @r"
    pays     0.50000000 BTC to bcrt1qqyqszqgpqyqszqgpqyqszqgpqyqszqgpvxat9t
    pays     0.49999000 BTC to bcrt1p3w9jcc6rktt8484m9049tdwga5z24n4fn0xj984m40qk86a2p63qdl38d7 (this wallet's, but past what it watches: counted as a payment)
    fee      0.00001000 BTC, 7.0 sat/vB over 142 vB
    inputs   1 of this wallet, 1.00000000 BTC
    lock     after 1700000000 seconds since 1970
    leaves   1.00000000 BTC of this wallet's money in all
    ");
}

#[test]
fn a_transaction_without_a_lock_shows_none() {
    let shown = Scene::honest().facts().unwrap().to_string();
    assert!(!shown.contains("lock"), "{shown}");
}
