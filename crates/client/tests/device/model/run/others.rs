//! What others do than the owner's machines: the operator, and whoever sits in between.

use futures::executor::block_on;

use super::pick;
use crate::model::house::House;

impl House {
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
