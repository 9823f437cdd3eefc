//! The server's half: implement [`Service`] over plain types, wrap it in [`Procedures`], and give that to the framework.
//!
//! [`Procedures`] decodes what arrives in Connect, gRPC or gRPC-Web, as protobuf or JSON, checks it, calls the service,
//! and encodes the reply or the refusal. Fields that are not known here are refused in both encodings. It decodes only
//! when it is called, so an interceptor that refuses a request does so before its message is looked at.

use std::{future::Future, sync::Arc};

use buffa::{DecodeOptions, Message};
use bytes::Bytes;
use connectrpc::{
    CodecFormat, ConnectError, Dispatcher, EncodedBody, Payload, RequestContext, Response, Spec, StreamType,
    dispatcher::{MethodDescriptor, RequestStream, StreamingResult, UnaryResult},
};
use futures::stream::{BoxStream, StreamExt as _};
use serde::{Serialize, de::DeserializeOwned};
use twofold_api::{
    limits::{BODY_BYTES, FORWARD_BYTES},
    procedure::Kind,
    reason::{Reason, Refusal},
    reply, request,
};

use crate::{
    error::connect,
    malformed::{Malformed, Problem},
    methods::{METHODS, procedure_path},
    proto,
};

/// The service's name in the protocols, as health checks name it.
pub const NAME: &str = "twofold.v1.CosignerService";

/// What a stream tells, one after the other. A refusal is its end.
pub type Events<T> = BoxStream<'static, Result<T, Refusal>>;

macro_rules! service {
    (
        unary { $($name:ident, $method:ident: $request:ident -> $reply:ident, $answer:ident;)* }
        streams { $($stream:ident, $open:ident: $asked:ident -> $event:ident, $told:ident;)* }
    ) => {
        /// What a server does for each procedure. `context` holds headers, deadline and what layers in front put into
        /// its extensions, such as who asks.
        pub trait Service: Send + Sync + 'static {
            $(
                #[doc = concat!("Answers [`request::", stringify!($name), "`].")]
                fn $method(
                    &self,
                    context: RequestContext,
                    request: request::$name,
                ) -> impl Future<Output = Result<reply::$answer, Refusal>> + Send;
            )*
            $(
                #[doc = concat!("Answers [`request::", stringify!($stream), "`], until the stream ends or is dropped.")]
                fn $open(
                    &self,
                    context: RequestContext,
                    request: request::$stream,
                ) -> impl Future<Output = Result<Events<reply::$told>, Refusal>> + Send;
            )*
        }

        /// Reads a request to the procedure at `path`, and says how our own client would have sent it: for fuzzing, which
        /// wants to be at every message and at nothing behind it. None where there is no such procedure.
        #[doc(hidden)]
        #[must_use]
        pub fn reread(path: &str, bytes: &[u8], json: bool) -> Option<Result<Vec<u8>, Refusal>> {
            let format = if json { CodecFormat::Json } else { CodecFormat::Proto };
            $(
                if path == procedure_path!($name) {
                    let read = decode_bytes::<proto::$request, request::$name>(bytes, format);
                    return Some(read.map(|request| proto::$request::from(&request).encode_to_vec()));
                }
            )*
            $(
                if path == procedure_path!($stream) {
                    let read = decode_bytes::<proto::$asked, request::$stream>(bytes, format);
                    return Some(read.map(|request| proto::$asked::from(&request).encode_to_vec()));
                }
            )*
            None
        }

        impl<S: Service> Dispatcher for Procedures<S> {
            fn lookup(&self, path: &str) -> Option<MethodDescriptor> {
                let method = METHODS.iter().find(|method| method.path.strip_prefix('/') == Some(path))?;
                Some(match method.kind {
                    Kind::Stream => MethodDescriptor::server_streaming()
                        .with_spec(Spec::server(method.path, StreamType::ServerStream)),
                    _ => MethodDescriptor::unary(false).with_spec(Spec::server(method.path, StreamType::Unary)),
                })
            }

            fn call_unary(
                &self,
                path: &str,
                context: RequestContext,
                payload: Payload,
                format: CodecFormat,
            ) -> UnaryResult {
                let service = Arc::clone(&self.0);
                $(
                    if Some(path) == procedure_path!($name).strip_prefix('/') {
                        return Box::pin(async move {
                            let request = decode::<proto::$request, request::$name>(&payload, format)?;
                            drop(payload);
                            let reply = service.$method(context, request).await.map_err(|refusal| connect(&refusal))?;
                            encode(&proto::$reply::from(reply), format)
                        });
                    }
                )*
                no_such(path)
            }

            fn call_server_streaming(
                &self,
                path: &str,
                context: RequestContext,
                message: Bytes,
                format: CodecFormat,
            ) -> StreamingResult {
                let service = Arc::clone(&self.0);
                $(
                    if Some(path) == procedure_path!($stream).strip_prefix('/') {
                        return Box::pin(async move {
                            let request = decode_bytes::<proto::$asked, request::$stream>(&message, format)
                                .map_err(|refusal| connect(&refusal))?;
                            drop(message);
                            let events = service.$open(context, request).await.map_err(|refusal| connect(&refusal))?;
                            let encoded = events.map(move |event| {
                                let event = event.map_err(|refusal| connect(&refusal))?;
                                encode_body(&proto::$event::from(event), format)
                            });
                            Ok(Response::new(encoded.boxed()))
                        });
                    }
                )*
                no_such(path)
            }

            fn call_client_streaming(
                &self,
                path: &str,
                _: RequestContext,
                _: RequestStream,
                _: CodecFormat,
            ) -> UnaryResult {
                no_such(path)
            }

            fn call_bidi_streaming(
                &self,
                path: &str,
                _: RequestContext,
                _: RequestStream,
                _: CodecFormat,
            ) -> StreamingResult {
                no_such(path)
            }
        }
    };
}

/// A service as the framework takes it: `ConnectRpcService::new(Procedures::new(service))`.
#[derive(Debug)]
pub struct Procedures<S>(Arc<S>);

impl<S: Service> Procedures<S> {
    /// Wraps a service.
    #[must_use]
    pub const fn new(service: Arc<S>) -> Self {
        Self(service)
    }
}

impl<S> Clone for Procedures<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

service! {
    unary {
        Join, join: JoinRequest -> JoinReply, Joined;
        Hello, hello: HelloRequest -> HelloReply, Greeting;
        BeginCreate, begin_create: BeginCreateRequest -> BeginCreateReply, CreateBegun;
        FinishCreate, finish_create: FinishCreateRequest -> FinishCreateReply, CreateFinished;
        TestSign, test_sign: TestSignRequest -> TestSignReply, TestSigned;
        Activate, activate: ActivateRequest -> ActivateReply, Done;
        ListWallets, list_wallets: ListWalletsRequest -> ListWalletsReply, Wallets;
        GetWallet, get_wallet: GetWalletRequest -> GetWalletReply, Wallet;
        RenameWallet, rename_wallet: RenameWalletRequest -> RenameWalletReply, Done;
        Sign, sign: SignRequest -> SignReply, Signed;
        SignMessage, sign_message: SignMessageRequest -> SignMessageReply, Signed;
        Broadcast, broadcast: BroadcastRequest -> BroadcastReply, Sent;
        Sync, sync: SyncRequest -> SyncReply, Synced;
        EstimateFees, estimate_fees: EstimateFeesRequest -> EstimateFeesReply, Fees;
        GetAudit, get_audit: GetAuditRequest -> GetAuditReply, Audit;
        DeriveAddress, derive_address: DeriveAddressRequest -> DeriveAddressReply, Derived;
        ChangeDevices, change_devices: ChangeDevicesRequest -> ChangeDevicesReply, Asked;
        SetFreeze, set_freeze: SetFreezeRequest -> SetFreezeReply, Asked;
        CancelChange, cancel_change: CancelChangeRequest -> CancelChangeReply, Done;
        GetShape, get_shape: GetShapeRequest -> GetShapeReply, Shape;
        InviteDevice, invite_device: InviteDeviceRequest -> InviteDeviceReply, DeviceInvited;
        RenameDevice, rename_device: RenameDeviceRequest -> RenameDeviceReply, Done;
        LiftFence, lift_fence: LiftFenceRequest -> LiftFenceReply, Done;
        GetRecovery, get_recovery: GetRecoveryRequest -> GetRecoveryReply, Recovery;
        AskRecovery, ask_recovery: AskRecoveryRequest -> AskRecoveryReply, Asked;
        Recover, recover: RecoverRequest -> RecoverReply, Recovered;
        BeginRefresh, begin_refresh: BeginRefreshRequest -> BeginRefreshReply, RefreshBegun;
        FinishRefresh, finish_refresh: FinishRefreshRequest -> FinishRefreshReply, RefreshFinished;
        RepairRecovery, repair_recovery: RepairRecoveryRequest -> RepairRecoveryReply, Recovered;
        ReplaceRecovery, replace_recovery: ReplaceRecoveryRequest -> ReplaceRecoveryReply, Done;
        PairDevice, pair_device: PairDeviceRequest -> PairDeviceReply, Pairing;
        RollForward, roll_forward: RollForwardRequest -> RollForwardReply, Done;
        RepairServer, repair_server: RepairServerRequest -> RepairServerReply, Done;
        ConfirmChange, confirm_change: ConfirmChangeRequest -> ConfirmChangeReply, Done;
        FindWallets, find_wallets: FindWalletsRequest -> FindWalletsReply, Wallets;
        FindAddresses, find_addresses: FindAddressesRequest -> FindAddressesReply, Addresses;
    }
    streams {
        Watch, watch: WatchRequest -> WatchEvent, Pulse;
    }
}

fn decode<M, R>(payload: &Payload, format: CodecFormat) -> Result<R, ConnectError>
where
    M: Message + DeserializeOwned,
    R: TryFrom<M, Error = Malformed>,
{
    let bytes = payload.encoded()?;
    decode_bytes::<M, R>(&bytes, format).map_err(|refusal| connect(&refusal))
}

/// Bytes that came from anyone, to a request.
fn decode_bytes<M, R>(bytes: &[u8], format: CodecFormat) -> Result<R, Refusal>
where
    M: Message + DeserializeOwned,
    R: TryFrom<M, Error = Malformed>,
{
    let message = match format {
        CodecFormat::Proto => DecodeOptions::new()
            .with_max_message_size(FORWARD_BYTES)
            .with_recursion_limit(4)
            .with_unknown_field_limit(0)
            .with_element_memory_limit(4 * bytes.len().max(BODY_BYTES))
            .decode_from_slice::<M>(bytes)
            .map_err(|_| Malformed::new("message", Problem::Encoding).into()),
        CodecFormat::Json => serde_json::from_slice::<M>(bytes)
            .map_err(|fault| Refusal::new(Reason::Malformed, format!("the JSON can't be read: {fault}"))),
        _ => Err(Refusal::new(Reason::Malformed, "this encoding is not known here")),
    }?;
    Ok(R::try_from(message)?)
}

fn encode<M: Message + Serialize>(message: &M, format: CodecFormat) -> Result<Response<EncodedBody>, ConnectError> {
    encode_body(message, format).map(Response::new)
}

fn encode_body<M: Message + Serialize>(message: &M, format: CodecFormat) -> Result<EncodedBody, ConnectError> {
    let bytes = match format {
        CodecFormat::Json => serde_json::to_vec(message)
            .map_err(|_| connect(&Reason::Internal.into()))?
            .into(),
        _ => message.encode_to_bytes(),
    };
    Ok(EncodedBody::from(bytes))
}

/// What the framework asks only for procedures that [`Dispatcher::lookup`] does not know.
fn no_such<T: Send + 'static>(path: &str) -> std::pin::Pin<Box<dyn Future<Output = Result<T, ConnectError>> + Send>> {
    let error = ConnectError::unimplemented(format!("there is no procedure {path}"));
    Box::pin(async move { Err(error) })
}

#[cfg(test)]
mod tests;
