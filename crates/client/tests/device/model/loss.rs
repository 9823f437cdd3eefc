//! What is lost and what comes back: the server's database, its anchor, a machine; and who lifts the fence.

use std::sync::Arc;

use futures::executor::block_on;
use twofold_api::invitation::Invitation;
use twofold_client::recovery::recover::{Recovered, Recovery};
use twofold_client::{Client, Fault, Fencing};
use twofold_cosigner::testing::memory::Tables;
use twofold_cosigner::testing::{MemoryAnchor, MemoryStore};
use twofold_cosigner::{RESTORED, StartFault, TAKES_OVER, last_token};
use twofold_threshold::device_list::{Act, Change};
use twofold_threshold::id::DeviceId;

use super::book::{BLANK, Book, Card, Sent, Share, What};
use super::house::{Backup, House, Place, Told, told};
use super::run::{Expected, MACHINES, pick};
use super::step::{Kept, Road, Voice};
use crate::server::Server;
use crate::world::{World, paying};

impl House {
    pub(super) fn back_up(&mut self) {
        self.backups.push(Backup {
            tables: self.server.store.with(|tables| tables.clone()),
            book: self.book.clone(),
            anchors: self.anchors,
            starts: self.starts,
            floor: self.floor,
            keks: self.keks,
        });
    }

    pub(super) fn restore(&mut self, which: u8, kept: Kept) {
        let Some(place) = pick(which, self.backups.len()) else {
            return;
        };
        self.was_restored = true;
        // It takes longer than a request lives.
        self.pass(1);
        let backup = &self.backups[place];
        let (tables, book, floor) = (backup.tables.clone(), backup.book.clone(), backup.floor);
        let keks = backup.keks;
        let (same_anchor, same_start) = (backup.anchors == self.anchors, backup.starts == self.starts);
        let mut kept = kept;
        if kept == Kept::Unsaid {
            let now_under = core::mem::replace(&mut self.keks, keks);
            self.put_back(tables.clone(), None);
            let started = block_on(self.restart(false));
            assert_eq!(
                started.is_ok(),
                same_anchor && same_start,
                "an old copy was started: {started:?}"
            );
            if started.is_ok() {
                self.floor = floor;
                self.book = book;
                return self.restored();
            }
            self.keks = now_under;
            kept = Kept::Anchor;
        }
        // A backup is of no use without the KEKs of its day.
        self.keks = keks;
        let book = if kept == Kept::Anchor && same_anchor {
            self.put_back(tables, Some(&self.anchor.clone()));
            block_on(self.restart(false)).expect("starts beside its anchor");
            self.floor = floor;
            book.restored(self.mark, self.now())
        } else {
            self.put_back(tables, Some(&self.anchor.clone()));
            self.anchor = MemoryAnchor::default();
            let refused = block_on(self.restart(false));
            assert!(
                matches!(refused, Err(StartFault::AnchorMissing)),
                "without its anchor: {refused:?}"
            );
            block_on(self.restart(true)).expect("starts with another anchor");
            self.anchors += 1;
            self.mark = Some(book.mark());
            self.floor = floor;
            book.restored(None, self.now())
        };
        self.book = book;
        self.restored();
    }

    /// The server shows whether the wallet was restored as it must be; then the clock has time to settle.
    fn restored(&mut self) {
        let book = self.book.clone();
        self.resolve(vec![book], None, "restored");
        self.pass(1);
    }

    fn put_back(&self, backup: Tables, follows: Option<&MemoryAnchor>) {
        let last = follows.map(|anchor| last_token(&anchor.with(|lines| lines.clone())).expect("lines of an anchor"));
        self.server.store.with(|tables| {
            *tables = backup;
            if let Some(last) = last {
                *tables.counters.entry(RESTORED).or_default() += 1;
                let token = last.map(Vec::from).unwrap_or_default();
                tables.secrets.insert(TAKES_OVER, token);
            }
        });
    }

    pub(super) fn operator_lifts(&mut self, many: bool) {
        let expected = self.book.operator_lifts(many, self.now());
        let result = block_on(self.server.cosigner.decide_fence(self.wallet, "the disk died", many));
        assert_eq!(expected.is_some(), result.is_ok(), "the operator lifts: {result:?}");
        self.resolve(
            vec![expected.unwrap_or_else(|| self.book.clone())],
            None,
            "the operator lifts",
        );
    }

    pub(super) fn lift_fence(&mut self, who: u8, voice: Voice) {
        let machine = self.owner(who);
        // With the words it is lifted where the server stands.
        if voice == Voice::Alone {
            self.bring(machine, Road::Smooth);
        }
        let seen = self.contact(machine);
        let me = self.machines[machine].card.id;
        let expected = Expected {
            done: seen.says_yes(me, voice == Voice::WithWords, self.now()),
            surely: false,
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.lift_fence(&mut wallet, self.words(voice)));
        drop((client, wallet));
        let outcome = match told(result, Road::Smooth) {
            Told::Done(Fencing::Lifted | Fencing::Waits) => Told::Done(()),
            Told::Refused(fault) => Told::Refused(fault),
            Told::Cut => Told::Cut,
        };
        self.judge("lift a fence", machine, outcome, expected);
    }

    /// A new machine comes with the operator's code and the words.
    pub(super) fn lose(&mut self, waived: bool, road: Road) {
        if self.machines.len() >= MACHINES {
            return;
        }
        let wait = waived.then_some(0);
        let invitation = block_on(self.server.invite_recovery(self.wallet, wait));
        let book = self.book.invite_recovery(wait);
        self.resolve(vec![book], None, "a code for recovery");
        let mut world = self.machines[0].world.another();
        world.seed += 9_000 * u64::try_from(self.machines.len()).expect("few") + self.now().shown;
        let card = self.join(&mut world, &invitation);
        let new = self.settle(world, card, Place::Recovering);
        self.machines[new].code = Some(invitation.code);
        self.take_place(new, true, road);
        self.note_wishes(new);
    }

    fn join(&self, world: &mut World, invitation: &Invitation) -> Card {
        world.clock.set(self.now().shown);
        let client = block_on(world.join_with(invitation)).expect("joins by a fresh code");
        let identity = *client.device_key();
        Card {
            id: identity.device_id(),
            identity,
            key: BLANK,
        }
    }

    /// One comes back that wants a lost one's place, or that was cut short when it had that.
    pub(super) fn recover(&mut self, who: u8, keep: bool, road: Road, torn: Option<Kept>) {
        let all = self.machines.iter().enumerate();
        let recovering = all.filter(|(_, machine)| machine.place == Place::Recovering || machine.unsettled);
        let recovering: Vec<_> = recovering.map(|(at, _)| at).collect();
        let Some(place) = pick(who, recovering.len()) else {
            return;
        };
        if torn.is_some() {
            self.back_up();
        }
        let cut = self.take_place(recovering[place], keep, road);
        self.note_wishes(recovering[place]);
        if let Some(kept) = torn.filter(|_| cut) {
            let last = u8::try_from(self.backups.len() - 1).expect("few");
            self.restore(last, kept);
        }
    }

    /// Under which sealing keys recovery asks for a machine, as only the server knows.
    fn note_wishes(&mut self, machine: usize) {
        let looked = block_on(self.server.cosigner.look(self.wallet));
        let machine = &mut self.machines[machine];
        for waiting in looked.expect("authentic").expect("is there").waiting {
            let entry = Change::try_from(waiting.entry.as_slice());
            if let Ok(Act::Enrol { identity, sealing }) = entry.as_ref().map(Change::act)
                && *identity == machine.card.identity
            {
                machine.wished.insert(*sealing.as_bytes());
            }
        }
    }

    /// Whether it was cut short.
    fn take_place(&mut self, machine: usize, keep: bool, road: Road) -> bool {
        if self.machines[machine].place == Place::In {
            self.reach(machine);
        }
        let me = self.machines[machine].card;
        let now = self.now();
        let known = self.book.lists(me.id);
        // With another sealing key it is another wish. One that it has not shown yet it has from the beginning.
        let first = self.machines[machine].own.is_empty();
        let asked_for = self.book.waiting.iter().find_map(|wish| match wish.what {
            What::Recover(card) if card.id == me.id && (card.key == me.key || (card.key == BLANK && first)) => {
                Some(card)
            }
            _ => None,
        });
        let card = asked_for.unwrap_or(me);
        let asked = if known || asked_for.is_some() {
            Some(self.book.clone())
        } else {
            // The code may have ended meanwhile, or not be known to a server that was restored since.
            self.book.ask_recovery(card, now)
        };
        let over = asked.as_ref().and_then(|book| book.recover(card, now));
        let (mut client, _) = block_on(self.open(machine, road));
        let code = self.machines[machine].code;
        let result = block_on(client.recover(self.wallet, code, &self.sheets[self.book.words]));
        drop(client);
        let refused = |done| Expected { done, surely: false };
        let mut recovered = match told(result, road) {
            Told::Done(Recovery::Done(recovered)) => recovered,
            Told::Done(Recovery::Waits(_)) => {
                assert!(over.is_none(), "a recovery waits whose time has come");
                self.judge("ask recovery", machine, Told::Done(()), refused(asked));
                return false;
            }
            Told::Refused(fault) => {
                let whole = self.book.share == Share::There;
                assert!(!known || !whole, "a listed machine is not given its share: {fault}");
                self.note(machine);
                self.count("recover", 1);
                // A server that has no share helps nobody to one, and lets what is asked for wait all the same.
                let half = asked.filter(|_| !whole);
                let possible = core::iter::once(self.book.clone()).chain(half);
                self.resolve(possible.collect(), Some(machine), &format!("recover: {fault}"));
                return false;
            }
            Told::Cut => {
                self.note(machine);
                self.count("recover", 2);
                let possible = [Some(self.book.clone()), asked, over];
                self.resolve(possible.into_iter().flatten().collect(), Some(machine), "recover");
                if let Some(seat) = self.book.seat(me.id) {
                    self.machines[machine].card = seat.card;
                }
                return true;
            }
        };
        let expected = Expected {
            done: over,
            surely: true,
        };
        self.judge("recover", machine, Told::Done(()), expected);
        self.machines[machine].place = Place::In;
        let seat = self.book.seat(me.id).expect("listed now");
        self.machines[machine].card = seat.card;
        self.note(machine);
        if self.contact(machine).fence.is_some() {
            return false;
        }
        self.settle_down(machine, keep, &mut recovered, road)
    }

    /// The rest of what the command does: the lost ones go, the freeze ends, the shares are dealt anew. Whether that was cut
    /// short.
    fn settle_down(&mut self, machine: usize, keep: bool, recovered: &mut Recovered, road: Road) -> bool {
        let me = self.machines[machine].card.id;
        let keep: Vec<_> = if keep { recovered.others.clone() } else { Vec::new() };
        let mut stages = settling(&self.book, me, &keep, self.now());
        let (mut client, _) = block_on(self.open(machine, road));
        let result = block_on(client.settle_recovery(recovered, &keep, &self.sheets[self.book.words]));
        drop(client);
        let outcome = told(result, road);
        let cut = matches!(outcome, Told::Cut);
        (self.machines[machine].unsure, self.machines[machine].unsettled) = (cut, cut);
        if cut {
            self.note(machine);
            self.count("settle a recovery", 2);
            self.resolve(stages, Some(machine), "settle a recovery");
            return true;
        }
        let expected = Expected {
            done: stages.pop(),
            surely: true,
        };
        self.judge("settle a recovery", machine, outcome, expected);
        false
    }

    /// Server and recovery have a wallet without any of its devices: tried on a copy of the server.
    pub(super) fn server_and_recovery(&mut self) {
        if self.book.seats.len() >= 18 || self.book.share != Share::There {
            return;
        }
        let store = MemoryStore::new();
        store.with(|tables| *tables = self.server.store.with(|tables| tables.clone()));
        let parts = (store, self.server.chain.clone(), self.server.clock.clone());
        let fork = block_on(Server::start_under(parts, None, self.keks)).expect("starts");
        let words = &self.sheets[self.book.words];
        let recoveries = self.book.waiting.iter().filter(|wish| wish.asker.is_none());
        for number in recoveries.map(|wish| wish.number).collect::<Vec<_>>() {
            block_on(fork.cosigner.refuse_change(self.wallet, number)).expect("the operator clears the way");
        }
        let invitation = block_on(fork.invite_recovery(self.wallet, Some(0)));
        let mut world = self.machines[0].world.another();
        world.seed += 11_000;
        world.turn_to(&fork);
        self.join(&mut world, &invitation);
        let signed: Result<(), Fault> = block_on(async {
            let mut client: Client<_> = world.open().await;
            let recovered = client.recover(self.wallet, Some(invitation.code), words).await?;
            let Recovery::Done(mut recovered) = recovered else {
                unreachable!("a recovery without a wait waits")
            };
            if self.book.fence.is_some() {
                return Ok(());
            }
            client.settle_recovery(&mut recovered, &[], words).await?;
            let mut wallet = recovered.wallet;
            client.sync(&mut wallet).await?;
            let draft = client.draft(&mut wallet, &paying(2_000))?;
            client.cosign(&mut wallet, draft).await.map(drop)
        });
        signed.expect("server and recovery give a new machine the wallet");
        drop(Arc::clone(&fork));
    }
}

/// What the books say while a recovery settles down, from where it begins to where all is done.
fn settling(book: &Book, me: DeviceId, keep: &[DeviceId], now: super::book::Now) -> Vec<Book> {
    let mut stages = vec![book.clone()];
    let mut book = book.clone();
    let others: Vec<_> = book.seats.iter().map(|seat| seat.card.id).collect();
    for other in others {
        if other != me && book.lists(other) && !keep.contains(&other) {
            let sent = Sent {
                by: me,
                what: What::Revoke(other),
                signers: vec![me],
                words: true,
                parent: book.heads.len(),
            };
            book = book.change(&sent, now).expect("recovery strikes the lost ones off");
            stages.push(book.clone());
        }
    }
    book = book.unfreeze(me, true, now).expect("recovery ends the freeze");
    stages.push(book.clone());
    if book.refresh_due() {
        book = book.refresh(me).expect("a refresh follows");
        stages.push(book);
    }
    stages
}
