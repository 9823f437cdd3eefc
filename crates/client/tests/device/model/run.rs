//! Each step, as a person would take it: by the commands of the real client, and what must become of it.

mod devices;
mod keys;
mod money;
mod others;
mod time;
mod words;

use futures::executor::block_on;
use twofold_threshold::id::DeviceId;

use super::book::{Book, What};
use super::house::{House, Place, Told, told};
use super::step::{Road, Step, Voice};

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
            Step::Overspend { who } => self.overspend(who),
            Step::SignAgain { who } => self.sign_again(who),
            Step::Replace { who, voice, road } => self.replace(who, voice, road),
            Step::OldWords { who, what } => self.old_words(who, what),
            Step::ServerClock(hours) => self.server_clock(hours),
            Step::MachineClock { who, hours } => self.machine_clock(who, hours),
            Step::ChangeKek => self.change_kek(),
            Step::Adopt => self.adopt(),
            Step::RepairServer { who } => self.repair_server(who),
            Step::Bring { who, road } => {
                let machine = self.owner(who);
                self.bring(machine, road);
            }
            Step::Restart => block_on(self.restart(false)).expect("starts"),
            Step::OperatorAgrees(which) => self.operator(which, true),
            Step::OperatorRefuses(which) => self.operator(which, false),
            Step::Replay(which) => self.replay(which),
            Step::Backup => self.back_up(),
            Step::Restore { which, anchor } => self.restore(which, anchor),
            Step::OperatorLifts { many } => self.operator_lifts(many),
            Step::LiftFence { who, voice } => self.lift_fence(who, voice),
            Step::Lose { waived, road } => self.lose(waived, road),
            Step::Recover { who, keep, road, torn } => self.recover(who, keep, road, torn),
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
    /// One that may be fenced is looked at first: so what a machine brings it is told from what its command does.
    pub(super) fn reach(&mut self, machine: usize) {
        let fenced = self.contact(machine).fence.is_some();
        if fenced || !self.machines[machine].unsure {
            return self.bring(machine, Road::Smooth);
        }
        let seen = self.contact(machine);
        let id = self.machines[machine].card.id;
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        drop(block_on(client.sync(&mut wallet)));
        drop((client, wallet));
        self.note(machine);
        self.machines[machine].unsure = false;
        let mut possible = vec![seen.clone()];
        possible.extend(seen.refresh(id));
        self.resolve(possible, Some(machine), "a contact after an interruption");
    }

    /// Whether a machine is one whose commands must succeed where the protocol lets it have them: it knows of no other
    /// server's words. A server that was brought to a refresh without the log's entry of it shows this machine two heads at
    /// one number: it stops.
    pub(super) fn sound(&self, machine: usize) -> bool {
        let machine = &self.machines[machine];
        machine.head.as_ref().is_none_or(|head| {
            let two = self.entries == usize::try_from(head.seq).expect("few")
                && head.generation == self.book.generation
                && (head.epoch != self.book.epoch() || self.book.heads.last() != Some(&head.list));
            self.knows(head) && !two
        })
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

    /// The words that count at the server, where they are typed in.
    pub(super) fn words(&self, voice: Voice) -> Option<&twofold_threshold::words::RecoverySecret> {
        (voice == Voice::WithWords).then(|| &self.sheets[self.book.words])
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
}

/// The number by which [`House::owner`] finds a machine.
pub(super) fn who_of(machine: usize, house: &House) -> u8 {
    let before = house.machines[..machine].iter();
    u8::try_from(before.filter(|machine| machine.place == Place::In).count()).expect("few")
}

/// Whether a command must succeed on this road, if it may at all.
pub(super) fn road_carries(road: Road) -> bool {
    !matches!(road, Road::Killed(_))
}
