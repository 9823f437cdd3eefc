//! How many signed transactions of a wallet may wait for the chain.
//!
//! A coin that the index does not know is signed for: it may be on its way. So whoever holds a device could have spends of
//! invented coins signed without end; none of them would ever be settled, and each takes space.
//!
//! What was signed once may be signed again, each time with another share of the server's: a device that lost a reply for
//! good has no other way. Each time is in the audit chain, as everything that the server signs must be, and its reply is
//! kept for minutes. The rate limits bound how often that is in a day, as they do for every change of a wallet.

use twofold_api::{Reason, Refusal};
use twofold_threshold::id::WalletId;

use crate::{
    Cosigner,
    port::{Clock, chain::Chain, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Whether one more transaction may be signed. One that was signed before may be signed again. The wallet's lock is held.
    ///
    /// What is remembered is never less than what waits, but for a reorganization: each signature raises it, and nothing
    /// lowers it. So the rows are counted only where it has come to the bound, and counting costs no signature anything.
    pub(super) async fn room(&self, wallet: WalletId, txid: [u8; 32]) -> Result<(), Refusal> {
        let most = self.config.issued_per_wallet;
        let waiting = match self.waiting.get(&wallet) {
            Some(waiting) if waiting < most => waiting,
            _ => self.store.waiting(wallet, most).await?,
        };
        if waiting < most {
            self.waiting.put(wallet, waiting.saturating_add(1));
            return Ok(());
        }
        if self.store.is_issued(wallet, txid).await? {
            return Ok(());
        }
        Err(Refusal::new(
            Reason::QuotaExceeded,
            format!(
                "{most} signed transactions of this wallet wait for the chain; broadcast them, or replace them by one that confirms"
            ),
        ))
    }
}
