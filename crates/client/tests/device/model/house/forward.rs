//! A server that was brought forward by a device: to where a server of this wallet was before, and nowhere else.

use futures::executor::block_on;
use twofold_api::audit::{Entry, Event, ShapeStep};
use twofold_api::recovery::mandate;
use twofold_cosigner::testing::Looked;
use twofold_threshold::device_list::{Act, Change, Device, Entry as First, Origin};
use twofold_threshold::envelope::SealPublic;
use twofold_threshold::id::{DeviceId, EpochId};
use twofold_threshold::refresh::Link as Refreshed;

use super::check::signed;
use super::{House, Road};
use crate::model::book::fence::Brought;
use crate::model::book::{Book, Card, Seat, Share};

/// Links of a package before the first refresh.
const FIRST: usize = 2;

fn seat(device: &Device) -> Seat {
    let card = Card {
        id: device.id(),
        identity: *device.identity(),
        key: *device.sealing().as_bytes(),
    };
    let alone_by = match device.origin() {
        Origin::Alone(by) => Some(by),
        _ => None,
    };
    Seat::brought(card, (device.is_approver(), device.is_confirmed()), alone_by)
}

impl House {
    /// The heads of the device list, one for each entry.
    pub(super) fn list_heads(&self) -> Vec<[u8; 32]> {
        let chains = self.server.store.with(|tables| tables.chains[&self.wallet].clone());
        let heads = chains
            .device_list
            .iter()
            .map(|bytes| match Change::try_from(bytes.as_slice()) {
                Ok(change) => change.head(),
                Err(_) => First::try_from(bytes.as_slice()).expect("an entry").head(),
            });
        heads.collect()
    }

    /// A contact of a machine with a fenced server, which may bring it forward.
    pub(in crate::model) fn bring(&mut self, machine: usize, road: Road) {
        let seen = self.contact(machine);
        let card = self.machines[machine].card;
        if seen.fence.is_none() || !seen.lists(card.id) {
            return;
        }
        // What gets lost on the way is brought again.
        let roads = [Some(road).filter(|road| *road != Road::Smooth), Some(Road::Smooth)];
        let mut synced = None;
        for road in roads.into_iter().flatten() {
            let (mut client, wallet) = block_on(self.open(machine, road));
            let mut wallet = wallet.expect("has it");
            synced = Some(block_on(client.sync(&mut wallet)));
            drop((client, wallet));
            self.note(machine);
        }
        let looked = block_on(self.server.cosigner.look(self.wallet));
        let looked = looked.expect("authentic").expect("is there");
        let mut book = seen;
        let entries = self.server.store.with(|tables| tables.audit.len());
        let stood = self.entries;
        if looked.epoch != book.epoch() || looked.list.len() != length(&book) || entries != stood {
            book = self.was_brought(&book, &looked);
            self.count("brought", 0);
        }
        // Another device may have brought the refresh, and this one the share.
        if book.share == Share::Missing && self.sealed_share() {
            book.share = Share::Sealed;
        }
        if let Some(Ok(_)) = synced {
            let dealt = book
                .links
                .last()
                .is_some_and(|link| link.by == card.id && self.machines[machine].own.contains(&link.key));
            // Where it stands on this log, and not on one that was given up.
            let there = self.machines[machine]
                .head
                .is_some_and(|head| head.epoch == book.epoch() && book.heads.last() == Some(&head.list));
            assert!(
                !dealt || !there || book.share != Share::Missing,
                "who dealt the refresh keeps the server's share of it"
            );
        }
        if book.mark() != self.book.mark() {
            self.mark = Some(book.mark());
        }
        self.book = book.clone();
        self.resolve(vec![book], Some(machine), "a contact with a fenced server");
    }

    /// The machine for which recovery asked, by what names its recovery in the log.
    fn asker_of(&self, subject: &[u8; 32]) -> Option<DeviceId> {
        let asked = self.machines.iter().filter(|machine| {
            let keys = machine.wished.iter().chain([&machine.card.key]);
            let mut keys = keys.filter_map(|key| SealPublic::try_from(key.as_slice()).ok());
            keys.any(|key| mandate(&machine.card.identity, &key) == *subject)
        });
        asked.map(|machine| machine.card.id).next()
    }

    /// The books, once a device has brought the server to where it had been.
    fn was_brought(&self, book: &Book, looked: &Looked) -> Book {
        let tables = self.server.store.with(|tables| tables.clone());
        assert!(
            self.ever.knows(&tables, looked),
            "a device brought the server to where none has been"
        );
        assert!(
            looked.fenced,
            "a device that brought the server forward lifted its fence"
        );
        let chains = &tables.chains[&self.wallet];
        let (old, heads) = (book.heads.len(), self.list_heads());
        assert_eq!(
            heads[..old],
            book.heads,
            "the list that was there is no beginning of the one that was brought"
        );
        let links = chains.package[FIRST..].iter();
        let links: Vec<_> = links
            .map(|bytes| Refreshed::try_from(bytes.as_slice()).expect("a link"))
            .collect();
        let mut path = vec![book.path[0]];
        path.extend(links.iter().map(|link| link.signed().transcript().epoch()));
        assert_eq!(
            path[..book.path.len()],
            book.path,
            "the epochs that were there are no beginning"
        );
        let new = &links[book.path.len() - 1..];
        // Struck off after the last refresh was sealed.
        let sealed_to = new.last().map(|link| *link.signed().transcript().device_list_head());
        let from = sealed_to.map_or(old, |head| {
            1 + heads.iter().position(|known| *known == head).expect("a head")
        });
        let acts = chains.device_list.iter().skip(old);
        let acts = acts.map(|bytes| Change::try_from(bytes.as_slice()).expect("an entry"));
        let acts: Vec<_> = acts.map(|change| *change.act()).collect();
        let later = acts.iter().skip(from.saturating_sub(old));
        let struck = later
            .into_iter()
            .any(|act| matches!(act, Act::Revoke(_) | Act::ReplaceRecovery(_)));
        let words = acts.iter().rev().find_map(|act| match act {
            Act::ReplaceRecovery(words) => Some(*words),
            _ => None,
        });
        let words = words.map_or(book.words, |words| {
            let sheet = self.sheets.iter().position(|sheet| sheet.public() == words);
            sheet.expect("some words of this house's")
        });
        let seats: Vec<_> = looked.list.devices().iter().map(seat).collect();
        let gone = |id: &DeviceId| !seats.iter().any(|seat| seat.card.id == *id);
        let added = acts.iter().filter_map(|act| match act {
            Act::Enrol { identity, .. } => Some(identity.device_id()),
            _ => None,
        });
        let gone: Vec<_> = book
            .seats
            .iter()
            .map(|seat| seat.card.id)
            .chain(added)
            .filter(gone)
            .collect();
        let entries = tables.audit.values().skip(self.entries);
        let entries: Vec<_> = entries
            .map(|row| Entry::from_bytes(&row.entry).expect("an entry"))
            .collect();
        let freezes = entries.iter().filter_map(frozen);
        let of_recovery = |wanted: ShapeStep| {
            let subjects = entries.iter().filter_map(|entry| match entry.event {
                Event::Shape { step, subject, .. } if step == wanted => Some(subject),
                _ => None,
            });
            subjects.filter_map(|subject| self.asker_of(&subject)).collect()
        };
        let said: Vec<_> = entries.iter().filter_map(signed).collect();
        let dealt = |epoch: &EpochId| self.links.get(&epoch.transcript).expect("a refresh that was").clone();
        let mut book = book.brought(Brought {
            gone,
            heads,
            links: path.iter().skip(1).map(dealt).collect(),
            words,
            generation: looked.generation,
            struck,
            freezes: freezes.collect(),
            replaced: acts.iter().any(|act| matches!(act, Act::ReplaceRecovery(_))),
            objected: of_recovery(ShapeStep::Objected),
            refused: of_recovery(ShapeStep::OperatorRefused),
            spent: said.iter().map(|(_, added)| added).sum(),
            signed: said.iter().map(|(request, _)| *request).collect(),
            seats,
            path,
        });
        if self.sealed_share() {
            book.share = Share::Sealed;
        }
        book
    }
}

fn length(book: &Book) -> u32 {
    u32::try_from(book.heads.len()).expect("few")
}

/// Whether an entry is of the wallet's freezing or of its end, and whose.
fn frozen(entry: &Entry) -> Option<(bool, DeviceId)> {
    match entry.event {
        Event::Shape {
            device,
            step: ShapeStep::Frozen,
            ..
        } => Some((true, device)),
        Event::Shape {
            device,
            step: ShapeStep::Unfrozen,
            ..
        } => Some((false, device)),
        _ => None,
    }
}
