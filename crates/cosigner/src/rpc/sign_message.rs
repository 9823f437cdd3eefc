//! The server's half of a signature over a text, for one address of the wallet (BIP-322).
//!
//! The same way as a spend goes: what can be refused is refused before the share is opened, nonce, commitment and share live
//! and die inside this one call, and nothing leaves before audit entry, state and replay record are stored. What is signed is
//! worked out here, from the text; it can be no transaction (`twofold_intent::message`). So nothing is charged, and nothing
//! waits for the chain; the state record counts how many texts a window saw.

use twofold_api::{Reason, Refusal, audit::Event, reply::Signed, request::SignMessage, seal_key::Step};
use twofold_intent::{Keychain, MessageFacts, message};
use twofold_threshold::{
    share::Share,
    sign::{Cosigned, InputToCosign, cosign},
};

use super::share::{Opened, Proved};
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    fault,
    policy::{Approved, Text},
    port::{
        Clock,
        chain::Chain,
        store::{Batch, Store},
    },
    wallet::Owned,
};

/// What the windows count signed texts under.
pub(crate) const COUNTED: &str = "message";

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Co-signs a text.
    pub async fn sign_message(&self, request: Authenticated<SignMessage>) -> Result<Signed, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let seen = Some(&asked.checkpoint);
        let owned = self.usable(&request, asked.wallet, asked.epoch, seen).await?;
        owned.active()?;
        owned.unfrozen()?;

        let text = Text {
            facts: read(asked, &owned)?,
        };
        let approved = owned.policy()?.judge_text(text).approved()?;

        failpoint!("sign_message::before_unlock");
        let now = self.time.now();
        let unlock = self.unlock_to_use(&request, &owned, Step::SignMessage, &asked.unlock, now)?;
        let Opened { share, proved } = self.share_to_sign_text(&owned, &unlock, &approved).await?;
        drop(unlock);
        let half = self.half_of_text(&request, &owned, &approved, &share)?;
        drop(share);
        self.give_out_text(&request, owned, &approved, half, proved).await
    }

    /// Makes nonce, commitment and share.
    fn half_of_text(
        &self,
        request: &Authenticated<SignMessage>,
        owned: &Owned,
        approved: &Approved<Text>,
        share: &Share,
    ) -> Result<Cosigned, Refusal> {
        let facts = &approved.get().facts;
        let path = [facts.keychain.number(), facts.child];
        let child = self.child(owned.id(), owned.keys(), path)?;
        let input = InputToCosign {
            path: child.tweak.path(),
            message: facts.sighash,
            tweak: Some(&child.tweak),
        };
        failpoint!("sign_message::before_share");
        cosign(
            share,
            &owned.keys().public,
            &[input],
            &[request.request().commitment],
            request.digest(),
            &self.identity.public(),
            &mut self.rng(),
        )
        .map_err(|fault| fault::protocol(&fault))
    }

    /// Stores all of it, and only then answers.
    async fn give_out_text(
        &self,
        request: &Authenticated<SignMessage>,
        owned: Owned,
        approved: &Approved<Text>,
        half: Cosigned,
        proved: Proved,
    ) -> Result<Signed, Refusal> {
        let facts = &approved.get().facts;
        let (mut change, now) = (owned.change(), self.time.now());
        let mut batch = Batch::default();
        proved.note(&mut change.state, &mut batch);
        change.state.spend(COUNTED, 1, self.time.counted());
        change.log(
            now,
            Event::MessageSigned {
                device: request.device(),
                request: request.digest(),
                path: [facts.keychain.number(), facts.child],
                message: facts.hash,
            },
        );
        let checkpoint = self.newest(change.row.id, &change.state);
        let cosign = half.sign(&self.identity, &checkpoint.digest()).to_bytes();
        let reply = Signed {
            head: self.head(Some((change.row.id, &change.state))),
            cosign,
        };
        self.store_change(change, &mut batch)?;
        failpoint!("sign_message::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("sign_message::after_commit");
        Ok(reply)
    }
}

/// Works out what is asked to be signed. Its sizes were checked when it arrived; they are checked again by who signs.
fn read(asked: &SignMessage, owned: &Owned) -> Result<MessageFacts, Refusal> {
    let [keychain, index] = asked.path;
    let malformed = |why: &dyn std::fmt::Display| Refusal::new(Reason::Malformed, why.to_string());
    let keychain = Keychain::try_from(keychain).map_err(|why| malformed(&why))?;
    message::facts(&asked.message, &owned.keys().account, keychain, index).map_err(|why| malformed(&why))
}
