//! The procedures, one file each: who asks is known when they run, and what is asked is already plain types.

mod activate;
mod ask_recovery;
mod begin_create;
mod begin_refresh;
mod broadcast;
mod cancel_change;
mod change_devices;
mod confirm_change;
mod derive_address;
mod estimate_fees;
mod find;
mod finish_create;
mod finish_refresh;
mod get_audit;
mod get_recovery;
mod get_shape;
mod get_wallet;
mod hello;
mod invite_device;
mod join;
mod lift_fence;
mod list_wallets;
mod pair_device;
mod recover;
mod rename_device;
mod rename_wallet;
mod repair_recovery;
mod repair_server;
mod replace_recovery;
mod roll_forward;
mod set_freeze;
mod sign;
mod sign_in;
mod sign_message;
mod sync;
mod test_sign;
mod watch;

use std::sync::Arc;

use connectrpc::{ConnectRpcService, DeadlinePolicy, Limits, RequestContext};
use twofold_api::{
    Reason, Refusal,
    limits::FORWARD_BYTES,
    reply::{self, Pulse},
    request,
};
use twofold_cosigner::{
    Caller, Cosigner, Inquirer, Newcomer,
    port::{Clock, chain::Chain, store::Store},
};
use twofold_identity::{Identity, Token};
use twofold_wire::service::{Events, Procedures, Service};

use crate::{
    gate::{Admitted, Outcome},
    health::Health,
    watchers::Watchers,
};
use sign_in::SignIn;

/// The framework's service over the procedures.
pub(crate) type Framework<S, C, K> = ConnectRpcService<Procedures<Rpc<S, C, K>>>;

/// The procedures over a cosigner.
pub(crate) struct Rpc<S, C, K> {
    cosigner: Arc<Cosigner<S, C, K>>,
    identity: Arc<Identity>,
    health: Arc<Health>,
    watchers: Arc<Watchers>,
}

impl<S: Store, C: Chain, K: Clock> Rpc<S, C, K> {
    pub(crate) fn framework(
        cosigner: Arc<Cosigner<S, C, K>>,
        identity: Arc<Identity>,
        health: Arc<Health>,
    ) -> Framework<S, C, K> {
        let rpc = Self {
            cosigner,
            identity,
            health,
            watchers: Arc::default(),
        };
        // The gate has held each body to its own bound; this is that of the longest.
        let limits = Limits::default()
            .with_max_request_body_size(FORWARD_BYTES)
            .with_max_message_size(FORWARD_BYTES);
        ConnectRpcService::new(Procedures::new(Arc::new(rpc)))
            .with_limits(limits)
            .with_deadline_policy(DeadlinePolicy::new())
    }
}

macro_rules! procedures {
    (
        devices { $($name:ident: $request:ident -> $reply:ident;)* }
        devices_and_people { $($signed_in:ident: $brought:ident -> $told:ident;)* }
        backends { $($found:ident: $find:ident -> $finds:ident;)* }
    ) => {
        impl<S: Store, C: Chain, K: Clock> Service for Rpc<S, C, K> {
            async fn join(&self, context: RequestContext, request: request::Join) -> Result<reply::Joined, Refusal> {
                let joined = async {
                    let (newcomer, token) = newcomer(&context)?;
                    let who = SignIn { identity: &self.identity, token };
                    join::join(&self.cosigner, who, newcomer, request).await
                };
                noted(&context, joined.await)
            }

            $(async fn $name(
                &self,
                context: RequestContext,
                request: request::$request,
            ) -> Result<reply::$reply, Refusal> {
                let answered = async { $name::$name(&self.cosigner, caller(&context)?, request).await };
                noted(&context, answered.await)
            })*

            $(async fn $signed_in(
                &self,
                context: RequestContext,
                request: request::$brought,
            ) -> Result<reply::$told, Refusal> {
                let answered = async {
                    let (caller, token) = signed_in(&context)?;
                    let who = SignIn { identity: &self.identity, token };
                    $signed_in::$signed_in(&self.cosigner, who, caller, request).await
                };
                noted(&context, answered.await)
            })*

            $(async fn $found(
                &self,
                context: RequestContext,
                request: request::$find,
            ) -> Result<reply::$finds, Refusal> {
                let answered = async { find::$found(&self.cosigner, inquirer(&context)?, request).await };
                noted(&context, answered.await)
            })*

            async fn watch(&self, context: RequestContext, request: request::Watch) -> Result<Events<Pulse>, Refusal> {
                let opened = async { watch::watch(self, &context, caller(&context)?, request).await };
                noted(&context, opened.await)
            }
        }
    };
}

procedures! {
    devices {
        hello: Hello -> Greeting;
        begin_create: BeginCreate -> CreateBegun;
        finish_create: FinishCreate -> CreateFinished;
        test_sign: TestSign -> TestSigned;
        activate: Activate -> Done;
        list_wallets: ListWallets -> Wallets;
        get_wallet: GetWallet -> Wallet;
        rename_wallet: RenameWallet -> Done;
        sign: Sign -> Signed;
        sign_message: SignMessage -> Signed;
        broadcast: Broadcast -> Sent;
        sync: Sync -> Synced;
        estimate_fees: EstimateFees -> Fees;
        get_audit: GetAudit -> Audit;
        derive_address: DeriveAddress -> Derived;
        change_devices: ChangeDevices -> Asked;
        set_freeze: SetFreeze -> Asked;
        cancel_change: CancelChange -> Done;
        get_shape: GetShape -> Shape;
        invite_device: InviteDevice -> DeviceInvited;
        rename_device: RenameDevice -> Done;
        lift_fence: LiftFence -> Done;
        recover: Recover -> Recovered;
        begin_refresh: BeginRefresh -> RefreshBegun;
        finish_refresh: FinishRefresh -> RefreshFinished;
        repair_recovery: RepairRecovery -> Recovered;
        replace_recovery: ReplaceRecovery -> Done;
        repair_server: RepairServer -> Done;
        pair_device: PairDevice -> Pairing;
        roll_forward: RollForward -> Done;
    }
    devices_and_people {
        get_recovery: GetRecovery -> Recovery;
        ask_recovery: AskRecovery -> Asked;
        confirm_change: ConfirmChange -> Done;
    }
    backends {
        find_wallets: FindWallets -> Wallets;
        find_addresses: FindAddresses -> Addresses;
    }
}

fn caller(context: &RequestContext) -> Result<Caller, Refusal> {
    match context.extensions().get::<Admitted>() {
        Some(Admitted::Device(caller, _)) => Ok(caller.clone()),
        _ => Err(Reason::DeviceUnknown.into()),
    }
}

fn signed_in(context: &RequestContext) -> Result<(Caller, Option<Arc<Token>>), Refusal> {
    match context.extensions().get::<Admitted>() {
        Some(Admitted::Device(caller, token)) => Ok((caller.clone(), token.clone())),
        _ => Err(Reason::DeviceUnknown.into()),
    }
}

fn inquirer(context: &RequestContext) -> Result<Inquirer, Refusal> {
    match context.extensions().get::<Admitted>() {
        Some(Admitted::Backend(inquirer)) => Ok(inquirer.clone()),
        _ => Err(Reason::DeviceUnknown.into()),
    }
}

fn newcomer(context: &RequestContext) -> Result<(Newcomer, Option<Arc<Token>>), Refusal> {
    match context.extensions().get::<Admitted>() {
        Some(Admitted::Newcomer(newcomer, token)) => Ok((newcomer.clone(), token.clone())),
        _ => Err(Reason::SignatureMissing.into()),
    }
}

/// Notes for the log how it ended.
fn noted<R>(context: &RequestContext, result: Result<R, Refusal>) -> Result<R, Refusal> {
    match context.extensions().get::<Arc<Outcome>>() {
        Some(outcome) => result.map_err(|refusal| outcome.note(refusal)),
        None => result,
    }
}
