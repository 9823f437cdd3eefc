//! The backend of an app asks about its people.

use twofold_api::{
    Refusal,
    reply::{Addresses, Wallets},
    request::{FindAddresses, FindWallets},
};
use twofold_cosigner::{
    Cosigner, Inquirer,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn find_wallets<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    inquirer: Inquirer,
    request: FindWallets,
) -> Result<Wallets, Refusal> {
    cosigner.find_wallets(inquirer.bind(request)?).await
}

pub(super) async fn find_addresses<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    inquirer: Inquirer,
    request: FindAddresses,
) -> Result<Addresses, Refusal> {
    cosigner.find_addresses(inquirer.bind(request)?).await
}
