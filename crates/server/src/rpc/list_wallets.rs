//! The caller's wallets.

use twofold_api::{Refusal, reply::Wallets, request::ListWallets};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn list_wallets<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: ListWallets,
) -> Result<Wallets, Refusal> {
    cosigner.list_wallets(caller.bind(request)?).await
}
