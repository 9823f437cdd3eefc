//! Coins, labels, replacements and addresses, across commands and against a server that lies.

use bitcoin::hashes::Hash as _;
use bitcoin::key::TweakedPublicKey;
use bitcoin::secp256k1::{Keypair, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::{FeeRate, Psbt, ScriptBuf, TxOut, Witness, taproot};
use futures::executor::block_on;
use twofold_client::fault::Breach;
use twofold_client::labels::{Label, Reference};
use twofold_client::ledger::DraftFault;
use twofold_client::{Fault, Kind};
use twofold_intent::psbt::Unfinished;

use crate::world::{World, paying, sats, stranger};

fn rate(sat_per_vb: u32) -> FeeRate {
    FeeRate::from_sat_per_vb_u32(sat_per_vb)
}

#[test]
fn a_waiting_payment_is_replaced_and_both_ends_agree_on_which_counts() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_money(200_000).await;
        let draft = client.draft(&mut wallet, &paying(50_000)).expect("drafts");
        let first = client.send(&mut wallet, draft).await.expect("sends");
        let bumped = client.bump(&mut wallet, first, rate(30)).expect("drafts");
        let (fee, paid) = (bumped.facts().fee, bumped.facts().payment_value());
        assert_eq!(paid, sats(50_000));
        let second = client.send(&mut wallet, bumped).await.expect("the server co-signs it");
        assert_ne!(first, second);
        let history = wallet.ledger().history();
        assert_eq!((history[0].txid, &history[0].replaces[..]), (second, &[first][..]));

        // A node lets the first go when it takes the second.
        world.server.chain.with(|chain| chain.mempool.remove(&first));
        world.server.mine().await;
        client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(wallet.ledger().balance().confirmed, sats(150_000) - fee);
        let again = client.sync(&mut wallet).await.expect("syncs");
        assert_eq!(again.sent_again, 0, "the replaced one is let go");
        let fault = client.bump(&mut wallet, second, rate(60)).expect_err("is mined");
        assert_eq!(fault.kind(), Kind::Usage, "{fault}");
    });
}

#[test]
fn frozen_coins_and_labels_outlive_the_command_and_bind_psbts_from_elsewhere() {
    block_on(async {
        let (mut world, mut client, mut wallet) = World::with_money(200_000).await;
        let draft = client.draft(&mut wallet, &paying(50_000)).expect("drafts");
        let coin = wallet.ledger().coins()[0].outpoint;
        client.freeze(&mut wallet, &[coin], true).await.expect("freezes");
        let rent: Label = "rent".parse().expect("a label");
        let to = Reference::address(&stranger());
        client.label(&mut wallet, to.clone(), &rent).await.expect("labels");
        drop((client, wallet));

        let mut client = world.open().await;
        let mut wallet = client.open_wallet(None).await.expect("opens");
        assert_eq!(wallet.labels().of(&to), Some("rent"));
        let refused = client.draft(&mut wallet, &paying(50_000)).expect_err("is frozen");
        assert_eq!(refused.kind(), Kind::Funds, "{refused}");
        world.line.forget();
        let refused = client.cosign(&mut wallet, draft).await.expect_err("is frozen");
        assert!(
            matches!(refused, Fault::Draft(DraftFault::Frozen { coin: named }) if named == coin),
            "{refused}"
        );
        assert_eq!(world.line.asked(), [""; 0], "nobody was asked to sign");

        client.freeze(&mut wallet, &[coin], false).await.expect("unfreezes");
        let draft = client.draft(&mut wallet, &paying(50_000)).expect("drafts");
        client.send(&mut wallet, draft).await.expect("sends");
    });
}

#[test]
fn a_coin_that_was_never_ours_is_not_frozen() {
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_money(200_000).await;
        let mut coin = wallet.ledger().coins()[0].outpoint;
        coin.vout += 100;
        let fault = client
            .freeze(&mut wallet, &[coin], true)
            .await
            .expect_err("must refuse");
        assert!(matches!(fault, Fault::Draft(DraftFault::NoSuchCoin { .. })), "{fault}");
        assert!(wallet.labels().is_empty());
    });
}

#[test]
fn an_address_that_is_meant_for_someone_is_handed_to_nobody_else() {
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_wallet().await;
        let (ana, ben): (Label, Label) = ("Ana".parse().expect("a label"), "Ben".parse().expect("a label"));
        let first = client.receive(&mut wallet).await.expect("receives");
        let hers = client.receive_for(&mut wallet, &ana).await.expect("receives");
        assert_eq!(hers, first, "it was meant for nobody");
        let his = client.receive_for(&mut wallet, &ben).await.expect("receives");
        let nobodys = client.receive(&mut wallet).await.expect("receives");
        assert!(hers != his && his != nobodys && nobodys != hers);
        assert_eq!(client.receive_for(&mut wallet, &ana).await.expect("receives"), hers);
        assert_eq!(client.receive_for(&mut wallet, &ben).await.expect("receives"), his);
        assert_eq!(client.receive(&mut wallet).await.expect("receives"), nobodys);
    });
}

#[test]
fn an_address_is_compared_with_the_one_that_the_server_derives() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let address = client.receive(&mut wallet).await.expect("receives");
        world.line.forget();
        let verified = client.verify_address(&mut wallet, &address).await.expect("agrees");
        assert_eq!((verified.index, verified.watched), (0, true));
        assert_eq!(world.line.asked(), ["DeriveAddress"]);
        let fault = client
            .verify_address(&mut wallet, &stranger())
            .await
            .expect_err("is not ours");
        assert_eq!(fault.kind(), Kind::Usage, "{fault}");
    });
}

#[test]
fn an_address_of_another_key_is_not_passed_off_as_this_wallets() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let address = client.receive(&mut wallet).await.expect("receives");

        // A server whose record of the wallet names another key signs what it derives from it.
        let neighbour = client
            .create(&crate::world::named("other"), &mut |_| {})
            .await
            .expect("creates");
        let theirs = neighbour.first_address.to_string();
        let told = theirs.clone();
        *world.server.twists.derived.lock().expect("not poisoned") = Some(Box::new(move |mut reply| {
            reply.said.address.clone_from(&told);
            Ok(reply)
        }));
        let fault = client
            .verify_address(&mut wallet, &address)
            .await
            .expect_err("must not believe");
        assert!(
            matches!(fault, Fault::Breach(Breach::Address)),
            "an address that was changed on the way: {fault}"
        );
    });
}

#[test]
fn an_earlier_answer_does_not_vouch_for_a_later_question() {
    block_on(async {
        let (world, mut client, mut wallet) = World::with_wallet().await;
        let first = client.receive(&mut wallet).await.expect("receives");
        client.verify_address(&mut wallet, &first).await.expect("agrees");
        let mut kept = None;
        *world.server.twists.derived.lock().expect("not poisoned") =
            Some(Box::new(move |reply| Ok(kept.get_or_insert(reply).clone())));
        client
            .verify_address(&mut wallet, &first)
            .await
            .expect("the first answer is true");
        let fault = client
            .verify_address(&mut wallet, &first)
            .await
            .expect_err("it was given before");
        assert!(matches!(fault, Fault::Breach(Breach::Address)), "{fault}");
        assert_eq!(fault.kind(), Kind::Protocol);
    });
}

/// The draft with a true signature for its first input, of a stranger who says that the coin is theirs.
fn claimed_by_a_stranger(psbt: &Psbt) -> Psbt {
    let secp = Secp256k1::new();
    let pair = Keypair::from_secret_key(&secp, &SecretKey::from_slice(&[7; 32]).expect("a key"));
    let key = TweakedPublicKey::dangerous_assume_tweaked(pair.x_only_public_key().0);
    let coin = TxOut {
        value: psbt.inputs[0].witness_utxo.as_ref().expect("a coin").value,
        script_pubkey: ScriptBuf::new_p2tr_tweaked(key),
    };
    let digest = SighashCache::new(&psbt.unsigned_tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[&coin]), TapSighashType::Default)
        .expect("a digest");
    let mut claimed = psbt.clone();
    claimed.inputs[0].witness_utxo = Some(coin);
    claimed.inputs[0].tap_key_sig = Some(taproot::Signature {
        signature: secp.sign_schnorr_no_aux_rand(&Message::from_digest(digest.to_byte_array()), &pair),
        sighash_type: TapSighashType::Default,
    });
    claimed
}

#[test]
fn a_psbt_that_spends_our_coins_without_our_signature_is_not_counted_as_sent() {
    block_on(async {
        let (_world, mut client, mut wallet) = World::with_money(200_000).await;
        let draft = client.draft(&mut wallet, &paying(50_000)).expect("drafts");
        let mut finished = draft.psbt().clone();
        finished.inputs[0].final_script_witness = Some(Witness::from_slice(&[[1; 64]]));
        for psbt in [finished, claimed_by_a_stranger(draft.psbt())] {
            let outcome = client.finalize(&mut wallet, &psbt).await;
            assert!(
                matches!(outcome, Err(Fault::Unfinished(Unfinished::BadSignature { input: 0 }))),
                "{outcome:?}"
            );
            assert_eq!(wallet.ledger().balance().confirmed, sats(200_000), "nothing is locked");
        }
        client
            .send(&mut wallet, draft)
            .await
            .expect("the coins are there to be spent");
    });
}
