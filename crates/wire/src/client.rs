//! The client's half: a Connect unary call with protobuf bodies, without a runtime.
//!
//! Sign and send `POST {public URL}{path}` with the content type [`CONTENT_TYPE`] and the body that [`encode`] gives. A
//! reply with status 200 and that content type goes to [`decode`], any other to [`decode_error`].

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use buffa::{DecodeOptions, Message};
use twofold_api::{limits::REPLY_BYTES, procedure::Request, reason::Refusal, reply, request};

use crate::{
    error::{DETAIL, decode_detail},
    malformed::{Malformed, Problem},
    methods::procedure_path,
    proto,
};

/// Content type of requests and replies.
pub const CONTENT_TYPE: &str = "application/proto";

/// Base64 as Connect has it: without padding, though some put it there.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

mod sealed {
    use twofold_api::procedure::Request;

    use super::Malformed;

    /// How a request and its reply stand on the wire.
    pub trait Wire: Request {
        fn to_wire(&self) -> Vec<u8>;
        fn reply_from_wire(bytes: &[u8]) -> Result<Self::Reply, Malformed>;
    }
}

/// A request that can be sent.
pub trait Call: Request + sealed::Wire {
    /// The procedure's path, such as `/twofold.v1.CosignerService/Sign`.
    const PATH: &'static str;
}

/// The path to ask for and the body to send.
#[must_use]
pub fn encode<R: Call>(request: &R) -> (&'static str, Vec<u8>) {
    (R::PATH, request.to_wire())
}

/// Reads the reply to a request of type `R`, at most 8 MiB.
pub fn decode<R: Call>(body: &[u8]) -> Result<R::Reply, Malformed> {
    R::reply_from_wire(body)
}

/// An answer that no Twofold server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer (HTTP {status}) is not a Twofold server's: is the URL right, and is there a proxy in between?")]
pub struct Foreign {
    /// The HTTP status.
    pub status: u16,
}

/// Reads a refusal: Connect's JSON with our detail.
pub fn decode_error(status: u16, body: &[u8]) -> Result<Refusal, Foreign> {
    let read = || {
        let error = serde_json::from_slice::<serde_json::Value>(body).ok()?;
        let message = error
            .get("message")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        let details = error.get("details")?.as_array()?;
        let detail = details
            .iter()
            .find(|detail| detail.get("type").is_some_and(|name| name == DETAIL))?;
        decode_detail(message, &BASE64.decode(detail.get("value")?.as_str()?).ok()?)
    };
    // No refusal is as long as a reply may be.
    if body.len() > REPLY_BYTES / 64 {
        Err(Foreign { status })
    } else {
        read().ok_or(Foreign { status })
    }
}

fn decode_message<M: Message>(bytes: &[u8]) -> Result<M, Malformed> {
    DecodeOptions::new()
        .with_max_message_size(REPLY_BYTES)
        .with_recursion_limit(8)
        .decode_from_slice(bytes)
        .map_err(|_| Malformed::new("message", Problem::Encoding))
}

macro_rules! calls {
    ($($name:ident: $request:ident -> $reply:ident, $answer:ident;)*) => {$(
        impl sealed::Wire for request::$name {
            fn to_wire(&self) -> Vec<u8> {
                proto::$request::from(self).encode_to_vec()
            }

            fn reply_from_wire(bytes: &[u8]) -> Result<reply::$answer, Malformed> {
                decode_message::<proto::$reply>(bytes)?.try_into()
            }
        }

        impl Call for request::$name {
            const PATH: &'static str = procedure_path!($name);
        }
    )*
        /// Reads a reply of the procedure at `path`, and says how a server would have sent it: for fuzzing. None where
        /// there is no such procedure.
        #[doc(hidden)]
        #[must_use]
        pub fn reread(path: &str, bytes: &[u8]) -> Option<Result<Vec<u8>, Malformed>> {
            $(
                if path == procedure_path!($name) {
                    let read = <request::$name as sealed::Wire>::reply_from_wire(bytes);
                    return Some(read.map(|reply| proto::$reply::from(reply).encode_to_vec()));
                }
            )*
            None
        }
    };
}

calls! {
    Join: JoinRequest -> JoinReply, Joined;
    Hello: HelloRequest -> HelloReply, Greeting;
    BeginCreate: BeginCreateRequest -> BeginCreateReply, CreateBegun;
    FinishCreate: FinishCreateRequest -> FinishCreateReply, CreateFinished;
    TestSign: TestSignRequest -> TestSignReply, TestSigned;
    Activate: ActivateRequest -> ActivateReply, Done;
    ListWallets: ListWalletsRequest -> ListWalletsReply, Wallets;
    GetWallet: GetWalletRequest -> GetWalletReply, Wallet;
    RenameWallet: RenameWalletRequest -> RenameWalletReply, Done;
    Sign: SignRequest -> SignReply, Signed;
    SignMessage: SignMessageRequest -> SignMessageReply, Signed;
    Broadcast: BroadcastRequest -> BroadcastReply, Sent;
    Sync: SyncRequest -> SyncReply, Synced;
    Watch: WatchRequest -> WatchEvent, Pulse;
    EstimateFees: EstimateFeesRequest -> EstimateFeesReply, Fees;
    GetAudit: GetAuditRequest -> GetAuditReply, Audit;
    DeriveAddress: DeriveAddressRequest -> DeriveAddressReply, Derived;
    ChangeDevices: ChangeDevicesRequest -> ChangeDevicesReply, Asked;
    SetFreeze: SetFreezeRequest -> SetFreezeReply, Asked;
    CancelChange: CancelChangeRequest -> CancelChangeReply, Done;
    GetShape: GetShapeRequest -> GetShapeReply, Shape;
    InviteDevice: InviteDeviceRequest -> InviteDeviceReply, DeviceInvited;
    RenameDevice: RenameDeviceRequest -> RenameDeviceReply, Done;
    LiftFence: LiftFenceRequest -> LiftFenceReply, Done;
    GetRecovery: GetRecoveryRequest -> GetRecoveryReply, Recovery;
    AskRecovery: AskRecoveryRequest -> AskRecoveryReply, Asked;
    Recover: RecoverRequest -> RecoverReply, Recovered;
    BeginRefresh: BeginRefreshRequest -> BeginRefreshReply, RefreshBegun;
    FinishRefresh: FinishRefreshRequest -> FinishRefreshReply, RefreshFinished;
    RepairRecovery: RepairRecoveryRequest -> RepairRecoveryReply, Recovered;
    ReplaceRecovery: ReplaceRecoveryRequest -> ReplaceRecoveryReply, Done;
    PairDevice: PairDeviceRequest -> PairDeviceReply, Pairing;
    RollForward: RollForwardRequest -> RollForwardReply, Done;
    RepairServer: RepairServerRequest -> RepairServerReply, Done;
    ConfirmChange: ConfirmChangeRequest -> ConfirmChangeReply, Done;
    FindWallets: FindWalletsRequest -> FindWalletsReply, Wallets;
    FindAddresses: FindAddressesRequest -> FindAddressesReply, Addresses;
}

#[cfg(test)]
mod tests;
