//! Recovery on its own: the package and its words, and signing by device and recovery while the server is silent.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, Transaction, Txid};
use futures::executor::block_on;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use twofold_api::limits::ELSEWHERE_SECONDS;
use twofold_client::recovery::file::{self, FileFault, FileKind};
use twofold_client::recovery::holder;
use twofold_client::recovery::package::RecoveryPackage;
use twofold_client::recovery::request::Judged;
use twofold_client::recovery::{Coin, RecoveryFault};
use twofold_client::wallet::Wallet;
use twofold_client::{Client, Fault, Kind};
use twofold_intent::{Keychain, psbt};
use twofold_threshold::device_list::{MAX_DEVICES, MAX_ENTRIES, MAX_ENTRY};
use twofold_threshold::package::{MAX_LINKS, MAX_SEALED};
use twofold_threshold::words::RecoverySecret;

use crate::server::NOW;
use crate::world::{Bench, World, create, named, sats, stranger};

/// A wallet, its words' secret, and a generator for recovery's machine.
struct Scene {
    client: Client<Bench>,
    wallet: Wallet,
    secret: RecoverySecret,
    random: ChaCha20Rng,
    _world: World,
}

impl Scene {
    async fn new() -> Self {
        Box::pin(Self::make()).await
    }

    async fn make() -> Self {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let made = create(&mut client).await.expect("creates");
        let secret = made.words.secret().expect("words");
        let mut wallet = made.wallet;
        client.confirm_words(&mut wallet).await.expect("confirms");
        let address = client.receive(&mut wallet).await.expect("receives");
        client.sync(&mut wallet).await.expect("syncs");
        world.server.fund(&address, sats(200_000)).await;
        client.sync(&mut wallet).await.expect("syncs");
        Self {
            client,
            wallet,
            secret,
            random: ChaCha20Rng::seed_from_u64(99),
            _world: world,
        }
    }

    fn package(&self) -> RecoveryPackage {
        self.client.recovery_package(&self.wallet).expect("a package")
    }

    fn draft(&self) -> twofold_client::ledger::Draft {
        let coins = Coin::in_books(self.wallet.ledger());
        let rate = FeeRate::from_sat_per_vb_u32(3);
        let mut sweep = self
            .client
            .draft_sweep(&self.wallet, coins, &stranger(), rate)
            .expect("drafts");
        assert_eq!((sweep.drafts.len(), sweep.left.len()), (1, 0));
        sweep.drafts.remove(0)
    }

    fn answer(&mut self, request: &str) -> Result<String, RecoveryFault> {
        Judged::read(request, &self.secret)?.sign(&self.secret, &mut self.random)
    }

    fn other_words(&mut self) -> RecoverySecret {
        RecoverySecret::generate(&mut self.random)
    }
}

fn secret_of(words: &RecoverySecret) -> String {
    words.words().expose_line().as_str().to_owned()
}

#[test]
fn a_package_read_from_its_file_is_proved_by_its_words_alone() {
    block_on(async {
        let mut scene = Scene::new().await;
        let text = scene.package().to_text();
        let package = RecoveryPackage::parse(&text).expect("reads");
        let checked = package.check(&scene.secret).expect("proves");
        assert_eq!(checked.fingerprint, scene.wallet.fingerprint());
        assert_eq!(checked.descriptor, scene.wallet.descriptor());
        assert_eq!((checked.name.as_str(), checked.epoch), ("savings", 1));

        let fault = package.check(&scene.other_words()).expect_err("other words");
        assert_eq!(fault, RecoveryFault::OtherWords);
        assert!(!text.contains(&secret_of(&scene.secret)));
    });
}

#[test]
fn every_change_to_a_package_is_noticed() {
    block_on(async {
        let scene = Scene::new().await;
        let text = scene.package().to_text();
        let begin = text.find("BEGIN TWOFOLD").expect("content");
        // The stock tool's copy and ours must agree.
        let age = text.find("BEGIN AGE").expect("an age file") + 40;
        let mut changed = text.clone().into_bytes();
        changed[age] = if changed[age] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("text");
        assert_eq!(
            RecoveryPackage::parse(&changed).expect_err("differs"),
            RecoveryFault::AgeFile
        );
        // Anything in the content: signed by device, server and recovery.
        for place in (begin + 40..text.len() - 60).step_by(29) {
            let mut changed = text.clone().into_bytes();
            if changed[place] == b'\n' {
                continue;
            }
            changed[place] = if changed[place] == b'Q' { b'R' } else { b'Q' };
            let changed = String::from_utf8(changed).expect("text");
            if changed != text {
                let fault = RecoveryPackage::parse(&changed).expect_err("changed");
                assert!(
                    matches!(
                        fault,
                        RecoveryFault::File(_) | RecoveryFault::Package(_) | RecoveryFault::AgeFile
                    ),
                    "{fault}"
                );
            }
        }
        let cut = &text[..text.len() - 40];
        assert_eq!(
            RecoveryPackage::parse(cut).expect_err("cut"),
            FileFault::Cut(FileKind::Package).into()
        );
    });
}

/// The docs folder of this tree.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recover")
}

/// Runs a tool over some input; what it wrote.
fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool is there: ./dev test installs what is missing");
    child.stdin.take().expect("a pipe").write_all(input).expect("writes");
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{command:?} failed");
    output.stdout
}

#[test]
fn p35_the_largest_package_there_may_be_is_no_larger_than_what_is_read() {
    block_on(async {
        let mut scene = Scene::new().await;
        let mut lengths = Vec::new();
        for _ in 0..2 {
            let refreshed = scene.client.refresh(&mut scene.wallet, &mut |_| {}).await;
            refreshed.expect("refreshes");
            lengths.push(scene.package().to_text().len());
        }
        // Each device more is named in each refresh, with two digests; each dealer's envelope to recovery may be longer.
        let device = 4 * (33 + 32 + 2 * 32 + 2 * 4);
        let link = lengths[1] - lengths[0] + (MAX_DEVICES * device + 2 * 4 * MAX_SEALED) / 3 * 66 / 65;
        let list = MAX_ENTRIES * 4 * (4 + MAX_ENTRY) / 3;
        assert!(lengths[0] + MAX_LINKS * link + list < file::MAX_BYTES);
    });
}

#[test]
fn p35_after_refreshes_the_same_words_prove_the_package_and_move_everything_with_the_device() {
    block_on(async {
        let mut scene = Scene::new().await;
        let old = scene.package().to_text();
        for _ in 0..2 {
            scene
                .client
                .refresh(&mut scene.wallet, &mut |_| {})
                .await
                .expect("refreshes");
        }
        let text = scene.package().to_text();
        assert_ne!(old, text);
        let checked = RecoveryPackage::parse(&text)
            .expect("reads")
            .check(&scene.secret)
            .expect("proves");
        assert_eq!((checked.epoch, checked.fingerprint), (3, scene.wallet.fingerprint()));
        // One that was exported before is still what it was.
        let before = RecoveryPackage::parse(&old)
            .expect("reads")
            .check(&scene.secret)
            .expect("proves");
        assert_eq!((before.epoch, before.descriptor), (1, checked.descriptor));

        let draft = scene.draft();
        let (asking, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let answer = scene.answer(&request).expect("answers");
        let psbt = asking.finish(&scene.wallet, &answer).expect("signs");
        scene
            .client
            .finalize(&mut scene.wallet, &psbt)
            .await
            .expect("finalizes");
    });
}

#[test]
fn the_stock_age_tool_opens_a_package_with_an_identity_made_by_the_script_in_the_docs() {
    block_on(async {
        let scene = Scene::new().await;
        let place = tempfile::tempdir().expect("a folder");
        let script = docs().join("words-to-age.py");
        let identity = run(
            Command::new("python3").arg(script).arg(docs().join("english.txt")),
            secret_of(&scene.secret).as_bytes(),
        );
        let identity_file = place.path().join("identity.txt");
        std::fs::write(&identity_file, identity).expect("writes");

        // What docs/recover.md tells a person to type.
        let text = scene.package().to_text();
        let age_file = run(
            Command::new("sed").args(["-n", "/BEGIN AGE/,/END AGE/p"]),
            text.as_bytes(),
        );
        let opened = run(
            Command::new("age")
                .arg("--decrypt")
                .arg("--identity")
                .arg(&identity_file),
            &age_file,
        );
        // A share's record, of which docs/recover.md says what is where, and the unlock key.
        assert_eq!(opened.len(), 88 + 32);
        assert_eq!(opened[..2], [1, 64]);
        assert_eq!(opened[2..18], scene.wallet.id().0);
    });
}

#[test]
fn the_script_in_the_docs_refuses_words_that_are_not_the_whole_phrase() {
    let made = |words: &[&str]| {
        let mut command = Command::new("python3");
        command
            .arg(docs().join("words-to-age.py"))
            .arg(docs().join("english.txt"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python3 is there");
        let text = words.join(" ");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(text.as_bytes()).expect("writes");
        drop(input);
        let output = child.wait_with_output().expect("ends");
        let said = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.success(), !output.stdout.is_empty(), "{said}");
        (output.status.success(), said)
    };
    block_on(async {
        let scene = Scene::new().await;
        let phrase = secret_of(&scene.secret);
        let words: Vec<&str> = phrase.split_whitespace().collect();
        assert!(made(&words).0);
        let (good, said) = made(&words[..24]);
        assert!(!good && said.contains("25"), "{said}");
        assert!(!made(&[&words[..], &words[24..]].concat()).0);
        let mut other = words.clone();
        other[7] = if words[7] == "abandon" { "ability" } else { "abandon" };
        let (good, said) = made(&other);
        assert!(!good && said.contains("checksum"), "{said}");
        other[7] = "twofold";
        let (good, said) = made(&other);
        assert!(!good && said.contains("word 8") && !said.contains("twofold"), "{said}");
    });
}

#[test]
fn device_and_recovery_move_everything_by_two_files() {
    block_on(async {
        let mut scene = Scene::new().await;
        let draft = scene.draft();
        let facts = draft.facts().clone();
        let (asking, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let judged = Judged::read(&request, &scene.secret).expect("judges");
        // Worked out anew, from the PSBT alone.
        assert_eq!(judged.facts(), &facts);
        assert_eq!(judged.facts().payments[0].address, Some(stranger()));
        let reply = judged.sign(&scene.secret, &mut scene.random).expect("signs");
        let psbt = asking.finish(&scene.wallet, &reply).expect("finishes");
        let transaction = scene
            .client
            .finalize(&mut scene.wallet, &psbt)
            .await
            .expect("finalizes");
        assert_eq!(transaction.compute_txid(), facts.txid);
        assert_eq!(scene.wallet.ledger().balance().total(), Amount::ZERO);
        assert_eq!(Coin::in_books(scene.wallet.ledger()), []);
    });
}

#[test]
fn recovery_never_answers_twice_with_one_nonce() {
    block_on(async {
        let mut scene = Scene::new().await;
        let draft = scene.draft();
        let (asking, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let (first, second) = (
            scene.answer(&request).expect("signs"),
            scene.answer(&request).expect("signs"),
        );
        assert_ne!(first, second);
        // Either will do for the device, and only one.
        asking.finish(&scene.wallet, &second).expect("finishes");
    });
}

#[test]
fn a_reply_to_another_request_is_refused_and_so_is_a_changed_one() {
    block_on(async {
        let mut scene = Scene::new().await;
        let (draft, again) = (scene.draft(), scene.draft());
        let (_, earlier) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let (asking, request) = scene.client.ask_recovery(&scene.wallet, again).expect("asks");
        let stale = scene.answer(&earlier).expect("signs");
        let fault = asking.finish(&scene.wallet, &stale).expect_err("is another's");
        assert_eq!(fault, RecoveryFault::OtherRequest);
        assert_eq!(Fault::from(fault).kind(), Kind::Protocol);

        let fresh = scene.answer(&request).expect("signs");
        let line = fresh.lines().rev().nth(3).expect("a line of content").to_owned();
        let swapped: String = line.chars().rev().collect();
        let draft = scene.draft();
        let (asking, _) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        assert!(asking.finish(&scene.wallet, &fresh.replace(&line, &swapped)).is_err());
    });
}

#[test]
fn recovery_signs_only_what_its_own_wallets_device_asks() {
    block_on(async {
        let mut scene = Scene::new().await;
        let draft = scene.draft();
        let (_, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        // Another wallet's words.
        let fault = Judged::read(&request, &scene.other_words()).expect_err("other words");
        assert_eq!(fault, RecoveryFault::OtherWords);
        // A request that somebody changed on the way: each place once in a while.
        let begin = request.find("BEGIN TWOFOLD").expect("content") + 30;
        for place in (begin..request.len() - 40).step_by(41) {
            let mut changed = request.clone().into_bytes();
            changed[place] = match changed[place] {
                b'\n' => continue,
                b'Q' => b'R',
                _ => b'Q',
            };
            let changed = String::from_utf8(changed).expect("text");
            if changed != request {
                assert!(Judged::read(&changed, &scene.secret).is_err(), "place {place}");
            }
        }
    });
}

fn coin(number: u8, value: u64) -> Coin {
    Coin {
        outpoint: OutPoint::new(Txid::from_byte_array([number; 32]), 0),
        value: sats(value),
        keychain: Keychain::External,
        index: u32::from(number),
    }
}

#[test]
fn more_coins_than_one_transaction_takes_go_in_several_and_dust_stays() {
    block_on(async {
        let scene = Scene::new().await;
        let rate = FeeRate::from_sat_per_vb_u32(10);
        let mut coins: Vec<_> = (0..150).map(|n| coin(n, 10_000 + u64::from(n))).collect();
        coins.push(coin(200, 100));
        // Said twice is still one coin.
        coins.push(coin(3, 10_003));
        let sweep = scene
            .client
            .draft_sweep(&scene.wallet, coins, &stranger(), rate)
            .expect("drafts");
        let inputs: Vec<_> = sweep.drafts.iter().map(|draft| draft.facts().inputs.len()).collect();
        assert_eq!((inputs, sweep.left.len()), (vec![100, 50], 1));
        for draft in &sweep.drafts {
            let facts = draft.facts();
            assert_eq!(facts.payments.len(), 1);
            let exact = rate.fee_wu(facts.weight).expect("no overflow");
            assert_eq!(facts.fee, exact, "to the satoshi");
        }
    });
}

#[test]
fn a_sweep_goes_to_another_wallet_on_the_same_network_or_nowhere() {
    block_on(async {
        let mut scene = Scene::new().await;
        let own = scene.client.receive(&mut scene.wallet).await.expect("an address");
        let coins = Coin::in_books(scene.wallet.ledger());
        let rate = FeeRate::from_sat_per_vb_u32(3);
        let draft = |coins: Vec<Coin>, to: &bitcoin::Address, rate| {
            scene.client.draft_sweep(&scene.wallet, coins, to, rate).map(drop)
        };
        let fault = draft(coins.clone(), &own, rate).expect_err("to itself");
        assert!(fault.to_string().contains("another wallet"), "{fault}");
        let mainnet = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
            .parse::<bitcoin::Address<_>>()
            .expect("an address")
            .assume_checked();
        assert!(draft(coins.clone(), &mainnet, rate).is_err());
        let fault = draft(Vec::new(), &stranger(), rate).expect_err("nothing");
        assert_eq!(fault.kind(), Kind::Funds);
        for rate in [FeeRate::from_sat_per_kwu(1), FeeRate::from_sat_per_vb_u32(5_000)] {
            assert!(draft(coins.clone(), &stranger(), rate).is_err());
        }
    });
}

#[test]
fn a_node_that_lies_about_an_amount_gets_a_signature_of_no_use() {
    block_on(async {
        let mut scene = Scene::new().await;
        let mut coins = Coin::in_books(scene.wallet.ledger());
        let true_value = coins[0].value;
        coins[0].value = sats(190_000);
        // The books know the coin: the lie does not even become a draft.
        let rate = FeeRate::from_sat_per_vb_u32(3);
        assert!(
            scene
                .client
                .draft_sweep(&scene.wallet, coins.clone(), &stranger(), rate)
                .is_err()
        );
        // A coin that the books do not know becomes one, and BIP-341 has the amount in the digest.
        coins[0].outpoint.vout += 7;
        let sweep = scene
            .client
            .draft_sweep(&scene.wallet, coins, &stranger(), rate)
            .expect("drafts");
        let draft = sweep.drafts.into_iter().next().expect("one");
        let (asking, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let reply = scene.answer(&request).expect("signs");
        let mut signed: Psbt = asking.finish(&scene.wallet, &reply).expect("finishes");
        assert!(psbt::finalize(&signed).is_ok());
        signed.inputs[0].witness_utxo.as_mut().expect("a coin").value = true_value;
        let refused: Result<Transaction, _> = psbt::finalize(&signed);
        assert!(refused.is_err(), "with the true amount the signature fails");
    });
}

#[test]
fn a_recovery_holder_who_never_answers_is_forgotten_when_the_server_has_stopped_waiting() {
    block_on(Box::pin(async {
        let mut world = World::new().await;
        let mut client = world.join().await.expect("joins");
        let server = world.server.invite().await.server;
        let mut random = ChaCha20Rng::seed_from_u64(7);
        let secrets = [0; 3].map(|_| RecoverySecret::generate(&mut random));
        let opened =
            |secret: &RecoverySecret, random: &mut ChaCha20Rng| holder::begin(secret, server, random).expect("begins");
        let name = named("savings");
        let late = opened(&secrets[0], &mut random);
        let message = client.create_with_holder(&name, &late.opening, &mut |_| {}).await;
        let answered = holder::go_on(&late.state, &message.expect("begins"), &secrets[0], &mut random);
        let answer = answered.expect("answers").answer.file;
        let silent = opened(&secrets[1], &mut random);
        let begun = client.create_with_holder(&name, &silent.opening, &mut |_| {}).await;
        begun.expect("begins");
        let waiting = client.keystore().0.names("elsewhere-").await.expect("lists");
        assert_eq!(waiting.len(), 2);

        // Until the last second it waits, and writes the same message again.
        for clock in [&world.clock, &world.server.clock] {
            clock.set(NOW + ELSEWHERE_SECONDS - 1);
        }
        let again = client.create_with_holder(&name, &silent.opening, &mut |_| {}).await;
        again.expect("the same again");
        for clock in [&world.clock, &world.server.clock] {
            clock.set(NOW + ELSEWHERE_SECONDS);
        }
        let fault = client
            .finish_with_holder(&answer, &mut |_| {})
            .await
            .expect_err("is late");
        assert!(matches!(fault, Fault::Recovery(RecoveryFault::TooLate)), "{fault}");
        let left = client.keystore().0.names("elsewhere-").await.expect("lists");
        assert_eq!(left.len(), 1);
        // Whatever is made next clears the rest away.
        let new = opened(&secrets[2], &mut random);
        let begun = client.create_with_holder(&name, &new.opening, &mut |_| {}).await;
        begun.expect("begins");
        let left = client.keystore().0.names("elsewhere-").await.expect("lists");
        assert!(left.len() == 1 && !waiting.contains(&left[0]), "{left:?}");
    }));
}

#[test]
fn a_rehearsal_signs_with_both_shares_what_no_node_can_take() {
    block_on(async {
        let mut scene = Scene::new().await;
        let known = Coin::in_books(scene.wallet.ledger());
        let mut spent = Vec::new();
        for _ in 0..2 {
            let draft = scene.client.draft_rehearsal(&scene.wallet).expect("drafts");
            let (asking, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
            let reply = scene.answer(&request).expect("answers");
            let signed = asking.finish(&scene.wallet, &reply).expect("finishes");
            let transaction = psbt::finalize(&signed).expect("a signature that holds");
            spent.push(transaction.input[0].previous_output);
        }
        // A coin of its own each time, and none of the wallet's.
        assert_ne!(spent[0], spent[1]);
        assert!(known.iter().all(|coin| !spent.contains(&coin.outpoint)));
        assert_eq!(
            Coin::in_books(scene.wallet.ledger()),
            known,
            "the books have not heard of it"
        );

        // Other words do no better here than on the bad day.
        let draft = scene.client.draft_rehearsal(&scene.wallet).expect("drafts");
        let (_, request) = scene.client.ask_recovery(&scene.wallet, draft).expect("asks");
        let other = scene.other_words();
        assert!(matches!(Judged::read(&request, &other), Err(RecoveryFault::OtherWords)));
    });
}
