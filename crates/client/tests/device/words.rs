//! Other recovery words: put in place by a device, met by another, carried between two machines.

use futures::executor::block_on;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_client::Fault;
use twofold_client::recovery::file::FileKind;
use twofold_client::recovery::replace::{Elsewhere, Replacement};
use twofold_client::recovery::{OldWords, RecoveryFault, file, holder};
use twofold_threshold::words::RecoverySecret;

use crate::crashes::{Life, mortal};
use crate::devices::Laptop;

fn words(seed: u64) -> RecoverySecret {
    RecoverySecret::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

#[test]
fn new_words_open_what_every_machine_exports_once_it_has_been_in_contact_and_the_old_ones_do_not() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let new = words(7);
        let before = laptop.client.recovery_package(&laptop.wallet).expect("a package");
        let replaced = laptop
            .client
            .replace_words(&mut laptop.wallet, &new, Some(OldWords::Here(&laptop.words)))
            .await;
        let Ok(Replacement::Done(replaced)) = replaced else {
            panic!("{replaced:?}")
        };
        assert_eq!(replaced.refreshed.expect("refreshes").epoch, 2);
        phone.client.sync(&mut phone.wallet).await.expect("catches up");
        assert_eq!(phone.wallet.epoch(), laptop.wallet.epoch());
        for (client, wallet) in [(&laptop.client, &laptop.wallet), (&phone.client, &phone.wallet)] {
            let package = client.recovery_package(wallet).expect("a package");
            assert_eq!(package.check(&new).expect("opens").epoch, 2);
            assert_eq!(package.check(&laptop.words), Err(RecoveryFault::OtherWords));
        }
        // The package of before is what the old words still open: a share that is over.
        assert_eq!(before.check(&laptop.words).expect("opens").epoch, 1);

        let again = laptop
            .client
            .replace_words(&mut laptop.wallet, &new, Some(OldWords::Here(&laptop.words)))
            .await;
        assert!(again.is_err(), "the old words speak for nothing any more: {again:?}");
        let third = words(8);
        let replaced = phone
            .client
            .replace_words(&mut phone.wallet, &third, Some(OldWords::Here(&new)))
            .await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
        laptop.client.sync(&mut laptop.wallet).await.expect("catches up");
        let package = laptop.client.recovery_package(&laptop.wallet).expect("a package");
        assert_eq!(package.check(&third).expect("opens").epoch, 3);
    });
}

#[test]
fn a24_without_the_old_words_a_machine_only_asks() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let new = words(7);
        for _ in 0..2 {
            let asked = laptop.client.replace_words(&mut laptop.wallet, &new, None).await;
            let Ok(Replacement::Waits(waiting)) = asked else {
                panic!("{asked:?}")
            };
            assert_eq!((waiting.what.as_str(), waiting.change), ("words", 1));
        }
        let asked = laptop.client.words_asked_for(&mut laptop.wallet).await.expect("reads");
        assert_eq!(asked, Some(new.public()));
        let package = laptop.client.recovery_package(&laptop.wallet).expect("a package");
        package.check(&laptop.words).expect("the old words count");
    });
}

#[test]
fn p36_a_server_that_tells_of_another_package_for_new_words_is_caught() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let replaced = laptop
            .client
            .replace_words(&mut laptop.wallet, &words(7), Some(OldWords::Here(&laptop.words)))
            .await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
        phone.client.sync(&mut phone.wallet).await.expect("catches up");
        *phone.world.server.twists.wallet.lock().expect("free") = Some(Box::new(|mut wallet| {
            *wallet.package[0].last_mut().expect("not empty") ^= 1;
            Ok(wallet)
        }));
        let stopped = phone.client.devices(&mut phone.wallet).await;
        assert!(stopped.is_err(), "{stopped:?}");
        *phone.world.server.twists.wallet.lock().expect("free") = None;
        phone
            .client
            .devices(&mut phone.wallet)
            .await
            .expect("the right one is there");
        let package = phone.client.recovery_package(&phone.wallet).expect("a package");
        package.check(&words(7)).expect("opens");
    });
}

#[test]
fn p32_words_on_another_machine_take_a_share_only_from_their_server_and_for_themselves() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let (new, other) = (words(7), words(8));
        let random = &mut ChaCha20Rng::seed_from_u64(9);
        let server = laptop.world.server.invite().await.server;
        let begun = holder::words::begin(&new, server, random).expect("begins");
        let stranger = twofold_threshold::identity::IdentitySecret::generate(random).public();
        let elsewhere = holder::words::begin(&other, stranger, random).expect("begins");

        // Not this server's; cut; signed by nobody.
        let old = Some(OldWords::Here(&laptop.words));
        let refused = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &elsewhere.opening, old)
            .await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::OtherServer { .. }))),
            "{refused:?}"
        );
        let place = begun.opening.find("BEGIN TWOFOLD").expect("content") + 120;
        let mut changed = begun.opening.clone();
        let letter = if &changed[place..=place] == "A" { "B" } else { "A" };
        changed.replace_range(place..=place, letter);
        let refused = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &changed, old)
            .await;
        assert!(matches!(refused, Err(Fault::Recovery(_))), "{refused:?}");

        let asked = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &begun.opening, old)
            .await;
        let Ok(Elsewhere::Message(message)) = asked else {
            panic!("{asked:?}")
        };
        assert_eq!(file::kind_of(&message), Some(FileKind::ToNewWords));
        // Other words, other state, and a holder that expects another server.
        for (state, secret) in [
            (&elsewhere.state, &other),
            (&begun.state, &other),
            (&elsewhere.state, &new),
        ] {
            assert!(holder::go_on(state, &message, secret, random).is_err());
        }
        let answered = holder::go_on(&begun.state, &message, &new, random).expect("takes its share");
        assert_eq!(answered.answer.fingerprint, laptop.wallet.fingerprint());
        // A wallet that has moved on takes no answer of before; asked again, the same words answer again.
        laptop
            .client
            .refresh(&mut laptop.wallet, &mut |_| {})
            .await
            .expect("refreshes");
        let late = Box::pin(laptop.client.finish_replacement(&answered.answer.file)).await;
        assert!(
            matches!(late, Err(Fault::Recovery(RecoveryFault::WalletMoved))),
            "{late:?}"
        );
        let asked = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &begun.opening, old)
            .await;
        let Ok(Elsewhere::Message(message)) = asked else {
            panic!("{asked:?}")
        };
        let answered = holder::go_on(&begun.state, &message, &new, random).expect("takes its share");
        let finished = Box::pin(laptop.client.finish_replacement(&answered.answer.file)).await;
        let (wallet, replaced) = finished.expect("the words are replaced");
        assert_eq!(replaced.refreshed.expect("refreshes").epoch, 3);
        let package = laptop.client.recovery_package(&wallet).expect("a package");
        assert_eq!(package.check(&new).expect("opens").epoch, 3);
        let again = Box::pin(laptop.client.finish_replacement(&answered.answer.file)).await;
        assert!(
            matches!(again, Err(Fault::Recovery(RecoveryFault::NotAwaited))),
            "{again:?}"
        );
    });
}

#[test]
fn p21_a_machine_killed_while_it_catches_up_with_new_words_holds_a_package_that_some_words_open() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let phone = laptop.add().await;
        drop((phone.client, phone.wallet));
        laptop
            .client
            .refresh(&mut laptop.wallet, &mut |_| {})
            .await
            .expect("refreshes");
        let replaced = laptop
            .client
            .replace_words(&mut laptop.wallet, &words(7), Some(OldWords::Here(&laptop.words)))
            .await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
        for moments in 0.. {
            let mut away = phone.world.twin().await;
            let life = Life::of(moments);
            let mut client = mortal(&mut away, &life).await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            let synced = client.sync(&mut wallet).await;
            drop((client, wallet));
            let client = away.open().await;
            let wallet = client.open_wallet(None).await.expect("opens");
            let package = client.recovery_package(&wallet).expect("a package");
            let opens = [&laptop.words, &words(7)].map(|words| package.check(words).is_ok());
            assert!(opens.contains(&true), "killed after {moments} moments");
            if synced.is_ok() && !life.is_over() {
                assert!(moments > 3 && opens == [false, true], "{opens:?}");
                break;
            }
        }
    });
}

#[test]
fn a_machine_that_was_away_during_a_refresh_replaces_the_words_at_once() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        laptop
            .client
            .refresh(&mut laptop.wallet, &mut |_| {})
            .await
            .expect("refreshes");
        let replaced = phone
            .client
            .replace_words(&mut phone.wallet, &words(7), Some(OldWords::Here(&laptop.words)))
            .await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
    });
}
