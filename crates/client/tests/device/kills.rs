//! Commands of several steps, killed at each of them, and what somebody runs next who knows nothing of it.

use futures::executor::block_on;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_client::port::Platform;
use twofold_client::recovery::away::Away;
use twofold_client::recovery::recover::Recovery;
use twofold_client::recovery::replace::{Elsewhere, Replacement};
use twofold_client::recovery::{OldWords, RecoveryFault, holder};
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault};
use twofold_threshold::id::{DeviceId, WalletId};
use twofold_threshold::words::RecoverySecret;

use crate::away::{New, answer, words};
use crate::crashes::{Life, Mortal, mortal};
use crate::devices::Laptop;
use crate::world::{Bench, World, paying};

/// Runs a command that has so many moments to live, and says whether it had enough.
pub(crate) async fn outlives(
    world: &mut World,
    moments: usize,
    command: impl AsyncFnOnce(&mut Client<Mortal>) -> Result<(), Fault>,
) -> bool {
    let life = Life::of(moments);
    let mut client = mortal(world, &life).await;
    let ended = Box::pin(command(&mut client)).await;
    ended.is_ok() && !life.is_over()
}

/// The wallet signs, and nothing that was begun is left.
async fn lives_on(client: &mut Client<Bench>, moments: usize) -> Wallet {
    let mut wallet = client.open_wallet(None).await.expect("is there");
    let synced = client.sync(&mut wallet).await;
    assert!(synced.is_ok(), "after {moments} moments: {synced:?}");
    // Not sent: all evenings are at one chain.
    let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
    let signed = client.cosign(&mut wallet, draft).await;
    assert!(signed.is_ok(), "after {moments} moments: {signed:?}");
    for begun in ["refresh-", "errand-", "recovering-", "joining-"] {
        let left = client.keystore().0.names(begun).await.expect("lists");
        assert!(left.is_empty(), "after {moments} moments: {left:?}");
    }
    wallet
}

#[test]
fn p21_the_last_file_of_a_recovery_taken_again_after_a_kill_at_any_moment_brings_the_wallet() {
    block_on(async {
        let laptop = Laptop::new().await;
        let mut new = New::at(&laptop, Some(0)).await;
        new.begin(&laptop).await;
        let code = new.code;
        drop(new.client);
        let evening = laptop.world.server.again().await;
        let mut was_done = 0;
        for moments in 0.. {
            // The same evening again, with a machine that has come up to the last file.
            let mut world = new.world.copy_at(evening.again().await).await;
            let client = world.open().await;
            let mut asking = New { world, client, code };
            let request = asking.ask(&laptop).await;
            let (_, given) = answer(&laptop.words, &request).expect("answers");
            drop(asking.client);
            let mut world = asking.world;
            let taken = async |client: &mut Client<Mortal>| client.recover_answered(&given).await.map(drop);
            let survived = outlives(&mut world, moments, taken).await;

            let mut client = world.open().await;
            match client.recover_answered(&given).await {
                Ok((_, Away::Done(settled))) => assert!(settled.left.is_empty() && !settled.frozen, "{settled:?}"),
                Err(Fault::Recovery(RecoveryFault::NotAsked)) => was_done += 1,
                other => panic!("after {moments} moments: {other:?}"),
            }
            let wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch().number, 2, "after {moments} moments");
            if survived {
                break;
            }
        }
        assert!(was_done > 0);
    });
}

/// What `twofold recover` does.
async fn recovers<P: Platform>(
    client: &mut Client<P>,
    (wallet, code): (WalletId, Option<[u8; 16]>),
    keep: DeviceId,
    words: &RecoverySecret,
) -> Result<(), Fault> {
    match client.recover(wallet, code, words).await? {
        Recovery::Done(mut recovered) => {
            let settled = client.settle_recovery(&mut recovered, &[keep], words).await;
            settled.map(drop)
        }
        Recovery::Waits(_) => unreachable!("a recovery without a wait waits"),
    }
}

#[test]
fn p21_p34_a_recovery_run_again_after_a_kill_at_any_moment_leaves_a_machine_that_opens_what_others_seal_to_it() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        let keep = phone.client.device_key().device_id();
        let new = New::at(&laptop, Some(0)).await;
        let from = (laptop.wallet.id(), new.code);
        drop((phone.client, new.client));
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let server = evening.again().await;
            let mut world = new.world.copy_at(server.clone()).await;
            let mut other = phone.world.copy_at(server).await;
            let recovered = async |client: &mut Client<Mortal>| recovers(client, from, keep, &laptop.words).await;
            let survived = outlives(&mut world, moments, recovered).await;

            let mut client = world.open().await;
            if let Err(fault) = recovers(&mut client, from, keep, &laptop.words).await {
                panic!("after {moments} moments: {fault}");
            }
            let wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch().number, 2, "after {moments} moments");
            let mut phone = other.open().await;
            let mut at_phone = phone.open_wallet(None).await.expect("is there");
            phone.sync(&mut at_phone).await.expect("syncs");
            phone.refresh(&mut at_phone, &mut |_| {}).await.expect("refreshes");
            let wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch(), at_phone.epoch(), "after {moments} moments");
            if survived {
                break;
            }
        }
    });
}

#[test]
fn p34_a_recovery_that_was_killed_before_it_put_its_seat_away_has_the_key_that_came_since() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        let New { world, client, code } = New::at(&laptop, Some(0)).await;
        let (id, words) = (laptop.wallet.id(), &laptop.words);
        drop((phone.client, client));
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let server = evening.again().await;
            let (mut world, mut other) = (world.copy_at(server.clone()).await, phone.world.copy_at(server).await);
            let shared = async |client: &mut Client<Mortal>| client.recover(id, code, words).await.map(drop);
            if outlives(&mut world, moments, shared).await {
                break;
            }
            let mut client = world.open().await;
            let Ok(mut wallet) = client.open_wallet(None).await else {
                continue;
            };
            // The wallet is here, and takes another key by a refresh; then one comes that it hears of by the words alone.
            client
                .unfreeze_wallet(&mut wallet, Some(words))
                .await
                .expect("unfreezes");
            client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
            let mut phone = other.open().await;
            let mut at_phone = phone.open_wallet(None).await.expect("is there");
            phone.sync(&mut at_phone).await.expect("syncs");
            phone.refresh(&mut at_phone, &mut |_| {}).await.expect("refreshes");
            drop(client.recover(id, code, words).await.expect("repairs"));
            phone.refresh(&mut at_phone, &mut |_| {}).await.expect("refreshes");
            let wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch(), at_phone.epoch(), "after {moments} moments");
        }
    });
}

/// What `twofold device revoke` does, as far as it is left to do.
async fn strikes_off<P: Platform>(
    client: &mut Client<P>,
    device: DeviceId,
    words: &RecoverySecret,
) -> Result<(), Fault> {
    let mut wallet = client.open_wallet(None).await?;
    client.sync(&mut wallet).await?;
    let devices = client.devices(&mut wallet).await?;
    if devices.listed.iter().any(|listed| listed.id == device) {
        client.revoke_device(&mut wallet, device, Some(words)).await?;
    }
    if client.devices(&mut wallet).await?.refresh_due {
        client.refresh(&mut wallet, &mut |_| {}).await?;
    }
    Ok(())
}

#[test]
fn p21_striking_a_machine_off_is_killed_at_any_moment_and_ended_by_the_next_run() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        let device = phone.client.device_key().device_id();
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let mut world = laptop.world.copy_at(evening.again().await).await;
            let struck = async |client: &mut Client<Mortal>| Box::pin(strikes_off(client, device, &laptop.words)).await;
            let survived = outlives(&mut world, moments, struck).await;

            let mut client = world.open().await;
            if let Err(fault) = Box::pin(strikes_off(&mut client, device, &laptop.words)).await {
                panic!("after {moments} moments: {fault}");
            }
            let mut wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch().number, 2, "after {moments} moments");
            let devices = client.devices(&mut wallet).await.expect("reads");
            assert!(
                devices.listed.len() == 1 && !devices.refresh_due,
                "after {moments} moments"
            );
            if survived {
                break;
            }
        }
    });
}

/// The words are the wallet's by now, and nothing is left to do but a refresh maybe.
async fn has_new_words(client: &mut Client<Bench>, new: &RecoverySecret, moments: usize) {
    let mut wallet = client.open_wallet(None).await.expect("is there");
    if client.devices(&mut wallet).await.expect("reads").refresh_due {
        client.refresh(&mut wallet, &mut |_| {}).await.expect("refreshes");
    }
    let wallet = lives_on(client, moments).await;
    let package = client.recovery_package(&wallet).expect("a package");
    let opened = package.check(new);
    assert!(opened.is_ok(), "after {moments} moments: {opened:?}");
}

#[test]
fn p21_new_words_whose_coming_was_killed_at_any_moment_and_followed_by_a_refresh_leave_a_package_that_opens() {
    block_on(async {
        let laptop = Laptop::new().await;
        let new = words(7);
        let old = Some(OldWords::Here(&laptop.words));
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let mut world = laptop.world.copy_at(evening.again().await).await;
            let replaced = async |client: &mut Client<Mortal>| {
                let mut wallet = client.open_wallet(None).await?;
                client.replace_words(&mut wallet, &new, old).await.map(drop)
            };
            let survived = outlives(&mut world, moments, replaced).await;

            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("is there");
            if let Err(fault) = client.refresh(&mut wallet, &mut |_| {}).await {
                panic!("after {moments} moments: {fault}");
            }
            let package = client.recovery_package(&wallet);
            let package = package.unwrap_or_else(|fault| panic!("after {moments} moments: {fault}"));
            let opens = [&laptop.words, &new].map(|words| package.check(words).is_ok());
            assert!(opens.contains(&true), "after {moments} moments");
            match client.replace_words(&mut wallet, &new, old).await {
                Ok(Replacement::Done(_)) | Err(Fault::Recovery(RecoveryFault::SameWords)) => {}
                other => panic!("after {moments} moments: {other:?}"),
            }
            Box::pin(has_new_words(&mut client, &new, moments)).await;
            if survived {
                break;
            }
        }
    });
}

#[test]
fn p21_new_words_for_which_the_old_ones_spoke_elsewhere_come_after_a_kill_at_any_moment() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let new = words(7);
        let asked = laptop.client.ask_old_words(&mut laptop.wallet, new.public()).await;
        let (_, given) = answer(&laptop.words, &asked.expect("asks")).expect("answers");
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let mut world = laptop.world.copy_at(evening.again().await).await;
            let replaced = async |client: &mut Client<Mortal>| {
                let mut wallet = client.open_wallet(None).await?;
                let voice = client.old_voice(&wallet, &given).await?;
                client.replace_words(&mut wallet, &new, Some(voice)).await.map(drop)
            };
            let survived = outlives(&mut world, moments, replaced).await;

            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("is there");
            match client.old_voice(&wallet, &given).await {
                Ok(voice) => match client.replace_words(&mut wallet, &new, Some(voice)).await {
                    Ok(Replacement::Done(_)) | Err(Fault::Recovery(RecoveryFault::SameWords)) => {}
                    other => panic!("after {moments} moments: {other:?}"),
                },
                // Taken, and all that follows is done.
                Err(_) => assert_eq!(wallet.epoch().number, 2, "after {moments} moments"),
            }
            Box::pin(has_new_words(&mut client, &new, moments)).await;
            if survived {
                break;
            }
        }
    });
}

#[test]
fn p21_new_words_of_another_machine_come_after_a_kill_at_any_moment_of_their_answer() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let (new, random) = (words(7), &mut ChaCha20Rng::seed_from_u64(9));
        let server = laptop.world.server.invite().await.server;
        let begun = holder::words::begin(&new, server, random).expect("begins");
        let asked = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &begun.opening, Some(OldWords::Here(&laptop.words)))
            .await;
        let Ok(Elsewhere::Message(message)) = asked else {
            panic!("{asked:?}")
        };
        let answered = holder::go_on(&begun.state, &message, &new, random).expect("takes its share");
        let file = answered.answer.file;
        let evening = laptop.world.server.again().await;
        for moments in 0.. {
            let mut world = laptop.world.copy_at(evening.again().await).await;
            let finished =
                async |client: &mut Client<Mortal>| Box::pin(client.finish_replacement(&file)).await.map(drop);
            let survived = outlives(&mut world, moments, finished).await;

            let mut client = world.open().await;
            match Box::pin(client.finish_replacement(&file)).await {
                Ok(_) | Err(Fault::Recovery(RecoveryFault::SameWords | RecoveryFault::NotAwaited)) => {}
                other => panic!("after {moments} moments: {other:?}"),
            }
            Box::pin(has_new_words(&mut client, &new, moments)).await;
            if survived {
                break;
            }
        }
    });
}

#[test]
fn p21_a_machine_killed_while_it_takes_a_wallet_in_and_used_before_it_looks_again_has_arrived() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let mut joined = laptop.world.another();
        let (client, card) = joined.join_wallet(&introduction).await.expect("joins");
        drop(client);
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &card, Some(&laptop.words))
            .await;
        added.expect("adds");
        let refreshed = laptop.client.refresh(&mut laptop.wallet, &mut |_| {}).await;
        refreshed.expect("refreshes");
        let evening = laptop.world.server.again().await;
        let mut used = 0;
        for moments in 0.. {
            let mut phone = joined.copy_at(evening.again().await).await;
            let arrived = async |client: &mut Client<Mortal>| client.arrive().await.map(drop);
            let survived = outlives(&mut phone, moments, arrived).await;

            let mut client = phone.open().await;
            if let Ok(mut wallet) = client.open_wallet(None).await {
                client.sync(&mut wallet).await.expect("syncs");
                used += 1;
            }
            if let Err(fault) = client.arrive().await {
                panic!("after {moments} moments: {fault}");
            }
            let wallet = lives_on(&mut client, moments).await;
            assert_eq!(wallet.epoch(), laptop.wallet.epoch(), "after {moments} moments");
            if survived {
                break;
            }
        }
        assert!(used > 1, "{used}");
    });
}
