//! What the operator can ask of the running server.

mod look;
mod watched;

use std::{sync::Arc, time::Duration};

use twofold_api::invitation::{Invitation, Trust};
use twofold_cosigner::{
    Cosigner, Minted,
    port::{Clock, chain::Chain, store::Store},
};

use crate::{
    admin::{Fence, Grant, Reply, Wish},
    copies::Copies,
    fault::Fault,
    health::Health,
    links::{Link, Links},
    log::LevelHandle,
    rotation::Rotations,
};
use twofold_api::{Refusal, public_url::PublicUrl, server_link::ServerLink};
use twofold_store::Database;
use twofold_threshold::id::{DeviceId, WalletId};

/// Longest life of an invitation: 30 days.
const LONGEST: u64 = 30 * 24 * 3600;
/// Longest wait of a recovery: 90 days.
const LONGEST_WAIT: u64 = 90 * 24 * 3600;

/// Mints invitations and turns the knobs that turn while running.
pub(crate) struct Office<S, C, K> {
    pub(crate) cosigner: Arc<Cosigner<S, C, K>>,
    pub(crate) url: PublicUrl,
    pub(crate) pin: Option<[u8; 32]>,
    pub(crate) health: Arc<Health>,
    pub(crate) level: Option<LevelHandle>,
    pub(crate) copies: Copies,
    pub(crate) rotations: Arc<Rotations>,
    pub(crate) links: Links,
    /// How long requests may go on that are under way when no more are taken.
    pub(crate) patience: Duration,
}

impl<S: Store, C: Chain, K: Clock> Office<S, C, K> {
    pub(crate) async fn invite(&self, expires_seconds: u64) -> Result<Invitation, Fault> {
        let life = life(expires_seconds)?;
        self.invitation(self.cosigner.mint_invitation(Some(life)).await)
    }

    /// Where the server is and how to know it, for those who sign in.
    fn link(&self) -> ServerLink {
        ServerLink {
            url: self.url.clone(),
            trust: self.trust(),
            server: self.cosigner.identity(),
        }
    }

    fn trust(&self) -> Trust {
        self.pin.map_or(Trust::WebRoots, Trust::Authority)
    }

    /// For recovery of one wallet.
    async fn invite_to_recover(
        &self,
        expires_seconds: u64,
        wallet: &str,
        wait: Option<u64>,
    ) -> Result<Invitation, Fault> {
        let (life, wallet) = (life(expires_seconds)?, wallet_id(wallet)?);
        if wait.is_some_and(|wait| wait > LONGEST_WAIT) {
            return Err(Fault::Admin("a recovery waits 90 days at most".into()));
        }
        let invitation = self.invitation(self.cosigner.mint_recovery(wallet, Some(life), wait).await)?;
        tracing::warn!(%wallet, ?wait, "the operator lets recovery ask for a lost device's place");
        Ok(invitation)
    }

    fn invitation(&self, minted: Result<Minted, Refusal>) -> Result<Invitation, Fault> {
        let minted = minted.map_err(|refusal| Fault::Admin(format!("can't mint an invitation: {refusal}")))?;
        Ok(Invitation {
            url: self.url.clone(),
            trust: self.trust(),
            server: self.cosigner.identity(),
            code: minted.code,
            expires: minted.expires,
        })
    }
}

fn life(expires_seconds: u64) -> Result<u64, Fault> {
    if (60..=LONGEST).contains(&expires_seconds) {
        Ok(expires_seconds)
    } else {
        Err(Fault::Admin("an invitation can be used for a minute to 30 days".into()))
    }
}

fn wallet_id(wallet: &str) -> Result<WalletId, Fault> {
    wallet.parse().map_err(|_| {
        Fault::Admin(format!(
            "`{wallet}` is no wallet's id: 32 hex digits, as the device shows it"
        ))
    })
}

impl<S: Store, C: Chain, K: Clock> Office<S, C, K> {
    async fn refuse(&self, wallet: &str, change: u64) -> Result<(), Fault> {
        let wallet = wallet_id(wallet)?;
        self.cosigner
            .refuse_change(wallet, change)
            .await
            .map_err(|refusal| Fault::Admin(format!("not refused: {refusal}")))?;
        tracing::warn!(%wallet, change, "the operator said no to a change that waited");
        Ok(())
    }

    async fn approve(&self, wallet: &str, change: u64) -> Result<Reply, Fault> {
        let wallet = wallet_id(wallet)?;
        let approved = self.cosigner.approve_change(wallet, change).await;
        let approved = approved.map_err(|refusal| Fault::Admin(format!("not approved: {refusal}")))?;
        tracing::warn!(%wallet, change, what = approved.what, "the operator said yes to a change that waits");
        Ok(Reply::Approved {
            what: approved.what,
            asker: approved.asker.map(|device| DeviceId(device).to_string()),
            asked: approved.asked,
            due: approved.due,
        })
    }
}

impl<S: Store, C: Chain, K: Clock> Office<S, C, K> {
    async fn fences(&self, after: Option<&str>) -> Result<Reply, Fault> {
        let after = after.map(wallet_id).transpose()?;
        let told = self.cosigner.fences(after).await;
        let (fences, next) = told.map_err(|refusal| Fault::Admin(refusal.to_string()))?;
        let fences = fences.into_iter().map(|fence| Fence {
            wallet: fence.wallet.to_string(),
            since: fence.since,
            why: fence.why,
        });
        Ok(Reply::Fences {
            fences: fences.collect(),
            next: next.map(|wallet| wallet.to_string()),
        })
    }

    async fn drill(&self, after: Option<&str>) -> Result<Reply, Fault> {
        let after = after.map(wallet_id).transpose()?;
        let drilled = self.cosigner.drill(after).await;
        let drilled = drilled.map_err(|refusal| Fault::Admin(refusal.to_string()))?;
        if drilled.next.is_none() {
            self.copies.drilled();
        }
        let wrong = drilled.wrong.into_iter();
        Ok(Reply::Drilled {
            wallets: drilled.wallets,
            proved: drilled.proved,
            wrong: wrong
                .map(|(wallet, what)| (wallet.to_string(), what.to_owned()))
                .collect(),
            next: drilled.next.map(|wallet| wallet.to_string()),
        })
    }

    async fn kept_shares(&self, after: Option<&str>) -> Result<Reply, Fault> {
        let after = after.map(wallet_id).transpose()?;
        let told = self.cosigner.kept_shares(after).await;
        let (kept, next) = told.map_err(|refusal| Fault::Admin(refusal.to_string()))?;
        let kept = kept.into_iter();
        Ok(Reply::KeptShares {
            kept: kept
                .map(|kept| (kept.wallet.to_string(), hex::encode(kept.sealed)))
                .collect(),
            next: next.map(|wallet| wallet.to_string()),
        })
    }

    async fn adopt_share(&self, wallet: &str, opened: &str) -> Result<(), Fault> {
        let wallet = wallet_id(wallet)?;
        let opened = hex::decode(opened).map_err(|_| Fault::Admin("a share comes in hex".into()))?;
        let adopted = self.cosigner.adopt_share(wallet, &opened).await;
        adopted.map_err(|refusal| Fault::Admin(refusal.to_string()))
    }

    async fn lift_fence(&self, wallet: &str, reason: &str, many: bool) -> Result<Reply, Fault> {
        let wallet = wallet_id(wallet)?;
        let decided = self.cosigner.decide_fence(wallet, reason, many).await;
        let lifted = decided.map_err(|refusal| Fault::Admin(refusal.to_string()))?;
        tracing::warn!(%wallet, reason, lifted, "the operator would lift a fence");
        Ok(Reply::Decided { lifted })
    }
}

impl<C: Chain, K: Clock> Grant for Office<Database, C, K> {
    async fn grant(&self, wish: Wish) -> Reply {
        let done = match wish {
            Wish::Invite {
                expires_seconds,
                recover,
                wait_seconds,
            } => {
                let invitation = match recover {
                    Some(wallet) => self.invite_to_recover(expires_seconds, &wallet, wait_seconds).await,
                    None => self.invite(expires_seconds).await,
                };
                invitation.map(|invitation| {
                    tracing::info!(expires = invitation.expires, "an invitation was minted");
                    Reply::Invitation {
                        expires: invitation.expires,
                        invitation: invitation.to_string(),
                    }
                })
            }
            Wish::LogLevel { level } => match &self.level {
                Some(handle) => handle.set(&level).map(|()| {
                    tracing::info!(level, "the log level was changed");
                    Reply::Done
                }),
                None => Err(Fault::Admin("this server's log is not its own".into())),
            },
            Wish::Refuse { wallet, change } => self.refuse(&wallet, change).await.map(|()| Reply::Done),
            Wish::Approve { wallet, change } => self.approve(&wallet, change).await,
            Wish::Status => Ok(Reply::Status {
                url: self.url.to_string(),
                ready: self.health.ready(),
                version: env!("CARGO_PKG_VERSION").into(),
                kek: self.rotations.standing(&self.cosigner),
                troubles: self.troubles(),
                links: self.links().into_iter().map(Link::seen).collect(),
            }),
            Wish::RemoveDevice { device } => self.remove_device(&device).await.map(|()| Reply::Done),
            Wish::Users { after, limit } => self.users(after.as_deref(), limit).await,
            Wish::Wallets { user, after, limit } => self.wallets(user.as_deref(), after.as_deref(), limit).await,
            Wish::Devices { user, after, limit } => self.devices(user.as_deref(), after.as_deref(), limit).await,
            Wish::Stats => self.stats().await,
            Wish::Audit { wallet, from } => self.audit(&wallet, from).await,
            Wish::Drain { resume } => Ok(self.drain(resume).await),
            Wish::Link => Ok(Reply::Link {
                link: self.link().to_string(),
            }),
            Wish::RotateKek => self.rotations.begin(&self.cosigner).await.map(Reply::Kek),
            Wish::KekStanding => match self.rotations.standing(&self.cosigner) {
                Some(standing) => Ok(Reply::Kek(standing)),
                None => Err(Fault::Admin("its KEK was never changed".into())),
            },
            Wish::Backup { out, recipient } => {
                let store = self.cosigner.store().clone();
                self.copies.make(store, out, recipient).await.map(Reply::Backup)
            }
            Wish::Fences { after } => self.fences(after.as_deref()).await,
            Wish::Drill { after } => self.drill(after.as_deref()).await,
            Wish::KeptShares { after } => self.kept_shares(after.as_deref()).await,
            Wish::AdoptShare { wallet, opened } => self.adopt_share(&wallet, &opened).await.map(|()| Reply::Done),
            Wish::LiftFence { wallet, reason, many } => self.lift_fence(&wallet, &reason, many).await,
        };
        done.unwrap_or_else(|fault| Reply::Refused(fault.to_string()))
    }
}
