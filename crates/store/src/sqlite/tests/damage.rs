use rusqlite::Connection;
use twofold_cosigner::port::{
    conformance::sample::{charge, commit, device, issued, mined, outpoint, populate, put, script, share, wallet_id},
    record::UserId,
    store::{Store, StoreFault, Write},
};
use twofold_threshold::id::{DeviceId, KeyKind};

use super::{Fresh, block_on};

/// A store where wallet 1 has a row of everything, after `sql` has been at it.
fn after(sql: &str) -> Fresh {
    let fresh = Fresh::new();
    block_on(async {
        populate(&*fresh).await;
        put(
            &*fresh,
            [
                Write::AddDevice(device(1, 1)),
                Write::AddShare(share(1, 0)),
                Write::PutCharge(charge(1, 1, 5)),
                Write::PutIssued(issued(1, 1, &[1], 5)),
                Write::AddScripts(vec![script(1, 0, 0)]),
                Write::PutTransaction(mined(1, 1, 100)),
            ],
        )
        .await;
    });
    fresh.reopen(|connection: &Connection| {
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql} changes nothing");
    })
}

fn is_damaged<T: std::fmt::Debug>(sql: &str, result: &Result<T, StoreFault>) {
    assert!(matches!(result, Err(StoreFault::Damaged(_))), "{sql}: {result:?}");
}

#[test]
fn a_damaged_row_is_named_and_only_its_wallet_is_lost() {
    for sql in [
        "UPDATE wallets SET version = -1 WHERE number = 1",
        "UPDATE wallets SET birthday = 4294967296 WHERE number = 1",
    ] {
        let fresh = after(sql);
        is_damaged(sql, &block_on(fresh.wallet(wallet_id(1))));
        assert!(block_on(fresh.wallet(wallet_id(2))).unwrap().is_some(), "{sql}");
    }
    for sql in [
        "UPDATE wallet_chains SET package = x'ff' WHERE wallet = x'01010101010101010101010101010101'",
        "UPDATE wallet_chains SET device_list = x'ffffffff00' WHERE wallet = x'01010101010101010101010101010101'",
    ] {
        let fresh = after(sql);
        is_damaged(sql, &block_on(fresh.chains(wallet_id(1))));
        assert!(block_on(fresh.chains(wallet_id(2))).unwrap().is_some(), "{sql}");
    }
}

#[test]
fn a_damaged_share_device_charge_signature_script_or_transaction_is_named() {
    let sql = "UPDATE shares SET kind = 9";
    let fresh = after(sql);
    assert_eq!(block_on(fresh.share(wallet_id(1), KeyKind::Taproot, 0)).unwrap(), None);

    let sql = "UPDATE devices SET enrolled = -5";
    is_damaged(sql, &block_on(after(sql).device(DeviceId([1; 32]))));
    let sql = "UPDATE charges SET mac = x'00'";
    is_damaged(sql, &block_on(after(sql).charges(wallet_id(1), vec![outpoint(1)])));
    let sql = "UPDATE issued SET outpoints = x'0000'";
    is_damaged(sql, &block_on(after(sql).issued(wallet_id(1))));
    let sql = "UPDATE scripts SET keychain = 300";
    is_damaged(sql, &block_on(after(sql).scripts(vec![script(1, 0, 0).output_key])));
    let sql = "UPDATE transactions SET branch = x'00'";
    is_damaged(sql, &block_on(after(sql).transactions(wallet_id(1), 0, 9)));
    let sql = "UPDATE transactions SET block_hash = NULL";
    is_damaged(sql, &block_on(after(sql).transactions(wallet_id(1), 0, 9)));
}

#[test]
fn a_write_that_fits_no_row_or_no_column_is_refused() {
    let fresh = Fresh::new();
    let orphan = block_on(commit(&*fresh, [Write::AddShare(share(9, 0))]));
    is_damaged("a share of no wallet", &orphan);
    let long = block_on(commit(&*fresh, [Write::RaiseCounter("time", u64::MAX)]));
    is_damaged("a counter past 63 bits", &long);
    assert!(
        block_on(fresh.wallets_of(UserId([1; 16]), None, 100))
            .unwrap()
            .is_empty()
    );
}
