//! A server that lies: replies of other ceremonies, altered bytes, other identities, forgotten entries. Whatever it does
//! is named, nothing of it is used, and an honest server is served right after.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use twofold_api::{Reason, Refusal, reply};
use twofold_client::fault::Breach;
use twofold_client::message::Place;
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault, Kind, Notice};
use twofold_cosigner::testing::MemoryStore;
use twofold_threshold::id::Party;
use twofold_threshold::identity::IdentitySecret;
use twofold_threshold::secret::Secret32;

use crate::line::Fate;
use crate::server::Twist;
use crate::world::{Bench, World, create, named, paying, sats};

/// Twists a reply from here on.
fn twist<T>(place: &Twist<T>, how: impl FnMut(T) -> Result<T, Refusal> + Send + 'static) {
    *place.lock().expect("not poisoned") = Some(Box::new(how));
}

/// Is honest again.
fn straighten<T>(place: &Twist<T>) {
    place.lock().expect("not poisoned").take();
}

/// The fault blames the server and nobody else.
fn blames_the_server(fault: &Fault) {
    assert_eq!(fault.kind(), Kind::Protocol, "{fault}");
    let blamed = match fault {
        Fault::Ceremony(fault) => fault.culprits.iter().all(|party| *party == Party::Server),
        fault => matches!(fault, Fault::Breach(_)),
    };
    assert!(blamed, "{fault:?}");
}

#[test]
fn p06_p11_the_servers_round_of_another_ceremony_is_refused() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let keep = Arc::clone(&kept);
        twist(&world.server.twists.begin_create, move |begun: reply::CreateBegun| {
            *keep.lock().expect("not poisoned") = Some(begun.server_round);
            Err(Refusal::from(Reason::StoreUnavailable))
        });
        create(&mut client).await.expect_err("must fail");
        twist(&world.server.twists.begin_create, move |begun: reply::CreateBegun| {
            let server_round = kept.lock().expect("not poisoned").clone().expect("was kept");
            Ok(reply::CreateBegun { server_round, ..begun })
        });
        let fault = create(&mut client).await.expect_err("must refuse");
        blames_the_server(&fault);
        assert_eq!(client.wallets().await.expect("lists"), []);
        assert!(
            client.keystore().0.names("create-").await.expect("lists").is_empty(),
            "nothing of it was kept"
        );
        straighten(&world.server.twists.begin_create);
        create(&mut client).await.expect("an honest ceremony follows");
    });
}

#[test]
fn p07_the_completion_of_another_wallet_is_refused() {
    block_on(async {
        let (world, mut client, wallet) = World::with_wallet().await;
        let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let keep = Arc::clone(&kept);
        twist(
            &world.server.twists.finish_create,
            move |finished: reply::CreateFinished| {
                let mut kept = keep.lock().expect("not poisoned");
                // The first wallet's own completion comes as it is; the next gets it again.
                let completion = kept.get_or_insert_with(|| finished.completion.clone()).clone();
                Ok(reply::CreateFinished { completion, ..finished })
            },
        );
        let mut made = create(&mut client).await.expect("creates");
        client.confirm_words(&mut made.wallet).await.expect("confirms");
        let fault = create(&mut client).await.expect_err("must refuse");
        blames_the_server(&fault);
        assert_eq!(
            client.wallets().await.expect("lists").len(),
            2,
            "the third is not there"
        );
        straighten(&world.server.twists.finish_create);
        let third = create(&mut client).await.expect("the honest server finishes it");
        assert_ne!(third.wallet.id(), made.wallet.id());
        assert_ne!(third.wallet.id(), wallet.id());
    });
}

#[test]
fn p16_a_byte_altered_in_any_fortieth_of_the_servers_round_is_refused() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        // The round's length varies: age puts in filler that readers must skip.
        for part in 0..40 {
            // What was begun before has run out, so that no quota is in the way.
            world.server.clock.pass(601);
            world.clock.pass(601);
            twist(
                &world.server.twists.begin_create,
                move |mut begun: reply::CreateBegun| {
                    let place = begun.server_round.len() * part / 40;
                    begun.server_round[place] ^= 1;
                    Ok(begun)
                },
            );
            let fault = create(&mut client).await.expect_err("must refuse");
            assert_eq!(fault.kind(), Kind::Protocol, "part {part}: {fault}");
            assert!(
                client.keystore().0.names("create-").await.expect("lists").is_empty(),
                "part {part}"
            );
        }
        straighten(&world.server.twists.begin_create);
        create(&mut client).await.expect("an honest ceremony follows");
    });
}

#[test]
fn p17_p18_a_byte_altered_in_any_part_of_the_servers_half_is_refused_and_gives_no_signature() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        // Epoch, count, both commitments, the share, the server's signature.
        for place in (0..250).step_by(12) {
            twist(&world.server.twists.sign, move |mut signed: reply::Signed| {
                let place = place % signed.cosign.len();
                signed.cosign[place] ^= 1;
                Ok(signed)
            });
            let fault = client
                .cosign(&mut wallet, draft.clone())
                .await
                .expect_err("must refuse");
            assert_eq!(fault.kind(), Kind::Protocol, "byte {place}: {fault}");
        }
        straighten(&world.server.twists.sign);
        client
            .send(&mut wallet, draft)
            .await
            .expect("an honest signature follows");
        assert_eq!(world.server.chain.with(|chain| chain.sent.len()), 1);
    });
}

#[test]
fn p17_a_servers_half_for_another_text_or_an_altered_one_is_refused_and_gives_no_proof() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let place = Place::Index(0);
        for byte in (0..250).step_by(24) {
            twist(&world.server.twists.sign, move |mut signed: reply::Signed| {
                let byte = byte % signed.cosign.len();
                signed.cosign[byte] ^= 1;
                Ok(signed)
            });
            let fault = client.sign_message(&mut wallet, &place, b"a text").await;
            blames_the_server(&fault.expect_err("must refuse"));
        }
        // The half that another text got.
        let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        twist(&world.server.twists.sign, move |mut signed: reply::Signed| {
            let mut kept = kept.lock().expect("not poisoned");
            if let Some(other) = kept.as_ref() {
                signed.cosign.clone_from(other);
            } else {
                *kept = Some(signed.cosign.clone());
            }
            Ok(signed)
        });
        client.sign_message(&mut wallet, &place, b"one").await.expect("signs");
        let fault = client.sign_message(&mut wallet, &place, b"two").await;
        blames_the_server(&fault.expect_err("must refuse"));
        straighten(&world.server.twists.sign);
        client.sign_message(&mut wallet, &place, b"two").await.expect("signs");
    });
}

#[test]
fn p29_one_reply_uses_the_nonces_up_and_later_ones_make_no_share() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        let kept: Arc<Mutex<Vec<reply::Signed>>> = Arc::default();
        let keep = Arc::clone(&kept);
        // The true reply is kept back and a false one given.
        twist(&world.server.twists.sign, move |signed: reply::Signed| {
            keep.lock().expect("not poisoned").push(signed.clone());
            let mut other = signed;
            let last = other.cosign.len() - 1;
            other.cosign[last] ^= 1;
            Ok(other)
        });
        world.line.forget();
        client
            .cosign(&mut wallet, draft.clone())
            .await
            .expect_err("must refuse");
        // Now the true reply to the first request answers the second: its nonces are gone.
        let late = kept.lock().expect("not poisoned")[0].clone();
        twist(&world.server.twists.sign, move |_| Ok(late.clone()));
        let fault = client
            .cosign(&mut wallet, draft.clone())
            .await
            .expect_err("must refuse");
        blames_the_server(&fault);
        straighten(&world.server.twists.sign);
        client.cosign(&mut wallet, draft).await.expect("signs");
        let bodies: Vec<Vec<u8>> = world
            .line
            .seen()
            .into_iter()
            .filter(|(call, _)| call.path.ends_with("/Sign"))
            .map(|(call, _)| call.body)
            .collect();
        assert_eq!(bodies.len(), 3);
        assert_eq!(
            bodies.iter().collect::<BTreeSet<_>>().len(),
            3,
            "each request has commitments of its own"
        );
    });
}

#[test]
fn a_server_with_another_identity_is_not_joined() {
    block_on(async {
        let mut world = World::new().await;
        drop(world.join().await.expect("joins"));
        let thief = IdentitySecret::from_seed(&Secret32::new([9; 32])).public();
        twist(&world.server.twists.hello, move |greeting: reply::Greeting| {
            Ok(reply::Greeting {
                identity: thief.to_bytes(),
                ..greeting
            })
        });
        let invitation = world.server.invite().await;
        let fault = world.join_with(&invitation).await.expect_err("must refuse");
        assert!(matches!(fault, Fault::Breach(Breach::WrongServer)), "{fault}");
    });
}

#[test]
fn a_rolled_back_server_is_noticed_reads_go_on_and_nothing_is_signed() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let backup = world.server.store.with(|tables| tables.clone());
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        client.cosign(&mut wallet, draft.clone()).await.expect("signs");
        let had = wallet
            .checkpoint()
            .expect("is held")
            .verify(&world.server.cosigner.identity())
            .expect("ours")
            .seq;

        let restored = twofold_cosigner::testing::MemoryStore::new();
        restored.with(|tables| *tables = backup);
        let restored = crate::server::Server::over(restored).await;
        world.line.hand_over(&crate::line::Line::to(&restored));

        client.sync(&mut wallet).await.expect("reading goes on");
        // The server fences itself by an entry of its own, and so shows as many entries as it had confirmed, or fewer.
        let notices = client.take_notices();
        let told = match &notices[..] {
            [Notice::RolledBack { had: seen, .. } | Notice::Forked { seq: seen, .. }] => *seen,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, had);
        let fault = client.cosign(&mut wallet, draft).await.expect_err("must not sign");
        assert!(
            matches!(fault, Fault::Breach(Breach::RolledBack { .. } | Breach::Forked { .. })),
            "{fault}"
        );
        let fault = client
            .audit(&mut wallet)
            .await
            .expect_err("the log lacks what was confirmed");
        assert!(
            matches!(fault, Fault::Breach(Breach::RolledBack { .. } | Breach::Forked { .. })),
            "{fault}"
        );
    });
}

#[test]
fn a_server_that_goes_on_with_another_log_is_noticed_by_the_next_sync() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        client.send(&mut wallet, draft).await.expect("sends");
        // Longer than what was proved, signed, and not what grew out of it.
        twist(&world.server.twists.audit, |mut audit: reply::Audit| {
            audit.lines[0].entry[5] ^= 1;
            Ok(audit)
        });
        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(matches!(client.take_notices()[..], [Notice::Forked { .. }]));
        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(
            matches!(client.take_notices()[..], [Notice::Forked { .. }]),
            "until it is settled"
        );
        straighten(&world.server.twists.audit);
        client.sync(&mut wallet).await.expect("the true log proves itself");
        assert_eq!(client.take_notices(), []);
        world.line.forget();
        client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(world.line.asked(), ["Sync"], "what is proved is not asked for again");
    });
}

/// A wallet whose server signed two logs of it: the one that the device knows, with a payment in it, and a longer one that
/// parts before that. With them comes how the server shows the second, and where they part.
async fn two_logs() -> (World, Client<Bench>, Wallet, reply::Audit, u64) {
    let (world, mut client, mut wallet) = World::with_money(100_000).await;
    let backup = MemoryStore::new();
    backup.with(|tables| *tables = world.server.store.with(|tables| tables.clone()));
    let parting = wallet.checkpoint().expect("is held");
    let parting = parting.verify(&world.server.cosigner.identity()).expect("ours").seq;
    let mut other = world.fork(backup).await;

    let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
    client.send(&mut wallet, draft).await.expect("sends");

    let mut twin = other.open().await;
    let mut same = twin.open_wallet(None).await.expect("opens");
    for name in ["one", "two", "three", "four", "five"] {
        twin.rename(&mut same, &crate::world::named(name))
            .await
            .expect("renames");
    }
    let shown: Arc<Mutex<Option<reply::Audit>>> = Arc::default();
    let show = Arc::clone(&shown);
    twist(&other.server.twists.audit, move |audit: reply::Audit| {
        *show.lock().expect("not poisoned") = Some(audit.clone());
        Ok(audit)
    });
    twin.audit(&mut same).await.expect("the second log holds, by itself");
    let mut shown = shown.lock().expect("not poisoned").take().expect("was shown");
    shown.lines.retain(|line| line.seq > parting);
    (world, client, wallet, shown, parting)
}

#[test]
fn a_longer_log_that_lacks_what_was_confirmed_is_not_adopted_and_nothing_is_signed_or_sent() {
    block_on(async {
        let (mut world, mut client, mut wallet, fork, _) = Box::pin(two_logs()).await;
        client.sync(&mut wallet).await.expect("the true log");
        let held = *wallet.checkpoint().expect("is held");
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");

        let forged = fork.head.checkpoint.clone();
        twist(&world.server.twists.sync, move |mut synced: reply::Synced| {
            synced.head.checkpoint.clone_from(&forged);
            Ok(synced)
        });
        let shown = fork.clone();
        twist(&world.server.twists.audit, move |_| Ok(shown.clone()));
        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(matches!(client.take_notices()[..], [Notice::Forked { .. }]));
        assert_eq!(
            wallet.checkpoint(),
            Some(&held),
            "what was proved stays what is shown to servers"
        );
        assert!(wallet.log_in_doubt());

        // The doubt outlives the command, and signing does not trust the server's silence either.
        drop((client, wallet));
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        assert!(wallet.log_in_doubt());
        world.line.forget();
        let fault = client
            .cosign(&mut wallet, draft.clone())
            .await
            .expect_err("must not sign");
        blames_the_server(&fault);
        let sent = world.server.chain.with(|chain| chain.mempool.values().next().cloned());
        let fault = client
            .broadcast(&mut wallet, &sent.expect("was sent"))
            .await
            .expect_err("must not send");
        blames_the_server(&fault);
        assert_eq!(
            world.line.asked(),
            ["GetAudit", "GetAudit"],
            "only the log was asked for"
        );

        straighten(&world.server.twists.sync);
        straighten(&world.server.twists.audit);
        client
            .cosign(&mut wallet, draft)
            .await
            .expect("the true log settles it");
        assert!(!wallet.log_in_doubt());
    });
}

#[test]
fn the_log_must_hold_the_last_co_signature_before_there_is_another() {
    block_on(async {
        let (world, mut client, mut wallet, fork, parting) = Box::pin(two_logs()).await;
        // No sync since the payment: its entries are signed for, not read.
        world.server.mine().await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        twist(&world.server.twists.audit, move |_| Ok(fork.clone()));
        world.line.forget();
        let fault = client
            .cosign(&mut wallet, draft.clone())
            .await
            .expect_err("must not sign");
        let Fault::Breach(Breach::Forked { seq }) = fault else {
            panic!("{fault}")
        };
        assert_eq!(seq, parting + 1, "the co-signature's own entry is missing");
        assert_eq!(world.line.asked(), ["GetAudit"]);
        straighten(&world.server.twists.audit);
        world.line.forget();
        client.send(&mut wallet, draft).await.expect("sends");
        assert_eq!(world.line.asked(), ["GetAudit", "Sign", "Broadcast"]);
    });
}

#[test]
fn a_reply_that_no_longer_says_where_the_log_stands_is_refused() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        client.sync(&mut wallet).await.expect("syncs");
        twist(&world.server.twists.sync, |mut synced: reply::Synced| {
            synced.head.checkpoint = None;
            Ok(synced)
        });
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert!(matches!(fault, Fault::Breach(Breach::Checkpoint)), "{fault}");
    });
}

#[test]
fn p29_a_closing_or_test_request_that_is_signed_anew_has_a_commitment_of_its_own() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let mut stale = true;
        twist(&world.server.twists.finish_create, move |finished| {
            if core::mem::take(&mut stale) {
                return Err(Refusal::from(Reason::StaleSealKey));
            }
            Ok(finished)
        });
        let mut stale = true;
        twist(&world.server.twists.test_sign, move |signed| {
            if core::mem::take(&mut stale) {
                return Err(Refusal::from(Reason::StaleSealKey));
            }
            Ok(signed)
        });
        // The closing, twice. Its second reply gets lost, so that test shares are asked for next.
        let lost = [Fate::LoseReply, Fate::LoseReply, Fate::LoseReply];
        world
            .line
            .fates([Fate::Deliver, Fate::Deliver, Fate::Deliver].into_iter().chain(lost));
        create(&mut client).await.expect_err("the reply is lost");
        create(&mut client).await.expect("finishes");
        let sent = world.server.commitments.lock().expect("not poisoned").clone();
        let mut different = sent.clone();
        different.dedup();
        // Byte-identical resends repeat theirs.
        let closings = world
            .line
            .seen()
            .iter()
            .filter(|(call, _)| call.path.ends_with("/FinishCreate"))
            .count();
        assert_eq!(closings, 4, "one refused, one lost three times");
        assert_eq!(sent.len(), 6);
        assert_eq!(different.len(), 4, "two closings and two test requests: {sent:?}");
        assert!(
            different
                .iter()
                .enumerate()
                .all(|(place, one)| !different[..place].contains(one))
        );
    });
}

#[test]
fn o08_a_log_with_an_entry_changed_left_out_or_cut_off_is_found() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        client.send(&mut wallet, draft).await.expect("sends");
        let tricks: [fn(&mut reply::Audit); 4] = [
            |audit| audit.lines[1].entry[5] ^= 1,
            |audit| drop(audit.lines.remove(1)),
            |audit| drop(audit.lines.pop()),
            |audit| audit.lines.clear(),
        ];
        for (number, trick) in tricks.into_iter().enumerate() {
            twist(&world.server.twists.audit, move |mut audit: reply::Audit| {
                trick(&mut audit);
                Ok(audit)
            });
            let fault = client.audit(&mut wallet).await.expect_err("must be found");
            assert_eq!(fault.kind(), Kind::Protocol, "trick {number}: {fault}");
        }
        straighten(&world.server.twists.audit);
        client.audit(&mut wallet).await.expect("the true log holds");
        // Of an entry that the device never heard of the server has still signed that it is there.
        world.line.fates(vec![Fate::LoseReply; 3]);
        let unheard = client.rename(&mut wallet, &named("other")).await;
        unheard.expect_err("no reply arrives");
        twist(&world.server.twists.audit, |mut audit: reply::Audit| {
            audit.lines.pop();
            Ok(audit)
        });
        let fault = client.audit(&mut wallet).await.expect_err("must be found");
        assert_eq!(fault.kind(), Kind::Protocol, "{fault}");
        straighten(&world.server.twists.audit);
        client.audit(&mut wallet).await.expect("the true log holds");
    });
}

#[test]
fn a24_a_log_that_goes_on_too_long_is_no_breach_and_keeps_nobody_from_striking_off_who_fills_it() {
    block_on(async {
        let (mut world, mut client, mut wallet) = World::with_money(100_000).await;
        for number in 0..70 {
            let name = named(&format!("name {number}"));
            client.rename(&mut wallet, &name).await.expect("renames");
        }
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        twist(&world.server.twists.audit, |mut audit: reply::Audit| {
            audit.more |= audit.lines.len() > 1;
            audit.lines.truncate(1);
            Ok(audit)
        });
        client.sync(&mut wallet).await.expect("reading goes on");
        assert!(matches!(client.take_notices()[..], [Notice::LogUnread { .. }]));
        let fault = client.cosign(&mut wallet, draft.clone()).await.expect_err("unproved");
        assert!(matches!(fault, Fault::Breach(Breach::LogUnread)), "{fault}");
        assert!(!wallet.log_in_doubt());
        client.devices(&mut wallet).await.expect("reads");
        client.rename(&mut wallet, &named("still mine")).await.expect("changes");
        client.freeze_wallet(&mut wallet).await.expect("freezes");
        straighten(&world.server.twists.audit);
        client.sync(&mut wallet).await.expect("the log has an end");
        drop((client, wallet));
        let client = world.open().await;
        let wallet = client.open_wallet(None).await.expect("opens");
        assert!(!wallet.log_in_doubt());
    });
}

#[test]
fn a_broadcast_answered_for_another_transaction_is_noticed() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        twist(&world.server.twists.broadcast, |sent: reply::Sent| {
            Ok(reply::Sent { txid: [1; 32], ..sent })
        });
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        let fault = client.send(&mut wallet, draft).await.expect_err("must notice");
        assert!(
            matches!(fault, Fault::Breach(Breach::OtherTransaction { .. })),
            "{fault}"
        );
    });
}

#[test]
fn c05_a_lie_about_the_chain_leaves_the_books_as_they_were() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let address = client.receive(&mut wallet).await.expect("receives");
        client.sync(&mut wallet).await.expect("syncs");
        world.server.fund(&address, sats(70_000)).await;
        twist(&world.server.twists.sync, |mut synced: reply::Synced| {
            for told in &mut synced.transactions {
                if let Some(place) = &mut told.block {
                    place.position ^= 1;
                }
            }
            Ok(synced)
        });
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert!(matches!(fault, Fault::Chain(_)), "{fault}");
        assert_eq!(wallet.ledger().balance().total(), sats(0));
        straighten(&world.server.twists.sync);
        client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(wallet.ledger().balance().confirmed, sats(70_000));
    });
}

#[test]
fn the_requests_of_a_device_name_no_one_elses_wallet() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        client.sync(&mut wallet).await.expect("syncs");
        let mut other = world.another();
        let mut stranger = other.join().await.expect("joins");
        // A stranger's signed request about this wallet finds nothing.
        let body = format!("{{\"wallet\":\"{}\",\"from\":\"1\"}}", base64(&wallet.id().0));
        let fault = stranger
            .rpc("GetAudit", &body, Some(wallet.id()))
            .await
            .expect_err("must refuse");
        assert_eq!(fault.reason(), Some(Reason::WalletNotFound), "{fault}");
        client
            .rpc("GetAudit", &body, Some(wallet.id()))
            .await
            .expect("its own device reads it");
    });
}

fn base64(bytes: &[u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}
