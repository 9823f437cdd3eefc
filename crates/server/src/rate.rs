//! Rates by address for every connection and request, whatever it asks; by device, by user and by wallet once a signature
//! is verified.
//!
//! A wallet's rate is kept for each user apart: a stranger who names somebody's wallet spends only a rate of their own. And a
//! user's devices that are new have rates apart from the others': who stole a sign-in enrols devices with it, and with those
//! holds up none that was there before.
//! Entries whose time is over are dropped by [`Rates::tidy`], so what is kept is what was active in the last seconds.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use twofold_api::{Reason, Refusal};
use twofold_cosigner::port::record::UserId;
use twofold_threshold::id::{DeviceId, WalletId};

use crate::config::Limits;

/// What counts as one address.
pub(crate) type Block = [u8; 16];

/// Who shares a rate: the devices of a user, those that are new or the others.
pub(crate) type Sharer = (UserId, bool);

/// The four rates.
pub(crate) struct Rates {
    address: DefaultKeyedRateLimiter<Block>,
    device: DefaultKeyedRateLimiter<DeviceId>,
    user: DefaultKeyedRateLimiter<Sharer>,
    wallet: DefaultKeyedRateLimiter<(Sharer, WalletId)>,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            address: keyed(limits.address_per_second, limits.address_burst),
            device: keyed(limits.device_per_second, limits.device_burst),
            user: keyed(limits.user_per_second, limits.user_burst),
            wallet: keyed(limits.wallet_per_second, limits.wallet_burst),
        }
    }

    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Refusal> {
        check(&self.address, &block(address), "too much from this address")
    }

    pub(crate) fn device(&self, device: DeviceId) -> Result<(), Refusal> {
        check(&self.device, &device, "too many requests from this device")
    }

    /// However many devices a user has.
    pub(crate) fn user(&self, sharer: Sharer) -> Result<(), Refusal> {
        check(&self.user, &sharer, "too many requests from this user's devices")
    }

    pub(crate) fn wallet(&self, sharer: Sharer, wallet: WalletId) -> Result<(), Refusal> {
        check(&self.wallet, &(sharer, wallet), "too many requests on this wallet")
    }

    /// Forgets whoever has their whole burst again.
    pub(crate) fn tidy(&self) {
        self.address.retain_recent();
        self.device.retain_recent();
        self.user.retain_recent();
        self.wallet.retain_recent();
        self.address.shrink_to_fit();
    }

    /// How many entries are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.address.len() + self.device.len() + self.user.len() + self.wallet.len()
    }
}

fn keyed<K: Hash + Eq + Clone>(per_second: u32, burst: u32) -> DefaultKeyedRateLimiter<K> {
    let per_second = NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst))
}

fn check<K: Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
    message: &'static str,
) -> Result<(), Refusal> {
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Refusal::new(Reason::RateLimited, message).retry_after(seconds)
    })
}

/// One home has one IPv4 address, or a /64 of IPv6 ones.
pub(crate) fn block(address: IpAddr) -> Block {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            octets
        }
    }
}

#[cfg(test)]
mod tests;
