//! Finds wallets and addresses of people, for the backend of their app. Nothing changes, and no share is near.

use bitcoin::hex::DisplayHex;
use twofold_api::{
    Reason, Refusal,
    limits::FOUND_ADDRESSES,
    reply::{Addresses, Wallets},
    request::{FindAddresses, FindWallets, Named},
};
use twofold_intent::Keychain;

use crate::{
    Cosigner, Inquiry,
    port::{Clock, chain::Chain, record::UserId, store::Store},
};

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Finds a person's wallets, oldest first, a page at a time. One whose state record was tampered with is left out, as for its devices.
    pub async fn find_wallets(&self, inquiry: Inquiry<FindWallets>) -> Result<Wallets, Refusal> {
        let person = &inquiry.request().person;
        inquiry.within(|scopes| scopes.wallets, person)?;
        let (wallets, after) = match self.found(&inquiry, person).await? {
            Some(user) => self.page(user, inquiry.request().after, |_| true).await?,
            None => (Vec::new(), None),
        };
        Ok(Wallets {
            head: self.head(None),
            wallets,
            after,
        })
    }

    /// Finds the addresses at which a person's wallet is paid, as far as the server watches them. A wallet of another person's
    /// and one that is not there are answered alike.
    pub async fn find_addresses(&self, inquiry: Inquiry<FindAddresses>) -> Result<Addresses, Refusal> {
        let asked = inquiry.request();
        inquiry.within(|scopes| scopes.addresses, &asked.person)?;
        let user = self.found(&inquiry, &asked.person).await?;
        let owned = match self.store.wallet(asked.wallet).await? {
            Some(row) if Some(row.user) == user => self.load_or_read_again(row).await?,
            _ => return Err(Reason::WalletNotFound.into()),
        };
        // Before its test signature nobody is shown an address.
        owned.active()?;
        let ([watched, _], [next, _]) = (
            self.store.watched(owned.id()).await?,
            self.store.used(owned.id()).await?,
        );
        let most = u32::try_from(FOUND_ADDRESSES).unwrap_or(u32::MAX);
        let until = watched.min(asked.from.saturating_add(most));
        let account = &owned.keys().account;
        let addresses = (asked.from..until).map(|index| account.address(Keychain::External, index));
        let addresses = addresses
            .map(|address| address.map(|address| address.to_string()))
            .collect::<Result<_, _>>()
            .map_err(|_| Refusal::new(Reason::Malformed, "there is no address of that index"))?;
        Ok(Addresses {
            head: self.head(None),
            addresses,
            next,
        })
    }

    /// Whom a backend asks about, if they are known. The log tells of each question.
    async fn found<T>(&self, inquiry: &Inquiry<T>, person: &Named) -> Result<Option<UserId>, Refusal> {
        let user = self.store.user(&person.issuer, &person.subject).await?;
        let user = user.map(|user| user.id);
        let told = user.map_or_else(|| "nobody".to_owned(), |user| user.0.to_lower_hex_string());
        tracing::info!(
            backend = inquiry.backend(),
            user = told,
            "the backend of an app asked about a user"
        );
        Ok(user)
    }
}
