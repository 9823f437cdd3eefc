use std::process::Command;

use super::*;
use crate::{Toxic, ToxicProxy};

/// BIP-86's own test account, as the descriptor a wallet of ours would print.
const BIP86: &str = "tr([73c5da0a/86'/1'/0']tpubDDfvzhdVV4unsoKt5aE6dcsNsfeWbTgmLZPi8LQDYU2xixrYemMfWJ3BaVneH3u7DBQePdTwhpybaKRU95pi6PMUtLPBJLVQRpzEnjfjZzX/<0;1>/*)";

fn recipient(node: &Regtest) -> Address {
    node.core_wallet(BIP86).unwrap().receive_addresses(1).unwrap().remove(0)
}

#[test]
fn a_node_mines_pays_and_shows_the_payment_to_a_watching_wallet() {
    let node = Regtest::start().unwrap();
    assert_eq!(node.height().unwrap(), FIRST_BLOCKS);
    let watching = node.core_wallet(BIP86).unwrap();
    let addresses = watching.receive_addresses(3).unwrap();
    assert_eq!(addresses.len(), 3);
    assert_ne!(addresses, watching.change_addresses(3).unwrap());

    let paid = node.fund(&addresses[2], Amount::from_sat(123_456)).unwrap();
    assert_eq!(node.mempool().unwrap(), [paid]);
    assert_eq!(watching.balance().unwrap(), Amount::from_sat(123_456));
    node.mine(1).unwrap();
    assert_eq!(node.mempool().unwrap(), []);
    assert_eq!(watching.coins().unwrap()[0].0.txid, paid);
}

#[test]
fn no_lock_time_that_the_miner_may_pick_keeps_a_payment_out() {
    let node = Regtest::start().unwrap();
    let outputs = json!([{ recipient(&node).to_string(): 0.5 }]);
    let arguments = [
        outputs,
        Value::Null,
        Value::Null,
        Value::Null,
        json!({ "locktime": 21 }),
    ];
    let sent: Value = node.wallet_rpc(MINER).unwrap().call("send", &arguments).unwrap();
    let txid: Txid = sent["txid"].as_str().unwrap().parse().unwrap();
    assert_eq!(node.mempool().unwrap(), [txid]);
}

#[test]
fn a_wallet_imported_after_the_payment_finds_it() {
    let node = Regtest::start().unwrap();
    let address = recipient(&node);
    node.fund(&address, Amount::from_sat(5_000)).unwrap();
    node.mine(1).unwrap();
    assert_eq!(
        node.core_wallet(BIP86).unwrap().balance().unwrap(),
        Amount::from_sat(5_000)
    );
}

#[test]
fn a_descriptor_with_a_wrong_checksum_is_refused() {
    let node = Regtest::start().unwrap();
    assert!(node.core_wallet(&format!("{BIP86}#qqqqqqqq")).is_err());
}

#[test]
fn a_reorg_replaces_the_top_and_mines_the_payment_again() {
    let node = Regtest::start().unwrap();
    let address = recipient(&node);
    let paid = node.fund(&address, Amount::from_sat(9_000)).unwrap();
    let block = node.mine(3).unwrap()[0];
    let before = node.height().unwrap();
    let reorg = node.reorg(3).unwrap();
    assert_eq!((reorg.gone.len(), reorg.gone[0], reorg.new.len()), (3, block, 4));
    assert_eq!(node.height().unwrap(), before + 1);
    assert_eq!(node.tip().unwrap(), reorg.new[3]);
    assert_eq!(node.block_hash(before - 2).unwrap(), reorg.new[0]);
    assert!(!node.mempool().unwrap().contains(&paid));

    node.reorg_empty(4).unwrap();
    assert!(node.mempool().unwrap().contains(&paid));
    assert!(node.reorg(10_000).is_err());
}

#[test]
fn an_invalid_block_comes_back_when_reconsidered() {
    let node = Regtest::start().unwrap();
    let tip = node.tip().unwrap();
    node.invalidate(&tip).unwrap();
    assert_eq!(node.height().unwrap(), FIRST_BLOCKS - 1);
    node.reconsider(&tip).unwrap();
    assert_eq!(node.tip().unwrap(), tip);
}

#[test]
fn an_empty_block_leaves_the_mempool_and_an_exact_one_takes_what_it_is_given() {
    let node = Regtest::start().unwrap();
    let address = recipient(&node);
    let paid = node.fund(&address, Amount::from_sat(7_000)).unwrap();
    node.mine_empty(1).unwrap();
    assert_eq!(node.mempool().unwrap(), [paid]);
    let transaction = node.rpc().unwrap().get_raw_transaction(&paid, None).unwrap();
    assert_eq!(node.broadcast(&transaction).unwrap(), paid);
    node.mine_only(&[transaction]).unwrap();
    assert_eq!(node.mempool().unwrap(), []);
}

#[test]
fn a_restart_keeps_chain_and_mempool_and_changes_the_credentials() {
    let node = Regtest::options().txindex().start().unwrap();
    let address = recipient(&node);
    let paid = node.fund(&address, Amount::from_sat(7_000)).unwrap();
    let (tip, cookie, old) = (
        node.tip().unwrap(),
        fs::read(node.cookie_file()).unwrap(),
        node.rpc().unwrap(),
    );
    node.restart().unwrap();
    assert_eq!((node.tip().unwrap(), node.mempool().unwrap()), (tip, vec![paid]));
    assert_ne!(fs::read(node.cookie_file()).unwrap(), cookie);
    assert!(old.get_block_count().is_err());
    node.fund(&address, Amount::from_sat(7_000)).unwrap();

    node.kill().unwrap();
    assert!(node.height().is_err());
    assert!(node.stop().is_err());
    node.resume().unwrap();
    assert_eq!(node.tip().unwrap(), tip);
    assert!(node.resume().is_err());
}

#[test]
fn a_pruned_node_forgets_old_blocks() {
    let node = Regtest::options().prune().start().unwrap();
    let early = node.block_hash(1).unwrap();
    node.mine(500).unwrap();
    assert!(node.rpc().unwrap().get_block(&early).is_ok());
    let reached = node.prune(250).unwrap();
    assert!((1..=250).contains(&reached), "pruned to {reached}");
    assert!(node.rpc().unwrap().get_block(&early).is_err());
    assert!(node.rpc().unwrap().get_block(&node.tip().unwrap()).is_ok());
}

#[test]
fn a_dropped_node_leaves_neither_process_nor_folder() {
    let node = Regtest::start().unwrap();
    let (process, folder) = (node.process_id().unwrap(), node.folder.path().to_owned());
    assert!(Path::new(&format!("/proc/{process}")).exists());
    drop(node);
    assert!(!Path::new(&format!("/proc/{process}")).exists());
    assert!(!folder.exists());
}

#[test]
fn a_node_outlives_the_thread_that_started_it() {
    let node = std::thread::spawn(|| Regtest::start().unwrap()).join().unwrap();
    assert_eq!(node.mine(1).unwrap().len(), 1);
}

/// Runs this very test binary as the child that is killed.
#[test]
fn a_killed_test_takes_its_node_along() {
    const ROLE: &str = "TWOFOLD_TESTKIT_KILLED_CHILD";
    if std::env::var_os(ROLE).is_some() {
        let node = Regtest::start().unwrap();
        println!("node {}", node.process_id().unwrap());
        std::thread::park();
    }
    let left_behind = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "regtest::tests::a_killed_test_takes_its_node_along",
            "--nocapture",
        ])
        .env(ROLE, "1")
        .env("TMPDIR", left_behind.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let line = std::io::BufRead::lines(out)
        .map(Result::unwrap)
        .find(|line| line.contains("node "))
        .unwrap();
    let process: u32 = line.split("node ").nth(1).unwrap().trim().parse().unwrap();
    assert!(alive(process));
    child.kill().unwrap();
    child.wait().unwrap();
    let gone = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !alive(process)
    });
    assert!(gone, "the node outlived a killed test");
}

/// Whether a process runs; one that is dead and not yet buried does not.
fn alive(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| !rest.starts_with('Z')))
}

#[test]
fn a_frozen_node_answers_once_it_is_thawed() {
    let node = Regtest::start().unwrap();
    node.freeze().unwrap();
    let transport = Builder::new()
        .timeout(Duration::from_secs(1))
        .url(&node.url())
        .unwrap()
        .cookie_auth(fs::read_to_string(node.cookie_file()).unwrap())
        .build();
    let hasty = Client::from_jsonrpc(jsonrpc::Client::with_transport(transport));
    assert!(hasty.get_block_count().is_err());
    node.thaw().unwrap();
    assert_eq!(node.height().unwrap(), FIRST_BLOCKS);
}

#[test]
fn a_proxy_stands_between_a_client_and_the_node() {
    let node = Regtest::start().unwrap();
    let proxy = ToxicProxy::start(([127, 0, 0, 1], node.port()).into()).unwrap();
    let through = node.client(&format!("http://{}", proxy.address())).unwrap();
    assert_eq!(through.get_block_count().unwrap(), FIRST_BLOCKS);
    proxy.set(Toxic::CutReplyAfter(10));
    assert!(through.get_block_count().is_err());
    proxy.set(Toxic::Pass);
    assert_eq!(through.get_block_count().unwrap(), FIRST_BLOCKS);
}
