//! What the operator sees of users, wallets, devices and logs, and how requests are held off.

use twofold_api::{
    Refusal,
    audit::{ChainHead, Event},
};
use twofold_cosigner::port::{Clock, chain::Chain, record::UserId, store::Store};
use twofold_threshold::id::DeviceId;

use super::{Office, wallet_id};
use crate::{
    admin::{
        Reply,
        seen::{Device, Entry, Log, Page, Stats, User, Wallet},
    },
    fault::Fault,
};

fn user_id(user: &str) -> Result<UserId, Fault> {
    let bytes = hex::decode(user).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(UserId).ok_or_else(|| {
        Fault::Admin(format!(
            "`{user}` is no user's id: 32 hex digits, as twofold-server users shows it"
        ))
    })
}

fn device_id(device: &str) -> Result<DeviceId, Fault> {
    device
        .parse()
        .map_err(|_| Fault::Admin(format!("`{device}` is no device's id: 64 hex digits")))
}

fn head((seq, chain): (u64, String)) -> Result<ChainHead, Fault> {
    let bytes = hex::decode(chain).ok().and_then(|bytes| bytes.try_into().ok());
    let chain = bytes.ok_or_else(|| Fault::Admin("a log goes on after a number and a hash".into()))?;
    Ok(ChainHead { seq, chain })
}

fn told(refusal: &Refusal) -> Fault {
    Fault::Admin(refusal.to_string())
}

impl<S: Store, C: Chain, K: Clock> Office<S, C, K> {
    pub(super) async fn users(&self, after: Option<&str>, limit: u32) -> Result<Reply, Fault> {
        let after = after.map(user_id).transpose()?;
        let seen = self.cosigner.users_seen(after, limit).await;
        let (users, next) = seen.map_err(|refusal| told(&refusal))?;
        let rows = users.into_iter().map(|user| User {
            user: hex::encode(user.user.0),
            issuer: user.issuer,
            subject: user.subject,
            devices: user.devices,
            wallets: user.wallets,
        });
        Ok(Reply::Users(Page {
            rows: rows.collect(),
            next: next.map(|user| hex::encode(user.0)),
        }))
    }

    pub(super) async fn wallets(&self, user: Option<&str>, after: Option<&str>, limit: u32) -> Result<Reply, Fault> {
        let (user, after) = (user.map(user_id).transpose()?, after.map(wallet_id).transpose()?);
        let seen = self.cosigner.wallets_seen(user, after, limit).await;
        let (wallets, next) = seen.map_err(|refusal| told(&refusal))?;
        let rows = wallets.into_iter().map(|wallet| Wallet {
            wallet: wallet.wallet.to_string(),
            user: hex::encode(wallet.user.0),
            standing: wallet.standing.to_owned(),
            epoch: wallet.epoch,
            devices: wallet.devices,
            entries: wallet.entries,
            waiting: wallet.waiting,
        });
        Ok(Reply::Wallets(Page {
            rows: rows.collect(),
            next: next.map(|wallet| wallet.to_string()),
        }))
    }

    pub(super) async fn devices(&self, user: Option<&str>, after: Option<&str>, limit: u32) -> Result<Reply, Fault> {
        let (user, after) = (user.map(user_id).transpose()?, after.map(device_id).transpose()?);
        let seen = self.cosigner.devices_seen(user, after, limit).await;
        let (devices, next) = seen.map_err(|refusal| told(&refusal))?;
        let rows = devices.into_iter().map(|device| Device {
            device: device.device.to_string(),
            user: hex::encode(device.user.0),
            name: device.name,
            enrolled: device.enrolled,
        });
        Ok(Reply::Devices(Page {
            rows: rows.collect(),
            next: next.map(|device| device.to_string()),
        }))
    }

    pub(super) async fn remove_device(&self, device: &str) -> Result<(), Fault> {
        let device = device_id(device)?;
        let removed = self.cosigner.remove_device(device).await;
        let user = removed.map_err(|refusal| Fault::Admin(format!("not removed: {refusal}")))?;
        tracing::warn!(%device, user = hex::encode(user.0), "the operator removed a device that had no part in any wallet");
        Ok(())
    }

    pub(super) async fn stats(&self) -> Result<Reply, Fault> {
        let (counts, height) = self.cosigner.counted().await.map_err(|refusal| told(&refusal))?;
        Ok(Reply::Stats(Stats {
            users: counts.users,
            devices: counts.devices,
            wallets: counts.wallets,
            ceremonies: counts.ceremonies,
            invitations: counts.invitations,
            unconfirmed: counts.waiting,
            rescans: counts.rescans,
            height,
            under_way: self.health.drain().under_way(),
            up_seconds: self.health.up().as_secs(),
        }))
    }

    pub(super) async fn audit(&self, wallet: &str, from: Option<(u64, String)>) -> Result<Reply, Fault> {
        let (wallet, from) = (wallet_id(wallet)?, from.map_or(Ok(ChainHead::START), head)?);
        let seen = self.cosigner.log_seen(wallet, from).await;
        let seen = seen.map_err(|fault| Fault::Admin(format!("wallet {wallet}: {fault}")))?;
        let entries = seen.entries.into_iter().map(|(seq, entry)| Entry {
            seq,
            at: entry.at,
            event: match &entry.event {
                Event::Shape { step, .. } => step.name(),
                event => event.name(),
            }
            .to_owned(),
            device: entry.event.device().map(|device| device.to_string()),
        });
        Ok(Reply::Audit(Log {
            entries: entries.collect(),
            next: seen.next.map(|head| (head.seq, hex::encode(head.chain))),
        }))
    }

    /// Takes no more requests, and answers once none is under way or the time for that is over; or takes them again.
    pub(super) async fn drain(&self, resume: bool) -> Reply {
        let drain = self.health.drain();
        if resume {
            drain.end();
            tracing::warn!("requests are taken again, as the operator says");
        } else {
            drain.begin();
            tracing::warn!("no more requests are taken, as the operator says");
            // What it comes to is counted, whether or not it came to an end.
            let _ = tokio::time::timeout(self.patience, drain.emptied()).await;
        }
        Reply::Draining {
            draining: !resume,
            under_way: drain.under_way(),
        }
    }
}
