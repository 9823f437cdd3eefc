use core::fmt::Debug;

use buffa::{Message, MessageField};
use rstest::rstest;
use twofold_api::{limits, reply, request};

use crate::{Malformed, Problem, client, proto, sample};

fn arrives<R: client::Call, M: Message + From<R::Reply>>(reply: R::Reply)
where
    R::Reply: Clone + Debug + PartialEq,
{
    let bytes = M::from(reply.clone()).encode_to_vec();
    assert_eq!(client::decode::<R>(&bytes), Ok(reply.clone()));
    // The same reply is the same bytes: a recorded one can be sent again.
    assert_eq!(M::from(reply).encode_to_vec(), bytes);
}

#[test]
fn every_reply_arrives_as_it_was_sent() {
    arrives::<request::Join, proto::JoinReply>(sample::joined());
    arrives::<request::Hello, proto::HelloReply>(sample::greeting());
    arrives::<request::BeginCreate, proto::BeginCreateReply>(sample::create_begun());
    arrives::<request::FinishCreate, proto::FinishCreateReply>(sample::create_finished());
    arrives::<request::TestSign, proto::TestSignReply>(sample::test_signed());
    arrives::<request::Activate, proto::ActivateReply>(sample::done());
    arrives::<request::ListWallets, proto::ListWalletsReply>(sample::wallets());
    arrives::<request::GetWallet, proto::GetWalletReply>(sample::wallet());
    arrives::<request::RenameWallet, proto::RenameWalletReply>(sample::done());
    arrives::<request::Sign, proto::SignReply>(sample::signed());
    arrives::<request::SignMessage, proto::SignMessageReply>(sample::signed());
    arrives::<request::Broadcast, proto::BroadcastReply>(sample::sent());
    arrives::<request::Sync, proto::SyncReply>(sample::synced());
    arrives::<request::Watch, proto::WatchEvent>(sample::pulse());
    arrives::<request::Watch, proto::WatchEvent>(reply::Pulse {
        tip: None,
        ..sample::pulse()
    });
    arrives::<request::EstimateFees, proto::EstimateFeesReply>(sample::fees());
    arrives::<request::GetAudit, proto::GetAuditReply>(sample::audit());
    arrives::<request::DeriveAddress, proto::DeriveAddressReply>(sample::derived());
    arrives::<request::ChangeDevices, proto::ChangeDevicesReply>(sample::asked());
    arrives::<request::SetFreeze, proto::SetFreezeReply>(sample::asked());
    arrives::<request::CancelChange, proto::CancelChangeReply>(sample::done());
    arrives::<request::GetShape, proto::GetShapeReply>(sample::shape());
    arrives::<request::InviteDevice, proto::InviteDeviceReply>(sample::device_invited());
    arrives::<request::RenameDevice, proto::RenameDeviceReply>(sample::done());
    arrives::<request::LiftFence, proto::LiftFenceReply>(sample::done());
    arrives::<request::GetRecovery, proto::GetRecoveryReply>(sample::recovery());
    arrives::<request::AskRecovery, proto::AskRecoveryReply>(sample::asked());
    arrives::<request::Recover, proto::RecoverReply>(sample::recovered());
    arrives::<request::BeginRefresh, proto::BeginRefreshReply>(sample::refresh_begun());
    arrives::<request::FinishRefresh, proto::FinishRefreshReply>(sample::refresh_finished());
    arrives::<request::RepairRecovery, proto::RepairRecoveryReply>(sample::recovered());
    arrives::<request::ReplaceRecovery, proto::ReplaceRecoveryReply>(sample::done());
    arrives::<request::RepairServer, proto::RepairServerReply>(sample::done());
    arrives::<request::ConfirmChange, proto::ConfirmChangeReply>(sample::done());
    arrives::<request::FindWallets, proto::FindWalletsReply>(sample::wallets());
    arrives::<request::FindAddresses, proto::FindAddressesReply>(sample::addresses());
    arrives::<request::PairDevice, proto::PairDeviceReply>(sample::pairing());
    arrives::<request::RollForward, proto::RollForwardReply>(sample::done());
}

#[test]
fn a_client_skips_what_a_newer_server_adds() {
    let mut bytes = proto::BroadcastReply::from(sample::sent()).encode_to_vec();
    // Field 100, a varint.
    bytes.extend_from_slice(&[0xa0, 0x06, 0x01]);
    assert_eq!(client::decode::<request::Broadcast>(&bytes), Ok(sample::sent()));
}

fn refused<M: From<R>, R: TryFrom<M, Error = Malformed> + Debug>(
    reply: R,
    change: impl FnOnce(&mut M),
) -> (&'static str, Problem) {
    let mut message = M::from(reply);
    change(&mut message);
    let fault = R::try_from(message).unwrap_err();
    (fault.field, fault.problem)
}

#[test]
fn a_hostile_servers_sync_is_checked_field_by_field() {
    use Problem::{Count, Length, Missing, Range};
    let sync = |change: fn(&mut proto::SyncReply)| refused(sample::synced(), change);
    assert_eq!(sync(|m| m.head = MessageField::none()), ("head", Missing));
    assert_eq!(
        sync(|m| m.head.modify(|head| head.seal_key.truncate(104))),
        ("head.seal_key", Length(105))
    );
    assert_eq!(
        sync(|m| m.head.modify(|head| head.checkpoint = Some(vec![]))),
        ("head.checkpoint", Length(194))
    );
    assert_eq!(
        sync(|m| m.head.modify(|head| head.time = u64::MAX)),
        ("head.time", Range)
    );
    assert_eq!(sync(|m| m.headers[1].push(0)), ("headers", Length(80)));
    assert_eq!(
        sync(|m| m.headers = vec![vec![0; 80]; limits::SYNC_HEADERS + 1]),
        ("headers", Count(0, limits::SYNC_HEADERS))
    );
    assert_eq!(
        sync(|m| m.transactions = vec![proto::ChainTransaction::default(); limits::SYNC_TRANSACTIONS + 1]),
        ("transactions", Count(0, limits::SYNC_TRANSACTIONS))
    );
    assert_eq!(
        sync(|m| m.transactions[0].transaction.clear()),
        ("transactions.transaction", Missing)
    );
    assert_eq!(
        sync(|m| m.transactions[0].block.modify(|b| b.hash.clear())),
        ("block.hash", Length(32))
    );
    assert_eq!(
        sync(|m| m.transactions[0].block.modify(|b| b.branch[0].push(0))),
        ("block.branch", Length(32))
    );
    assert_eq!(
        sync(|m| m.transactions[0].block.modify(|b| b.branch = vec![vec![0; 32]; 33])),
        ("block.branch", Count(0, 32))
    );
    assert_eq!(sync(|m| m.cursor = u64::MAX), ("cursor", Range));
}

#[test]
fn a_hostile_servers_wallet_figures_and_greeting_are_checked_field_by_field() {
    use Problem::{Count, Length, Missing, Range, TooLong, Word};
    let wallet = |change: fn(&mut proto::GetWalletReply)| refused(sample::wallet(), change);
    assert_eq!(wallet(|m| m.line = MessageField::none()), ("line", Missing));
    assert_eq!(
        wallet(|m| m.line.modify(|line| line.standing = 0.into())),
        ("standing", Word)
    );
    assert_eq!(
        wallet(|m| m.line.modify(|line| line.standing = 99.into())),
        ("standing", Word)
    );
    assert_eq!(
        wallet(|m| m.line.modify(|line| line.wallet.push(0))),
        ("wallet", Length(16))
    );
    assert_eq!(
        wallet(|m| m.device_list = vec![vec![1]; 1001]),
        ("device_list", Count(0, 1000))
    );
    assert_eq!(wallet(|m| m.package[1].clear()), ("package", Missing));
    let long = refused(sample::wallet(), |m: &mut proto::GetWalletReply| {
        m.public_shares = vec![1; limits::MESSAGE_BYTES + 1];
    });
    assert_eq!(long, ("public_shares", TooLong(limits::MESSAGE_BYTES)));

    let fees = |change: fn(&mut proto::EstimateFeesReply)| refused(sample::fees(), change);
    assert_eq!(
        fees(|m| m.estimates[0].target_blocks = 0),
        ("estimates.target_blocks", Range)
    );
    assert_eq!(
        fees(|m| m.estimates[0].target_blocks = 1009),
        ("estimates.target_blocks", Range)
    );
    assert_eq!(
        fees(|m| m.estimates[0].target_blocks = 65_537),
        ("estimates.target_blocks", Range)
    );
    assert_eq!(
        fees(|m| m.estimates[0].sat_per_kvb = u64::MAX),
        ("estimates.sat_per_kvb", Range)
    );
    assert_eq!(fees(|m| m.source = "node\n".into()), ("source", Word));

    let hello = |change: fn(&mut proto::HelloReply)| refused(sample::greeting(), change);
    assert_eq!(hello(|m| m.identity = vec![1; 35]), ("identity", TooLong(34)));
    assert_eq!(hello(|m| m.network = "\u{1b}[31mregtest".into()), ("network", Word));
    assert_eq!(hello(|m| m.network = "a".repeat(33)), ("network", Word));
    assert_eq!(hello(|m| m.version = "1\u{202e}2".into()).0, "version");

    let audit = refused(sample::audit(), |m: &mut proto::GetAuditReply| m.lines[0].chain.clear());
    assert_eq!(audit, ("lines.chain", Length(32)));
    let derived = |change: fn(&mut proto::DeriveAddressReply)| refused(sample::derived(), change);
    assert_eq!(derived(|m| m.address = "bcrt1p\u{1b}[2J".into()), ("address", Word));
    assert_eq!(derived(|m| m.address = "a".repeat(101)), ("address", Word));
    assert_eq!(derived(|m| m.address.clear()), ("address", Word));
    assert_eq!(derived(|m| m.signature = vec![1; 63]), ("signature", Length(64)));
    let joined = refused(sample::joined(), |m: &mut proto::JoinReply| m.user = vec![1; 17]);
    assert_eq!(joined, ("user", Length(16)));
    let sent = refused(sample::sent(), |m: &mut proto::BroadcastReply| m.txid = vec![1; 31]);
    assert_eq!(sent, ("txid", Length(32)));
    let begun = refused(sample::create_begun(), |m: &mut proto::BeginCreateReply| {
        m.server_round.clear();
    });
    assert_eq!(begun, ("server_round", Missing));
    let done = refused(sample::done(), |m: &mut proto::ActivateReply| {
        m.head = MessageField::none();
    });
    assert_eq!(done, ("head", Missing));
}

#[rstest]
#[case::control("a\nb")]
#[case::direction("\u{202e}evas")]
#[case::nothing("")]
fn a31_a_servers_text_is_checked_like_a_persons(#[case] name: &str) {
    let listed = refused(sample::wallets(), |m: &mut proto::ListWalletsReply| {
        m.wallets[2].name = name.into();
    });
    assert_eq!(listed.0, "name");
}

#[test]
fn a_list_of_wallets_is_bounded() {
    let many = |count| reply::Wallets {
        head: sample::head(),
        wallets: vec![sample::wallets().wallets.remove(0); count],
        after: None,
    };
    let read = |count| reply::Wallets::try_from(proto::ListWalletsReply::from(many(count)));
    assert!(read(100).is_ok());
    assert_eq!(read(101).unwrap_err().problem, Problem::Count(0, 100));
}
