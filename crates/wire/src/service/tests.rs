//! The service behind the framework's own front, and the dispatcher by itself.

mod encodings;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use connectrpc::{CodecFormat, ConnectRpcService, Dispatcher, Payload, RequestContext};
use futures::{executor::block_on, stream::StreamExt as _};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use tower::ServiceExt;
use twofold_api::{
    procedure::Kind,
    reason::{Reason, Refusal},
    reply, request,
};

use super::{Events, Procedures, Service, decode_bytes};
use crate::{METHODS, client, proto, sample, stream};
use twofold_api::limits::{BROUGHT_BYTES, BROUGHT_ENTRIES, FORWARD_BYTES};
use twofold_threshold::{
    device_list::{MAX_ENTRIES, MAX_ENTRY},
    package::MAX_LINKS,
};

/// Answers everything with a sample, and notes what was asked.
#[derive(Debug, Default)]
struct Echo {
    asked: Mutex<Vec<String>>,
    refuse: Option<Reason>,
}

macro_rules! echo {
    ($($method:ident: $request:ident -> $reply:ident, $sample:ident;)*) => {
        impl Service for Echo {
            $(async fn $method(&self, _: RequestContext, request: request::$request) -> Result<reply::$reply, Refusal> {
                self.asked.lock().unwrap().push(format!("{request:?}"));
                match self.refuse {
                    Some(reason) => Err(Refusal::from(reason).retry_after(3)),
                    None => Ok(sample::$sample()),
                }
            })*

            async fn watch(&self, _: RequestContext, request: request::Watch) -> Result<Events<reply::Pulse>, Refusal> {
                self.asked.lock().unwrap().push(format!("{request:?}"));
                let end = self.refuse.map(|reason| Err(Refusal::from(reason).retry_after(3)));
                let told = [Ok(sample::pulse()), Ok(sample::pulse())].into_iter().chain(end);
                Ok(futures::stream::iter(told).boxed())
            }
        }
    };
}

echo! {
    join: Join -> Joined, joined;
    hello: Hello -> Greeting, greeting;
    begin_create: BeginCreate -> CreateBegun, create_begun;
    finish_create: FinishCreate -> CreateFinished, create_finished;
    test_sign: TestSign -> TestSigned, test_signed;
    activate: Activate -> Done, done;
    list_wallets: ListWallets -> Wallets, wallets;
    get_wallet: GetWallet -> Wallet, wallet;
    rename_wallet: RenameWallet -> Done, done;
    sign: Sign -> Signed, signed;
    sign_message: SignMessage -> Signed, signed;
    broadcast: Broadcast -> Sent, sent;
    sync: Sync -> Synced, synced;
    estimate_fees: EstimateFees -> Fees, fees;
    get_audit: GetAudit -> Audit, audit;
    derive_address: DeriveAddress -> Derived, derived;
    change_devices: ChangeDevices -> Asked, asked;
    set_freeze: SetFreeze -> Asked, asked;
    cancel_change: CancelChange -> Done, done;
    get_shape: GetShape -> Shape, shape;
    invite_device: InviteDevice -> DeviceInvited, device_invited;
    rename_device: RenameDevice -> Done, done;
    lift_fence: LiftFence -> Done, done;
    get_recovery: GetRecovery -> Recovery, recovery;
    ask_recovery: AskRecovery -> Asked, asked;
    recover: Recover -> Recovered, recovered;
    begin_refresh: BeginRefresh -> RefreshBegun, refresh_begun;
    finish_refresh: FinishRefresh -> RefreshFinished, refresh_finished;
    repair_recovery: RepairRecovery -> Recovered, recovered;
    replace_recovery: ReplaceRecovery -> Done, done;
    repair_server: RepairServer -> Done, done;
    confirm_change: ConfirmChange -> Done, done;
    find_wallets: FindWallets -> Wallets, wallets;
    find_addresses: FindAddresses -> Addresses, addresses;
    pair_device: PairDevice -> Pairing, pairing;
    roll_forward: RollForward -> Done, done;
}

/// One call through the framework's own front, as Connect.
fn post(echo: &Arc<Echo>, path: &str, content_type: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let service = ConnectRpcService::new(Procedures::new(Arc::clone(echo)));
    let request = http::Request::post(path)
        .header("content-type", content_type)
        .body(Full::new(Bytes::copy_from_slice(body)))
        .unwrap();
    block_on(async {
        let response = service.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (
            status,
            response.into_body().collect().await.unwrap().to_bytes().to_vec(),
        )
    })
}

fn call<R: client::Call + core::fmt::Debug>(request: &R) -> R::Reply {
    let echo = Arc::new(Echo::default());
    let (path, body) = client::encode(request);
    let (status, answer) = post(&echo, path, client::CONTENT_TYPE, &body);
    assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&answer));
    assert_eq!(*echo.asked.lock().unwrap(), [format!("{request:?}")], "{path}");
    client::decode::<R>(&answer).unwrap()
}

#[test]
fn a_client_and_a_server_understand_each_other_in_every_procedure() {
    assert_eq!(call(&sample::join()), sample::joined());
    assert_eq!(call(&request::Hello), sample::greeting());
    assert_eq!(call(&sample::begin_create()), sample::create_begun());
    assert_eq!(call(&sample::finish_create()), sample::create_finished());
    assert_eq!(call(&sample::test_sign()), sample::test_signed());
    assert_eq!(call(&sample::activate()), sample::done());
    assert_eq!(call(&request::ListWallets::default()), sample::wallets());
    assert_eq!(call(&sample::get_wallet()), sample::wallet());
    assert_eq!(call(&sample::rename_wallet()), sample::done());
    assert_eq!(call(&sample::sign()), sample::signed());
    assert_eq!(call(&sample::sign_message()), sample::signed());
    assert_eq!(call(&sample::broadcast()), sample::sent());
    assert_eq!(call(&sample::begin_refresh()), sample::refresh_begun());
    assert_eq!(call(&sample::finish_refresh()), sample::refresh_finished());
    assert_eq!(call(&sample::pair_device()), sample::pairing());
    assert_eq!(call(&sample::roll_forward()), sample::done());
    assert_eq!(call(&sample::sync()), sample::synced());
    assert_eq!(call(&sample::estimate_fees()), sample::fees());
    assert_eq!(call(&sample::get_audit()), sample::audit());
    assert_eq!(call(&sample::derive_address()), sample::derived());
    assert_eq!(call(&sample::change_devices()), sample::asked());
    assert_eq!(call(&sample::set_freeze()), sample::asked());
    assert_eq!(call(&sample::cancel_change()), sample::done());
    assert_eq!(call(&sample::get_shape()), sample::shape());
    assert_eq!(call(&sample::invite_device()), sample::device_invited());
    assert_eq!(call(&sample::rename_device()), sample::done());
    assert_eq!(call(&sample::get_recovery()), sample::recovery());
    assert_eq!(call(&sample::ask_recovery()), sample::asked());
    assert_eq!(call(&sample::recover()), sample::recovered());
    assert_eq!(call(&sample::repair_recovery()), sample::recovered());
    assert_eq!(call(&sample::replace_recovery()), sample::done());
    assert_eq!(call(&sample::repair_server()), sample::done());
    assert_eq!(call(&sample::confirm_change()), sample::done());
    assert_eq!(call(&sample::find_wallets()), sample::wallets());
    assert_eq!(call(&sample::find_addresses()), sample::addresses());
}

/// What a stream over the framework's own front brought.
fn watched(refuse: Option<Reason>, pieces: usize) -> (Vec<reply::Pulse>, Option<Result<(), Refusal>>) {
    let echo = Arc::new(Echo {
        refuse,
        ..Echo::default()
    });
    let (path, body) = client::encode(&sample::watch());
    let body = stream::envelope(&body);
    let (status, answer) = post(&echo, path, stream::CONTENT_TYPE, &body);
    assert_eq!(status, 200);
    assert_eq!(*echo.asked.lock().unwrap(), [format!("{:?}", sample::watch())]);
    let (mut frames, mut told) = (stream::Frames::default(), Vec::new());
    for piece in answer.chunks(answer.len().div_ceil(pieces)) {
        frames.push(piece).unwrap();
        while let Some(frame) = frames.pop().unwrap() {
            match frame {
                stream::Frame::Message(bytes) => told.push(client::decode::<request::Watch>(&bytes).unwrap()),
                stream::Frame::End(end) => return (told, Some(end)),
            }
        }
    }
    (told, None)
}

#[test]
fn a_stream_brings_each_event_and_then_its_end_however_it_is_cut() {
    for pieces in [1, 2, 7, 50, 1_000] {
        assert_eq!(watched(None, pieces), (vec![sample::pulse(); 2], Some(Ok(()))));
        let refusal = Refusal::from(Reason::ShuttingDown);
        let (told, end) = watched(Some(Reason::ShuttingDown), pieces);
        assert_eq!((told.len(), end.unwrap().unwrap_err().reason), (2, refusal.reason));
    }
}

#[test]
fn json_gets_the_same_answer_as_protobuf() {
    let echo = Arc::new(Echo::default());
    let message = proto::SyncRequest::from(&sample::sync());
    let json = serde_json::to_vec(&message).unwrap();
    let (status, answer) = post(&echo, "/twofold.v1.CosignerService/Sync", "application/json", &json);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    assert_eq!(*echo.asked.lock().unwrap(), [format!("{:?}", sample::sync())]);
    let reply = serde_json::from_slice::<proto::SyncReply>(&answer).unwrap();
    assert_eq!(reply::Synced::try_from(reply), Ok(sample::synced()));
}

#[test]
fn a_reply_in_json_looks_as_the_documentation_says() {
    let echo = Arc::new(Echo::default());
    let (_, answer) = post(
        &echo,
        "/twofold.v1.CosignerService/Sync",
        "application/json",
        &good_json(),
    );
    insta::assert_json_snapshot!(serde_json::from_slice::<Value>(&answer).unwrap());
}

fn good_json() -> Vec<u8> {
    serde_json::to_vec(&proto::SyncRequest::from(&sample::sync())).unwrap()
}

#[test]
fn a_refusal_reaches_the_client_with_all_it_says() {
    let echo = Arc::new(Echo {
        refuse: Some(Reason::StaleEpoch),
        ..Echo::default()
    });
    let (path, body) = client::encode(&sample::sign());
    let (status, answer) = post(&echo, path, client::CONTENT_TYPE, &body);
    assert_eq!(status, 400);
    assert_eq!(
        client::decode_error(status, &answer),
        Ok(Refusal::from(Reason::StaleEpoch).retry_after(3))
    );
}

/// What a server answers to a JSON body that is not as it should be; the service must not have been asked.
fn refused(body: &[u8], content_type: &str) -> Refusal {
    let echo = Arc::new(Echo::default());
    let (status, answer) = post(&echo, "/twofold.v1.CosignerService/Sync", content_type, body);
    assert!(echo.asked.lock().unwrap().is_empty());
    assert_eq!(status, 400, "{}", String::from_utf8_lossy(&answer));
    client::decode_error(status, &answer).unwrap()
}

#[rstest]
#[case::unknown_field(json!({ "revealed": 5 }))]
#[case::mistyped_field(json!({ "Cursor": "5" }))]
#[case::unknown_field_inside(json!({ "locator": [{ "height": 1, "hash": "", "work": "1" }] }))]
#[case::number_past_its_type(json!({ "revealedExternal": 4_294_967_296_u64 }))]
#[case::negative_number(json!({ "cursor": "-1" }))]
#[case::fraction(json!({ "cursor": 1.5 }))]
#[case::number_past_u64(json!({ "cursor": "18446744073709551616" }))]
#[case::infinity(json!({ "cursor": "Infinity" }))]
#[case::text_that_is_no_base64(json!({ "wallet": "\u{202e}\u{1f4b0}" }))]
#[case::list_for_text(json!({ "wallet": ["a"] }))]
#[case::text_for_list(json!({ "locator": "a" }))]
#[case::wallet_too_short(json!({ "wallet": "AAAA" }))]
fn a31_json_that_is_not_as_described_is_an_invalid_argument(#[case] change: Value) {
    let mut body = serde_json::from_slice::<Value>(&good_json()).unwrap();
    body.as_object_mut()
        .unwrap()
        .extend(change.as_object().unwrap().clone());
    assert_eq!(
        refused(body.to_string().as_bytes(), "application/json").reason,
        Reason::Malformed
    );
}

#[rstest]
#[case::nothing("")]
#[case::no_object("[]")]
#[case::null("null")]
#[case::cut_short("{\"wallet\":")]
#[case::trailing("{} {}")]
#[case::same_field_twice("{\"cursor\":\"1\",\"cursor\":\"2\"}")]
#[case::control_character("{\"wallet\":\"\u{0}\"}")]
fn a17_text_that_is_no_such_json_is_an_invalid_argument(#[case] body: &str) {
    assert_eq!(refused(body.as_bytes(), "application/json").reason, Reason::Malformed);
}

#[test]
fn a17_json_nested_without_end_is_an_invalid_argument() {
    let body = format!("{{\"locator\":{}", "[".repeat(100_000));
    assert_eq!(refused(body.as_bytes(), "application/json").reason, Reason::Malformed);
}

#[test]
fn a_field_that_a_server_does_not_know_is_refused_in_protobuf_too() {
    let (_, good) = client::encode(&sample::sync());
    // Field 100 of the message, a varint.
    let outer = [good.as_slice(), &[0xa0, 0x06, 0x01]].concat();
    assert_eq!(refused(&outer, "application/proto").reason, Reason::Malformed);
    // A block with a field 100.
    let inner = [good.as_slice(), &[0x1a, 0x03, 0xa0, 0x06, 0x01]].concat();
    assert_eq!(refused(&inner, "application/proto").reason, Reason::Malformed);
    assert_eq!(refused(&[0xff; 20], "application/proto").reason, Reason::Malformed);
}

#[test]
fn a31_text_that_is_no_utf8_is_an_invalid_argument() {
    let mut message = proto::JoinRequest::from(&sample::join());
    message.device_name = "AAAA".into();
    let mut body = buffa::Message::encode_to_vec(&message);
    let place = body.windows(4).position(|window| window == b"AAAA").unwrap();
    body[place] = 0xff;
    let fault = decode_bytes::<proto::JoinRequest, request::Join>(&body, CodecFormat::Proto).unwrap_err();
    assert_eq!(fault.reason, Reason::Malformed);
}

#[test]
fn the_dispatcher_knows_the_tables_procedures_and_no_other() {
    let procedures = Procedures::new(Arc::new(Echo::default()));
    for method in METHODS {
        let found = procedures.lookup(&method.path[1..]).unwrap();
        assert_eq!(found.spec.unwrap().procedure, method.path);
        let context = RequestContext::new(http::HeaderMap::new());
        let bytes = Bytes::from_static(b"\xff");
        let error = if method.kind == Kind::Stream {
            block_on(procedures.call_server_streaming(&method.path[1..], context, bytes, CodecFormat::Proto)).err()
        } else {
            let payload = Payload::new(bytes, CodecFormat::Proto);
            block_on(procedures.call_unary(&method.path[1..], context, payload, CodecFormat::Proto)).err()
        };
        // It went to the procedure and was refused there, rather than not found.
        assert_eq!(error.unwrap().code.as_str(), "invalid_argument", "{}", method.path);
    }
    for path in [
        "",
        "twofold.v1.CosignerService/",
        "twofold.v1.CosignerService/sign",
        "/twofold.v1.CosignerService/Sign",
    ] {
        assert!(procedures.lookup(path).is_none(), "{path}");
    }
    let (status, _) = post(
        &Arc::new(Echo::default()),
        "/twofold.v1.CosignerService/Nothing",
        "application/proto",
        b"",
    );
    assert_eq!(status, 404);
}

proptest! {
    #[test]
    fn a17_no_body_makes_the_server_panic_or_blame_itself(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut mutated = good_json();
        let place = place.index(mutated.len());
        mutated[place] = byte;
        for format in [CodecFormat::Proto, CodecFormat::Json] {
            for body in [&bytes, &mutated] {
                if let Err(refusal) = decode_bytes::<proto::SyncRequest, request::Sync>(body, format) {
                    prop_assert_eq!(refusal.reason, Reason::Malformed);
                }
                if let Err(refusal) = decode_bytes::<proto::SignRequest, request::Sign>(body, format) {
                    prop_assert_eq!(refusal.reason, Reason::Malformed);
                }
            }
        }
    }
}

#[test]
fn s23_as_many_refreshes_as_a_wallet_may_have_fit_what_a_device_brings_back() {
    let long = |count: usize, each: usize| vec![vec![7; each]; count];
    let most = request::RollForward {
        entries: long(BROUGHT_ENTRIES, BROUGHT_BYTES / BROUGHT_ENTRIES),
        device_list: long(MAX_ENTRIES, MAX_ENTRY),
        // Of a wallet with all the devices that it may have, as they are kept for recovery.
        links: long(MAX_LINKS, 4_000),
        kept: vec![7; 1_024],
        package: vec![7; 1_024],
        ..sample::roll_forward()
    };
    let bytes = buffa::Message::encode_to_vec(&proto::RollForwardRequest::from(&most));
    assert!(bytes.len() <= FORWARD_BYTES, "{} bytes", bytes.len());
    let read = decode_bytes::<proto::RollForwardRequest, request::RollForward>(&bytes, CodecFormat::Proto);
    assert_eq!(read.unwrap().links.len(), MAX_LINKS);
}
