//! Another name for a device.

use twofold_api::{Refusal, reply::Done, request::RenameDevice};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn rename_device<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: RenameDevice,
) -> Result<Done, Refusal> {
    cosigner.rename_device(caller.bind(request)?).await
}
