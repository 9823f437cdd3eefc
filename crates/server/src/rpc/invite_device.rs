//! A code for another machine.

use twofold_api::{Refusal, reply::DeviceInvited, request::InviteDevice};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn invite_device<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: InviteDevice,
) -> Result<DeviceInvited, Refusal> {
    cosigner.invite_device(caller.bind(request)?).await
}
