//! The server's keys: its KEK, and the share that a refresh left with a device.

use futures::executor::block_on;
use twofold_cosigner::testing::MemoryStore;

use super::Expected;
use crate::model::book::Share;
use crate::model::house::{House, told};
use crate::model::step::Road;
use crate::server::{OFFLINE, Server, kek};

impl House {
    /// The operator changes the KEK, a step each time.
    pub(super) fn change_kek(&mut self) {
        let (old, Some(next)) = self.keks else {
            let next = self.keks.0.wrapping_add(1);
            block_on(self.server.cosigner.begin_rotation(&kek(next))).expect("begins");
            self.keks.1 = Some(next);
            return;
        };
        let told = block_on(self.server.cosigner.rotate())
            .expect("goes on")
            .expect("begun");
        if !told.over {
            return;
        }
        assert_eq!(
            (told.wallets, told.damaged),
            (1, 0),
            "every wallet stands under the new KEK"
        );
        self.keks = (next, None);
        let store = MemoryStore::new();
        store.with(|tables| *tables = self.server.store.with(|tables| tables.clone()));
        let parts = (store, self.server.chain.clone(), self.server.clock.clone());
        let started = block_on(Server::start_under(parts, None, (old, None)));
        assert!(started.is_err(), "the old KEK opens something yet");
    }

    /// The operator opens a share that a device brought back.
    pub(in crate::model) fn adopt(&mut self) {
        let (kept, _) = block_on(self.server.cosigner.kept_shares(None)).expect("reads");
        assert_eq!(
            kept.is_empty(),
            self.book.share != Share::Sealed,
            "what waits for the operator"
        );
        for kept in kept {
            let inner = age::decrypt(&*OFFLINE, &kept.sealed).expect("opens");
            let adopted = block_on(self.server.cosigner.adopt_share(kept.wallet, &inner));
            adopted.expect("takes over");
            self.book.share = Share::There;
        }
        self.look();
    }

    /// Recovery and a device give the server the share of its epoch, where it has none.
    pub(in crate::model) fn repair_server(&mut self, who: u8) {
        let machine = self.owner(who);
        self.bring(machine, Road::Smooth);
        let seen = self.contact(machine);
        let fence = seen.fence.as_ref();
        let behind = fence.is_some_and(|fence| fence.is_behind(seen.epoch()));
        let able = self.machines[machine].epoch == Some(seen.epoch()) && seen.lists(self.machines[machine].card.id);
        let wanting = fence.is_some() && !behind && seen.share != Share::There;
        let done = (wanting && able).then(|| {
            let mut next = seen.clone();
            next.share = Share::There;
            next
        });
        let expected = Expected { done, surely: false };
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let result = block_on(client.repair_server(&mut wallet, &self.sheets[seen.words]));
        drop((client, wallet));
        self.judge("repair the server", machine, told(result, Road::Smooth), expected);
    }
}
