//! The operator's drill: whether what is stored still opens, as far as the server alone can tell. That a share is the right
//! one is proved by each signature, for it takes the user's unlock key; the wallet's record names the one that signed last.

use twofold_api::Refusal;
use twofold_threshold::id::{Party, WalletId};

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, record, store::Store},
    rpc::inner_digest,
};

/// Wallets looked at in one call.
const PAGE: u32 = 512;

/// What a drill found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// Wallets looked at.
    pub wallets: u64,
    /// Those whose share is, seal by seal, the one that signed last.
    pub proved: u64,
    /// Those with something wrong, and what.
    pub wrong: Vec<(WalletId, &'static str)>,
    /// The wallet to go on after; none: that was all.
    pub next: Option<WalletId>,
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Looks at the wallets after `after`, some of them: the record authenticates, the outer seal of the share opens, and
    /// the log ends where the record says.
    pub async fn drill(&self, after: Option<WalletId>) -> Result<Drilled, Refusal> {
        let rows = self.store.wallets(None, after, PAGE).await?;
        let full = rows.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let mut drilled = Drilled {
            wallets: 0,
            proved: 0,
            wrong: Vec::new(),
            next: rows.last().map(|row| row.id).filter(|_| full),
        };
        for row in rows {
            let wallet = row.id;
            drilled.wallets += 1;
            // One that signs meanwhile is as it was when it was read, or is read again.
            let _held = self.wallets.hold(wallet).await;
            let Some(row) = self.store.wallet(wallet).await? else {
                continue;
            };
            match self.look_at(row).await? {
                Ok(proved) => drilled.proved += u64::from(proved),
                Err(what) => {
                    tracing::error!(%wallet, what, "the drill found a wallet that is not whole");
                    drilled.wrong.push((wallet, what));
                }
            }
        }
        Ok(drilled)
    }

    /// What is wrong with a wallet; whether its share has signed, where nothing is.
    async fn look_at(&self, row: record::Wallet) -> Result<Result<bool, &'static str>, Refusal> {
        let Ok(owned) = self.load(row) else {
            return Ok(Err("its record does not authenticate"));
        };
        let public = &owned.keys().public;
        let shares = self.store.shares(owned.id()).await?;
        let Some(share) = shares.iter().find(|share| share.epoch == public.epoch().number) else {
            return Ok(Err("its share is missing"));
        };
        let aad = public.share_aad(owned.id(), Party::Server);
        let Ok(inner) = self.keys.get().open_outer(&aad, &share.sealed) else {
            return Ok(Err("the outer seal of its share does not open"));
        };
        // A share that was put in the place of the one that signed opens as well, for who has the KEK.
        let proved = owned.state().proved;
        if proved.is_some_and(|proved| proved != inner_digest(&inner)) {
            return Ok(Err("its share is not the one that signed last"));
        }
        let head = owned.state().head();
        let last = self.store.audit(owned.id(), head.seq, 2).await?;
        let ends = matches!(last.as_slice(), [entry] if entry.seq == head.seq && entry.chain == head.chain);
        Ok(if ends {
            Ok(proved.is_some())
        } else {
            Err("its log does not end where its record says")
        })
    }
}
