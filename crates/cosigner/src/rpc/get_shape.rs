//! Reads what a wallet's devices are called, whether it is frozen, what waits, and what was left for the asking device.

use twofold_api::{Refusal, reply::Shape, request::GetShape};

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Reads a wallet's shape.
    pub async fn get_shape(&self, request: Authenticated<GetShape>) -> Result<Shape, Refusal> {
        let asked = request.request();
        let owned = self.owned(&request, asked.wallet).await?;
        let owned = self.heed_reading(&request, owned, asked.checkpoint.as_ref()).await?;
        let (state, epoch) = (owned.state(), owned.state().epoch().number);
        let shape = &state.shape;
        Ok(Shape {
            head: self.head(Some((asked.wallet, state))),
            devices: shape.names(),
            freeze: shape.freeze.map(|freeze| (freeze.since, freeze.by)),
            waiting: shape.waiting.tell(),
            parcel: shape.parcel(request.device()),
            refresh_due: shape.refresh_due(epoch),
        })
    }
}
