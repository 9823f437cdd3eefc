//! A row or more of everything, for whichever store.

use twofold_cosigner::port::{
    conformance::sample::{
        audit, block, ceremony, charge, coin, device, invitation, issued, mined, outpoint, populate, put, replay,
        script, share, transaction, user, wallet, wallet_id,
    },
    record::{Rescan, WalletTransaction},
    store::{Store, Write},
};
use twofold_threshold::id::{CeremonyId, DeviceId, KeyKind};

const RESCAN: Rescan = Rescan {
    wallet: wallet_id(1),
    next: 10,
    last: 20,
    missing_below: Some(5),
};

/// Puts it.
pub(crate) async fn fill(store: &impl Store) {
    populate(store).await;
    put(
        store,
        [
            Write::ServerSecret("identity", vec![3; 48]),
            Write::RaiseCounter("time", 1_700_000_000),
            Write::AddInvitation(invitation(1, 1_800_000_000)),
            Write::UseInvitation {
                code_hash: [1; 32],
                by: DeviceId([1; 32]),
            },
            Write::AddInvitation(invitation(2, 1_800_000_000)),
            Write::AddDevice(device(1, 1)),
            Write::AddShare(share(1, 0)),
            Write::AddShare(share(1, 1)),
            Write::PutCeremony(ceremony(1, 9, 2, 1_800_000_000)),
            Write::AddReplay(replay(1, 1, 1_800_000_000)),
            Write::Audit(audit(1, 1)),
            Write::Audit(audit(1, 2)),
            Write::PutCharge(charge(1, 1, u64::MAX)),
            Write::PutIssued(issued(1, 1, &[1, 2], 1_700_000_000)),
            Write::PutIssued(issued(1, 2, &[3], 1_700_000_000)),
            Write::SettleIssued {
                wallet: wallet_id(1),
                txid: [2; 32],
                outpoints: Vec::new(),
                height: 100,
            },
            Write::AddScripts((0..3).map(|index| script(1, 0, index)).collect()),
            Write::PutTransaction(transaction(1, 1)),
            Write::PutTransaction(mined(1, 2, 100)),
            Write::PutTransaction(transaction(1, 3)),
            Write::MarkGone {
                wallet: wallet_id(1),
                txid: [3; 32],
            },
            Write::AddCoin(coin(1, 1, 0, 1)),
            Write::PutBlock(block(99)),
            Write::PutBlock(block(100)),
            Write::PutRescan(RESCAN),
        ],
    )
    .await;
}

/// It is there.
pub(crate) async fn is_filled(store: &impl Store) {
    assert_eq!(store.server_secret("identity").await.unwrap(), Some(vec![3; 48]));
    assert_eq!(store.counter("time").await.unwrap(), 1_700_000_000);
    assert_eq!(
        store.invitation([1; 32]).await.unwrap().unwrap().used_by,
        Some(DeviceId([1; 32]))
    );
    assert_eq!(
        store.invitation([2; 32]).await.unwrap(),
        Some(invitation(2, 1_800_000_000))
    );
    assert_eq!(store.user("invitation", "02").await.unwrap(), Some(user(2)));
    assert_eq!(store.device(DeviceId([1; 32])).await.unwrap(), Some(device(1, 1)));
    assert_eq!(
        store.wallets_of(user(1).id, None, 9).await.unwrap(),
        [wallet(1, 1), wallet(2, 1)]
    );
    for epoch in [0, 1] {
        assert_eq!(
            store.share(wallet_id(1), KeyKind::Taproot, epoch).await.unwrap(),
            Some(share(1, epoch))
        );
    }
    assert_eq!(
        store.ceremony(CeremonyId([1; 16])).await.unwrap(),
        Some(ceremony(1, 9, 2, 1_800_000_000))
    );
    assert_eq!(
        store.replay(DeviceId([1; 32]), [1; 16]).await.unwrap(),
        Some(replay(1, 1, 1_800_000_000))
    );
    assert_eq!(
        store.audit(wallet_id(1), 1, 9).await.unwrap(),
        [audit(1, 1), audit(1, 2)]
    );
    assert_eq!(
        store.charges(wallet_id(1), vec![outpoint(1)]).await.unwrap(),
        [charge(1, 1, u64::MAX)]
    );
    assert_eq!(
        store.issued(wallet_id(1)).await.unwrap(),
        [issued(1, 1, &[1, 2], 1_700_000_000)]
    );
    assert_eq!(store.watched(wallet_id(1)).await.unwrap(), [3, 0]);
    assert_eq!(
        store.scripts(vec![script(1, 0, 2).output_key]).await.unwrap(),
        [script(1, 0, 2)]
    );
    let transactions = store.transactions(wallet_id(1), 0, 9).await.unwrap();
    let expected = [
        WalletTransaction {
            cursor: 1,
            ..transaction(1, 1)
        },
        WalletTransaction {
            cursor: 2,
            ..mined(1, 2, 100)
        },
        WalletTransaction {
            cursor: 4,
            gone: true,
            ..transaction(1, 3)
        },
    ];
    assert_eq!(transactions, expected);
    assert_eq!(store.coins(vec![outpoint(1)]).await.unwrap(), [coin(1, 1, 0, 1)]);
    assert_eq!(store.blocks(0, 9).await.unwrap(), [block(99), block(100)]);
    assert_eq!(store.rescans(None, 9).await.unwrap(), [RESCAN]);
}
