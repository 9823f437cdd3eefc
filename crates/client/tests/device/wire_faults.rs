//! A line that fails, and a clock that is wrong.

use std::collections::BTreeSet;

use futures::executor::block_on;
use twofold_api::seal_key::Offer;
use twofold_api::server_time::ServerTime;
use twofold_api::{Reason, Refusal};
use twofold_client::fault::Breach;
use twofold_client::port::{HttpReply, TransportFault};
use twofold_client::{Fault, Kind, Notice};
use twofold_threshold::id::RequestDigest;
use twofold_threshold::identity::IdentitySecret;

use crate::line::Fate;
use crate::server::{NOW, refused};
use crate::world::{World, create, paying, sats};

#[test]
fn f25_a_silent_server_is_a_clear_error_for_every_call() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        let silent = |fault: Fault| {
            assert!(
                matches!(fault, Fault::Transport(TransportFault::TimedOut { .. })),
                "{fault:?}"
            );
            assert!(fault.to_string().contains("did not answer within"), "{fault}");
            assert_eq!(fault.kind(), Kind::Network);
        };
        let hush = || world.line.fates([Fate::Silence]);
        hush();
        silent(client.sync(&mut wallet).await.expect_err("silence"));
        hush();
        silent(client.cosign(&mut wallet, draft.clone()).await.expect_err("silence"));
        hush();
        silent(client.audit(&mut wallet).await.expect_err("silence"));
        hush();
        silent(client.wallets_at_server().await.expect_err("silence"));
        hush();
        silent(client.estimate_fee(&mut wallet, 6).await.expect_err("silence"));
        hush();
        silent(
            client
                .rename(&mut wallet, &crate::world::named("other"))
                .await
                .expect_err("silence"),
        );
        hush();
        silent(client.rpc("Hello", "{}", None).await.expect_err("silence"));
        hush();
        silent(create(&mut client).await.expect_err("silence"));
        // Time went on here and not at the server, so the next call also settles the clock.
        client.send(&mut wallet, draft).await.expect("works again");
    });
}

#[test]
fn f25_a_silent_server_is_a_clear_error_when_joining() {
    block_on(async {
        let mut world = World::new().await;
        world.line.fates([Fate::Silence]);
        let fault = world.join().await.expect_err("silence");
        assert!(
            matches!(fault, Fault::Transport(TransportFault::TimedOut { .. })),
            "{fault:?}"
        );
    });
}

#[test]
fn a30_a_clock_off_by_an_hour_is_noted_and_the_request_signed_again() {
    block_on(async {
        for off in [3600_i64, -3600] {
            let (mut world, client, wallet) = World::with_money(100_000).await;
            drop((client, wallet));
            world.clock.set(NOW.saturating_add_signed(off));
            world.line.forget();
            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client.sync(&mut wallet).await.expect("the next try works");
            assert_eq!(world.line.asked(), ["Sync", "Sync"]);
            assert_eq!(client.take_notices(), [Notice::ClockOff { seconds: -off }]);
            let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
            client.send(&mut wallet, draft).await.expect("sends");
            drop((client, wallet));

            // The next command knows already.
            world.line.forget();
            let mut client = world.open().await;
            let mut wallet = client.open_wallet(None).await.expect("opens");
            client.sync(&mut wallet).await.expect("syncs");
            assert_eq!(
                world.line.asked(),
                ["Sync", "GetAudit"],
                "once each; the second reads what sending added"
            );
        }
    });
}

#[test]
fn a30_a_time_that_the_server_did_not_sign_for_this_request_is_not_taken() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let thief = IdentitySecret::from_seed(&twofold_threshold::secret::Secret32::new([9; 32]));
        let time = ServerTime::sign(&thief, RequestDigest([0; 32]), NOW + 86_400);
        let refusal = Refusal::from(Reason::ClockSkew).telling_time(time);
        world.line.fates([Fate::Answer(refused(&refusal))]);
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert!(matches!(fault, Fault::Breach(Breach::FalseTime)), "{fault}");
        client.sync(&mut wallet).await.expect("by the time as it was");
        assert_eq!(client.take_notices(), []);
    });
}

#[test]
fn a30_a_wrong_clock_while_signing_costs_fresh_nonces_not_the_signature() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        world.clock.set(NOW + 3600);
        world.line.forget();
        // The seal key looks too old by this clock, so it is asked for; that settles the clock before the signing.
        client.send(&mut wallet, draft).await.expect("sends");
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        world.clock.set(NOW - 3600);
        client.send(&mut wallet, draft).await.expect("sends");
        let bodies: BTreeSet<_> = world
            .line
            .seen()
            .into_iter()
            .filter(|(call, _)| call.path.ends_with("/Sign"))
            .map(|(call, _)| call.body)
            .collect();
        let asked = world.line.asked().iter().filter(|name| *name == "Sign").count();
        assert_eq!(bodies.len(), asked, "no request may repeat another's commitments");
    });
}

#[test]
fn a_time_that_the_server_did_not_sign_sets_no_clock() {
    block_on(async {
        let (mut world, client, wallet) = World::with_wallet().await;
        drop((client, wallet));
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        // A refusal for another request, kept by someone between: its time is signed, but not for this request.
        world.clock.set(NOW + 3600);
        client.sync(&mut wallet).await.expect("syncs");
        let old = world
            .line
            .seen()
            .into_iter()
            .rev()
            .find_map(|(_, reply)| reply.filter(|reply| reply.status == 401));
        let old = old.expect("a refusal");
        world.line.fates([Fate::Answer(old)]);
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert_eq!(fault.kind(), Kind::Protocol, "{fault}");
    });
}

#[test]
fn p10_what_is_sent_again_is_the_same_bytes_and_runs_once() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        world.line.forget();
        world
            .line
            .fates([Fate::LoseReply, Fate::Unreachable, Fate::Twice, Fate::Twice]);
        client.send(&mut wallet, draft).await.expect("sends");
        let seen = world.line.seen();
        let signs: Vec<_> = seen.iter().filter(|(call, _)| call.path.ends_with("/Sign")).collect();
        assert_eq!(signs.len(), 3);
        assert!(signs.iter().all(|(call, _)| call == &signs[0].0), "byte for byte");
        let audited = client.audit(&mut wallet).await.expect("holds");
        let signed = audited
            .entries
            .iter()
            .filter(|entry| entry.event.name() == "signed")
            .count();
        assert_eq!(signed, 1, "it ran once");
    });
}

#[test]
fn a_line_that_stays_dead_is_given_up_after_a_few_tries() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        world.line.forget();
        world.line.fates(vec![Fate::Unreachable; 10]);
        let fault = client.sync(&mut wallet).await.expect_err("must give up");
        assert!(
            matches!(fault, Fault::Transport(TransportFault::Unreachable { .. })),
            "{fault}"
        );
        assert_eq!(world.line.asked().len(), 3);
    });
}

#[test]
fn answers_of_something_else_are_told_apart_from_refusals() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let html = |status| HttpReply {
            status,
            headers: vec![("content-type".into(), "text/html".into())],
            body: b"<html>Bad gateway</html>".to_vec(),
        };
        for status in [200, 204, 301, 404, 502] {
            world.line.fates([Fate::Answer(html(status))]);
            let fault = client.sync(&mut wallet).await.expect_err("must refuse");
            assert_eq!(fault.kind(), Kind::Protocol, "{fault}");
            assert!(fault.to_string().contains("proxy"), "{fault}");
        }
        let garbage = HttpReply {
            headers: vec![("content-type".into(), "application/proto".into())],
            ..html(200)
        };
        world.line.fates([Fate::Answer(garbage)]);
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert_eq!(fault.kind(), Kind::Protocol, "{fault}");
        client.sync(&mut wallet).await.expect("nothing was taken over");
    });
}

#[test]
fn a_seal_key_that_went_stale_is_replaced_and_signing_goes_on() {
    block_on(async {
        let (mut world, client, wallet) = World::with_money(100_000).await;
        drop((client, wallet));
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        client.sync(&mut wallet).await.expect("learns the seal key");
        // The server restarts: its seal keys, which live in memory, are others now.
        let restarted = crate::server::Server::over(world.server.store.clone()).await;
        let line = crate::line::Line::to(&restarted);
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        world.line.hand_over(&line);
        client.cosign(&mut wallet, draft).await.expect("signs");
        assert_eq!(
            line.asked(),
            ["Sign", "Sign"],
            "once with the old key, once with the new"
        );
    });
}

#[test]
fn a26_a_seal_key_of_someone_else_gets_no_unlock_key() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        *world.server.twists.sync.lock().expect("not poisoned") = Some(Box::new(|mut reply| {
            let thief = IdentitySecret::from_seed(&twofold_threshold::secret::Secret32::new([9; 32]));
            let offer = Offer::parse(&reply.head.seal_key).expect("an offer");
            let secret =
                twofold_threshold::envelope::SealSecret::new(twofold_threshold::secret::Secret32::new([8; 32]));
            reply.head.seal_key = Offer::sign(&thief, secret.public(), offer.not_after()).to_bytes();
            Ok(reply)
        }));
        let fault = client.sync(&mut wallet).await.expect_err("must refuse");
        assert_eq!(fault.kind(), Kind::Protocol);
        assert!(fault.to_string().contains("sealing key"), "{fault}");
        world.server.twists.sync.lock().expect("not poisoned").take();
        client
            .send(&mut wallet, draft)
            .await
            .expect("the true key still serves");
        assert_eq!(wallet.ledger().balance().confirmed, sats(0));
    });
}
