//! Lists that come a page at a time.

use futures::executor::block_on;
use twofold_api::reply;
use twofold_client::{Fault, fault::Breach};
use twofold_threshold::id::WalletId;

use crate::world::{World, create};

#[test]
fn wallets_past_a_hundred_are_listed_too() {
    block_on(async {
        let (world, mut client, wallet) = World::with_wallet().await;
        let other = create(&mut client).await.expect("creates").wallet;
        let copies = (1..=103).map(|n| WalletId([n; 16]));
        world.server.store.more_wallets(wallet.id(), copies);
        world.line.forget();
        let lines = client.wallets_at_server().await.expect("lists");
        let told: Vec<_> = lines.iter().map(|line| WalletId(line.wallet)).collect();
        assert_eq!(told, [wallet.id(), other.id()]);
        assert_eq!(world.line.asked(), ["ListWallets", "ListWallets"]);
    });
}

#[test]
fn a_list_that_comes_to_no_end_is_the_servers_fault() {
    block_on(async {
        let (world, mut client, wallet) = World::with_wallet().await;
        *world.server.twists.list.lock().expect("not poisoned") = Some(Box::new(move |listed: reply::Wallets| {
            Ok(reply::Wallets {
                after: Some(wallet.id().0),
                ..listed
            })
        }));
        let fault = client.wallets_at_server().await.expect_err("must give up");
        assert!(matches!(fault, Fault::Breach(Breach::Endless)), "{fault}");
    });
}
