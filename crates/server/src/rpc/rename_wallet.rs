//! Another name for a wallet.

use twofold_api::{Refusal, reply::Done, request::RenameWallet};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn rename_wallet<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: RenameWallet,
) -> Result<Done, Refusal> {
    cosigner.rename_wallet(caller.bind(request)?).await
}
