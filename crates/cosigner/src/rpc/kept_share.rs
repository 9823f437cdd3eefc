//! The server's own share as a device kept it, for a server that was restored from before a refresh.
//!
//! It stands where a share stands, under the KEK, in one of two forms: as the device kept it, an age file to the operator's
//! offline key, which opens nothing here; then, once the operator has opened that, sealed under the user's unlock key as the
//! refresh sealed it. The first signature seals it like any other share.

use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    id::{KeyKind, Party, WalletId},
    refresh::server::open_kept,
    seal,
    secret::UnlockKey,
    share::{PublicShares, Share},
};

use super::{
    refresh::last_refresh,
    share::{Opened, Proved, inner_digest},
};
use crate::{
    Cosigner,
    port::{
        Clock,
        chain::Chain,
        record,
        store::{Batch, Store, Write},
    },
    wallet::Owned,
};

/// How an age file begins; no seal of ours does.
const AGE: &[u8] = b"age-encryption.org/";
/// Wallets looked at in one call.
const PAGE: u32 = 512;
/// Longest inner seal of a share, in bytes.
const INNER: usize = 1024;

/// How the server's share stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShareStanding {
    /// It is there, and a user's unlock key opens it.
    There,
    /// A device brought it back, and the operator's offline key has to open it first.
    Sealed,
    /// It is not there, or does not open under the KEK.
    Missing,
}

/// A share that waits for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptShare {
    /// The wallet.
    pub wallet: WalletId,
    /// An age file to the operator's offline key.
    pub sealed: Vec<u8>,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// How the server's share of the wallet's epoch stands.
    pub(crate) async fn share_standing(&self, owned: &Owned) -> Result<ShareStanding, Refusal> {
        let inner = self.inner_share(owned).await?;
        Ok(match inner {
            None => ShareStanding::Missing,
            Some(inner) if inner.starts_with(AGE) => ShareStanding::Sealed,
            Some(_) => ShareStanding::There,
        })
    }

    /// What the KEK opens of the server's share; none where it is not there, or does not open.
    async fn inner_share(&self, owned: &Owned) -> Result<Option<Vec<u8>>, Refusal> {
        let public = &owned.keys().public;
        let epoch = public.epoch().number;
        let row = self.store.share(owned.id(), KeyKind::Taproot, epoch).await?;
        let aad = public.share_aad(owned.id(), Party::Server);
        let opened = row.and_then(|row| self.keys.get().open_outer(&aad, &row.sealed).ok());
        Ok(opened.map(|inner| inner.to_vec()))
    }

    /// Refuses to lift a fence before there is a share to sign with.
    pub(crate) async fn has_share(&self, owned: &Owned) -> Result<(), Refusal> {
        let told = match self.share_standing(owned).await? {
            ShareStanding::There => return Ok(()),
            ShareStanding::Sealed => {
                "the server's share was brought back, sealed to the operator's offline key: the operator opens it first \
                 (twofold-server fence adopt)"
            }
            ShareStanding::Missing => {
                "the server has no share of this epoch: run twofold wallet lift-fence on the device that refreshed last, \
                 which keeps it, or repair it with the recovery words"
            }
        };
        Err(Refusal::new(Reason::RestoreFence, told))
    }

    /// Stores a share as a device kept it.
    pub(super) fn add_kept(&self, wallet: WalletId, public: &PublicShares, kept: &[u8]) -> Write {
        Write::AddShare(self.share_row(wallet, public, kept))
    }

    /// Opens a share that came back, with what stores it like any other.
    pub(super) async fn open_brought(
        &self,
        owned: &Owned,
        inner: &[u8],
        unlock: &UnlockKey,
    ) -> Result<Option<Opened>, Refusal> {
        let public = &owned.keys().public;
        let chains = self.chains(owned.id()).await?;
        let Some(link) = last_refresh(owned.id(), &chains)? else {
            return Ok(None);
        };
        let Ok(share) = open_kept(inner, &link, unlock, public) else {
            return Ok(None);
        };
        let proved = self.seal_anew(&share, public, unlock);
        Ok(Some(Opened { share, proved }))
    }

    fn seal_anew(&self, share: &Share, public: &PublicShares, unlock: &UnlockKey) -> Proved {
        let inner = share.seal(unlock.expose(), public, &mut self.rng());
        let row = self.share_row(share.wallet(), public, &inner);
        Proved {
            digest: inner_digest(&inner),
            anew: Some(Write::ResealShare(row)),
        }
    }

    /// The row of the server's share, in whatever form it has under the KEK.
    fn share_row(&self, wallet: WalletId, public: &PublicShares, inner: &[u8]) -> record::Share {
        let aad = public.share_aad(wallet, Party::Server);
        record::Share {
            wallet,
            kind: KeyKind::Taproot,
            epoch: public.epoch().number,
            sealed: seal::seal(&self.keys.get().now.outer, &aad, inner, &mut self.rng()),
        }
    }

    /// Shares of fenced wallets after `after` that wait for the operator's offline key, some of them, and the wallet to go on
    /// after; none where that was all.
    pub async fn kept_shares(&self, after: Option<WalletId>) -> Result<(Vec<KeptShare>, Option<WalletId>), Refusal> {
        let rows = self.store.wallets(None, after, PAGE).await?;
        let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let last = rows.last().map(|row| row.id).filter(|_| full);
        let mut kept = Vec::new();
        for row in rows {
            let wallet = row.id;
            // Only a fence has let one in.
            if let Ok(owned) = self.load(row)
                && owned.state().fence.is_some()
                && let Some(sealed) = self.inner_share(&owned).await?.filter(|inner| inner.starts_with(AGE))
            {
                kept.push(KeptShare { wallet, sealed });
            }
        }
        Ok((kept, last))
    }

    /// Takes over what the operator's offline key opened of a share that came back. It stays sealed under the user's unlock
    /// key; that it is the right one is seen when it signs.
    pub async fn adopt_share(&self, wallet: WalletId, inner: &[u8]) -> Result<(), Refusal> {
        let _held = self.wallets.hold(wallet).await;
        let row = self.store.wallet(wallet).await?.ok_or(Reason::WalletNotFound)?;
        let owned = self.load(row)?;
        if self.share_standing(&owned).await? != ShareStanding::Sealed {
            return Err(Refusal::new(
                Reason::OutOfOrder,
                "no share of this wallet waits for the operator",
            ));
        }
        if inner.len() < seal::OVERHEAD || inner.len() > INNER || inner.starts_with(AGE) {
            return Err(Refusal::new(
                Reason::Malformed,
                "this is not what the offline key opens",
            ));
        }
        let share = self.share_row(wallet, &owned.keys().public, inner);
        let mut batch = Batch::default();
        self.store_change(owned.change(), &mut batch)?;
        batch.writes.push(Write::ResealShare(share));
        self.commit(batch).await?;
        tracing::warn!(%wallet, "the operator took this server's share over from a device");
        Ok(())
    }
}
