//! Bringing a server that was restored from a backup forward again, by what it signed itself.
//!
//! This machine keeps the end of the log as it read and proved it, beside the device list, the refreshes and what the last of
//! these had it keep for the server. A server that shows less of the log than it had confirmed is offered what it lacks. It
//! verifies all of it by its own signature, and no fence is lifted by that.

mod tail;

use twofold_api::request::{GetWallet, RollForward};
use twofold_threshold::checkpoint::{Checkpoint, Head};
use twofold_threshold::device_list::{Change, Entry, Succession, succession};
use twofold_threshold::id::EpochId;
use twofold_threshold::refresh::Link;

use crate::client::Client;
use crate::fault::{Breach, Fault};
use crate::port::Platform;
use crate::refresh::FIRST_LINKS;
use crate::session::Caution;
use crate::wallet::{Record, Wallet};
pub(crate) use tail::Tail;

/// How far the server is.
struct Stands {
    head: Head,
    list: usize,
    links: usize,
}

/// The head of a device list that ends with this entry.
fn head_after(entry: &[u8]) -> Option<[u8; 32]> {
    match Change::try_from(entry) {
        Ok(change) => Some(change.head()),
        Err(_) => Entry::try_from(entry).ok().map(|entry| entry.head()),
    }
}

/// How many refreshes lead to an epoch.
fn links_to(record: &Record, epoch: EpochId) -> Option<usize> {
    let place = record.links.iter().position(|bytes| {
        Link::try_from(bytes.as_slice()).is_ok_and(|link| link.signed().transcript().epoch() == epoch)
    });
    place.map(|place| place + 1)
}

/// The server's share of an epoch, where this machine keeps that.
fn kept_for(record: &Record, epoch: EpochId) -> Vec<u8> {
    if epoch == record.public.epoch() {
        record.kept.clone()
    } else {
        Vec::new()
    }
}

/// What this machine has that leads from where the server stands to a checkpoint; none where something of it is missing, or
/// nothing is needed.
fn between(
    record: &Record,
    (tail, list): (&Tail, &[Vec<u8>]),
    stands: &Stands,
    (to, head): (Checkpoint, &Head),
) -> Option<RollForward> {
    let wallet = record.wallet;
    let entries = tail.between(wallet, &stands.head, head).unwrap_or_default().to_vec();
    let length = list.iter().position(|entry| head_after(entry) == Some(head.list))? + 1;
    let links = if head.epoch == stands.head.epoch {
        stands.links
    } else {
        links_to(record, head.epoch)?
    };
    let needed = RollForward {
        wallet,
        checkpoint: to,
        entries,
        device_list: list.get(stands.list..length)?.to_vec(),
        links: record.links.get(stands.links..links)?.to_vec(),
        kept: kept_for(record, head.epoch),
        package: record.package.clone(),
    };
    let nothing = needed.entries.is_empty() && needed.device_list.is_empty() && needed.links.is_empty();
    (!nothing).then_some(needed)
}

impl<P: Platform> Client<P> {
    /// Offers a server that is behind what it lacks of a wallet, as far as this machine has it. What the server does not
    /// take is no failure of this machine's: the fence stands either way.
    pub(crate) async fn bring_forward(&mut self, wallet: &mut Wallet) -> Result<(), Fault> {
        let Some(newest) = wallet.checkpoint else { return Ok(()) };
        let request = GetWallet {
            wallet: wallet.id(),
            checkpoint: Some(newest),
        };
        let (told, _) = self.call(&request, Some(&newest), Caution::Notice).await?;
        let known = self.known_list(wallet).await?;
        let list = known.entries();
        let ahead = match succession(list, &told.device_list) {
            Succession::Same | Succession::Behind => true,
            // Another device knows more, and has no share to bring.
            Succession::Onward => false,
            Succession::Forked(_) => return Ok(()),
        };
        let mut stands = Stands {
            head: self.shown_in(&told.head)?,
            list: told.device_list.len(),
            links: told.package.len().saturating_sub(FIRST_LINKS),
        };
        let tail = self.load_tail(wallet.id()).await?;
        let marks: Vec<_> = wallet.held().copied().collect();
        // As far as the log was read, and then to the newest, whose entry nobody may have read.
        let read = marks.iter().rev().find(|checkpoint| {
            let head = self.head_of(checkpoint);
            head.is_ok_and(|head| tail.between(wallet.id(), &stands.head, &head).is_some())
        });
        for aim in read.into_iter().chain([&newest]).filter(|_| ahead) {
            let head = self.head_of(aim)?;
            let Some(request) = between(&wallet.record, (&tail, list), &stands, (*aim, &head)) else {
                continue;
            };
            let Some(head) = self.offer(&request, &newest).await? else {
                return Ok(());
            };
            stands = Stands {
                head,
                list: stands.list + request.device_list.len(),
                links: stands.links + request.links.len(),
            };
        }
        // Another device may have brought the refresh back, and had no share to bring.
        let kept = kept_for(&wallet.record, stands.head.epoch);
        if !kept.is_empty() {
            let request = RollForward {
                wallet: wallet.id(),
                checkpoint: newest,
                entries: Vec::new(),
                device_list: Vec::new(),
                links: Vec::new(),
                kept,
                package: Vec::new(),
            };
            self.offer(&request, &newest).await?;
        }
        if stands.head == self.head_of(&newest)? {
            self.prove_shown(wallet, newest).await?;
        }
        Ok(())
    }

    /// Where the server stands once it was offered something; none where it refuses.
    async fn offer(&mut self, request: &RollForward, newest: &Checkpoint) -> Result<Option<Head>, Fault> {
        match self.call(request, Some(newest), Caution::Notice).await {
            Err(Fault::Refused(_)) => Ok(None),
            done => self.shown_in(&done?.0.head).map(Some),
        }
    }

    fn head_of(&self, checkpoint: &Checkpoint) -> Result<Head, Fault> {
        let head = checkpoint.verify(&self.session.server);
        Ok(*head.map_err(|_| Breach::Checkpoint)?)
    }

    /// Where the server says that it stands, in a reply about a wallet.
    fn shown_in(&self, head: &twofold_api::reply::Head) -> Result<Head, Fault> {
        let bytes = head.checkpoint.as_deref().ok_or(Breach::Checkpoint)?;
        self.head_of(&Checkpoint::try_from(bytes).map_err(|_| Breach::Checkpoint)?)
    }
}
