//! What a person does, from the invitation to the money.

use bitcoin::{FeeRate, SignedAmount};
use futures::executor::block_on;
use twofold_api::Reason;
use twofold_api::invitation::{Invitation, Trust};
use twofold_client::create::Step;
use twofold_client::ledger::{Order, Pay};
use twofold_client::message::{self, Place, Verdict};
use twofold_client::{Fault, Kind};
use twofold_threshold::words::RecoveryWords;

use crate::line::DeviceClock;
use crate::world::{World, create, create_with_steps, named, paying, sats, stranger};

#[test]
fn a_wallet_is_made_paid_and_spent_from() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        world.line.forget();
        let (made, steps) = create_with_steps(&mut client).await;
        let made = made.expect("creates");
        assert_eq!(
            steps,
            [Step::Opening, Step::Dealing, Step::Closing, Step::Tested, Step::Active],
            "each step is told once"
        );
        assert_eq!(
            world.line.asked(),
            ["BeginCreate", "FinishCreate", "Activate"],
            "two round trips and the proof"
        );
        let mut wallet = made.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");

        let address = client.receive(&mut wallet).await.expect("receives");
        assert_eq!(address, made.first_address);
        client.sync(&mut wallet).await.expect("syncs");
        world.server.fund(&address, sats(200_000)).await;
        let report = client.sync(&mut wallet).await.expect("syncs");
        assert_eq!((report.changed, report.tip_height), (1, 4));
        assert_eq!(wallet.ledger().balance().confirmed, sats(200_000));

        let draft = client.draft(&mut wallet, &paying(50_000)).expect("drafts");
        let fee = draft.facts().fee;
        world.line.forget();
        let txid = client.send(&mut wallet, draft).await.expect("sends");
        assert_eq!(world.line.asked(), ["Sign", "Broadcast"], "one round trip to sign");
        assert_eq!(world.server.chain.with(|chain| chain.sent.clone()), [txid]);
        assert_eq!(wallet.ledger().balance().confirmed, sats(0));
        assert_eq!(wallet.ledger().balance().change, sats(150_000) - fee);

        world.server.mine().await;
        client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(wallet.ledger().balance().confirmed, sats(150_000) - fee);
        let entry = &wallet.ledger().history()[0];
        assert_eq!((entry.txid, entry.fee, entry.confirmations), (txid, Some(fee), 1));
        assert_eq!(
            entry.net,
            -SignedAmount::from_sat(50_000) - fee.to_signed().expect("small")
        );
        assert_eq!(entry.paid[0].address, Some(stranger()));

        // Spent on, and all of it, by another command.
        let all = Order {
            pay: Pay::All(stranger()),
            fee_rate: FeeRate::from_sat_per_vb_u32(2),
            from: Vec::new(),
        };
        drop((client, wallet));
        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        let draft = client.draft(&mut wallet, &all).expect("drafts");
        client.send(&mut wallet, draft).await.expect("sends");
        assert_eq!(wallet.ledger().balance().total(), sats(0));
        assert_eq!(client.take_notices(), []);
    });
}

#[test]
fn the_log_of_the_wallet_holds_and_ends_at_the_checkpoint() {
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(30_000)).expect("drafts");
        client.send(&mut wallet, draft).await.expect("sends");
        let audited = client.audit(&mut wallet).await.expect("holds");
        let names: Vec<_> = audited.entries.iter().map(|entry| entry.event.name()).collect();
        assert_eq!(names, ["created", "test_signed", "activated", "signed", "broadcast"]);
    });
}

#[test]
fn words_are_shown_until_they_are_confirmed_and_not_after() {
    block_on(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let made = create(&mut client).await.expect("creates");
        let shown = made.words.expose_line();
        assert!(client.wallets().await.expect("lists")[0].words_unconfirmed);
        let second = create(&mut client).await.expect("resumes");
        assert_eq!(
            second.wallet.id(),
            made.wallet.id(),
            "the same wallet, while its words are not confirmed"
        );
        assert_eq!(*second.words.expose_line(), *shown);

        let mut wallet = second.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");
        assert!(!client.wallets().await.expect("lists")[0].words_unconfirmed);
        let third = create(&mut client).await.expect("creates another");
        assert_ne!(third.wallet.id(), wallet.id());
        assert_ne!(*third.words.expose_line(), *shown);
        assert!(RecoveryWords::parse(&third.words.expose_line()).is_ok());
    });
}

#[test]
fn wallets_are_listed_renamed_and_found_by_name() {
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_wallet().await;
        client.rename(&mut wallet, &named("spending")).await.expect("renames");
        let listed = client.wallets().await.expect("lists");
        assert_eq!(
            (listed.len(), listed[0].name.as_str(), listed[0].finished),
            (1, "spending", true)
        );
        assert_eq!(client.wallets_at_server().await.expect("lists")[0].name, "spending");
        assert_eq!(
            client.open_wallet(Some("spending")).await.expect("opens").id(),
            wallet.id()
        );
        let fault = client.open_wallet(Some("savings")).await.expect_err("must not find");
        assert!(fault.to_string().contains("twofold wallet list"), "{fault}");

        create(&mut client).await.expect("creates");
        let fault = client.open_wallet(None).await.expect_err("must ask which");
        assert_eq!(fault.kind(), Kind::Usage);
    });
}

#[test]
fn joining_twice_is_joining_once() {
    block_on(async {
        let mut world = World::new().await;
        let invitation = world.server.invite().await;
        let first = world.join_with(&invitation).await.expect("joins");
        let key = *first.device_key();
        drop(first);
        let second = world.join_with(&invitation).await.expect("is joined already");
        assert_eq!(*second.device_key(), key);
        drop(second);

        // A second machine can't use the same invitation.
        let mut other = world.another();
        let fault = other.join_with(&invitation).await.expect_err("must refuse");
        assert_eq!(fault.kind(), Kind::Refused);
    });
}

#[test]
fn a_keystore_belongs_to_one_server() {
    block_on(async {
        let mut world = World::new().await;
        drop(world.join().await.expect("joins"));
        let elsewhere = World::new().await;
        let invitation = elsewhere.server.invite().await;
        let fault = world.join_with(&invitation).await.expect_err("must refuse");
        assert!(fault.to_string().contains("TWOFOLD_HOME"), "{fault}");
    });
}

#[test]
fn an_invitation_leads_a_machine_that_joined_to_no_other_address_or_certificate() {
    block_on(async {
        let mut world = World::new().await;
        drop(world.join().await.expect("joins"));
        let invitation = world.server.invite().await;
        let moved = Invitation {
            url: "https://elsewhere.test:8443".parse().expect("a URL"),
            ..world.server.invite().await
        };
        let other_trust = Invitation {
            trust: Trust::Authority([5; 32]),
            ..world.server.invite().await
        };
        for forged in [moved, other_trust] {
            world.line.forget();
            let fault = world.join_with(&forged).await.expect_err("must refuse");
            assert_eq!(fault.kind(), Kind::Usage, "{fault}");
            assert!(fault.to_string().contains("TWOFOLD_HOME"), "{fault}");
            assert!(world.line.asked().is_empty(), "nothing was sent");
            let server = twofold_client::home::server(world.open().await.keystore().0)
                .await
                .expect("reads");
            let server = server.expect("has joined");
            assert_eq!((server.url, server.trust), (invitation.url.clone(), invitation.trust));
        }
    });
}

#[test]
fn a_signed_call_of_any_procedure_can_be_made_by_hand() {
    block_on(async {
        let (_world, mut client, wallet) = World::with_wallet().await;
        let reply = client.rpc("ListWallets", "{}", None).await.expect("answers");
        assert!(reply.contains("\"savings\""), "{reply}");
        let fault = client
            .rpc("Shutdown", "{}", Some(wallet.id()))
            .await
            .expect_err("must not exist");
        assert_eq!(fault.kind(), Kind::Usage);
        let fault = client
            .rpc("ListWallets", "{\"all\":true}", None)
            .await
            .expect_err("must refuse");
        assert!(matches!(fault, Fault::Refused(_)), "{fault}");
    });
}

#[test]
fn a_psbt_from_elsewhere_is_examined_signed_and_finished_step_by_step() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let foreign = client
            .draft(&mut wallet, &paying(20_000))
            .expect("drafts")
            .psbt()
            .clone();
        let examined = client.examine(&wallet, foreign).expect("examines");
        assert_eq!(examined.facts().payment_value(), sats(20_000));
        let signed = client.cosign(&mut wallet, examined).await.expect("signs");
        assert_eq!(
            wallet.ledger().balance().confirmed,
            sats(100_000),
            "nothing is spent before it is finished"
        );
        let transaction = client.finalize(&mut wallet, &signed).await.expect("finishes");
        assert_eq!(
            world.server.chain.with(|chain| chain.sent.len()),
            0,
            "nothing is sent before it is asked"
        );
        let txid = client.broadcast(&mut wallet, &transaction).await.expect("sends");
        assert_eq!(txid, transaction.compute_txid());
        assert_eq!(
            client
                .broadcast(&mut wallet, &transaction)
                .await
                .expect("is safe to repeat"),
            txid
        );
    });
}

#[test]
fn what_could_not_be_sent_is_sent_by_the_next_sync() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        world.server.chain.with(|chain| chain.down = true);
        let fault = client.send(&mut wallet, draft).await.expect_err("the node is down");
        assert_eq!(fault.kind(), Kind::Server);
        world.server.chain.with(|chain| chain.down = false);
        drop((client, wallet));
        let mut client = world_open(world).await;
        let mut wallet = client.1.open_wallet(None).await.expect("opens");
        let report = client.1.sync(&mut wallet).await.expect("syncs");
        assert_eq!(report.sent_again, 1);
        assert_eq!(client.0.server.chain.with(|chain| chain.sent.len()), 1);
        client.0.server.follow().await;
        let report = client.1.sync(&mut wallet).await.expect("syncs");
        assert_eq!((report.sent_again, report.changed), (0, 1));
    });
}

#[test]
fn c09_a_payment_that_the_node_refuses_leaves_one_line_in_the_log_for_each_time_it_is_offered() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(20_000)).expect("drafts");
        world
            .server
            .chain
            .with(|chain| chain.refuses = Some("min relay fee not met".into()));
        let fault = client.send(&mut wallet, draft).await.expect_err("is refused");
        assert_eq!(fault.reason(), Some(twofold_api::Reason::ChainRefused), "{fault}");
        for _ in 0..5 {
            assert_eq!(client.sync(&mut wallet).await.expect("syncs").sent_again, 0);
        }
        let offered = |entries: &[twofold_api::audit::Entry]| {
            let offers = entries.iter().filter(|entry| entry.event.name() == "broadcast");
            offers.count()
        };
        let audited = client.audit(&mut wallet).await.expect("holds");
        assert_eq!(offered(&audited.entries), 1, "not with each command");
        // A block came, and the node has room.
        world.server.chain.with(|chain| chain.refuses = None);
        world.server.mine().await;
        world.server.follow().await;
        assert_eq!(client.sync(&mut wallet).await.expect("syncs").sent_again, 1);
        let audited = client.audit(&mut wallet).await.expect("holds");
        assert_eq!(offered(&audited.entries), 2);
    });
}

async fn world_open(mut world: World) -> (World, twofold_client::Client<crate::world::Bench>) {
    let client = world.open().await;
    (world, client)
}

#[test]
fn fees_are_estimated_within_bounds() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        world
            .server
            .chain
            .with(|chain| chain.estimates.extend([(2, 12_000), (6, 8_000)]));
        let estimate = client.estimate_fee(&mut wallet, 6).await.expect("estimates");
        assert_eq!(
            (estimate.rate, estimate.clamped),
            (FeeRate::from_sat_per_vb_u32(8), false)
        );
    });
}

/// A server's test, or an app, may move a client between threads.
#[test]
fn calls_may_run_on_any_thread() {
    fn on_any_thread<T: Send>(call: T) -> T {
        call
    }
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_money(100_000).await;
        let draft = client.draft(&mut wallet, &paying(10_000)).expect("drafts");
        on_any_thread(client.send(&mut wallet, draft)).await.expect("sends");
        on_any_thread(client.sync(&mut wallet)).await.expect("syncs");
        on_any_thread(client.create(&named("second"), &mut |_| {}))
            .await
            .expect("creates");
    });
}

#[test]
fn a_text_is_signed_with_the_server_for_an_address_and_anybody_can_check_it() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let address = client.receive(&mut wallet).await.expect("receives");
        // What a sync has proved need not be read again before signing.
        client.sync(&mut wallet).await.expect("syncs");
        world.line.forget();
        let given = Place::Address(address.as_unchecked().clone());
        let proof = client
            .sign_message(&mut wallet, &given, b"I was here")
            .await
            .expect("signs");
        assert_eq!(world.line.asked(), ["SignMessage"], "one round trip");
        assert_eq!(proof.address, address);
        let held = Verdict::Valid { time: None, age: None };
        let verify = |text: &[u8], signature: &str| message::verify(address.as_unchecked(), text, signature);
        assert_eq!(verify(b"I was here", &proof.signature), Ok(held));
        assert_eq!(
            verify(b"I was here", proof.signature.trim_start_matches("smp")),
            Ok(held)
        );
        assert!(verify(b"I was there", &proof.signature).is_err());

        // By its number, and once more: each signature has nonces of its own.
        let again = client
            .sign_message(&mut wallet, &Place::Index(0), b"I was here")
            .await
            .expect("signs");
        assert_eq!(again.address, address);
        assert_ne!(again.signature, proof.signature);
        let elsewhere = Place::Address(stranger().as_unchecked().clone());
        let fault = client.sign_message(&mut wallet, &elsewhere, b"").await;
        assert_eq!(fault.expect_err("is a stranger's").kind(), Kind::Usage);

        let audited = client.audit(&mut wallet).await.expect("holds");
        let names: Vec<_> = audited.entries.iter().map(|entry| entry.event.name()).collect();
        assert_eq!(names[3..], ["message_signed", "message_signed"]);
    });
}

#[test]
fn a_hint_says_that_the_books_are_behind_until_a_sync_has_caught_up() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(100_000).await;
        let clock = DeviceClock(world.clock.clone());
        client.sync(&mut wallet).await.expect("syncs");
        let known = client.known(&wallet).expect("knows");
        let mut hints = client.watch(&wallet).await.expect("watches");
        for _ in 0..2 {
            let hint = hints.next(&clock).await.expect("hears").expect("a hint");
            assert!(!known.is_behind(&hint));
        }
        assert_eq!(hints.next(&clock).await.expect("a good end"), None);

        let address = client.receive_fresh(&mut wallet).await.expect("receives");
        client.sync(&mut wallet).await.expect("syncs");
        world.server.fund(&address, sats(7_000)).await;
        let known = client.known(&wallet).expect("knows");
        let mut hints = client.watch(&wallet).await.expect("watches");
        let hint = hints.next(&clock).await.expect("hears").expect("a hint");
        assert!(known.is_behind(&hint));
        client.sync(&mut wallet).await.expect("syncs");
        assert!(!client.known(&wallet).expect("knows").is_behind(&hint));

        // A wrong clock is set right as for any call, and a stranger hears nothing.
        world.clock.pass(3_600);
        client.watch(&wallet).await.expect("watches");
        let mut other = world.another();
        let mut stranger = other.join().await.expect("joins");
        let fault = stranger.watch(&wallet).await.err().expect("must be refused");
        assert_eq!(fault.reason(), Some(Reason::WalletNotFound));
    });
}
