//! The server's half of a signature over every own input of a PSBT.
//!
//! The order matters. What can be refused is refused before the share is opened or anything is counted, so a refusal
//! leaves everything as it was. The nonce, the commitment and the share live and die inside this one call. Charge, audit
//! entry, state, replay record and the list of what was given out are one batch, and nothing leaves before it is stored.

mod room;
mod view;

use std::sync::Arc;

use bitcoin::{OutPoint, Psbt, hashes::Hash};
use twofold_api::{
    Reason, Refusal,
    audit::{self, Event},
    reply::Signed,
    request::Sign,
    seal_key::Step,
};
use twofold_intent::{Facts, facts_within, psbt};
use twofold_threshold::{
    share::Share,
    sign::{Cosigned, InputToCosign, cosign},
};

use super::share::{Opened, Proved};
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    charge::{Outpoint, charge},
    failpoint::failpoint,
    fault,
    policy::{Approved, Understood},
    port::{
        Clock,
        chain::Chain,
        record::{ChargeGroup, Issued},
        store::{Batch, SpendRows, Store, Write},
    },
    wallet::{Child, Owned},
};
use view::Held;

/// What charges of this chain count.
pub(crate) const ASSET: &str = "btc";

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Co-signs a transaction.
    pub async fn sign(&self, request: Authenticated<Sign>) -> Result<Signed, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        // Read at once; what is wrong with it is said in its turn.
        let psbt = psbt::from_bytes(&asked.psbt);
        let mut rows = self.rows(&request, psbt.as_ref().ok()).await?;
        if let Some(reply) = self.recorded(&request, rows.replay.take())? {
            return Ok(reply);
        }
        let (row, seen) = (rows.wallet.take(), Some(&asked.checkpoint));
        let owned = self.usable_row(&request, asked.wallet, row, asked.epoch, seen).await?;
        owned.active()?;
        owned.unfrozen()?;

        let psbt = psbt.map_err(|refused| fault::psbt(&refused))?;
        let (understood, held) = self.understand(&owned, &psbt, rows).await?;
        if understood.facts.inputs.len() != asked.commitments.len() {
            return Err(Refusal::new(
                Reason::Malformed,
                "send one commitment for each input of this wallet, in order",
            ));
        }
        let approved = owned.policy()?.judge(understood).approved()?;

        self.room(asked.wallet, approved.get().facts.txid.to_byte_array())
            .await?;

        failpoint!("sign::before_unlock");
        let now = self.time.now();
        let unlock = self.unlock_to_use(&request, &owned, Step::Sign, &asked.unlock, now)?;
        let Opened { share, proved } = self.share_to_sign(&owned, held.share, &unlock, &approved).await?;
        drop(unlock);
        let charged = self.charge_for(&request, &owned, &approved, held.charges, proved)?;
        let half = self.half(&request, &owned, &approved, &share)?;
        drop(share);
        self.give_out(&request, owned, charged, half, now).await
    }

    /// Works out what a PSBT does.
    async fn understand(&self, owned: &Owned, psbt: &Psbt, rows: SpendRows) -> Result<(Understood, Held), Refusal> {
        let (view, held) = self.view(owned, psbt, rows).await?;
        let facts = facts_within(psbt, &owned.keys().account, &view, &self.config.sanity)
            .map_err(|refused| fault::psbt(&refused))?;
        Ok((Understood { facts }, held))
    }

    /// Charges all inputs, once. `known` are the groups chosen by any input; those of others' are none of ours.
    fn charge_for(
        &self,
        request: &Authenticated<Sign>,
        owned: &Owned,
        approved: &Approved<Understood>,
        mut known: Vec<ChargeGroup>,
        proved: Proved,
    ) -> Result<Charged, Refusal> {
        let facts = &approved.get().facts;
        let inputs: Vec<_> = facts.outpoints().map(outpoint).collect();
        known.retain(|group| inputs.contains(&group.outpoint));
        let amount = facts.charge().to_sat();
        let (keys, under) = (self.keys.get(), owned.under());
        let earlier = (keys.now.name != under.name).then_some(&under.charges);
        let charge = charge(&keys.now.charges, earlier, owned.id(), ASSET, &inputs, &known, amount)?;
        let entry = audit::Signed {
            device: request.device(),
            request: request.digest(),
            txid: facts.txid.to_byte_array(),
            asset: ASSET.to_owned(),
            charge: amount,
            added: charge.added,
            fee: facts.fee.to_sat(),
            inputs,
        };
        Ok(Charged {
            group: charge.group,
            entry,
            proved,
        })
    }

    /// Makes nonces, commitments and shares.
    fn half(
        &self,
        request: &Authenticated<Sign>,
        owned: &Owned,
        approved: &Approved<Understood>,
        share: &Share,
    ) -> Result<Cosigned, Refusal> {
        let facts = &approved.get().facts;
        let children = self.children_of(owned, facts)?;
        let inputs: Vec<_> = facts
            .inputs
            .iter()
            .zip(&children)
            .map(|(own, child)| InputToCosign {
                path: child.tweak.path(),
                message: own.sighash,
                tweak: Some(&child.tweak),
            })
            .collect();
        failpoint!("sign::before_share");
        let commitments = &request.request().commitments;
        let identity = self.identity.public();
        let public = &owned.keys().public;
        cosign(
            share,
            public,
            &inputs,
            commitments,
            request.digest(),
            &identity,
            &mut self.rng(),
        )
        .map_err(|fault| fault::protocol(&fault))
    }

    fn children_of(&self, owned: &Owned, facts: &Facts) -> Result<Vec<Arc<Child>>, Refusal> {
        let path = |own: &twofold_intent::OwnInput| [own.keychain.number(), own.child];
        facts
            .inputs
            .iter()
            .map(|own| self.child(owned.id(), owned.keys(), path(own)))
            .collect()
    }

    /// Stores all of it, and only then answers.
    async fn give_out(
        &self,
        request: &Authenticated<Sign>,
        owned: Owned,
        charged: Charged,
        half: Cosigned,
        now: u64,
    ) -> Result<Signed, Refusal> {
        let Charged { group, entry, proved } = charged;
        let issued = Issued {
            wallet: owned.id(),
            txid: entry.txid,
            outpoints: entry.inputs.clone(),
            at: now,
        };
        let mut change = owned.change();
        // Who signs has the share, and needs no copy of it here.
        let epoch = change.state.epoch().number;
        change.state.shape.leave_parcel(request.device(), epoch, Vec::new());
        // By a time that is surely over: a clock that jumped ahead for a moment opens no new window.
        change.state.spend(ASSET, entry.added, self.time.counted());
        let mut batch = Batch::default();
        proved.note(&mut change.state, &mut batch);
        change.log(now, Event::Signed(entry));
        let checkpoint = self.newest(change.row.id, &change.state);
        let cosign = half.sign(&self.identity, &checkpoint.digest()).to_bytes();
        let reply = Signed {
            head: self.head(Some((change.row.id, &change.state))),
            cosign,
        };

        self.store_change(change, &mut batch)?;
        batch.writes.extend(group.map(Write::PutCharge));
        batch.writes.push(Write::PutIssued(issued));
        failpoint!("sign::before_commit");
        let reply = self.settle(request, reply, batch).await?;
        failpoint!("sign::after_commit");
        Ok(reply)
    }
}

/// What a transaction costs, ready to be stored.
struct Charged {
    group: Option<ChargeGroup>,
    entry: audit::Signed,
    proved: Proved,
}

/// An outpoint as rows have it: txid in internal byte order and index in little endian.
pub(crate) fn outpoint(outpoint: OutPoint) -> Outpoint {
    let mut bytes = [0; 36];
    let (txid, index) = bytes.split_at_mut(32);
    txid.copy_from_slice(&outpoint.txid.to_byte_array());
    index.copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}
