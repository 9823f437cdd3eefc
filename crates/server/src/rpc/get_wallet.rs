//! What is public about one wallet.

use twofold_api::{Refusal, reply::Wallet, request::GetWallet};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn get_wallet<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: GetWallet,
) -> Result<Wallet, Refusal> {
    cosigner.get_wallet(caller.bind(request)?).await
}
