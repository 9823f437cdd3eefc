use core::fmt::Debug;

use buffa::{Message, MessageField};
use proptest::prelude::*;
use rstest::rstest;
use twofold_api::{
    limits,
    reason::{Reason, Refusal},
    request::{self, NameFault},
};

use crate::{Malformed, Problem, proto, sample};

/// What a request is after a trip over the wire.
fn sent<M, R>(request: &R) -> R
where
    M: Message + for<'a> From<&'a R>,
    R: TryFrom<M, Error = Malformed>,
{
    R::try_from(M::decode_from_slice(&M::from(request).encode_to_vec()).unwrap()).unwrap()
}

/// A good request that was changed on the wire, refused.
fn refused<M, R>(request: &R, change: impl FnOnce(&mut M)) -> (&'static str, Problem)
where
    M: for<'a> From<&'a R>,
    R: TryFrom<M, Error = Malformed> + Debug,
{
    let mut message = M::from(request);
    change(&mut message);
    let fault = R::try_from(message).unwrap_err();
    (fault.field, fault.problem)
}

#[test]
fn every_request_arrives_as_it_was_sent() {
    // Where a request has no equality of its own, its text has all that it holds.
    fn same<M, R>(request: &R)
    where
        M: Message + for<'a> From<&'a R>,
        R: TryFrom<M, Error = Malformed> + Debug,
    {
        assert_eq!(format!("{:?}", sent::<M, R>(request)), format!("{request:?}"));
    }
    same::<proto::JoinRequest, _>(&sample::join());
    same::<proto::JoinRequest, _>(&request::Join {
        code: None,
        ..sample::join()
    });
    same::<proto::HelloRequest, _>(&request::Hello);
    same::<proto::BeginCreateRequest, _>(&sample::begin_create());
    same::<proto::FinishCreateRequest, _>(&sample::finish_create());
    same::<proto::TestSignRequest, _>(&sample::test_sign());
    same::<proto::ActivateRequest, _>(&sample::activate());
    for after in [None, Some(sample::WALLET)] {
        same::<proto::ListWalletsRequest, _>(&request::ListWallets { after });
    }
    same::<proto::GetWalletRequest, _>(&sample::get_wallet());
    same::<proto::GetWalletRequest, _>(&request::GetWallet {
        checkpoint: None,
        ..sample::get_wallet()
    });
    same::<proto::RenameWalletRequest, _>(&sample::rename_wallet());
    same::<proto::SignRequest, _>(&sample::sign());
    same::<proto::SignMessageRequest, _>(&sample::sign_message());
    same::<proto::SignMessageRequest, _>(&request::SignMessage {
        message: vec![],
        ..sample::sign_message()
    });
    same::<proto::BroadcastRequest, _>(&sample::broadcast());
    same::<proto::SyncRequest, _>(&sample::sync());
    same::<proto::SyncRequest, _>(&request::Sync {
        checkpoint: None,
        locator: vec![],
        ..sample::sync()
    });
    same::<proto::WatchRequest, _>(&sample::watch());
    same::<proto::EstimateFeesRequest, _>(&sample::estimate_fees());
    same::<proto::GetAuditRequest, _>(&sample::get_audit());
    same::<proto::DeriveAddressRequest, _>(&sample::derive_address());
    same::<proto::LiftFenceRequest, _>(&sample::lift_fence());
    same::<proto::LiftFenceRequest, _>(&request::LiftFence {
        checkpoint: None,
        recovery: None,
        ..sample::lift_fence()
    });
    same::<proto::ChangeDevicesRequest, _>(&sample::change_devices());
    same::<proto::SetFreezeRequest, _>(&sample::set_freeze());
    same::<proto::CancelChangeRequest, _>(&sample::cancel_change());
    same::<proto::GetShapeRequest, _>(&sample::get_shape());
    same::<proto::InviteDeviceRequest, _>(&sample::invite_device());
    same::<proto::RenameDeviceRequest, _>(&sample::rename_device());
    same::<proto::GetRecoveryRequest, _>(&sample::get_recovery());
    same::<proto::GetRecoveryRequest, _>(&request::GetRecovery {
        code: None,
        ..sample::get_recovery()
    });
    same::<proto::AskRecoveryRequest, _>(&sample::ask_recovery());
    same::<proto::RecoverRequest, _>(&sample::recover());
    same::<proto::BeginRefreshRequest, _>(&sample::begin_refresh());
    same::<proto::FinishRefreshRequest, _>(&sample::finish_refresh());
    same::<proto::RepairRecoveryRequest, _>(&sample::repair_recovery());
    same::<proto::ReplaceRecoveryRequest, _>(&sample::replace_recovery());
    same::<proto::RepairServerRequest, _>(&sample::repair_server());
    same::<proto::RepairServerRequest, _>(&request::RepairServer {
        checkpoint: None,
        ..sample::repair_server()
    });
    same::<proto::PairDeviceRequest, _>(&sample::pair_device());
    same::<proto::PairDeviceRequest, _>(&request::PairDevice {
        letter: Vec::new(),
        checkpoint: None,
        ..sample::pair_device()
    });
    same::<proto::RollForwardRequest, _>(&sample::roll_forward());
    same::<proto::RollForwardRequest, _>(&request::RollForward {
        entries: vec![],
        device_list: vec![],
        links: vec![],
        kept: vec![],
        package: vec![],
        ..sample::roll_forward()
    });
    same::<proto::SetFreezeRequest, _>(&request::SetFreeze {
        frozen: true,
        recovery: None,
        ..sample::set_freeze()
    });
    let (before, after) = (sample::sign(), sent::<proto::SignRequest, _>(&sample::sign()));
    assert_eq!((before.unlock, before.psbt), (after.unlock, after.psbt));
}

#[rstest]
#[case::nothing(vec![])]
#[case::one_byte_less(vec![1; 15])]
#[case::one_byte_more(vec![1; 17])]
#[case::hex(b"11111111111111111111111111111111".to_vec())]
#[case::long(vec![1; 100_000])]
fn f05_every_malformed_id_is_refused_by_its_length(#[case] id: Vec<u8>) {
    let wallet = ("wallet", Problem::Length(16));
    assert_eq!(
        refused(&sample::begin_create(), |m: &mut proto::BeginCreateRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::finish_create(), |m: &mut proto::FinishCreateRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::test_sign(), |m: &mut proto::TestSignRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::activate(), |m: &mut proto::ActivateRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::get_wallet(), |m: &mut proto::GetWalletRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::rename_wallet(), |m: &mut proto::RenameWalletRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::sign(), |m: &mut proto::SignRequest| m.wallet = id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::sign_message(), |m: &mut proto::SignMessageRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::broadcast(), |m: &mut proto::BroadcastRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::sync(), |m: &mut proto::SyncRequest| m.wallet = id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::estimate_fees(), |m: &mut proto::EstimateFeesRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::get_audit(), |m: &mut proto::GetAuditRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::lift_fence(), |m: &mut proto::LiftFenceRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::derive_address(), |m: &mut proto::DeriveAddressRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::change_devices(), |m: &mut proto::ChangeDevicesRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::set_freeze(), |m: &mut proto::SetFreezeRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::cancel_change(), |m: &mut proto::CancelChangeRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::get_shape(), |m: &mut proto::GetShapeRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::invite_device(), |m: &mut proto::InviteDeviceRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::rename_device(), |m: &mut proto::RenameDeviceRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::pair_device(), |m: &mut proto::PairDeviceRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::get_recovery(), |m: &mut proto::GetRecoveryRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::ask_recovery(), |m: &mut proto::AskRecoveryRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::recover(), |m: &mut proto::RecoverRequest| m.wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::repair_recovery(), |m: &mut proto::RepairRecoveryRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    assert_eq!(
        refused(&sample::replace_recovery(), |m: &mut proto::ReplaceRecoveryRequest| m
            .wallet =
            id.clone()),
        wallet
    );
    let ceremony = refused(&sample::finish_create(), |m: &mut proto::FinishCreateRequest| {
        m.ceremony = id.clone();
    });
    assert_eq!(ceremony, ("ceremony", Problem::Length(16)));
    let code = refused(&sample::join(), |m: &mut proto::JoinRequest| m.code = Some(id.clone()));
    assert_eq!(code, ("code", Problem::Length(16)));
}

#[rstest]
#[case::nothing(0)]
#[case::one_byte_less(-1)]
#[case::one_byte_more(1)]
fn f05_every_fixed_length_is_kept(#[case] change: isize) {
    let cut = |bytes: &mut Vec<u8>| match change {
        0 => bytes.clear(),
        less if less < 0 => drop(bytes.pop()),
        _ => bytes.push(0),
    };
    let sign = |change: &dyn Fn(&mut proto::SignRequest)| refused(&sample::sign(), |m| change(m));
    let epoch = |m: &mut proto::SignRequest| {
        m.epoch.modify(|epoch| cut(&mut epoch.transcript));
    };
    assert_eq!(sign(&epoch), ("epoch.transcript", Problem::Length(32)));
    assert_eq!(
        sign(&|m| cut(&mut m.commitments[1])),
        ("commitments", Problem::Length(66))
    );
    assert_eq!(
        sign(&|m| m.unlock.modify(|u| cut(&mut u.key_id))),
        ("unlock.key_id", Problem::Length(8))
    );
    assert_eq!(
        sign(&|m| m.unlock.modify(|u| cut(&mut u.ciphertext))),
        ("unlock.ciphertext", Problem::Length(80))
    );
    assert_eq!(sign(&|m| cut(&mut m.checkpoint)), ("checkpoint", Problem::Length(194)));
    let signature = refused(&sample::activate(), |m: &mut proto::ActivateRequest| {
        cut(&mut m.test_signature);
    });
    assert_eq!(signature, ("test_signature", Problem::Length(64)));
    let hash = refused(
        &sample::sync(),
        |m: &mut proto::SyncRequest| cut(&mut m.locator[1].hash),
    );
    assert_eq!(hash, ("locator.hash", Problem::Length(32)));
    let commitment = refused(&sample::test_sign(), |m: &mut proto::TestSignRequest| {
        cut(&mut m.commitment);
    });
    assert_eq!(commitment, ("commitment", Problem::Length(66)));
    let checkpoint = |m: &mut proto::GetWalletRequest| cut(m.checkpoint.as_mut().unwrap());
    let length = ("checkpoint", Problem::Length(194));
    assert_eq!(refused(&sample::get_wallet(), checkpoint), length);
    let checkpoint = |m: &mut proto::FinishCreateRequest| cut(m.checkpoint.as_mut().unwrap());
    assert_eq!(refused(&sample::finish_create(), checkpoint), length);
    let checkpoint = |m: &mut proto::TestSignRequest| cut(m.checkpoint.as_mut().unwrap());
    assert_eq!(refused(&sample::test_sign(), checkpoint), length);
    let checkpoint = |m: &mut proto::ActivateRequest| cut(m.checkpoint.as_mut().unwrap());
    assert_eq!(refused(&sample::activate(), checkpoint), length);
    let checkpoint = |m: &mut proto::EstimateFeesRequest| cut(m.checkpoint.as_mut().unwrap());
    assert_eq!(refused(&sample::estimate_fees(), checkpoint), length);
    let checkpoint = |m: &mut proto::GetAuditRequest| cut(m.checkpoint.as_mut().unwrap());
    assert_eq!(refused(&sample::get_audit(), checkpoint), length);
}

#[test]
fn what_must_be_there_is_missed() {
    let missing = |field| (field, Problem::Missing);
    let none = MessageField::none;
    assert_eq!(
        refused(&sample::sign(), |m: &mut proto::SignRequest| m.epoch = none()),
        missing("epoch")
    );
    assert_eq!(
        refused(&sample::sign(), |m: &mut proto::SignRequest| m.unlock =
            MessageField::none()),
        missing("unlock")
    );
    assert_eq!(
        refused(&sample::sign(), |m: &mut proto::SignRequest| m.psbt.clear()),
        missing("psbt")
    );
    let closing = refused(&sample::finish_create(), |m: &mut proto::FinishCreateRequest| {
        m.closing.clear();
    });
    assert_eq!(closing, missing("closing"));
    let opening = refused(&sample::begin_create(), |m: &mut proto::BeginCreateRequest| {
        m.opening.clear();
    });
    assert_eq!(opening, missing("opening"));
    let transaction = refused(&sample::broadcast(), |m: &mut proto::BroadcastRequest| {
        m.transaction.clear();
    });
    assert_eq!(transaction, missing("transaction"));
}

#[test]
fn f18_every_length_and_count_is_bounded_at_its_limit_and_not_before() {
    let psbt = |length| proto::SignRequest {
        psbt: vec![1; length],
        ..(&sample::sign()).into()
    };
    assert!(request::Sign::try_from(psbt(limits::PSBT_BYTES)).is_ok());
    let fault = request::Sign::try_from(psbt(limits::PSBT_BYTES + 1)).unwrap_err();
    assert_eq!(
        (fault.field, fault.problem),
        ("psbt", Problem::TooLong(limits::PSBT_BYTES))
    );

    let text = |length| proto::SignMessageRequest {
        message: vec![1; length],
        ..(&sample::sign_message()).into()
    };
    assert!(request::SignMessage::try_from(text(limits::TEXT_BYTES)).is_ok());
    let fault = request::SignMessage::try_from(text(limits::TEXT_BYTES + 1)).unwrap_err();
    assert_eq!(
        (fault.field, fault.problem),
        ("message", Problem::TooLong(limits::TEXT_BYTES))
    );

    let commitment = sample::commitment().to_bytes().to_vec();
    let inputs = |count| proto::SignRequest {
        commitments: vec![commitment.clone(); count],
        ..(&sample::sign()).into()
    };
    assert!(request::Sign::try_from(inputs(1)).is_ok());
    assert!(request::Sign::try_from(inputs(limits::INPUTS)).is_ok());
    for count in [0, limits::INPUTS + 1, 10_000] {
        let fault = request::Sign::try_from(inputs(count)).unwrap_err();
        assert_eq!(
            (fault.field, fault.problem),
            ("commitments", Problem::Count(1, limits::INPUTS))
        );
    }

    let opening = |length| proto::BeginCreateRequest {
        opening: vec![1; length],
        ..(&sample::begin_create()).into()
    };
    assert!(request::BeginCreate::try_from(opening(limits::MESSAGE_BYTES)).is_ok());
    assert!(request::BeginCreate::try_from(opening(limits::MESSAGE_BYTES + 1)).is_err());
    let closing = |length| proto::FinishCreateRequest {
        closing: vec![1; length],
        ..(&sample::finish_create()).into()
    };
    assert!(request::FinishCreate::try_from(closing(limits::MESSAGE_BYTES)).is_ok());
    assert!(request::FinishCreate::try_from(closing(limits::MESSAGE_BYTES + 1)).is_err());
    let transaction = |length| proto::BroadcastRequest {
        transaction: vec![1; length],
        ..(&sample::broadcast()).into()
    };
    assert!(request::Broadcast::try_from(transaction(limits::TRANSACTION_BYTES)).is_ok());
    assert!(request::Broadcast::try_from(transaction(limits::TRANSACTION_BYTES + 1)).is_err());
    let block = proto::BlockRef {
        hash: vec![1; 32],
        ..Default::default()
    };
    let locator = |count| proto::SyncRequest {
        locator: vec![block.clone(); count],
        ..(&sample::sync()).into()
    };
    assert!(request::Sync::try_from(locator(limits::LOCATOR_BLOCKS)).is_ok());
    assert!(request::Sync::try_from(locator(limits::LOCATOR_BLOCKS + 1)).is_err());
}

#[rstest]
#[case::nothing("", NameFault::Empty)]
#[case::control("a\u{7}b", NameFault::Control)]
#[case::direction("a\u{202e}b", NameFault::Control)]
#[case::overlong(&"\u{1f4b0}".repeat(65), NameFault::TooLong)]
fn a31_text_in_every_name_is_checked(#[case] text: &str, #[case] fault: NameFault) {
    let problem = Problem::Name(fault);
    let device = refused(&sample::join(), |m: &mut proto::JoinRequest| {
        m.device_name = text.into();
    });
    assert_eq!(device, ("device_name", problem));
    let begin = refused(&sample::begin_create(), |m: &mut proto::BeginCreateRequest| {
        m.name = text.into();
    });
    assert_eq!(begin, ("name", problem));
    let rename = refused(&sample::rename_wallet(), |m: &mut proto::RenameWalletRequest| {
        m.name = text.into();
    });
    assert_eq!(rename, ("name", problem));
}

#[test]
fn a31_numbers_at_their_extremes_are_taken_or_refused_and_never_wrap() {
    let sync = |change: &dyn Fn(&mut proto::SyncRequest)| {
        let mut message = proto::SyncRequest::from(&sample::sync());
        change(&mut message);
        request::Sync::try_from(message).map_err(|fault| (fault.field, fault.problem))
    };
    let largest = u64::try_from(i64::MAX).unwrap();
    assert_eq!(sync(&|m| m.cursor = largest).unwrap().cursor, largest);
    assert_eq!(sync(&|m| m.cursor = largest + 1), Err(("cursor", Problem::Range)));
    assert_eq!(sync(&|m| m.cursor = u64::MAX), Err(("cursor", Problem::Range)));
    assert_eq!(sync(&|m| m.revealed_external = 1 << 31).unwrap().revealed, [1 << 31, 1]);
    assert_eq!(
        sync(&|m| m.revealed_external = (1 << 31) + 1),
        Err(("revealed_external", Problem::Range))
    );
    assert_eq!(
        sync(&|m| m.revealed_internal = u32::MAX),
        Err(("revealed_internal", Problem::Range))
    );
    assert_eq!(
        sync(&|m| m.locator[0].height = u32::MAX).unwrap().locator[0].0,
        u32::MAX
    );

    let audit = |from| {
        request::GetAudit::try_from(proto::GetAuditRequest {
            from,
            ..(&sample::get_audit()).into()
        })
    };
    assert!(audit(largest).is_ok());
    assert_eq!(audit(0).unwrap_err().problem, Problem::Range);
    assert_eq!(audit(largest + 1).unwrap_err().problem, Problem::Range);

    let address = |keychain, index| {
        request::SignMessage::try_from(proto::SignMessageRequest {
            keychain,
            index,
            ..(&sample::sign_message()).into()
        })
        .map(|sign| sign.path)
    };
    assert_eq!(address(1, (1 << 31) - 1), Ok([1, (1 << 31) - 1]));
    for (keychain, index) in [(2, 0), (u32::MAX, 0), (0, 1 << 31), (0, u32::MAX)] {
        assert_eq!(address(keychain, index).unwrap_err().problem, Problem::Range);
    }

    let epoch = |number| {
        let mut message = proto::SignRequest::from(&sample::sign());
        message.epoch.modify(|epoch| epoch.number = number);
        request::Sign::try_from(message).unwrap().epoch.number
    };
    assert_eq!((epoch(0), epoch(u32::MAX)), (0, u32::MAX));
}

#[rstest]
#[case::identity(vec![0; 66])]
#[case::uncompressed([vec![4; 33], vec![4; 33]].concat())]
#[case::not_on_the_curve([vec![2], vec![0xff; 32], vec![2], vec![0xff; 32]].concat())]
fn p01_a_commitment_that_is_no_point_is_malformed(#[case] bytes: Vec<u8>) {
    let sign = refused(&sample::sign(), |m: &mut proto::SignRequest| {
        m.commitments[0] = bytes.clone();
    });
    assert_eq!(sign, ("commitments", Problem::Canonical));
    let test = refused(&sample::test_sign(), |m: &mut proto::TestSignRequest| {
        m.commitment = bytes.clone();
    });
    assert_eq!(test, ("commitment", Problem::Canonical));
    let text = refused(&sample::sign_message(), |m: &mut proto::SignMessageRequest| {
        m.commitment = bytes.clone();
    });
    assert_eq!(text, ("commitment", Problem::Canonical));
}

#[test]
fn bytes_that_are_no_checkpoint_are_malformed() {
    let noise = refused(&sample::rename_wallet(), |m: &mut proto::RenameWalletRequest| {
        m.checkpoint.fill(0xff);
    });
    assert_eq!(noise, ("checkpoint", Problem::Canonical));
}

#[test]
fn a17_what_is_malformed_is_an_invalid_argument_that_names_the_field() {
    let refusal = Refusal::from(Malformed::new("unlock.key_id", Problem::Length(8)));
    assert_eq!(refusal.reason, Reason::Malformed);
    assert_eq!(refusal.reason.code(), twofold_api::Code::InvalidArgument);
    assert_eq!(refusal.message, "`unlock.key_id` must have 8 bytes");
}

/// Any bytes, and a good message with some bytes changed, cut out or doubled.
fn noise(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        (Just(good.clone()), place(), any::<u8>()).prop_map(|(mut bytes, place, byte)| {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            bytes
        }),
        (Just(good), place(), place()).prop_map(|(bytes, from, to)| {
            let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
            [&bytes[..from], &bytes[to..]].concat()
        }),
    ]
}

/// Whatever is taken can be sent again.
fn take<M, R>(bytes: &[u8])
where
    M: Message + for<'a> From<&'a R>,
    R: TryFrom<M, Error = Malformed> + Debug,
{
    if let Ok(request) = M::decode_from_slice(bytes).map(R::try_from)
        && let Ok(request) = request
    {
        assert_eq!(format!("{:?}", sent::<M, R>(&request)), format!("{request:?}"));
    }
}

proptest! {
    #[test]
    fn a17_no_bytes_make_a_request_panic(
        sign in noise(proto::SignRequest::from(&sample::sign()).encode_to_vec()),
        sync in noise(proto::SyncRequest::from(&sample::sync()).encode_to_vec()),
        begin in noise(proto::BeginCreateRequest::from(&sample::begin_create()).encode_to_vec()),
        text in noise(proto::SignMessageRequest::from(&sample::sign_message()).encode_to_vec()),
        rename in noise(proto::RenameWalletRequest::from(&sample::rename_wallet()).encode_to_vec()),
    ) {
        for bytes in [&sign, &sync, &begin, &text, &rename] {
            take::<proto::JoinRequest, request::Join>(bytes);
            take::<proto::HelloRequest, request::Hello>(bytes);
            take::<proto::BeginCreateRequest, request::BeginCreate>(bytes);
            take::<proto::FinishCreateRequest, request::FinishCreate>(bytes);
            take::<proto::TestSignRequest, request::TestSign>(bytes);
            take::<proto::ActivateRequest, request::Activate>(bytes);
            take::<proto::ListWalletsRequest, request::ListWallets>(bytes);
            take::<proto::GetWalletRequest, request::GetWallet>(bytes);
            take::<proto::RenameWalletRequest, request::RenameWallet>(bytes);
            take::<proto::SignRequest, request::Sign>(bytes);
            take::<proto::SignMessageRequest, request::SignMessage>(bytes);
            take::<proto::BroadcastRequest, request::Broadcast>(bytes);
            take::<proto::SyncRequest, request::Sync>(bytes);
            take::<proto::EstimateFeesRequest, request::EstimateFees>(bytes);
            take::<proto::GetAuditRequest, request::GetAudit>(bytes);
            take::<proto::DeriveAddressRequest, request::DeriveAddress>(bytes);
            take::<proto::LiftFenceRequest, request::LiftFence>(bytes);
            take::<proto::ChangeDevicesRequest, request::ChangeDevices>(bytes);
            take::<proto::SetFreezeRequest, request::SetFreeze>(bytes);
            take::<proto::CancelChangeRequest, request::CancelChange>(bytes);
            take::<proto::GetShapeRequest, request::GetShape>(bytes);
            take::<proto::InviteDeviceRequest, request::InviteDevice>(bytes);
            take::<proto::RenameDeviceRequest, request::RenameDevice>(bytes);
            take::<proto::GetRecoveryRequest, request::GetRecovery>(bytes);
            take::<proto::AskRecoveryRequest, request::AskRecovery>(bytes);
            take::<proto::RecoverRequest, request::Recover>(bytes);
            take::<proto::RepairRecoveryRequest, request::RepairRecovery>(bytes);
            take::<proto::ReplaceRecoveryRequest, request::ReplaceRecovery>(bytes);
            take::<proto::RepairServerRequest, request::RepairServer>(bytes);
            take::<proto::ConfirmChangeRequest, request::ConfirmChange>(bytes);
            take::<proto::FindWalletsRequest, request::FindWallets>(bytes);
            take::<proto::FindAddressesRequest, request::FindAddresses>(bytes);
            take::<proto::PairDeviceRequest, request::PairDevice>(bytes);
            take::<proto::RollForwardRequest, request::RollForward>(bytes);
        }
    }
}
