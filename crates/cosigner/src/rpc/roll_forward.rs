//! Brings a restored server forward again, from what it signed itself.
//!
//! A device is believed in nothing. The checkpoint that it names is signed by this server, and everything else must lead
//! from where the server stands to exactly that: the log's entries by their hashes, the device list by its entries'
//! signatures and its head, the refreshes by this server's own signature and their epochs. A roll-forward lifts no fence and
//! writes no entry of its own, so that the log stays a beginning of the one that was lost, and a device that is further ahead
//! can bring the rest.

use std::collections::HashSet;

use twofold_api::{
    Reason, Refusal,
    audit::{ChainHead, Entry, Event, ShapeStep},
    reply::Done,
    request::RollForward,
};
use twofold_threshold::{
    Fault, FaultKind,
    checkpoint::Head,
    device_list::{Act, Change as ListEntry, DeviceList},
    id::{DeviceId, KeyKind, WalletId},
    package::{Chain as Epochs, FirstPackage},
    refresh::{Ground, Link},
    share::PublicShares,
    transcript::SignedTranscript,
};

use super::{kept_share::ShareStanding, refresh::last_refresh};
use crate::{
    Authenticated, Cosigner,
    auth::Unique,
    failpoint::failpoint,
    pending::Pending,
    port::{
        Clock,
        chain::Chain,
        record::{Chains, Device, Issued},
        store::{Batch, Store, Write},
    },
    shape::{self, Freeze},
    state::Standing,
    wallet::{Change, Owned},
};

/// What a device that is listed again is called: nobody knows any more.
const NAMELESS: &str = "brought back";

/// What was brought, seen to lead to where the server has been.
struct Forward {
    to: Head,
    /// The log's entries, as bytes and as what they say; none where the log stays.
    entries: Vec<(Vec<u8>, Entry)>,
    list: DeviceList,
    /// The list's entries and the package with what was brought.
    chains: Chains,
    /// Devices struck off on the way, and whether a refresh came after.
    struck: Vec<(Vec<DeviceId>, bool)>,
    /// The words were replaced, and whether no refresh came after.
    replaced: Option<bool>,
    links: Vec<Link>,
    public: PublicShares,
}

fn astray(what: &'static str) -> Refusal {
    Refusal::new(Reason::OutOfOrder, what)
}

impl<S: Store, C: Chain, K: Clock> Cosigner<S, C, K> {
    /// Takes what a fenced wallet lacks of its own past.
    pub async fn roll_forward(&self, request: Authenticated<RollForward>) -> Result<Done, Refusal> {
        let asked = request.request();
        let _held = self.wallets.hold(asked.wallet).await;
        if let Some(reply) = self.earlier(&request).await? {
            return Ok(reply);
        }
        let owned = self.made(&request, asked.wallet).await?;
        let owned = self.heed(&request, owned, &asked.checkpoint).await?;
        let to = *asked
            .checkpoint
            .verify(&self.identity.public())
            .map_err(|_| Refusal::from(Reason::CheckpointInvalid))?;
        let mut batch = Batch::default();
        let mut head = self.head(Some((owned.id(), owned.state())));
        if owned.state().fence.is_some() {
            let (ground, chains) = self.ground(&owned).await?;
            let bare = asked.entries.is_empty() && asked.links.is_empty() && asked.device_list.is_empty();
            if !bare {
                let forward = judge(asked, &owned, &ground, chains, to)?;
                let change = self.go_forward(&request, owned, forward, &mut batch).await?;
                head = self.head(Some((change.row.id, &change.state)));
                self.store_change(change, &mut batch)?;
            } else if self.share_standing(&owned).await? == ShareStanding::Missing
                && let Some(link) = last_refresh(owned.id(), &chains)?
                && link.signed().transcript().epoch() == owned.state().epoch()
                && link.signed().transcript().names_kept(&asked.kept)
            {
                // Another device brought the refresh back, and had no share to bring; or what is here does not open.
                batch.writes.push(Write::EraseShare {
                    wallet: owned.id(),
                    kind: KeyKind::Taproot,
                    epoch: owned.state().epoch().number,
                });
                batch
                    .writes
                    .push(self.add_kept(owned.id(), &ground.public, &asked.kept));
                self.store_change(owned.change(), &mut batch)?;
            }
        }
        failpoint!("roll_forward::before_commit");
        let reply = self.settle(&request, Done { head }, batch).await?;
        failpoint!("roll_forward::after_commit");
        Ok(reply)
    }

    /// What entries say was signed, of which the chain has nothing. What it spent is covered by limits that count as spent.
    async fn outstanding(&self, wallet: WalletId, entries: &[Entry]) -> Result<Vec<Issued>, Refusal> {
        let (mut issued, mut gone) = (Vec::new(), HashSet::new());
        for entry in entries {
            let Event::Signed(signed) = &entry.event else { continue };
            let known = self.store.transaction(wallet, signed.txid).await?;
            if known.is_some_and(|known| known.block.is_some()) {
                gone.extend(signed.inputs.iter().copied());
            }
            issued.push(Issued {
                wallet,
                txid: signed.txid,
                outpoints: signed.inputs.clone(),
                at: entry.at,
            });
        }
        issued.retain(|issued| !issued.outpoints.iter().any(|outpoint| gone.contains(outpoint)));
        Ok(issued)
    }

    /// Puts the wallet where it was.
    async fn go_forward(
        &self,
        request: &Authenticated<RollForward>,
        owned: Owned,
        forward: Forward,
        batch: &mut Batch,
    ) -> Result<Change, Refusal> {
        let (wallet, old) = (owned.id(), owned.state().epoch());
        let kept = &request.request().kept;
        let Forward {
            to,
            entries,
            list,
            chains,
            struck,
            replaced,
            links,
            public,
        } = forward;
        tracing::warn!(
            %wallet, device = %request.device(), ours = owned.state().head().seq, to = to.seq, entries = entries.len(),
            refreshes = links.len(), "a device brings this server forward"
        );
        let mut change = owned.change();
        let said: Vec<_> = entries.iter().map(|(_, entry)| entry.clone()).collect();
        batch
            .writes
            .extend(self.outstanding(wallet, &said).await?.into_iter().map(Write::PutIssued));
        for (bytes, entry) in entries {
            change.append(bytes);
            recall(&mut change, &entry);
        }
        change.state.generation = to.generation;

        let listed: Vec<_> = list
            .devices()
            .iter()
            .map(|device| (device.id(), *device.identity()))
            .collect();
        for (device, identity) in &listed {
            if self.store.device(*device).await?.is_none() {
                batch.writes.push(Write::AddDevice(Device {
                    id: *device,
                    identity: identity.to_bytes(),
                    user: request.user(),
                    name: NAMELESS.to_owned(),
                    enrolled: request.now(),
                }));
            }
        }
        change.state.device_list = to.list;
        change.state.contacts.keep(|device| list.device(device).is_some());
        let shape = &mut change.state.shape;
        shape.follow(&list, NAMELESS);
        for (devices, refreshed) in struck {
            shape.struck(&devices, if refreshed { old.number } else { to.epoch.number });
        }
        // New words, and no refresh since.
        if replaced == Some(true) {
            shape.want_refresh(to.epoch.number);
        }
        // Some of what devices asked for may have been done or cancelled: whoever still wishes it asks again. What recovery
        // asks for no device ends, whatever it brings.
        if replaced.is_some() {
            shape.waiting.drop_of_recovery();
        }
        shape.waiting.keep_of_recovery(|pending| is_settled(pending, &list));
        if let Some(fence) = &mut change.state.fence {
            fence.brought((old.number, to.epoch.number), |device| list.device(device).is_some());
        }
        self.keep_list(&change.state.shape, &chains, &list);

        if let Some(last) = links.last() {
            let transcript = last.signed().transcript();
            change.state.renew(to.epoch, *transcript.unlock_digest());
            change.row.public = Some(public.to_bytes());
            // A share that was refreshed away: no device would follow what it signs.
            batch.writes.push(Write::EraseShare {
                wallet,
                kind: KeyKind::Taproot,
                epoch: old.number,
            });
            if transcript.names_kept(kept) {
                batch.writes.push(self.add_kept(wallet, &public, kept));
            }
        }
        batch.writes.push(Write::PutChains(chains));
        Ok(change)
    }
}

/// Whether what is brought leads from where the wallet stands to a head that this server signed.
fn judge(
    asked: &RollForward,
    owned: &Owned,
    ground: &Ground,
    mut chains: Chains,
    to: Head,
) -> Result<Forward, Refusal> {
    let state = owned.state();
    // A log that was given up by a lift leads nowhere any more, though this server signed it.
    let seen = state.fence.as_ref().and_then(|fence| fence.seen.as_ref());
    if seen.is_some_and(|seen| seen.generation > to.generation) {
        return Err(astray(
            "a device has seen a later generation of this wallet's log; bring that",
        ));
    }
    let entries = entries_to(asked, state.head(), &to)?;
    // Where the log stays, the checkpoint's word is taken for the generation too: a device may have brought the end of a log
    // that a lift gave up later, and what was signed after that lift leads there from no entry of it.
    let unread = entries.is_empty() && to.generation > state.generation;
    let lifted = entries.iter().filter_map(|(_, entry)| match entry.event {
        Event::Lifted { generation, .. } => Some(generation),
        _ => None,
    });
    if !unread && lifted.max().unwrap_or_default().max(state.generation) != to.generation {
        return Err(astray(
            "the checkpoint is of another generation than what was brought leads to",
        ));
    }
    let links = asked.links.iter().map(|bytes| Link::try_from(bytes.as_slice()));
    let links: Vec<_> = links
        .collect::<Result<_, _>>()
        .map_err(|fault| crate::fault::protocol(&fault))?;
    let mut public = ground.public.clone();
    for link in &links {
        // What is for whoever was absent is kept for good: nobody puts something else in its place.
        if !link.is_intact() {
            return Err(astray("an envelope is not the one that its transcript names"));
        }
        let transcript = link.signed().transcript();
        // Whose words it was dealt for is seen where the whole chain is walked.
        public = transcript
            .follows(ground.wallet, &ground.server, transcript.recovery(), &public)
            .map_err(|fault| crate::fault::protocol(&fault))?;
    }
    if public.epoch() != to.epoch {
        return Err(astray(
            "the refreshes do not lead to the epoch that the checkpoint names",
        ));
    }
    let mut list = ground.list.clone();
    let sealed_to = links.last().map(|link| *link.signed().transcript().device_list_head());
    let mut refreshed = sealed_to.is_none() || sealed_to == Some(*list.head());
    let (mut struck, mut replaced) = (Vec::new(), None);
    for bytes in &asked.device_list {
        let entry = ListEntry::try_from(bytes.as_slice()).map_err(|fault| crate::fault::protocol(&fault))?;
        struck.push((list.append(&entry).map_err(|fault| shape::refused(&fault))?, !refreshed));
        if matches!(entry.act(), Act::ReplaceRecovery(_)) {
            replaced = Some(refreshed);
        }
        refreshed |= sealed_to == Some(*list.head());
    }
    if *list.head() != to.list {
        return Err(astray(
            "the entries do not lead to the device list that the checkpoint names",
        ));
    }
    chains.device_list.extend_from_slice(&asked.device_list);
    chains.package.extend(links.iter().map(Link::to_bytes));
    if replaced.is_some()
        && let Some(first) = chains.package.first_mut()
    {
        first.clone_from(&asked.package);
    }
    let whole = walk(&chains).map_err(|fault| crate::fault::protocol(&fault))?;
    if whole != public {
        return Err(astray(
            "the package does not lead to the epoch that the checkpoint names",
        ));
    }
    Ok(Forward {
        to,
        entries,
        list,
        chains,
        struck,
        replaced,
        links,
        public,
    })
}

/// Walks a wallet's epochs, from what all three signed: each refresh by whoever was listed then, for the words that counted
/// then, and what those sealed that count now.
fn walk(chains: &Chains) -> Result<PublicShares, Fault> {
    let [first, created, links @ ..] = chains.package.as_slice() else {
        return Err(FaultKind::Length.into());
    };
    let links = links.iter().map(|bytes| Link::try_from(bytes.as_slice()));
    let epochs = Epochs::new(
        SignedTranscript::try_from(created.as_slice())?,
        FirstPackage::try_from(first.as_slice())?,
        chains.device_list.clone(),
        links.collect::<Result<_, _>>()?,
    );
    epochs.public()
}

/// The log's entries, if they lead from its head to the checkpoint's.
fn entries_to(asked: &RollForward, from: ChainHead, to: &Head) -> Result<Vec<(Vec<u8>, Entry)>, Refusal> {
    let mut head = from;
    let mut entries = Vec::new();
    for bytes in &asked.entries {
        head = head.next(asked.wallet, bytes);
        let entry = Entry::from_bytes(bytes).map_err(|fault| Refusal::new(Reason::Malformed, fault.to_string()))?;
        entries.push((bytes.clone(), entry));
    }
    if !entries.is_empty() && (head.seq, head.chain) != (to.seq, to.chain) {
        return Err(astray(
            "the entries do not lead from this server's log to the checkpoint",
        ));
    }
    Ok(entries)
}

/// Whether recovery has what it asked for, or had it: the machine was on the list since.
fn is_settled(pending: &Pending, list: &DeviceList) -> bool {
    let entry = ListEntry::try_from(pending.body());
    entry.map_or(true, |entry| match entry.act() {
        Act::Enrol { identity, .. } => {
            let id = identity.device_id();
            list.device(id).is_some() || list.was_revoked(id)
        }
        _ => true,
    })
}

/// Takes in what an entry says that is not in the chains.
fn recall(change: &mut Change, entry: &Entry) {
    let seq = change.state.head().seq;
    match &entry.event {
        Event::Activated { .. } => change.state.standing = Standing::Active,
        Event::Renamed { name, .. } => change.row.name.clone_from(name),
        Event::Shape { device, step, subject } => match step {
            ShapeStep::Objected => change.state.shape.waiting.objected(subject, *device),
            ShapeStep::OperatorRefused => change.state.shape.waiting.done(subject),
            ShapeStep::Frozen => {
                change.state.shape.freeze = Some(Freeze {
                    since: seq,
                    by: device.0,
                });
            }
            ShapeStep::Unfrozen => change.state.shape.freeze = None,
            _ => {}
        },
        _ => {}
    }
}
