//! Spending: what is signed, what is above the operator's limit, and what is signed once more.

use bitcoin::FeeRate;
use futures::executor::block_on;
use twofold_api::Reason;
use twofold_client::message::Place as Signer;

use super::{Expected, road_carries};
use crate::model::house::{House, Told, told};
use crate::model::step::Road;
use crate::server::MOST_FEE;
use crate::world::paying;

impl House {
    pub(in crate::model) fn sign(&mut self, who: u8, told_first: bool, road: Road) {
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

    /// A fee above what the operator lets pass: refused, and nothing is charged.
    pub(super) fn overspend(&mut self, who: u8) {
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let (id, reaches) = (
            self.machines[machine].card.id,
            self.surely_reaches(&self.machines[machine]),
        );
        let allowed = seen.lists(id) && seen.frozen.is_none() && seen.fence.is_none() && reaches && self.sound(machine);
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let mut order = paying(30_000);
        order.fee_rate = FeeRate::from_sat_per_vb_u32(110);
        let result = block_on(async {
            client.sync(&mut wallet).await?;
            let draft = client.draft(&mut wallet, &order)?;
            assert!(draft.facts().fee.to_sat() > MOST_FEE, "the fee is within the limit");
            client.cosign(&mut wallet, draft).await
        });
        drop((client, wallet));
        let outcome = told(result.map(drop), Road::Smooth);
        if let (Told::Refused(fault), true) = (&outcome, allowed) {
            assert_eq!(fault.reason(), Some(Reason::PsbtRefused), "not for the limit: {fault}");
        }
        let expected = Expected {
            done: None,
            surely: false,
        };
        self.judge("overspend", machine, outcome, expected);
    }

    /// The same spend twice, and another that takes its place: charged once, and by what the highest exceeds the others.
    pub(super) fn sign_again(&mut self, who: u8) {
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
        let result = block_on(async {
            client.sync(&mut wallet).await?;
            let draft = client.draft(&mut wallet, &paying(2_000 + u64::from(who)))?;
            let inputs = draft.psbt().unsigned_tx.input.iter();
            let from = inputs.map(|input| input.previous_output).collect();
            for _ in 0..2 {
                client.cosign(&mut wallet, draft.clone()).await?;
            }
            let mut order = paying(2_500 + u64::from(who));
            order.from = from;
            let draft = client.draft(&mut wallet, &order)?;
            client.cosign(&mut wallet, draft).await
        });
        drop((client, wallet));
        self.judge("sign again", machine, told(result.map(drop), Road::Smooth), expected);
    }
}
