//! What is done to a wallet's devices, and asked for.

use futures::executor::block_on;
use twofold_client::devices::{Arrival, Outcome};
use twofold_threshold::envelope::SealPublic;

use super::{Expected, MACHINES, pick, road_carries, who_of};
use crate::model::book::{Card, Sent, What};
use crate::model::house::{House, Place, Told, told};
use crate::model::step::{Road, Voice};
use crate::world::named;

impl House {
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
                What::Unfreeze(_) | What::Recover(_) | What::Words(_) => unreachable!("no entry of the list"),
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
            What::Words(_) => self.replace(who, voice, Road::Smooth),
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

    pub(in crate::model) fn unfreeze(&mut self, who: u8, voice: Voice, road: Road) {
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
}
