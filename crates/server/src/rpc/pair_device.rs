//! The mailbox in which two machines compare their keys.

use twofold_api::{Refusal, reply::Pairing, request::PairDevice};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn pair_device<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: PairDevice,
) -> Result<Pairing, Refusal> {
    cosigner.pair_device(caller.bind(request)?).await
}
