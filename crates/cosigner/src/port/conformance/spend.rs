//! What signing a transaction reads.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, and their names say what they are about"
)]

use twofold_threshold::id::{DeviceId, KeyKind};

use super::sample::{charge, coin, outpoint, populate, put, replay, script, share, wallet_id};
use crate::port::store::{SpendQuery, SpendRows, Store, Write};

pub async fn what_is_read_at_once_is_what_each_read_says<S: Store>(store: &S) {
    populate(store).await;
    put(
        store,
        [
            Write::AddReplay(replay(1, 1, 900)),
            Write::AddReplay(replay(1, 2, 900)),
            Write::AddReplay(replay(2, 1, 900)),
            Write::AddShare(share(1, 1)),
            Write::AddShare(share(1, 2)),
            Write::AddScripts(vec![script(1, 0, 0), script(1, 1, 3), script(2, 0, 0)]),
            Write::AddCoin(coin(1, 1, 0, 4)),
            Write::AddCoin(coin(2, 2, 0, 9)),
            Write::PutCharge(charge(1, 1, 5)),
            Write::PutCharge(charge(1, 3, u64::MAX)),
            Write::PutCharge(charge(2, 1, 7)),
        ],
    )
    .await;
    let all = SpendQuery {
        device: DeviceId([1; 32]),
        nonce: [2; 16],
        wallet: wallet_id(1),
        spent: [3, 1, 2, 8].map(outpoint).to_vec(),
        output_keys: vec![script(2, 0, 0).output_key, script(1, 1, 3).output_key, [9; 32]],
        kind: KeyKind::Taproot,
        epoch: 2,
    };
    let found = store.spend(all.clone()).await.unwrap();
    assert_eq!(found, one_by_one(store, &all).await);
    assert_eq!(found.replay, Some(replay(1, 2, 900)));
    assert_eq!((found.coins.len(), found.scripts.len(), found.charges.len()), (2, 2, 2));
    assert_eq!(found.share, Some(share(1, 2)));

    let nothing = SpendQuery {
        device: DeviceId([3; 32]),
        wallet: wallet_id(9),
        spent: Vec::new(),
        output_keys: Vec::new(),
        ..all
    };
    assert_eq!(store.spend(nothing).await.unwrap(), SpendRows::default());
}

async fn one_by_one<S: Store>(store: &S, query: &SpendQuery) -> SpendRows {
    let SpendQuery { wallet, spent, .. } = query;
    SpendRows {
        replay: store.replay(query.device, query.nonce).await.unwrap(),
        wallet: store.wallet(*wallet).await.unwrap(),
        coins: store.coins(spent.clone()).await.unwrap(),
        scripts: store.scripts(query.output_keys.clone()).await.unwrap(),
        used: store.used(*wallet).await.unwrap(),
        charges: store.charges(*wallet, spent.clone()).await.unwrap(),
        share: store.share(*wallet, query.kind, query.epoch).await.unwrap(),
    }
}
