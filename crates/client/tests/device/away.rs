//! The recovery words stay on a machine of their own: a new machine takes a lost one's place by files, and new words get the
//! old ones' voice by files.

use futures::executor::block_on;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_api::Reason;
use twofold_client::recovery::away::{Away, Settled};
use twofold_client::recovery::file::{self, FileFault, FileKind};
use twofold_client::recovery::holder::Made;
use twofold_client::recovery::holder::voice::{Asked, Shown, Wish};
use twofold_client::recovery::replace::{Elsewhere, Replacement};
use twofold_client::recovery::{OldWords, RecoveryFault, holder};
use twofold_client::{Client, Fault};
use twofold_threshold::words::RecoverySecret;

use crate::devices::Laptop;
use crate::world::{Bench, World, paying};

pub(crate) fn words(seed: u64) -> RecoverySecret {
    RecoverySecret::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// What the words' machine shows, and what it answers.
pub(crate) fn answer(secret: &RecoverySecret, request: &str) -> Result<(Shown, String), RecoveryFault> {
    let asked = Asked::read(request, secret, None)?;
    let shown = asked.shown();
    let answer = asked.answer(secret, &mut ChaCha20Rng::seed_from_u64(77))?;
    Ok((shown, answer))
}

/// A machine that is to take a lost one's place.
pub(crate) struct New {
    pub(crate) world: World,
    pub(crate) client: Client<Bench>,
    pub(crate) code: Option<[u8; 16]>,
}

impl New {
    pub(crate) async fn at(laptop: &Laptop, wait: Option<u64>) -> Self {
        Self::other(laptop, wait, 1).await
    }

    /// Another one than the first, with keys of its own.
    async fn other(laptop: &Laptop, wait: Option<u64>, which: u64) -> Self {
        let mut world = laptop.world.another();
        world.seed += 50 * which;
        let invitation = world.server.invite_recovery(laptop.wallet.id(), wait).await;
        let client = world.join_with(&invitation).await.expect("joins");
        Self {
            world,
            client,
            code: Some(invitation.code),
        }
    }

    async fn next(&mut self, laptop: &Laptop) -> Away {
        let away = self.client.recover_away(laptop.wallet.id(), self.code, &[]).await;
        away.expect("goes on")
    }

    pub(crate) async fn ask(&mut self, laptop: &Laptop) -> String {
        let asked = match self.next(laptop).await {
            Away::Ask { file, .. } => Some(file),
            _ => None,
        };
        asked.expect("a request")
    }

    async fn take(&mut self, answer: &str) -> Away {
        let (_, away) = self.client.recover_answered(answer).await.expect("takes it");
        away
    }

    /// The first pass, with no wait.
    pub(crate) async fn begin(&mut self, laptop: &Laptop) {
        let request = self.ask(laptop).await;
        let (shown, answer) = answer(&laptop.words, &request).expect("answers");
        assert_eq!((shown.wish, shown.verified), (Wish::Ask, None));
        assert_eq!(shown.machine, self.client.machine());
        let away = self.take(&answer).await;
        assert!(matches!(away, Away::Ready { .. }), "{away:?}");
    }
}

fn settled(away: Away) -> Settled {
    let settled = match away {
        Away::Done(settled) => Some(*settled),
        _ => None,
    };
    settled.expect("done")
}

#[test]
fn two_passes_of_files_bring_a_wallet_back_and_the_new_machine_never_sees_the_words() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut new = New::at(&laptop, Some(0)).await;
        new.begin(&laptop).await;
        let request = new.ask(&laptop).await;
        let (shown, given) = answer(&laptop.words, &request).expect("answers");
        let verified = shown.verified.expect("is seen");
        assert_eq!(verified.fingerprint, laptop.wallet.fingerprint());
        assert!(matches!(
            shown.wish,
            Wish::Place {
                share: true,
                strike: Some(_),
                unfreeze: true
            }
        ));
        let Settled {
            mut wallet,
            revoked,
            left,
            frozen,
        } = settled(new.take(&given).await);
        assert_eq!((revoked.len(), left.len(), frozen), (1, 0, false));
        assert_eq!(
            (wallet.fingerprint(), wallet.epoch().number),
            (laptop.wallet.fingerprint(), 2)
        );
        // The server signs with it, and not with the lost one.
        new.client.sync(&mut wallet).await.expect("syncs");
        let draft = new.client.draft(&mut wallet, &paying(30_000)).expect("drafts");
        new.client.send(&mut wallet, draft).await.expect("signs");
        let refused = laptop.client.sync(&mut laptop.wallet).await.expect_err("is struck off");
        assert_eq!(refused.reason(), Some(Reason::DeviceNotListed));
        // Nothing is left to ask, and the answers are good for nothing more.
        assert_eq!(settled(new.next(&laptop).await).revoked, []);
        let again = new.client.recover_answered(&given).await;
        assert!(
            matches!(again, Err(Fault::Recovery(RecoveryFault::NotAsked))),
            "{again:?}"
        );
    });
}

#[test]
fn the_files_may_be_written_and_taken_again_and_a_wait_is_waited_for() {
    block_on(async {
        let laptop = Laptop::new().await;
        let mut new = New::at(&laptop, None).await;
        let (first, again) = (new.ask(&laptop).await, new.ask(&laptop).await);
        assert_eq!(first, again, "nothing was answered yet");
        let (_, begun) = answer(&laptop.words, &first).expect("answers");
        let mut due = Vec::new();
        for _ in 0..2 {
            match new.take(&begun).await {
                Away::Waits(wait) => due.push(wait.due),
                other => panic!("{other:?}"),
            }
        }
        match new.next(&laptop).await {
            Away::Waits(wait) => due.push(wait.due),
            other => panic!("{other:?}"),
        }
        assert!(due.iter().all(|at| *at == due[0]), "{due:?}");
    });
}

#[test]
fn every_other_machine_that_is_lost_takes_a_pass_of_its_own_and_the_wallet_stays_frozen_until_the_last() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut phone = laptop.add().await;
        let mut new = New::at(&laptop, Some(0)).await;
        new.begin(&laptop).await;
        let request = new.ask(&laptop).await;
        let (_, given) = answer(&laptop.words, &request).expect("answers");
        let half = settled(new.take(&given).await);
        assert_eq!((half.revoked.len(), half.left.len(), half.frozen), (1, 1, true));
        // The same answer once more: what it is good for is done.
        let same = settled(new.take(&given).await);
        assert_eq!((same.revoked.len(), same.left.len(), same.frozen), (0, 1, true));
        let request = new.ask(&laptop).await;
        let (shown, given) = answer(&laptop.words, &request).expect("answers");
        assert!(matches!(
            shown.wish,
            Wish::Place {
                share: false,
                strike: Some(_),
                unfreeze: true
            }
        ));
        let done = settled(new.take(&given).await);
        assert_eq!((done.revoked.len(), done.left.len(), done.frozen), (1, 0, false));
        assert!(phone.client.sync(&mut phone.wallet).await.is_err());
    });
}

#[test]
fn a28_a_copied_answer_is_of_no_use_to_another_machine_and_other_words_answer_nothing() {
    block_on(async {
        let laptop = Laptop::new().await;
        let mut new = New::at(&laptop, Some(0)).await;
        let mut thief = New::other(&laptop, Some(0), 2).await;
        let request = new.ask(&laptop).await;
        drop(thief.ask(&laptop).await);
        let (_, copied) = answer(&laptop.words, &request).expect("answers");
        // With an invitation of their own, and an errand of their own.
        let refused = thief.client.recover_answered(&copied).await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::NotAsked))),
            "{refused:?}"
        );
        // Words that are not this wallet's say what they like: the server takes only its own.
        let (_, foreign) = answer(&words(3), &request).expect("answers");
        let refused = new.client.recover_answered(&foreign).await.expect_err("is refused");
        assert_eq!(refused.reason(), Some(Reason::NotRecovery));

        new.take(&copied).await;
        let request = new.ask(&laptop).await;
        let refused = Asked::read(&request, &words(3), None).expect_err("is sealed to others");
        assert_eq!(refused, RecoveryFault::NotForTheseWords);
        // The wallet is read by nobody on the way: neither its descriptor's key nor its transcript is in the clear.
        let (_, given) = answer(&laptop.words, &request).expect("answers");
        let refused = thief.client.recover_answered(&given).await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::NotAsked))),
            "{refused:?}"
        );
    });
}

#[test]
fn a28_a_request_that_was_changed_on_the_way_is_not_answered_and_a_changed_answer_changes_nothing() {
    block_on(async {
        let laptop = Laptop::new().await;
        let mut new = New::at(&laptop, Some(0)).await;
        let request = new.ask(&laptop).await;
        let changed = |text: &str, at: usize| {
            let place = text.find("BEGIN TWOFOLD").expect("content") + at;
            let letter = if &text[place..=place] == "A" { "B" } else { "A" };
            let mut changed = text.to_owned();
            changed.replace_range(place..=place, letter);
            changed
        };
        for at in [60, 120, 200, 300] {
            let refused = answer(&laptop.words, &changed(&request, at)).expect_err("is noticed");
            assert!(matches!(refused, RecoveryFault::File(_)), "{at}: {refused}");
        }
        new.begin(&laptop).await;
        let request = new.ask(&laptop).await;
        let (_, given) = answer(&laptop.words, &request).expect("answers");
        let refused = new.client.recover_answered(&changed(&given, 200)).await;
        assert!(matches!(refused, Err(Fault::Recovery(_))), "{refused:?}");
        let cut = &given[..given.len() - 40];
        let refused = new.client.recover_answered(cut).await;
        let expected = RecoveryFault::File(FileFault::Cut(FileKind::FromWords));
        assert!(matches!(refused, Err(Fault::Recovery(fault)) if fault == expected));
        assert_eq!(settled(new.take(&given).await).revoked.len(), 1);
    });
}

#[test]
fn p27_an_answer_from_before_the_server_was_started_again_asks_for_another() {
    block_on(async {
        let laptop = Laptop::new().await;
        let mut new = New::at(&laptop, Some(0)).await;
        new.begin(&laptop).await;
        let request = new.ask(&laptop).await;
        let (_, given) = answer(&laptop.words, &request).expect("answers");
        let state = holder::Made {
            server: "another".into(),
            fingerprint: laptop.wallet.fingerprint(),
        };
        let refused = Asked::read(&request, &laptop.words, Some(&state)).expect_err("is another server");
        assert!(matches!(refused, RecoveryFault::NotThatWallet { .. }), "{refused}");
        let state = Made {
            server: laptop.world.server.invite().await.server.to_string(),
            fingerprint: laptop.wallet.fingerprint(),
        };
        drop(Asked::read(&request, &laptop.words, Some(&state)).expect("is this one"));
        let started = laptop.world.server.again().await;
        let New {
            mut world,
            client,
            code,
        } = new;
        drop(client);
        world.turn_to(&started);
        let client = world.open().await;
        let mut new = New { world, client, code };
        let refused = new.client.recover_answered(&given).await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::AskAgain { .. }))),
            "{refused:?}"
        );
        let request = new.ask(&laptop).await;
        let (_, given) = answer(&laptop.words, &request).expect("answers");
        assert_eq!(settled(new.take(&given).await).revoked.len(), 1);
    });
}

#[test]
fn the_old_words_speak_for_new_ones_from_another_machine() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let (new, other) = (words(7), words(8));
        let asked = laptop.client.ask_old_words(&mut laptop.wallet, new.public()).await;
        let request = asked.expect("asks");
        assert_eq!(file::kind_of(&request), Some(FileKind::ToWords));
        let (shown, given) = answer(&laptop.words, &request).expect("answers");
        assert_eq!(shown.wish, Wish::Words);
        assert_eq!(
            shown.verified.expect("is seen").fingerprint,
            laptop.wallet.fingerprint()
        );
        let voice = laptop.client.old_voice(&laptop.wallet, &given).await.expect("reads");
        // For the words that were shown to the old ones, and for no others.
        let refused = laptop
            .client
            .replace_words(&mut laptop.wallet, &other, Some(voice))
            .await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::VoiceStale))),
            "{refused:?}"
        );
        let replaced = laptop.client.replace_words(&mut laptop.wallet, &new, Some(voice)).await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
        let package = laptop.client.recovery_package(&laptop.wallet).expect("a package");
        package.check(&new).expect("opens");
        let spent = laptop.client.old_voice(&laptop.wallet, &given).await;
        assert!(
            matches!(spent, Err(Fault::Recovery(RecoveryFault::NotAsked))),
            "{spent:?}"
        );

        // And for such that are on a third machine.
        let random = &mut ChaCha20Rng::seed_from_u64(9);
        let server = laptop.world.server.invite().await.server;
        let begun = holder::words::begin(&other, server, random).expect("begins");
        let third = laptop.client.words_of_opening(&begun.opening).expect("reads");
        let asked = laptop.client.ask_old_words(&mut laptop.wallet, third).await;
        let (_, given) = answer(&new, &asked.expect("asks")).expect("answers");
        let voice = laptop.client.old_voice(&laptop.wallet, &given).await.expect("reads");
        let message = laptop
            .client
            .replace_words_elsewhere(&mut laptop.wallet, &begun.opening, Some(voice))
            .await;
        assert!(matches!(message, Ok(Elsewhere::Message(_))), "{message:?}");
    });
}

#[test]
fn an_old_voice_on_a_list_that_went_on_is_asked_for_again() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let new = words(7);
        let asked = laptop.client.ask_old_words(&mut laptop.wallet, new.public()).await;
        let (_, given) = answer(&laptop.words, &asked.expect("asks")).expect("answers");
        drop(laptop.add().await);
        let voice = laptop.client.old_voice(&laptop.wallet, &given).await.expect("reads");
        let here = OldWords::Here(&laptop.words);
        let refused = laptop.client.replace_words(&mut laptop.wallet, &new, Some(voice)).await;
        assert!(
            matches!(refused, Err(Fault::Recovery(RecoveryFault::VoiceStale))),
            "{refused:?}"
        );
        let replaced = laptop.client.replace_words(&mut laptop.wallet, &new, Some(here)).await;
        assert!(matches!(replaced, Ok(Replacement::Done(_))), "{replaced:?}");
    });
}
