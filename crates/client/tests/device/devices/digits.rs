//! A machine that is added by six digits, and a server in between.

use futures::executor::block_on;
use std::sync::{Arc, Mutex};
use twofold_api::reply::Pairing;
use twofold_client::devices::{Arrival, Compared, Met, Outcome};
use twofold_client::fault::Usage;
use twofold_client::{Client, Fault};
use twofold_threshold::envelope::SealSecret;
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::pairing::{Answer, Meeting, NewKeys, Newcomer};

use super::sealing::sealing_keys;
use super::{Laptop, pays};
use crate::world::{Bench, World};

/// A new machine and the laptop meet; each as it sees it.
async fn meet(laptop: &mut Laptop) -> (World, Result<Met, Fault>, Result<(Client<Bench>, Compared), Fault>) {
    let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
    let mut world = laptop.world.another();
    let (host, newcomer) = futures::join!(
        laptop.client.meet(&mut laptop.wallet, &introduction),
        world.join_to_compare(&introduction)
    );
    (world, host, newcomer)
}

#[test]
fn a_machine_is_added_by_six_digits_that_both_show() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let (_world, host, newcomer) = Box::pin(meet(&mut laptop)).await;
        let (met, (mut client, compared)) = (host.expect("meets"), newcomer.expect("meets"));
        assert_eq!(met.string, compared.string);
        // Nothing is kept before the person has said yes.
        assert_eq!(client.arrive().await.expect("looks"), []);
        let card = client.wait_as_compared(compared).await.expect("keeps");
        assert_eq!(card, met.card);
        assert_eq!(client.arrive().await.expect("looks"), [Arrival::NotYet(card)]);
        let added = laptop
            .client
            .enrol_device(&mut laptop.wallet, &met.card, Some(&laptop.words))
            .await;
        assert_eq!(added.expect("adds"), Outcome::Done);
        let arrived = client.arrive().await.expect("takes it in");
        assert!(matches!(&arrived[..], [Arrival::Arrived { .. }]), "{arrived:?}");
        let mut wallet = client.open_wallet(None).await.expect("is there");
        pays(&mut client, &mut wallet).await;
    });
}

#[test]
fn a23_a_server_that_swaps_the_new_machine_s_keys_and_commitment_shows_in_the_digits() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let mut rng = laptop.world.random();
        let spy = NewKeys {
            identity: IdentitySecret::generate(&mut rng).public(),
            sealing: SealSecret::generate(&mut rng).public(),
        };
        let (id, host) = (laptop.wallet.id(), *laptop.client.device_key());
        let server = laptop.world.server.cosigner.identity();
        let introduced = Arc::new(Mutex::new([0; 16]));
        let code = Arc::clone(&introduced);
        let (mut between, mut swapped) = (None, None);
        *laptop.world.server.twists.pairing.lock().expect("free") = Some(Box::new(move |mut pairing| {
            let meeting = || Meeting {
                wallet: id,
                server,
                host,
                code: *code.lock().expect("free"),
            };
            // The host, which alone looks with a checkpoint in the reply, is shown the spy in the newcomer's place.
            if pairing.head.checkpoint.is_none() {
                return Ok(pairing);
            }
            if let [first, ..] = &mut pairing.letters[..] {
                let (state, commitment) = swapped.take().unwrap_or_else(|| {
                    let (state, commitment) = Newcomer::begin(meeting(), spy, &mut rng);
                    (Some(state), commitment)
                });
                *first = commitment.to_bytes();
                swapped = Some((state, commitment));
            }
            if let [_, answer, reveal] = &mut pairing.letters[..] {
                if let Some((Some(state), commitment)) = swapped.take() {
                    let (opened, _) = state
                        .receive(&Answer::try_from(answer.as_slice()).expect("an answer"))
                        .expect("opens");
                    between = Some(opened.to_bytes());
                    swapped = Some((None, commitment));
                }
                reveal.clone_from(between.as_ref().expect("was opened"));
            }
            Ok(pairing)
        }));
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        *introduced.lock().expect("free") = introduction.invitation.code;
        let mut world = laptop.world.another();
        let (met, compared) = futures::join!(
            laptop.client.meet(&mut laptop.wallet, &introduction),
            world.join_to_compare(&introduction)
        );
        let (met, (mut client, compared)) = (met.expect("meets somebody"), compared.expect("meets"));
        assert_eq!((met.card.identity, met.card.sealing), (spy.identity, spy.sealing));
        assert_ne!(met.string, compared.string, "the person sees that they differ");
        // After a no neither side has anything.
        drop(compared);
        assert_eq!(client.arrive().await.expect("looks"), []);
        assert_eq!(sealing_keys(&laptop).len(), 1);
    });
}

#[test]
fn a23_a_server_that_replays_an_earlier_meeting_or_changes_a_letter_is_refused() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        // What the first meeting was: kept by the server.
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        *laptop.world.server.twists.pairing.lock().expect("free") = Some(Box::new(move |pairing: Pairing| {
            keep.lock().expect("free").clone_from(&pairing.letters);
            Ok(pairing)
        }));
        let (_, met, _) = Box::pin(meet(&mut laptop)).await;
        met.expect("meets");
        let letters = kept.lock().expect("free").clone();
        assert_eq!(letters.len(), 3);
        // Shown again to the host: bound to another code, it opens nothing.
        let replayed = letters.clone();
        *laptop.world.server.twists.pairing.lock().expect("free") = Some(Box::new(move |mut pairing| {
            pairing.letters.clone_from(&replayed);
            Ok(pairing)
        }));
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let refused = laptop.client.meet(&mut laptop.wallet, &introduction).await;
        assert!(refused.is_err(), "{refused:?}");
        // A reveal that is not what was committed to, and an answer of another host.
        for (place, byte) in [(2, 40), (1, 5)] {
            *laptop.world.server.twists.pairing.lock().expect("free") = Some(Box::new(move |mut pairing| {
                if let Some(letter) = pairing.letters.get_mut(place) {
                    letter[byte] ^= 1;
                }
                Ok(pairing)
            }));
            let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
            let mut world = laptop.world.another();
            for _ in 0..place {
                world.random();
            }
            let (host, newcomer) = futures::join!(
                laptop.client.meet(&mut laptop.wallet, &introduction),
                world.join_to_compare(&introduction)
            );
            let refused = if place == 2 { host.is_err() } else { newcomer.is_err() };
            assert!(refused, "letter {place}");
        }
    });
}

#[test]
fn who_waits_for_a_machine_that_never_comes_is_told_so() {
    block_on(async {
        let mut laptop = Laptop::new().await;
        let introduction = laptop.client.introduce(&mut laptop.wallet).await.expect("introduces");
        let alone = laptop.client.meet(&mut laptop.wallet, &introduction).await;
        assert!(matches!(alone, Err(Fault::Usage(Usage::NobodyCame))), "{alone:?}");
    });
}
