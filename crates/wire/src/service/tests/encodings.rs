//! One service, four encodings: Connect as JSON and as protobuf, gRPC, gRPC-Web. Whoever asks in whichever hears the same.

use core::fmt::Debug;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use buffa::{DecodeOptions, Message};
use http::HeaderMap;
use serde::{Serialize, de::DeserializeOwned};

use super::*;
use crate::{error::encode_detail, malformed::Malformed};

/// How a call is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    ConnectJson,
    ConnectProto,
    Grpc,
    GrpcWeb,
}

use Encoding::{ConnectJson, ConnectProto, Grpc, GrpcWeb};

const ENCODINGS: [Encoding; 4] = [ConnectJson, ConnectProto, Grpc, GrpcWeb];

/// What came back: the message's bytes, or code, message and detail of a refusal.
type Heard = Result<Vec<u8>, (String, String, Vec<u8>)>;

impl Encoding {
    const fn content_type(self) -> &'static str {
        match self {
            ConnectJson => "application/json",
            ConnectProto => "application/proto",
            Grpc => "application/grpc+proto",
            GrpcWeb => "application/grpc-web+proto",
        }
    }

    fn request<M: Message + Serialize>(self, message: &M) -> Vec<u8> {
        match self {
            ConnectJson => serde_json::to_vec(message).unwrap(),
            ConnectProto => message.encode_to_vec(),
            Grpc | GrpcWeb => envelope(0, &message.encode_to_vec()),
        }
    }

    fn reply<M: Message + DeserializeOwned>(self, bytes: &[u8]) -> M {
        match self {
            ConnectJson => serde_json::from_slice(bytes).unwrap(),
            _ => DecodeOptions::new().decode_from_slice(bytes).unwrap(),
        }
    }

    fn ask(self, echo: &Arc<Echo>, path: &str, body: Vec<u8>) -> Heard {
        let service = ConnectRpcService::new(Procedures::new(Arc::clone(echo)));
        let request = http::Request::post(path)
            .header("content-type", self.content_type())
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        block_on(async {
            let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
            let collected = body.collect().await.unwrap();
            let trailers = collected.trailers().cloned();
            let bytes = collected.to_bytes();
            match self {
                ConnectJson | ConnectProto if parts.status == 200 => Ok(bytes.to_vec()),
                ConnectJson | ConnectProto => Err(connect_error(&bytes)),
                Grpc => {
                    // An answer that is only a refusal may say so in its headers.
                    let told = trailers
                        .filter(|told| told.contains_key("grpc-status"))
                        .unwrap_or(parts.headers);
                    grpc(&told, &frames(&bytes))
                }
                GrpcWeb => {
                    let (trailers, data): (Vec<_>, Vec<_>) =
                        frames(&bytes).into_iter().partition(|(flags, _)| flags & 0x80 != 0);
                    let (_, told) = trailers.first().cloned().unwrap();
                    grpc(&headers(&told), &data)
                }
            }
        })
    }
}

fn envelope(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], message].concat()
}

fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let (message, rest) = rest.split_at(length as usize);
        frames.push((head[0], message.to_vec()));
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a frame");
    frames
}

fn headers(lines: &[u8]) -> HeaderMap {
    let lines = core::str::from_utf8(lines).unwrap();
    let pairs = lines.lines().filter_map(|line| line.split_once(':'));
    pairs
        .map(|(name, value)| {
            let name: http::HeaderName = name.trim().parse().unwrap();
            (name, value.trim().parse().unwrap())
        })
        .collect()
}

fn connect_error(body: &[u8]) -> (String, String, Vec<u8>) {
    let error: Value = serde_json::from_slice(body).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let detail = &error["details"][0];
    assert_eq!(detail["type"], "twofold.v1.ErrorDetail");
    let value = STANDARD_NO_PAD
        .decode(text(&detail["value"]).trim_end_matches('='))
        .unwrap();
    (text(&error["code"]), text(&error["message"]), value)
}

fn grpc(told: &HeaderMap, data: &[(u8, Vec<u8>)]) -> Heard {
    const NAMES: [&str; 17] = [
        "ok",
        "canceled",
        "unknown",
        "invalid_argument",
        "deadline_exceeded",
        "not_found",
        "already_exists",
        "permission_denied",
        "resource_exhausted",
        "failed_precondition",
        "aborted",
        "out_of_range",
        "unimplemented",
        "internal",
        "unavailable",
        "data_loss",
        "unauthenticated",
    ];
    let text = |name: &str| told.get(name).map(|value| value.to_str().unwrap().to_owned());
    let status: usize = text("grpc-status").unwrap().parse().unwrap();
    if status == 0 {
        let [(0, message)] = data else {
            panic!("one message: {data:?}");
        };
        return Ok(message.clone());
    }
    assert!(data.is_empty(), "a refusal and a message");
    let status_bytes = text("grpc-status-details-bin").unwrap();
    let status_bytes = STANDARD_NO_PAD.decode(status_bytes.trim_end_matches('=')).unwrap();
    // google.rpc.Status: message in field 2, details in field 3, of which field 2 is the detail itself.
    let message = String::from_utf8(field(&status_bytes, 2)).unwrap();
    let detail = field(&field(&status_bytes, 3), 2);
    Err((NAMES[status].to_owned(), message, detail))
}

/// The first field of that number that has a length.
fn field(mut message: &[u8], wanted: u64) -> Vec<u8> {
    fn varint(message: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }
    while !message.is_empty() {
        let tag = varint(&mut message);
        let kind = tag % 8;
        if kind == 0 {
            varint(&mut message);
            continue;
        }
        assert_eq!(kind, 2);
        let length = usize::try_from(varint(&mut message)).unwrap();
        let (field, rest) = message.split_at(length);
        if tag >> 3 == wanted {
            return field.to_vec();
        }
        message = rest;
    }
    panic!("no field {wanted}");
}

/// Asks for `request` in every encoding: the service is asked the same and each answers the same, and refuses alike.
fn the_same<M, R, N, A>(path: &str, request: &R, reply: &A)
where
    M: Message + Serialize + for<'a> From<&'a R>,
    R: Debug,
    N: Message + DeserializeOwned,
    A: TryFrom<N, Error = Malformed> + PartialEq + Debug,
{
    let message = M::from(request);
    for encoding in ENCODINGS {
        let echo = Arc::new(Echo::default());
        let heard = encoding.ask(&echo, path, encoding.request(&message));
        assert_eq!(
            *echo.asked.lock().unwrap(),
            [format!("{request:?}")],
            "{path}, {encoding:?}"
        );
        let bytes = heard.unwrap_or_else(|refusal| panic!("{path}, {encoding:?}: {refusal:?}"));
        assert_eq!(
            &A::try_from(encoding.reply::<N>(&bytes)).unwrap(),
            reply,
            "{path}, {encoding:?}"
        );
    }
    let echo = Arc::new(Echo {
        refuse: Some(Reason::StaleEpoch),
        ..Echo::default()
    });
    let refusal = Refusal::from(Reason::StaleEpoch).retry_after(3);
    let told = (
        "failed_precondition".to_owned(),
        refusal.message.clone().into_owned(),
        encode_detail(&refusal),
    );
    for encoding in ENCODINGS {
        let heard = encoding.ask(&echo, path, encoding.request(&message));
        assert_eq!(heard.err().as_ref(), Some(&told), "{path}, {encoding:?}");
    }
}

macro_rules! every_procedure {
    ($($name:ident: $request:ident -> $reply:ident, $asked:expr => $answered:ident;)*) => {
        const COVERED: &[&str] = &[$(crate::methods::procedure_path!($name)),*];

        #[test]
        fn a27_every_procedure_answers_and_refuses_the_same_in_every_encoding() {
            let unary = METHODS.iter().filter(|method| method.kind != Kind::Stream);
            assert!(unary.map(|method| method.path).all(|path| COVERED.contains(&path)), "a procedure is missing here");
            $(the_same::<proto::$request, _, proto::$reply, _>(
                crate::methods::procedure_path!($name),
                &$asked,
                &sample::$answered(),
            );)*
        }
    };
}

every_procedure! {
    Join: JoinRequest -> JoinReply, sample::join() => joined;
    Hello: HelloRequest -> HelloReply, request::Hello => greeting;
    BeginCreate: BeginCreateRequest -> BeginCreateReply, sample::begin_create() => create_begun;
    FinishCreate: FinishCreateRequest -> FinishCreateReply, sample::finish_create() => create_finished;
    TestSign: TestSignRequest -> TestSignReply, sample::test_sign() => test_signed;
    Activate: ActivateRequest -> ActivateReply, sample::activate() => done;
    ListWallets: ListWalletsRequest -> ListWalletsReply, request::ListWallets::default() => wallets;
    GetWallet: GetWalletRequest -> GetWalletReply, sample::get_wallet() => wallet;
    RenameWallet: RenameWalletRequest -> RenameWalletReply, sample::rename_wallet() => done;
    Sign: SignRequest -> SignReply, sample::sign() => signed;
    SignMessage: SignMessageRequest -> SignMessageReply, sample::sign_message() => signed;
    Broadcast: BroadcastRequest -> BroadcastReply, sample::broadcast() => sent;
    Sync: SyncRequest -> SyncReply, sample::sync() => synced;
    DeriveAddress: DeriveAddressRequest -> DeriveAddressReply, sample::derive_address() => derived;
    EstimateFees: EstimateFeesRequest -> EstimateFeesReply, sample::estimate_fees() => fees;
    GetAudit: GetAuditRequest -> GetAuditReply, sample::get_audit() => audit;
    ChangeDevices: ChangeDevicesRequest -> ChangeDevicesReply, sample::change_devices() => asked;
    SetFreeze: SetFreezeRequest -> SetFreezeReply, sample::set_freeze() => asked;
    CancelChange: CancelChangeRequest -> CancelChangeReply, sample::cancel_change() => done;
    GetShape: GetShapeRequest -> GetShapeReply, sample::get_shape() => shape;
    InviteDevice: InviteDeviceRequest -> InviteDeviceReply, sample::invite_device() => device_invited;
    RenameDevice: RenameDeviceRequest -> RenameDeviceReply, sample::rename_device() => done;
    LiftFence: LiftFenceRequest -> LiftFenceReply, sample::lift_fence() => done;
    GetRecovery: GetRecoveryRequest -> GetRecoveryReply, sample::get_recovery() => recovery;
    AskRecovery: AskRecoveryRequest -> AskRecoveryReply, sample::ask_recovery() => asked;
    Recover: RecoverRequest -> RecoverReply, sample::recover() => recovered;
    BeginRefresh: BeginRefreshRequest -> BeginRefreshReply, sample::begin_refresh() => refresh_begun;
    FinishRefresh: FinishRefreshRequest -> FinishRefreshReply, sample::finish_refresh() => refresh_finished;
    RepairRecovery: RepairRecoveryRequest -> RepairRecoveryReply, sample::repair_recovery() => recovered;
    ReplaceRecovery: ReplaceRecoveryRequest -> ReplaceRecoveryReply, sample::replace_recovery() => done;
    PairDevice: PairDeviceRequest -> PairDeviceReply, sample::pair_device() => pairing;
    RollForward: RollForwardRequest -> RollForwardReply, sample::roll_forward() => done;
    RepairServer: RepairServerRequest -> RepairServerReply, sample::repair_server() => done;
    ConfirmChange: ConfirmChangeRequest -> ConfirmChangeReply, sample::confirm_change() => done;
    FindWallets: FindWalletsRequest -> FindWalletsReply, sample::find_wallets() => wallets;
    FindAddresses: FindAddressesRequest -> FindAddressesReply, sample::find_addresses() => addresses;
}

/// What a stream brought: its messages, and the refusal that ended it.
type Told<M> = (Vec<M>, Option<(String, String, Vec<u8>)>);

impl Encoding {
    /// A stream's content type, in Connect's streaming form.
    const fn of_stream(self) -> &'static str {
        match self {
            ConnectJson => "application/connect+json",
            ConnectProto => "application/connect+proto",
            Grpc | GrpcWeb => self.content_type(),
        }
    }

    fn watch(self, echo: &Arc<Echo>) -> Told<proto::WatchEvent> {
        let service = ConnectRpcService::new(Procedures::new(Arc::clone(echo)));
        let message = proto::WatchRequest::from(&sample::watch());
        let body = match self {
            ConnectJson | ConnectProto => envelope(0, &self.request(&message)),
            Grpc | GrpcWeb => self.request(&message),
        };
        let request = http::Request::post(crate::methods::procedure_path!(Watch))
            .header("content-type", self.of_stream())
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let (parts, trailers, bytes) = block_on(async {
            let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
            let collected = body.collect().await.unwrap();
            let trailers = collected.trailers().cloned();
            (parts, trailers, collected.to_bytes())
        });
        assert_eq!(parts.status, 200);
        let (ends, events): (Vec<_>, Vec<_>) = frames(&bytes).into_iter().partition(|(flags, _)| *flags != 0);
        let events = events.iter().map(|(_, event)| self.reply(event)).collect();
        let refusal = match self {
            ConnectJson | ConnectProto => {
                let [(2, end)] = ends.as_slice() else {
                    panic!("one end: {ends:?}");
                };
                let end: Value = serde_json::from_slice(end).unwrap();
                end.get("error")
                    .map(|error| connect_error(error.to_string().as_bytes()))
            }
            Grpc => refusal(&trailers.unwrap()),
            GrpcWeb => refusal(&headers(&ends[0].1)),
        };
        (events, refusal)
    }
}

/// What trailers say, if it is not that all went well.
fn refusal(told: &HeaderMap) -> Option<(String, String, Vec<u8>)> {
    (told["grpc-status"] != "0").then(|| grpc(told, &[]).expect_err("a refusal"))
}

#[test]
fn a27_a_stream_tells_and_ends_the_same_in_every_encoding() {
    for encoding in ENCODINGS {
        let echo = Arc::new(Echo::default());
        let (events, end) = encoding.watch(&echo);
        assert_eq!(
            *echo.asked.lock().unwrap(),
            [format!("{:?}", sample::watch())],
            "{encoding:?}"
        );
        let events: Vec<_> = events
            .into_iter()
            .map(|event| reply::Pulse::try_from(event).unwrap())
            .collect();
        assert_eq!((events, end), (vec![sample::pulse(); 2], None), "{encoding:?}");
    }
    let refusal = Refusal::from(Reason::ShuttingDown).retry_after(3);
    let told = (
        "unavailable".to_owned(),
        refusal.message.clone().into_owned(),
        encode_detail(&refusal),
    );
    for encoding in ENCODINGS {
        let echo = Arc::new(Echo {
            refuse: Some(Reason::ShuttingDown),
            ..Echo::default()
        });
        let (events, end) = encoding.watch(&echo);
        assert_eq!((events.len(), end.as_ref()), (2, Some(&told)), "{encoding:?}");
    }
}

#[test]
fn a27_what_is_no_message_is_malformed_in_every_encoding() {
    for encoding in ENCODINGS {
        let garbage = match encoding {
            Grpc | GrpcWeb => envelope(0, &[0xff; 20]),
            _ => vec![0xff; 20],
        };
        let echo = Arc::new(Echo::default());
        let (code, _, detail) = encoding
            .ask(&echo, crate::methods::procedure_path!(Sync), garbage)
            .expect_err("refused");
        assert_eq!(code, "invalid_argument", "{encoding:?}");
        assert_eq!(field(&detail, 1), b"MALFORMED", "{encoding:?}");
        assert!(echo.asked.lock().unwrap().is_empty());
    }
}
