//! What both requests of a refresh stand on: the wallet's ground, and the state between them under both seals.

use twofold_api::{Reason, Refusal};
use twofold_threshold::{
    id::WalletId,
    identity::IdentityKey,
    package::MAX_LINKS,
    refresh::{Ground, Link, Opening, server::AwaitClosing},
    secret::UnlockKey,
};

use crate::{
    Cosigner, fault,
    port::{Clock, chain::Chain, record, store::Store},
    wallet::Owned,
};

/// Links of a wallet's package before the first refresh: recovery's first package, and the first transcript.
const FIRST_LINKS: usize = 2;
/// Links that are kept for refreshes that are due, since a device was revoked: what a thief's device uses up before that
/// must not keep its copy of the share alive.
const KEPT_FOR_REVOCATIONS: usize = 64;
/// How long a day is, in seconds.
const DAY: u64 = 86_400;

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Where a wallet stands, with its chains, which its state vouches for.
    pub(super) async fn ground(&self, owned: &Owned) -> Result<(Ground, record::Chains), Refusal> {
        let chains = self.chains(owned.id()).await?;
        let list = self.device_list(owned, &chains)?;
        let recovery = match list.replaced() {
            Some(replaced) => *replaced,
            None => *self.first_of(&chains)?.transcript().recovery(),
        };
        let ground = Ground {
            wallet: owned.id(),
            server: self.identity.public(),
            recovery,
            list,
            public: owned.keys().public.clone(),
        };
        Ok((ground, chains))
    }

    /// Refuses a refresh for which there is no room. One that follows a revocation has all the room that is left, at once.
    pub(super) fn room_for_refresh(&self, owned: &Owned, links: usize, now: u64) -> Result<(), Refusal> {
        if links >= MAX_LINKS {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "recovery's package has as many refreshes as it may: send everything to a new wallet",
            ));
        }
        if owned.state().shape.refresh_due(owned.state().epoch().number) {
            return Ok(());
        }
        if links >= MAX_LINKS - KEPT_FOR_REVOCATIONS {
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "what room recovery's package has left is for the refresh that follows a revocation: strike the machine off \
                 that refreshed so often (twofold device revoke), and send everything to a new wallet before long",
            ));
        }
        if self.refreshed_today(owned.id(), now) >= self.config.refreshes_per_day {
            let left = u32::try_from(DAY - now % DAY).unwrap_or(u32::MAX);
            return Err(Refusal::new(
                Reason::QuotaExceeded,
                "this wallet was refreshed as often today as it may: look at twofold audit who did, strike that machine off \
                 if it is not yours (twofold device revoke), or wait until tomorrow",
            )
            .retry_after(left));
        }
        Ok(())
    }

    fn refreshed_today(&self, wallet: WalletId, now: u64) -> u32 {
        let counted = self.refreshed.get(&wallet).filter(|(day, _)| *day == now / DAY);
        counted.map_or(0, |(_, count)| count)
    }

    /// Counts a refresh that is done. The count is no more than a brake, so a restart may forget it.
    pub(super) fn count_refresh(&self, wallet: WalletId, now: u64) {
        let count = self.refreshed_today(wallet, now).saturating_add(1);
        self.refreshed.put(wallet, (now / DAY, count));
    }

    /// Opens the state of a refresh.
    pub(super) fn open_refresh(
        &self,
        row: &record::Ceremony,
        opening: &Opening,
        unlock: &UnlockKey,
    ) -> Result<AwaitClosing, Refusal> {
        let bytes = self.open_between(row, &AwaitClosing::aad(opening), unlock)?;
        let state = AwaitClosing::from_secret_bytes(&bytes).map_err(|_| Refusal::from(Reason::ShareDamaged))?;
        if state.opening() == opening {
            Ok(state)
        } else {
            Err(Reason::ShareDamaged.into())
        }
    }
}

/// How many refreshes a wallet has had.
pub(super) fn refreshes(chains: &record::Chains) -> usize {
    chains.package.len().saturating_sub(FIRST_LINKS)
}

/// The refresh that made the current epoch, if any did.
pub(super) fn last_refresh(wallet: WalletId, chains: &record::Chains) -> Result<Option<Link>, Refusal> {
    let Some(bytes) = chains.package.get(FIRST_LINKS..).and_then(<[Vec<u8>]>::last) else {
        return Ok(None);
    };
    let link = Link::try_from(bytes.as_slice())
        .map_err(|cause| fault::internal("a refresh can't be read", &format!("{wallet}: {cause}")))?;
    Ok(Some(link))
}

/// A package as one device gets it: of each refresh recovery's envelopes, and its own.
pub(super) fn for_device(package: Vec<Vec<u8>>, device: &IdentityKey) -> Vec<Vec<u8>> {
    only(package, |link| link.for_device(device))
}

/// A package as recovery gets it: of each refresh its own envelopes. With all devices' a thief could make it too long to be
/// told.
pub(super) fn for_recovery(package: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    only(package, Link::for_recovery)
}

fn only(mut package: Vec<Vec<u8>>, keep: impl Fn(Link) -> Link) -> Vec<Vec<u8>> {
    for bytes in package.iter_mut().skip(FIRST_LINKS) {
        // What can't be read is for whoever gets it to complain of.
        if let Ok(link) = Link::try_from(bytes.as_slice()) {
            *bytes = keep(link).to_bytes();
        }
    }
    package
}
