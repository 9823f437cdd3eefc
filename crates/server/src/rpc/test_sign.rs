//! A test share, again.

use twofold_api::{Refusal, reply::TestSigned, request::TestSign};
use twofold_cosigner::{
    Caller, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

pub(super) async fn test_sign<S: Store, C: Chain, K: Clock>(
    cosigner: &Cosigner<S, C, K>,
    caller: Caller,
    request: TestSign,
) -> Result<TestSigned, Refusal> {
    cosigner.test_sign(caller.bind(request)?).await
}
