//! Each step, as a person would take it: by the commands of the real client, and what must become of it.

use futures::executor::block_on;
use twofold_client::devices::{Arrival, Outcome};
use twofold_client::message::Place as Signer;
use twofold_client::{Client, Fault};
use twofold_threshold::envelope::SealPublic;
use twofold_threshold::id::DeviceId;

use super::book::{Book, Card, Sent, What};
use super::house::{House, Place, Told, told};
use super::step::{Road, Step, Voice};
use crate::crashes::Mortal;
use crate::world::{named, paying};

/// Machines at most.
pub(super) const MACHINES: usize = 7;

/// Which of so many is meant.
pub(super) fn pick(which: u8, of: usize) -> Option<usize> {
    usize::from(which).checked_rem(of)
}

/// What may become of a command, and whether it must.
pub(super) struct Expected {
    /// The books once it is done; none where it must be refused.
    pub(super) done: Option<Book>,
    /// It must be done: nothing on the way nor in this machine's past is in the way.
    pub(super) surely: bool,
}

impl House {
    pub(crate) fn take(&mut self, step: &Step) {
        let name = format!("{step:?}");
        match *step {
            Step::Sign { who, told, road } => self.sign(who, told, road),
            Step::SignText { who } => self.sign_text(who),
            Step::Sync { who } => self.sync(who),
            Step::Add {
                who,
                voice,
                road,
                comes,
            } => self.add(who, voice, road, comes),
            Step::Arrive { who } => self.arrive(who),
            Step::Strike { who, whom, voice, road } => {
                let whom = self.device(whom);
                self.change(who, What::Revoke(whom), voice, road);
            }
            Step::Promote { who, whom, voice } => {
                let whom = self.device(whom);
                self.change(who, What::Approver(whom), voice, Road::Smooth);
            }
            Step::Agree { who, change, voice } => self.agree(who, change, voice),
            Step::Again { change, voice } => self.again(change, voice),
            Step::Cancel { who, change } => self.cancel(who, change),
            Step::Freeze { who } => self.freeze(who),
            Step::Unfreeze { who, voice, road } => self.unfreeze(who, voice, road),
            Step::Rename { who, whom } => self.rename(who, whom),
            Step::Refresh { who, road } => self.refresh(who, road),
            Step::Steal { who } => self.steal(who),
            Step::HoursPass(hours) => self.pass(u64::from(hours)),
            Step::Restart => block_on(self.restart(false)).expect("starts"),
            Step::OperatorAgrees(which) => self.operator(which, true),
            Step::OperatorRefuses(which) => self.operator(which, false),
            Step::Replay(which) => self.replay(which),
            Step::Backup => self.back_up(),
            Step::Restore { which, anchor } => self.restore(which, anchor),
            Step::OperatorLifts { many } => self.operator_lifts(many),
            Step::LiftFence { who, voice } => self.lift_fence(who, voice),
            Step::Lose { waived } => self.lose(waived),
            Step::Recover { who, keep } => self.recover(who, keep),
        }
        let before = self.book.clone();
        self.resolve(vec![before], None, &name);
    }

    pub(super) fn count(&mut self, what: &'static str, outcome: usize) {
        self.tally.entry(what).or_default()[outcome] += 1;
    }

    /// A device, listed or not.
    pub(super) fn device(&self, which: u8) -> DeviceId {
        let machine = pick(which, self.machines.len()).expect("there is one");
        self.machines[machine].card.id
    }

    /// A machine that has the wallet.
    pub(super) fn owner(&self, which: u8) -> usize {
        let all = self.machines.iter().enumerate();
        let have: Vec<_> = all
            .filter(|(_, machine)| machine.place == Place::In)
            .map(|(at, _)| at)
            .collect();
        have[pick(which, have.len()).expect("the first has it")]
    }

    /// What a contact of a machine says of the server: the books from there on.
    pub(super) fn contact(&self, machine: usize) -> Book {
        let machine = &self.machines[machine];
        match &machine.head {
            Some(head) if self.book.lists(machine.card.id) && !self.knows(head) => self.book.shown(head, self.now()),
            _ => self.book.clone(),
        }
    }

    /// A machine's next contact ends what it may have left half done; then what it shows of the server is known.
    pub(super) fn reach(&mut self, machine: usize) {
        if !self.machines[machine].unsure {
            return;
        }
        let seen = self.contact(machine);
        let id = self.machines[machine].card.id;
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let synced = block_on(client.sync(&mut wallet));
        drop((client, wallet));
        self.note(machine);
        self.machines[machine].unsure = synced.is_err() && seen.fence.is_some();
        let mut possible = vec![seen.clone()];
        possible.extend(seen.refresh(id));
        self.resolve(possible, Some(machine), "a contact after an interruption");
    }

    /// Whether a machine is one whose commands must succeed where the protocol lets it have them: it knows of no other
    /// server's words.
    pub(super) fn sound(&self, machine: usize) -> bool {
        let machine = &self.machines[machine];
        machine.head.as_ref().is_none_or(|head| self.knows(head))
    }

    /// Holds what became of a command against what may be.
    pub(super) fn judge<T: core::fmt::Debug>(
        &mut self,
        what: &'static str,
        machine: usize,
        outcome: Told<T>,
        expected: Expected,
    ) -> Option<T> {
        let refused = self.contact(machine);
        self.note(machine);
        let outcome = match (outcome, expected.done) {
            (Told::Done(done), Some(book)) => {
                self.count(what, 0);
                self.resolve(vec![book], Some(machine), what);
                return Some(done);
            }
            (Told::Done(done), None) => unreachable!("{what}: was done, and must not be: {done:?}"),
            (Told::Refused(fault), Some(_)) if expected.surely => {
                unreachable!("{what}: must be done: {fault}\n{fault:?}")
            }
            (Told::Refused(_), _) => {
                self.count(what, 1);
                vec![refused]
            }
            (Told::Cut, done) => {
                self.count(what, 2);
                core::iter::once(refused).chain(done).collect()
            }
        };
        self.resolve(outcome, Some(machine), what);
        None
    }

    pub(super) fn sign(&mut self, who: u8, told_first: bool, road: Road) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let (id, reaches) = (self.machines[machine].card.id, self.reaches(&self.machines[machine]));
        let allowed = seen.lists(id) && seen.frozen.is_none() && seen.fence.is_none();
        let expected = Expected {
            done: (allowed && reaches).then(|| seen.clone()),
            surely: self.sound(machine) && self.surely_reaches(&self.machines[machine]) && road_carries(road),
        };
        let (mut client, wallet) = block_on(self.open(machine, road));
        let mut wallet = wallet.expect("has it");
        let result = block_on(async {
            if told_first || wallet.ledger().coins().is_empty() {
                client.sync(&mut wallet).await?;
            }
            let draft = client.draft(&mut wallet, &paying(1_000 + u64::from(who)))?;
            client.cosign(&mut wallet, draft).await
        });
        drop((client, wallet));
        let outcome = told(result.map(drop), road);
        self.judge("sign", machine, outcome, expected);
    }

    pub(super) fn sign_text(&mut self, who: u8) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let (id, reaches) = (self.machines[machine].card.id, self.reaches(&self.machines[machine]));
        let allowed = seen.lists(id) && seen.frozen.is_none() && seen.fence.is_none();
        let expected = Expected {
            done: (allowed && reaches).then(|| seen.clone()),
            surely: self.sound(machine) && self.surely_reaches(&self.machines[machine]),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.sign_message(&mut wallet, &Signer::Index(0), b"a text"));
        drop((client, wallet));
        self.judge("sign a text", machine, told(result.map(drop), Road::Smooth), expected);
    }

    pub(super) fn sync(&mut self, who: u8) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let listed = seen.lists(self.machines[machine].card.id);
        let expected = Expected {
            done: listed.then(|| seen.clone()),
            surely: self.surely_reaches(&self.machines[machine]) && self.sound(machine),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.sync(&mut wallet));
        drop((client, wallet));
        self.judge("sync", machine, told(result.map(drop), Road::Smooth), expected);
    }

    pub(super) fn add(&mut self, who: u8, voice: Voice, road: Road, comes: bool) {
        if self.machines.len() >= MACHINES {
            return;
        }
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let id = self.machines[machine].card.id;
        let expected = Expected {
            done: seen.invite(id, self.now()),
            surely: self.sound(machine),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.introduce(&mut wallet));
        drop((client, wallet));
        let outcome = told(result, Road::Smooth);
        let shown = match outcome {
            Told::Done(shown) => {
                self.judge("introduce", machine, Told::Done(()), expected);
                shown
            }
            other => {
                let other = match other {
                    Told::Refused(fault) => Told::<()>::Refused(fault),
                    _ => Told::Cut,
                };
                self.judge("introduce", machine, other, expected);
                return;
            }
        };
        let mut world = self.machines[machine].world.another();
        world.seed += 7_000 * u64::try_from(self.machines.len()).expect("few") + self.now().shown;
        world.clock.set(self.now().shown);
        let (client, shown) = block_on(world.join_wallet(&shown)).expect("joins by a fresh code");
        let card = Card {
            id: client.device_key().device_id(),
            identity: shown.identity,
            key: *shown.sealing.as_bytes(),
        };
        drop(client);
        let new = self.settle(world, card, Place::Waiting { from: id });
        self.change(who_of(machine, self), What::Enrol(card), voice, road);
        if comes {
            self.come(new);
        }
    }

    pub(super) fn arrive(&mut self, who: u8) {
        let all = self.machines.iter().enumerate();
        let waiting = all.filter(|(_, machine)| matches!(machine.place, Place::Waiting { .. }));
        let waiting: Vec<_> = waiting.map(|(at, _)| at).collect();
        if let Some(place) = pick(who, waiting.len()) {
            self.come(waiting[place]);
        }
    }

    /// A machine looks whether it was added.
    pub(super) fn come(&mut self, machine: usize) {
        let Place::Waiting { from } = self.machines[machine].place else {
            return;
        };
        let card = self.machines[machine].card;
        let seat = self.book.seat(card.id);
        let ready = seat.is_some_and(|seat| {
            let left = self.comes_from(&self.machines[machine], seat.parcel);
            seat.signed_by.contains(&from) && seat.parcel.is_some() && left
        });
        let (mut client, _) = block_on(self.open(machine, Road::Smooth));
        let result = block_on(client.arrive());
        drop(client);
        let arrived = match result {
            Ok(arrivals) => matches!(arrivals[..], [Arrival::Arrived { .. }]),
            Err(fault) => {
                assert!(!ready, "what was left can't be taken in: {fault}");
                false
            }
        };
        assert_eq!(
            arrived, ready,
            "a machine arrived without leave, or stayed outside with it"
        );
        if arrived {
            self.machines[machine].place = Place::In;
        }
        self.note(machine);
        self.resolve(vec![self.book.clone()], Some(machine), "arrive");
        self.count("arrive", usize::from(!arrived));
    }

    pub(super) fn words(&self, voice: Voice) -> Option<&twofold_threshold::words::RecoverySecret> {
        (voice == Voice::WithWords).then_some(&self.words)
    }

    /// Signs and sends an entry of the device list.
    pub(super) fn change(&mut self, who: u8, what: What, voice: Voice, road: Road) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let me = self.machines[machine].card.id;
        let sent = Sent {
            by: me,
            what,
            signers: vec![me],
            words: voice == Voice::WithWords,
            parent: seen.heads.len(),
        };
        // What it seals to a new machine is the share of the epoch that counts.
        let able = !matches!(what, What::Enrol(_)) || self.reaches(&self.machines[machine]);
        let expected = Expected {
            done: seen.change(&sent, self.now()).filter(|_| able),
            surely: self.sound(machine)
                && road_carries(road)
                && (!self.was_restored || !matches!(what, What::Enrol(_))),
        };
        let (mut client, wallet) = block_on(self.open(machine, road));
        let mut wallet = wallet.expect("has it");
        let words = self.words(voice);
        let result = block_on(async {
            match what {
                What::Enrol(card) => {
                    let card = twofold_api::pairing::Card {
                        wallet: wallet.id(),
                        identity: card.identity,
                        sealing: SealPublic::try_from(card.key.as_slice()).expect("a key"),
                    };
                    client.enrol_device(&mut wallet, &card, words).await
                }
                What::Revoke(device) => client.revoke_device(&mut wallet, device, words).await,
                What::Approver(device) => client.make_approver(&mut wallet, device, words).await,
                What::Unfreeze(_) | What::Recover(_) => unreachable!("no entry of the list"),
            }
        });
        drop((client, wallet));
        self.judge(what.name(), machine, told(result.map(drop), road), expected);
    }

    pub(super) fn agree(&mut self, who: u8, change: u8, voice: Voice) {
        let Some(place) = pick(change, self.book.waiting.len()) else {
            return;
        };
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let wish = seen.waiting[place].clone();
        let me = self.machines[machine].card.id;
        let words = voice == Voice::WithWords;
        let done = match wish.what {
            What::Unfreeze(_) => seen.unfreeze(me, words, self.now()),
            // It takes no other's voice.
            What::Recover(_) => None,
            what => {
                let mut signers = wish.signers.clone();
                signers.push(me);
                let sent = Sent {
                    by: me,
                    what,
                    signers,
                    words: words || wish.words,
                    parent: wish.parent,
                };
                let able = !matches!(what, What::Enrol(_)) || self.reaches(&self.machines[machine]);
                seen.change(&sent, self.now()).filter(|_| able)
            }
        };
        let expected = Expected {
            done,
            surely: self.sound(machine),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.approve_change(&mut wallet, wish.number, self.words(voice)));
        drop((client, wallet));
        self.judge("agree", machine, told(result.map(drop), Road::Smooth), expected);
    }

    pub(super) fn again(&mut self, change: u8, voice: Voice) {
        let Some(place) = pick(change, self.book.waiting.len()) else {
            return;
        };
        let wish = self.book.waiting[place].clone();
        let all = self.machines.iter().enumerate();
        let mut askers = all.filter(|(_, machine)| machine.place == Place::In && Some(machine.card.id) == wish.asker);
        let Some((machine, _)) = askers.next() else { return };
        let who = who_of(machine, self);
        match wish.what {
            What::Unfreeze(_) => self.unfreeze(who, voice, Road::Smooth),
            what => self.change(who, what, voice, Road::Smooth),
        }
    }

    pub(super) fn cancel(&mut self, who: u8, change: u8) {
        let Some(place) = pick(change, self.book.waiting.len()) else {
            return;
        };
        let machine = self.owner(who);
        let seen = self.contact(machine);
        let number = seen.waiting[place].number;
        let expected = Expected {
            done: seen.cancel(self.machines[machine].card.id, number),
            surely: self.sound(machine),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.cancel_change(&mut wallet, number));
        drop((client, wallet));
        self.judge("cancel", machine, told(result, Road::Smooth), expected);
    }

    pub(super) fn freeze(&mut self, who: u8) {
        let machine = self.owner(who);
        let seen = self.contact(machine);
        let expected = Expected {
            done: seen.freeze(self.machines[machine].card.id),
            // Behind a fence, too, and whatever the machine thinks of the log.
            surely: true,
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.freeze_wallet(&mut wallet));
        drop((client, wallet));
        self.judge("freeze", machine, told(result, Road::Smooth), expected);
    }

    pub(super) fn unfreeze(&mut self, who: u8, voice: Voice, road: Road) {
        let machine = self.owner(who);
        let seen = self.contact(machine);
        let me = self.machines[machine].card.id;
        let expected = Expected {
            done: seen.unfreeze(me, voice == Voice::WithWords, self.now()),
            surely: self.sound(machine) && road_carries(road),
        };
        let (mut client, wallet) = block_on(self.open(machine, road));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.unfreeze_wallet(&mut wallet, self.words(voice)));
        drop((client, wallet));
        let outcome = match told(result, road) {
            Told::Done(Outcome::Done | Outcome::Waits(_)) => Told::Done(()),
            Told::Refused(fault) => Told::Refused(fault),
            Told::Cut => Told::Cut,
        };
        self.judge("unfreeze", machine, outcome, expected);
    }

    pub(super) fn rename(&mut self, who: u8, whom: u8) {
        let machine = self.owner(who);
        let seen = self.contact(machine);
        let (me, device) = (self.machines[machine].card.id, self.device(whom));
        let expected = Expected {
            done: (seen.lists(me) && seen.lists(device)).then(|| seen.clone()),
            surely: self.sound(machine) && seen.fence.is_none(),
        };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.rename_device(&mut wallet, device, &named(&format!("machine {whom}"))));
        drop((client, wallet));
        self.judge("rename", machine, told(result, Road::Smooth), expected);
    }

    pub(super) fn refresh(&mut self, who: u8, road: Road) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let me = self.machines[machine].card.id;
        let reaches = self.reaches(&self.machines[machine]);
        let expected = Expected {
            done: seen.refresh(me).filter(|_| reaches),
            surely: self.sound(machine) && self.surely_reaches(&self.machines[machine]) && road_carries(road),
        };
        let (mut client, wallet) = block_on(self.open(machine, road));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.refresh(&mut wallet, &mut |_| {}));
        drop((client, wallet));
        let outcome = told(result.map(drop), road);
        self.machines[machine].unsure = matches!(outcome, Told::Cut);
        self.judge("refresh", machine, outcome, expected);
    }

    pub(super) fn steal(&mut self, who: u8) {
        if self.machines.len() >= MACHINES {
            return;
        }
        let victim = self.owner(who);
        let world = block_on(self.machines[victim].world.twin());
        let copy = self.settle(world, self.machines[victim].card, Place::In);
        let (own, unsure) = (self.machines[victim].own.clone(), self.machines[victim].unsure);
        (self.machines[copy].own, self.machines[copy].unsure) = (own, unsure);
    }

    pub(super) fn operator(&mut self, which: u8, agrees: bool) {
        let Some(place) = pick(which, self.book.waiting.len()) else {
            return;
        };
        let number = self.book.waiting[place].number;
        let (expected, result) = if agrees {
            let result = block_on(self.server.cosigner.approve_change(self.wallet, number));
            (self.book.operator_agrees(number), result.map(drop))
        } else {
            let result = block_on(self.server.cosigner.refuse_change(self.wallet, number));
            (self.book.operator_refuses(number), result.map(drop))
        };
        assert_eq!(expected.is_some(), result.is_ok(), "the operator: {result:?}");
        self.resolve(
            vec![expected.unwrap_or_else(|| self.book.clone())],
            None,
            "the operator",
        );
    }

    /// The same bytes once more, from whoever kept them: they get the same answer, or none, and change nothing.
    pub(super) fn replay(&mut self, which: u8) {
        let Some(place) = pick(which, self.recorded.len()) else {
            return;
        };
        let (call, first) = self.recorded[place].clone();
        let before = self.server.store.with(|tables| tables.clone());
        let answer = block_on(self.server.answer(&call));
        let after = self.server.store.with(|tables| tables.clone());
        let kept = |tables: &twofold_cosigner::testing::memory::Tables| {
            let signed = (tables.shares.clone(), tables.audit.clone(), tables.charges.clone());
            (
                signed,
                tables.chains.clone(),
                tables.issued.clone(),
                tables.ceremonies.clone(),
            )
        };
        assert!(kept(&before) == kept(&after), "an old request ran again: {}", call.path);
        let recorded = after.replays.len() == before.replays.len();
        assert!(recorded, "an old request was recorded anew: {}", call.path);
        let changes = [
            "Sign",
            "SignMessage",
            "ChangeDevices",
            "SetFreeze",
            "FinishRefresh",
            "BeginRefresh",
        ];
        if answer.status == 200 && changes.iter().any(|name| call.path.ends_with(&format!("/{name}"))) {
            assert!(
                answer.body == first.body,
                "an old request was answered anew: {}",
                call.path
            );
        }
        self.count("replay", usize::from(answer.status != 200));
    }
}

/// The number by which [`House::owner`] finds a machine.
fn who_of(machine: usize, house: &House) -> u8 {
    let before = house.machines[..machine].iter();
    u8::try_from(before.filter(|machine| machine.place == Place::In).count()).expect("few")
}

/// Whether a command must succeed on this road, if it may at all.
fn road_carries(road: Road) -> bool {
    !matches!(road, Road::Killed(_))
}

impl House {
    /// Invariant 6, and that a wallet that nothing is wrong with signs.
    pub(crate) fn finish(&mut self) {
        for machine in 0..self.machines.len() {
            if self.machines[machine].place == Place::In {
                self.device_and_recovery(machine);
            }
        }
        self.server_and_recovery();
        for machine in 0..self.machines.len() {
            let approver = self
                .book
                .seat(self.machines[machine].card.id)
                .is_some_and(|seat| seat.approver);
            if self.machines[machine].place == Place::In && approver && self.book.frozen.is_some() {
                let who = who_of(machine, self);
                self.unfreeze(who, Voice::WithWords, Road::Smooth);
            }
        }
        for machine in 0..self.machines.len() {
            if self.machines[machine].place == Place::In {
                let who = who_of(machine, self);
                self.sign(who, true, Road::Smooth);
            }
        }
    }

    /// Device and recovery sign without the server.
    pub(super) fn device_and_recovery(&mut self, machine: usize) {
        use twofold_client::recovery::request::Judged;
        let mut random = self.random();
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let wallet = wallet.expect("has it");
        let signed: Result<(), Fault> = (|| {
            let client: &mut Client<Mortal> = &mut client;
            let draft = client.draft_rehearsal(&wallet)?;
            let (asking, request) = client.ask_recovery(&wallet, draft)?;
            let answer = Judged::read(&request, &self.words)?.sign(&self.words, &mut random)?;
            let psbt = asking.finish(&wallet, &answer)?;
            twofold_intent::psbt::finalize(&psbt)?;
            Ok(())
        })();
        signed.expect("device and recovery sign");
    }
}
