//! The end of a history: every pair of parties signs.

use futures::executor::block_on;
use twofold_client::{Client, Fault};

use super::book::Share;
use super::house::{House, Place};
use super::run::who_of;
use super::step::{Road, Voice};
use crate::crashes::Mortal;

impl House {
    /// Invariant 6, and that a wallet that nothing is wrong with signs.
    pub(crate) fn finish(&mut self) {
        for machine in 0..self.machines.len() {
            if self.machines[machine].place == Place::In {
                self.device_and_recovery(machine);
            }
        }
        self.settle_fence();
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

    /// A fence is lifted by the words, the share brought back before where that is wanting: no loss is for ever.
    fn settle_fence(&mut self) {
        let all = 0..self.machines.len();
        let owners: Vec<_> = all
            .filter(|machine| self.machines[*machine].place == Place::In)
            .collect();
        for machine in &owners {
            self.bring(*machine, Road::Smooth);
        }
        self.adopt();
        for machine in &owners {
            if self.book.fence.is_some() && self.book.share != Share::There {
                let who = who_of(*machine, self);
                self.repair_server(who);
            }
        }
        for machine in &owners {
            if self.book.may_lift().is_some() {
                let who = who_of(*machine, self);
                self.lift_fence(who, Voice::WithWords);
            }
        }
        if let Some(fence) = &self.book.fence {
            let outcome = usize::from(fence.is_behind(self.book.epoch()));
            self.count("fenced in the end", outcome);
        }
    }

    /// Device and recovery sign without the server.
    pub(super) fn device_and_recovery(&mut self, machine: usize) {
        use twofold_client::recovery::request::Judged;
        let mut random = self.random();
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let wallet = wallet.expect("has it");
        // Those that this machine knows of: it may not have heard of new ones.
        let package = client.recovery_package(&wallet).expect("a package");
        let mut known = self.sheets.iter().filter(|sheet| package.check(sheet).is_ok());
        let words = known.next().expect("some words open the package");
        assert!(known.next().is_none(), "a package opens by two sheets of words");
        let signed: Result<(), Fault> = (|| {
            let client: &mut Client<Mortal> = &mut client;
            let draft = client.draft_rehearsal(&wallet)?;
            let (asking, request) = client.ask_recovery(&wallet, draft)?;
            let answer = Judged::read(&request, words)?.sign(words, &mut random)?;
            let psbt = asking.finish(&wallet, &answer)?;
            twofold_intent::psbt::finalize(&psbt)?;
            Ok(())
        })();
        signed.expect("device and recovery sign");
    }
}
