//! An entry of the device list, or a wish for one.

use twofold_api::{Refusal, reply::Asked, request::ChangeDevices};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn change_devices<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: ChangeDevices,
) -> Result<Asked, Refusal> {
    cosigner.change_devices(caller.bind(request)?).await
}
