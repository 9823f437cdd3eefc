//! Lists the caller's wallets.

use twofold_api::{
    Reason, Refusal,
    limits::LISTED_WALLETS,
    reply::{WalletLine, Wallets},
    request::ListWallets,
};
use twofold_threshold::id::WalletId;

use crate::{
    Authenticated, Cosigner,
    port::{Clock, chain::Chain, record::UserId, store::Store},
    wallet::Owned,
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Lists the wallets of the caller's user that the device is on the list of, oldest first. One whose state record was tampered with is left out: no
    /// word of it can be believed, and asking for it by name says so.
    pub async fn list_wallets(&self, request: Authenticated<ListWallets>) -> Result<Wallets, Refusal> {
        let device = request.device();
        let listed = |owned: &Owned| owned.state().shape.lists(device) != Some(false);
        let (wallets, after) = self.page(request.user(), request.request().after, listed).await?;
        Ok(Wallets {
            head: self.head(None),
            wallets,
            after,
        })
    }

    /// A page of a user's wallets, of those that may be shown, and where to go on. What is left out makes it shorter, and
    /// ends no list.
    pub(super) async fn page(
        &self,
        user: UserId,
        after: Option<WalletId>,
        shown: impl Fn(&Owned) -> bool,
    ) -> Result<(Vec<WalletLine>, Option<[u8; 16]>), Refusal> {
        if let Some(after) = after
            && self.store.wallet(after).await?.is_none_or(|row| row.user != user)
        {
            return Err(Reason::WalletNotFound.into());
        }
        let limit = u32::try_from(LISTED_WALLETS).unwrap_or(u32::MAX);
        let rows = self.store.wallets_of(user, after, limit).await?;
        let full = rows.len() >= LISTED_WALLETS;
        let next = rows.last().filter(|_| full).map(|row| row.id.0);
        let mut lines = Vec::new();
        for row in rows {
            if let Ok(owned) = self.load_or_read_again(row).await
                && shown(&owned)
            {
                lines.push(owned.line());
            }
        }
        Ok((lines, next))
    }
}
