//! What this client asks of the server, with each call's deadline.

use core::time::Duration;

use twofold_api::procedure::Request;
use twofold_api::{reply, request};
use twofold_wire::client::Call;

use crate::deadline;

/// What answers a request.
pub(crate) type Reply<R> = <R as Request>::Reply;

/// A call: how long it may take, and where its reply's head is.
pub(crate) trait Rpc: Call {
    /// Longest time for one attempt.
    const DEADLINE: Duration;

    /// What the reply carries beside its answer.
    fn head(reply: &Reply<Self>) -> &reply::Head;
}

macro_rules! calls {
    ($($name:ident: $deadline:ident;)*) => {$(
        impl Rpc for request::$name {
            const DEADLINE: Duration = deadline::$deadline;

            fn head(reply: &Reply<Self>) -> &reply::Head {
                &reply.head
            }
        }
    )*};
}

calls! {
    Join: CHANGE;
    Hello: READ;
    BeginCreate: CEREMONY;
    FinishCreate: CEREMONY;
    TestSign: CEREMONY;
    Activate: CHANGE;
    ListWallets: READ;
    GetWallet: READ;
    RenameWallet: CHANGE;
    Sign: COSIGN;
    SignMessage: COSIGN;
    Broadcast: BROADCAST;
    Sync: READ;
    EstimateFees: READ;
    GetAudit: READ;
    DeriveAddress: READ;
    ChangeDevices: CHANGE;
    SetFreeze: CHANGE;
    CancelChange: CHANGE;
    GetShape: READ;
    InviteDevice: CHANGE;
    RenameDevice: CHANGE;
    LiftFence: CHANGE;
    GetRecovery: READ;
    AskRecovery: CHANGE;
    Recover: CEREMONY;
    BeginRefresh: CEREMONY;
    FinishRefresh: CEREMONY;
    RepairRecovery: CEREMONY;
    ReplaceRecovery: CHANGE;
    PairDevice: READ;
    RollForward: CHANGE;
    RepairServer: CEREMONY;
    ConfirmChange: CHANGE;
}
