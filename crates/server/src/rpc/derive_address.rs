//! An address, derived by the server too.

use twofold_api::{Refusal, reply::Derived, request::DeriveAddress};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn derive_address<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: DeriveAddress,
) -> Result<Derived, Refusal> {
    cosigner.derive_address(caller.bind(request)?).await
}
