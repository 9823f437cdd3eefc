//! New shares of the same key: killed at any moment, met by a device that was away, and by one that was away too long.

use futures::executor::block_on;
use twofold_api::reply;
use twofold_client::refresh::Step;
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault, fault::Usage};
use twofold_cosigner::testing::MemoryStore;
use twofold_threshold::share::PublicShares;

use crate::crashes::{Life, mortal};
use crate::world::{Bench, World, paying};

/// The server's public shares of the one wallet.
fn at_server(world: &World) -> PublicShares {
    let rows = world.server.store.with(|tables| {
        let made = tables.wallets.values().filter_map(|wallet| wallet.public.clone());
        made.collect::<Vec<_>>()
    });
    assert_eq!(rows.len(), 1);
    PublicShares::try_from(rows[0].as_slice()).expect("public shares")
}

/// How many shares the server has, pending refreshes aside.
fn shares(world: &World) -> usize {
    world.server.store.with(|tables| tables.shares.len())
}

async fn refresh(client: &mut Client<Bench>, wallet: &mut Wallet) -> Result<(u32, bool), Fault> {
    let new = client.refresh(wallet, &mut |_| {}).await?;
    assert_eq!(new.epoch, new.previous + 1);
    Ok((new.epoch, new.resumed))
}

async fn pays(client: &mut Client<Bench>, wallet: &mut Wallet) -> Result<(), Fault> {
    client.sync(wallet).await?;
    let draft = client.draft(wallet, &paying(10_000))?;
    client.send(wallet, draft).await.map(drop)
}

#[test]
fn a_refresh_tells_its_steps_and_leaves_addresses_and_coins_as_they_were() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let (descriptor, epoch) = (wallet.descriptor(), wallet.epoch());
        let mut steps = Vec::new();
        let new = client
            .refresh(&mut wallet, &mut |step| steps.push(step))
            .await
            .expect("refreshes");
        assert_eq!((new.previous, new.epoch, new.resumed), (1, 2, false));
        assert_eq!(steps, [Step::Opening, Step::Closing, Step::Done]);
        assert_eq!(wallet.descriptor(), descriptor);
        assert_ne!(wallet.epoch(), epoch);
        assert_eq!((at_server(&world).epoch(), shares(&world)), (wallet.epoch(), 1));
        pays(&mut client, &mut wallet).await.expect("pays");
        assert!(client.audit(&mut wallet).await.is_ok());
    });
}

#[test]
fn s13_p21_a_refresh_killed_at_any_moment_leaves_both_at_one_epoch_after_the_next_contact() {
    block_on(async {
        let mut ends = [0; 3];
        for moments in 0.. {
            let (mut world, client, wallet) = World::with_money(100_000).await;
            drop((client, wallet));
            let life = Life::of(moments);
            let mut client = mortal(&mut world, &life).await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let outcome = client.refresh(&mut wallet, &mut |_| {}).await;
            drop((client, wallet));
            let survived = outcome.is_ok() && !life.is_over();

            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client
                .sync(&mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            assert_eq!(wallet.epoch(), at_server(&world).epoch(), "after {moments} moments");
            assert_eq!(shares(&world), 1, "after {moments} moments");
            let left = client.keystore().0.names("refresh-").await.expect("lists");
            assert!(left.is_empty(), "after {moments} moments a pending epoch stays");
            ends[wallet.epoch().number as usize] += 1;
            pays(&mut client, &mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            let number = wallet.epoch().number;
            let (epoch, _) = refresh(&mut client, &mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            assert_eq!(epoch, number + 1, "after {moments} moments");
            if survived {
                break;
            }
        }
        // Both ends were seen: at the old epoch, and at the new one.
        assert!(ends[1] > 0 && ends[2] > 1, "{ends:?}");
    });
}

#[test]
fn p21_a_refresh_that_was_interrupted_is_finished_by_running_it_again() {
    block_on(async {
        let mut resumed = 0;
        for moments in 0.. {
            let (mut world, client, wallet) = World::with_money(100_000).await;
            drop((client, wallet));
            let life = Life::of(moments);
            let mut client = mortal(&mut world, &life).await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let outcome = client.refresh(&mut wallet, &mut |_| {}).await;
            drop((client, wallet));
            let survived = outcome.is_ok() && !life.is_over();
            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let (epoch, again) = refresh(&mut client, &mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            resumed += u32::from(again);
            assert!((2..=3).contains(&epoch), "after {moments} moments: {epoch}");
            assert_eq!(wallet.epoch(), at_server(&world).epoch());
            pays(&mut client, &mut wallet).await.expect("pays");
            if survived {
                break;
            }
        }
        assert!(resumed > 1, "{resumed} were finished");
    });
}

#[test]
fn p27_p34_a_device_that_was_away_catches_up_by_what_waits_for_it() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let mut away = world.twin().await;
        refresh(&mut client, &mut wallet).await.expect("refreshes");

        // By a sync, ...
        let mut by_sync = away.twin().await;
        let mut other = by_sync.open().await;
        let mut late = other.open_wallet(None).await.expect("opens");
        assert_eq!(late.epoch().number, 1);
        other.sync(&mut late).await.expect("syncs");
        assert_eq!(late.epoch(), wallet.epoch());
        pays(&mut other, &mut late).await.expect("pays");

        // ... or when it is told that its epoch is over: no share leaves for the old one, and the next try is good.
        let mut other = away.open().await;
        let mut late = other.open_wallet(None).await.expect("opens");
        let place = twofold_client::message::Place::Index(0);
        let signed = other
            .sign_message(&mut late, &place, b"by a device that was away")
            .await;
        signed.expect("signs");
        assert_eq!(late.epoch(), wallet.epoch());
        // It refreshes as well as the other.
        let (epoch, _) = refresh(&mut other, &mut late).await.expect("refreshes");
        assert_eq!(epoch, 3);
    });
}

#[test]
fn a_device_whose_envelopes_were_sealed_to_a_key_it_never_had_is_told_how_to_get_its_share() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let mut away = world.twin().await;
        for _ in 0..2 {
            refresh(&mut client, &mut wallet).await.expect("refreshes");
        }
        let mut other = away.open().await;
        let mut late = other.open_wallet(None).await.expect("opens");
        let fault = other.sync(&mut late).await.expect_err("too late");
        assert!(matches!(fault, Fault::Usage(Usage::LeftBehind { had: 2 })), "{fault}");
        pays(&mut client, &mut wallet).await.expect("pays");
    });
}

#[test]
fn p34_two_copies_of_a_device_refresh_at_once_and_one_epoch_wins() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let mut twin = world.twin().await;
        let life = Life::of(6);
        // One dies with its epoch to come durable, before or after the server took it.
        let mut dying = mortal(&mut twin, &life).await;
        let mut dead = dying.open_wallet(None).await.expect("opens");
        let _ = dying.refresh(&mut dead, &mut |_| {}).await;
        drop((dying, dead));
        client.sync(&mut wallet).await.expect("syncs");
        refresh(&mut client, &mut wallet).await.expect("refreshes");
        assert_eq!(at_server(&world).epoch(), wallet.epoch());
        pays(&mut client, &mut wallet).await.expect("pays");
        let mut other = twin.open().await;
        let mut late = other.open_wallet(None).await.expect("opens");
        other.sync(&mut late).await.expect("syncs");
        assert_eq!(late.epoch(), wallet.epoch());
    });
}

#[test]
fn a_refresh_is_two_requests_and_knows_its_list_also_in_the_next_command() {
    block_on(async {
        let (mut world, mut client, mut wallet) = World::with_money(100_000).await;
        for number in 2..5 {
            world.line.forget();
            refresh(&mut client, &mut wallet).await.expect("refreshes");
            assert_eq!(wallet.epoch().number, number);
            assert_eq!(world.line.asked(), ["BeginRefresh", "FinishRefresh"]);
        }
        let (epoch, checkpoint) = (wallet.epoch(), wallet.checkpoint().copied());
        drop((client, wallet));
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        assert_eq!(wallet.epoch(), epoch);
        // It was written with the epoch that it confirms.
        assert_eq!(wallet.checkpoint().copied(), checkpoint);
        world.line.forget();
        refresh(&mut client, &mut wallet).await.expect("refreshes");
        assert_eq!(world.line.asked(), ["Hello", "BeginRefresh", "FinishRefresh"]);
        pays(&mut client, &mut wallet).await.expect("pays");
    });
}

#[test]
fn a23_a_server_that_deals_by_an_old_list_and_signs_for_another_gets_nothing_sealed() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        refresh(&mut client, &mut wallet).await.expect("refreshes");
        // What the same server signed where the list went on.
        let backup = MemoryStore::new();
        backup.with(|tables| *tables = world.server.store.with(|tables| tables.clone()));
        let mut elsewhere = world.fork(backup).await;
        let mut twin = elsewhere.open().await;
        let mut same = twin.open_wallet(None).await.expect("opens");
        refresh(&mut twin, &mut same).await.expect("refreshes");
        let onward = same.checkpoint().expect("is held").to_bytes();
        *world.server.twists.begin_refresh.lock().expect("not poisoned") =
            Some(Box::new(move |mut begun: reply::RefreshBegun| {
                begun.head.checkpoint = Some(onward.clone());
                Ok(begun)
            }));
        world.line.forget();
        let fault = client
            .refresh(&mut wallet, &mut |_| {})
            .await
            .expect_err("a server that lies");
        assert!(matches!(fault, Fault::Breach(_)), "{fault}");
        assert!(
            !world.line.asked().contains(&"FinishRefresh".to_owned()),
            "{:?}",
            world.line.asked()
        );
        let left = client.keystore().0.names("refresh-").await.expect("lists");
        assert!(left.is_empty(), "a pending epoch was made durable");
    });
}
