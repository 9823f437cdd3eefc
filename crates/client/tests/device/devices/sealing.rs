//! A machine that was away: what waits for it, and the one-time key that opens it.

use futures::executor::block_on;
use twofold_client::Client;
use twofold_client::devices::{Arrival, Outcome};

use super::{Laptop, pays, refresh};
use crate::world::{Bench, paying};

/// The keys that the server's list names for the devices, in its order.
pub(super) fn sealing_keys(laptop: &Laptop) -> Vec<twofold_threshold::envelope::SealPublic> {
    let id = laptop.wallet.id();
    let list = laptop
        .world
        .server
        .store
        .with(|tables| tables.chains[&id].device_list.clone());
    let recovery = laptop.words.identity().public();
    let list = twofold_threshold::device_list::DeviceList::verify(id, recovery, &list).expect("holds");
    list.devices().iter().map(|device| *device.sealing()).collect()
}

/// The keystore has no second sealing key.
async fn has_one_sealing_key(client: &mut Client<Bench>) {
    let left = client.keystore().0.names("sealing-").await.expect("lists");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_machine_that_was_added_and_had_not_joined_when_another_refreshed_takes_the_wallet_in() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        let (mut client, card) = world.join_wallet(&introduction).await.expect("joins");
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        for _ in 0..2 {
            refresh(&mut laptop).await;
        }
        let arrived = client.arrive().await.expect("takes it in");
        assert!(matches!(&arrived[..], [Arrival::Arrived { .. }]), "{arrived:?}");
        let mut wallet = client.open_wallet(None).await.expect("is there");
        assert_eq!(wallet.epoch(), laptop.wallet.epoch());
        pays(&mut client, &mut wallet).await;
        // What the card showed is used up.
        assert_ne!(sealing_keys(&laptop)[1], card.sealing);
        has_one_sealing_key(&mut client).await;
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        refresh(&mut laptop).await;
        pays(&mut client, &mut wallet).await;
        assert_eq!(wallet.epoch(), laptop.wallet.epoch());
    });
}

#[test]
fn a_machine_that_opened_what_waited_replaces_its_sealing_key_at_that_contact() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let before = sealing_keys(&laptop)[1];
        phone.client.sync(&mut phone.wallet).await.expect("syncs");
        assert_eq!(sealing_keys(&laptop)[1], before, "nothing was sealed to it");
        for _ in 0..2 {
            let used = sealing_keys(&laptop)[1];
            refresh(&mut laptop).await;
            assert_eq!(sealing_keys(&laptop)[1], used);
            phone.client.sync(&mut phone.wallet).await.expect("syncs");
            assert_eq!(phone.wallet.epoch(), laptop.wallet.epoch());
            assert_ne!(sealing_keys(&laptop)[1], used);
            has_one_sealing_key(&mut phone.client).await;
            laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        }
        pays(&mut phone.client, &mut phone.wallet).await;
        pays(&mut laptop.client, &mut laptop.wallet).await;
    });
}

#[test]
fn p34_a_machine_killed_while_it_replaces_its_sealing_key_opens_what_comes_all_the_same() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        refresh(&mut laptop).await;
        drop(phone.client);
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            // The same evening again, at a server and with machines as they were then.
            let server = evening.again().await;
            let mut phone = phone.world.copy_at(server.clone()).await;
            let mut other = laptop.world.copy_at(server).await;
            let life = crate::crashes::Life::of(moments);
            let mut client = crate::crashes::mortal(&mut phone, &life).await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let outcome = client.sync(&mut wallet).await;
            drop((client, wallet));
            let survived = outcome.is_ok() && !life.is_over();

            let mut client = other.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client
                .refresh(&mut wallet, &mut |_| {})
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            let epoch = wallet.epoch();
            let mut client = phone.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client
                .sync(&mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            assert_eq!(wallet.epoch(), epoch, "after {moments} moments");
            has_one_sealing_key(&mut client).await;
            if survived {
                break;
            }
        }
    });
}

#[test]
fn a_machine_killed_while_it_takes_a_wallet_in_takes_it_in_when_it_looks_again() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        let (client, card) = world.join_wallet(&introduction).await.expect("joins");
        drop(client);
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        refresh(&mut laptop).await;
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let server = evening.again().await;
            let mut phone = world.copy_at(server).await;
            let life = crate::crashes::Life::of(moments);
            let mut client = crate::crashes::mortal(&mut phone, &life).await;
            let outcome = client.arrive().await;
            drop(client);
            let survived = outcome.is_ok() && !life.is_over();
            let mut client = phone.open().await;
            client
                .arrive()
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            let mut wallet = client.open_wallet(None).await.expect("is there");
            client
                .sync(&mut wallet)
                .await
                .unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            assert_eq!(wallet.epoch(), laptop.wallet.epoch(), "after {moments} moments");
            has_one_sealing_key(&mut client).await;
            if survived {
                break;
            }
        }
    });
}

#[test]
fn a_machine_that_was_away_during_a_refresh_freezes_and_introduces_at_once() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        refresh(&mut laptop).await;
        phone.client.freeze_wallet(&mut phone.wallet).await.expect("freezes");
        refresh(&mut laptop).await;
        phone.client.introduce(&mut phone.wallet).await.expect("introduces");
    });
}

#[test]
fn a_machine_whose_introducer_left_the_list_before_it_came_arrives_all_the_same() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        world.random();
        let (mut tablet, card) = world.join_wallet(&introduction).await.expect("joins");
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        let me = laptop.client.device_key().device_id();
        let left = laptop.client.revoke_device(&mut laptop.wallet, me, None).await;
        assert_eq!(left.expect("leaves"), Outcome::Done);
        let arrived = tablet.arrive().await.expect("takes it in");
        assert!(matches!(&arrived[..], [Arrival::Arrived { .. }]), "{arrived:?}");
        drop(phone);
    });
}

#[test]
fn a_machine_that_missed_a_refresh_gives_a_new_one_the_share_that_counts() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        phone
            .client
            .refresh(&mut phone.wallet, &mut |_| {})
            .await
            .expect("refreshes");
        // Nothing has brought the laptop to the new epoch yet.
        assert_eq!(laptop.wallet.epoch().number, 1);
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut world = laptop.world.another();
        world.random();
        let (mut tablet, card) = world.join_wallet(&introduction).await.expect("joins");
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        tablet.arrive().await.expect("takes it in");
        let mut wallet = tablet.open_wallet(None).await.expect("is there");
        assert_eq!(wallet.epoch(), phone.wallet.epoch());
        tablet.sync(&mut wallet).await.expect("syncs");
        let draft = tablet.draft(&mut wallet, &paying(10_000)).expect("drafts");
        tablet.send(&mut wallet, draft).await.expect("signs");
    });
}
