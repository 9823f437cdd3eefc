//! A server that was restored from a backup, and a device that is ahead of it.

use std::sync::Arc;

use futures::executor::block_on;
use twofold_api::reason::Reason;
use twofold_client::recovery::RecoveryFault;
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault, Fencing};
use twofold_cosigner::RESTORED;
use twofold_cosigner::testing::{MemoryAnchor, MemoryStore};
use twofold_threshold::words::RecoverySecret;

use crate::crashes::Mortal;
use crate::devices::Laptop;
use crate::kills::outlives;
use crate::line::{Fate, Line};
use crate::server::{OFFLINE, Server};
use crate::world::{Bench, World, paying};

/// A server's books, to be brought back.
struct Backup(MemoryStore);

impl Backup {
    fn of(world: &World) -> Self {
        let (tables, store) = (world.server.store.with(|tables| tables.clone()), MemoryStore::new());
        store.with(|copy| *copy = tables);
        Self(store)
    }

    /// From here on the line leads to a server that has these books alone.
    async fn restore(self, world: &World) -> Arc<Server> {
        let restored = Server::over(self.0).await;
        world.line.hand_over(&Line::to(&restored));
        restored
    }

    /// The same by the operator's hand, with an anchor that begins now: the server knows that it was restored.
    async fn restore_knowingly(self, world: &World) -> (Arc<Server>, Line) {
        self.0.with(|tables| *tables.counters.entry(RESTORED).or_default() += 1);
        let parts = (self.0, world.server.chain.clone(), world.server.clock.clone());
        let anchor = MemoryAnchor::default();
        let restored = Server::start(parts, Some((&anchor, true))).await.expect("starts");
        let line = Line::to(&restored);
        world.line.hand_over(&line);
        (restored, line)
    }
}

async fn refused(client: &mut Client<Bench>, wallet: &mut Wallet) -> Option<Reason> {
    let draft = client.draft(wallet, &paying(20_000)).expect("drafts");
    let fault = client.cosign(wallet, draft).await.expect_err("signed behind a fence");
    fault.reason()
}

async fn lifts(restored: &Server, client: &mut Client<Bench>, wallet: &mut Wallet) {
    let decided = restored
        .cosigner
        .decide_fence(wallet.id(), "the disk died", false)
        .await;
    decided.expect("decides");
    let lifted = client.lift_fence(wallet, None).await.expect("says yes");
    assert_eq!(lifted, Fencing::Lifted);
    client.sync(wallet).await.expect("syncs");
    let draft = client.draft(wallet, &paying(20_000)).expect("drafts");
    client.cosign(wallet, draft).await.expect("signs");
    client.audit(wallet).await.expect("a log that holds");
}

/// What the operator does with the key that no server has.
async fn adopts(restored: &Server) {
    let (kept, _) = restored.cosigner.kept_shares(None).await.expect("reads");
    let kept = kept.first().expect("one waits for the operator");
    let inner = age::decrypt(&*OFFLINE, &kept.sealed).expect("opens");
    let adopted = restored.cosigner.adopt_share(kept.wallet, &inner).await;
    adopted.expect("takes over");
}

#[test]
fn s23_a_device_that_is_ahead_brings_the_server_forward_and_reads_on() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let backup = Backup::of(&world);
        for name in ["one", "two", "three"] {
            let name = crate::world::named(name);
            client.rename(&mut wallet, &name).await.expect("renames");
        }
        client.sync(&mut wallet).await.expect("syncs");
        let had = client.audit(&mut wallet).await.expect("audits").head;
        let restored = backup.restore(&world).await;

        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(!wallet.log_in_doubt(), "the log that came back is doubted");
        assert_eq!(client.audit(&mut wallet).await.expect("audits").head, had);
        assert_eq!(refused(&mut client, &mut wallet).await, Some(Reason::RestoreFence));
        lifts(&restored, &mut client, &mut wallet).await;
    });
}

#[test]
fn s23_what_a_device_read_of_the_log_outlives_the_program() {
    block_on(async {
        let (mut world, mut client, mut wallet) = World::with_money(100_000).await;
        let backup = Backup::of(&world);
        client
            .rename(&mut wallet, &crate::world::named("one"))
            .await
            .expect("renames");
        client.sync(&mut wallet).await.expect("syncs");
        drop((client, wallet));
        backup.restore(&world).await;
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(!wallet.log_in_doubt());
    });
}

#[test]
fn s21_a_device_that_refreshed_brings_the_servers_share_back_sealed_to_the_operator() {
    block_on(async {
        // Whether or not the log was read since.
        for read in [true, false] {
            let (world, mut client, mut wallet) = World::with_money(100_000).await;
            let backup = Backup::of(&world);
            client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
            if read {
                client.sync(&mut wallet).await.expect("syncs");
            }
            let restored = backup.restore(&world).await;
            client.sync(&mut wallet).await.expect("reading goes on");
            assert_eq!(wallet.log_in_doubt(), !read);
            let lifted = restored
                .cosigner
                .decide_fence(wallet.id(), "the disk died", false)
                .await;
            assert_eq!(lifted.expect_err("nothing to sign with").reason, Reason::RestoreFence);
            adopts(&restored).await;
            lifts(&restored, &mut client, &mut wallet).await;
            client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
        }
    });
}

#[test]
fn s21_a_device_that_did_not_refresh_brings_the_refresh_and_the_one_that_did_the_share() {
    block_on(async {
        let (mut world, mut client, mut wallet) = World::with_money(100_000).await;
        let backup = Backup::of(&world);
        // The same machine twice: one of them refreshes, the other follows.
        let mut away = world.twin().await;
        client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
        client.sync(&mut wallet).await.expect("syncs");
        drop((client, wallet));
        let mut other = away.open().await;
        let mut late = other.open_wallet(None).await.expect("opens");
        other.sync(&mut late).await.expect("catches up");
        assert_eq!(late.epoch().number, 2);
        let restored = backup.restore(&world).await;
        away.line.hand_over(&Line::to(&restored));

        other.sync(&mut late).await.expect("reading goes on");
        let (kept, _) = restored.cosigner.kept_shares(None).await.expect("reads");
        assert!(kept.is_empty());
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        client.lift_fence(&mut wallet, None).await.expect_err("no share yet");
        adopts(&restored).await;
        lifts(&restored, &mut client, &mut wallet).await;
    });
}

/// Entries of the wallet's device list, as a server has it.
fn listed(server: &Server, wallet: &Wallet) -> usize {
    let chains = server.store.with(|tables| tables.chains.get(&wallet.id()).cloned());
    chains.expect("chains").device_list.len()
}

#[test]
fn s23_an_entry_that_no_refresh_follows_is_brought_back_by_the_machine_that_signed_it_killed_or_not() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        let device = phone.client.device_key().device_id();
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        let before = listed(&laptop.world.server, &laptop.wallet);
        let stood = laptop.wallet.checkpoint().copied();
        drop(phone);
        let evening = laptop.world.server.again().await;
        let mut told = 0;
        for moments in 0.. {
            let mut world = laptop.world.copy_at(evening.again().await).await;
            let backup = Backup::of(&world);
            let approved = async |client: &mut Client<Mortal>| {
                let mut wallet = client.open_wallet(None).await?;
                let done = client.make_approver(&mut wallet, device, Some(&laptop.words)).await;
                done.map(drop)
            };
            let survived = outlives(&mut world, moments, approved).await;

            let restored = backup.restore(&world).await;
            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("is there");
            // Whoever was told that it is done, or has the server's word for where it stands since, leads there.
            let confirmed = wallet.checkpoint().copied() != stood;
            assert!(confirmed || !survived, "after {moments} moments");
            client.sync(&mut wallet).await.expect("reading goes on");
            let brought = listed(&restored, &wallet) - before;
            assert_eq!(brought, usize::from(confirmed), "after {moments} moments");
            told += brought;
            if survived {
                lifts(&restored, &mut client, &mut wallet).await;
                let devices = client.devices(&mut wallet).await.expect("reads").listed;
                assert!(devices.iter().all(|listed| listed.approver), "{devices:?}");
                break;
            }
        }
        assert!(told > 0);
    });
}

#[test]
fn s21_the_device_that_has_the_servers_share_brings_it_though_another_knows_more_of_the_list() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let backup = Backup::of(&laptop.world);
        let refreshed = laptop.client.refresh(&mut laptop.wallet, &mut |_| {}).await;
        refreshed.expect("refreshes");
        // It opens what was sealed to it, and takes another sealing key: an entry that the laptop has not read.
        phone.client.sync(&mut phone.wallet).await.expect("catches up");
        laptop.client.sync(&mut laptop.wallet).await.expect("syncs");
        let restored = backup.restore(&laptop.world).await;
        phone.world.line.hand_over(&Line::to(&restored));

        phone.client.sync(&mut phone.wallet).await.expect("reading goes on");
        let kept = restored.cosigner.kept_shares(None).await.expect("reads").0;
        assert!(kept.is_empty(), "the phone had none");
        laptop.client.sync(&mut laptop.wallet).await.expect("reading goes on");
        adopts(&restored).await;
        lifts(&restored, &mut laptop.client, &mut laptop.wallet).await;
    });
}

#[test]
fn s21_the_device_that_has_the_servers_share_brings_it_to_a_server_that_shows_all_it_knows() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let backup = Backup::of(&laptop.world);
        let refreshed = laptop.client.refresh(&mut laptop.wallet, &mut |_| {}).await;
        refreshed.expect("refreshes");
        // It reads the log past what the laptop was told last.
        for _ in 0..2 {
            phone.client.sync(&mut phone.wallet).await.expect("catches up");
        }
        let (restored, line) = backup.restore_knowingly(&laptop.world).await;
        phone.world.line.hand_over(&Line::to(&restored));
        phone.client.sync(&mut phone.wallet).await.expect("reading goes on");

        // Nothing that the server shows the laptop now says that it lacks anything; and the first try is cut short.
        let cut = [Fate::Deliver]
            .into_iter()
            .chain(std::iter::repeat_n(Fate::Unreachable, 20));
        line.fates(cut);
        let broken = laptop.client.sync(&mut laptop.wallet).await;
        assert!(matches!(broken, Err(Fault::Transport(_))), "{broken:?}");
        line.fates([]);
        laptop.client.sync(&mut laptop.wallet).await.expect("reading goes on");
        assert!(!laptop.wallet.log_in_doubt());
        adopts(&restored).await;
        lifts(&restored, &mut laptop.client, &mut laptop.wallet).await;
    });
}

#[test]
fn s21_words_and_a_device_repair_a_server_whose_share_no_device_brought() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let backup = Backup::of(&phone.world);
        let whole = phone.client.repair_server(&mut phone.wallet, &laptop.words).await;
        let whole = whole.expect_err("it has its share").reason();
        assert_eq!(whole, Some(Reason::OutOfOrder));
        laptop
            .client
            .refresh(&mut laptop.wallet, &mut |_| {})
            .await
            .expect("refreshes");
        phone.client.sync(&mut phone.wallet).await.expect("catches up");
        // The laptop, which keeps the share for the server, is lost with the server.
        backup.restore(&phone.world).await;
        phone.client.sync(&mut phone.wallet).await.expect("reading goes on");
        let lift = phone.client.lift_fence(&mut phone.wallet, Some(&laptop.words)).await;
        assert_eq!(
            lift.expect_err("nothing to sign with").reason(),
            Some(Reason::RestoreFence)
        );
        let other = RecoverySecret::generate(&mut phone.world.random());
        let refused = phone.client.repair_server(&mut phone.wallet, &other).await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::OtherWords))),
            "{refused:?}"
        );

        let repaired = phone.client.repair_server(&mut phone.wallet, &laptop.words).await;
        repaired.expect("the share is given back");
        let draft = phone.client.draft(&mut phone.wallet, &paying(20_000)).expect("drafts");
        let fenced = phone.client.cosign(&mut phone.wallet, draft).await;
        assert!(fenced.is_err(), "the fence stands: {fenced:?}");
        let lifted = phone.client.lift_fence(&mut phone.wallet, Some(&laptop.words)).await;
        assert_eq!(lifted.expect("lifts"), Fencing::Lifted);
        phone.client.sync(&mut phone.wallet).await.expect("syncs");
        let draft = phone.client.draft(&mut phone.wallet, &paying(20_000)).expect("drafts");
        phone.client.cosign(&mut phone.wallet, draft).await.expect("signs");
        phone
            .client
            .refresh(&mut phone.wallet, &mut |_| {})
            .await
            .expect("refreshes");
    });
}
