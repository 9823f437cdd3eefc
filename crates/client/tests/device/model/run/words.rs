//! Other recovery words, and what the old ones are still good for: nothing.

use futures::executor::block_on;
use twofold_api::reply::Operator;
use twofold_client::recovery::OldWords;
use twofold_client::recovery::replace::Replacement;
use twofold_threshold::words::RecoverySecret;

use super::{Expected, pick, road_carries};
use crate::model::book::{Sent, What};
use crate::model::house::{House, Told, told};
use crate::model::step::{Road, Voice};

impl House {
    /// A device puts other words in place, with the old ones, or asks to and comes back.
    pub(super) fn replace(&mut self, who: u8, voice: Voice, road: Road) {
        let machine = self.owner(who);
        self.reach(machine);
        let (seen, now) = (self.contact(machine), self.now());
        let me = self.machines[machine].card.id;
        let asked = seen.waiting.iter().find_map(|wish| match wish.what {
            What::Words(sheet) if wish.asker == Some(me) => Some(sheet),
            _ => None,
        });
        let sheet = asked.unwrap_or_else(|| {
            let words = RecoverySecret::generate(&mut self.random());
            self.sheets.push(words);
            self.sheets.len() - 1
        });
        let with_old = voice == Voice::WithWords;
        let sent = Sent {
            by: me,
            what: What::Words(sheet),
            signers: vec![me],
            words: false,
            parent: seen.heads.len(),
        };
        let reaches = self.reaches(&self.machines[machine]);
        // Whoever was left behind may ask.
        let able = seen.lists(me) && seen.fence.is_none();
        let asked = if with_old {
            Some(seen.clone())
        } else {
            seen.change(&sent, now)
        };
        let asked = asked.filter(|_| able);
        let waits = |book: &crate::model::book::Book| {
            let mine = book
                .waiting
                .iter()
                .find(|wish| wish.what == sent.what && wish.asker == Some(me));
            mine.is_some_and(|wish| wish.waits(now.shown) || wish.operator() == Operator::Needed)
        };
        let goes_on = asked.clone().filter(|book| reaches && (with_old || !waits(book)));
        let replaced = goes_on.and_then(|book| book.replace(me, sheet, with_old, now));
        let refreshed = replaced.as_ref().and_then(|book| book.refresh(me));

        let (mut client, wallet) = block_on(self.open(machine, road));
        let mut wallet = wallet.expect("has it");
        let old = with_old.then(|| OldWords::Here(&self.sheets[seen.words]));
        let result = block_on(client.replace_words(&mut wallet, &self.sheets[sheet], old));
        drop((client, wallet));
        let whole = |replacement: &Replacement| match replacement {
            Replacement::Waits(_) => Some(false),
            Replacement::Done(done) => done.refreshed.is_ok().then_some(true),
        };
        let outcome = match told(result, road) {
            Told::Done(replacement) => match whole(&replacement) {
                Some(done) => Told::Done(done),
                None if road == Road::Smooth => unreachable!("no refresh followed: {replacement:?}"),
                None => Told::Cut,
            },
            Told::Refused(fault) => Told::Refused(fault),
            Told::Cut => Told::Cut,
        };
        if matches!(outcome, Told::Cut) {
            self.machines[machine].unsure = true;
            self.note(machine);
            self.count("words", 2);
            let possible = [Some(seen), asked, replaced, refreshed];
            return self.resolve(possible.into_iter().flatten().collect(), Some(machine), "words");
        }
        let done = if matches!(outcome, Told::Done(true)) {
            refreshed
        } else {
            refreshed.or(asked)
        };
        let surely = self.sound(machine) && self.surely_reaches(&self.machines[machine]) && road_carries(road);
        self.judge("words", machine, outcome, Expected { done, surely });
    }

    /// Somebody tries with words that count no more.
    pub(super) fn old_words(&mut self, who: u8, what: u8) {
        let old: Vec<_> = (0..self.sheets.len())
            .filter(|sheet| *sheet != self.book.words)
            .collect();
        let Some(place) = pick(what / 3, old.len()) else { return };
        let machine = self.owner(who);
        self.reach(machine);
        let seen = self.contact(machine);
        let me = self.machines[machine].card.id;
        let other = seen.seats.iter().map(|seat| seat.card.id).find(|id| *id != me);
        let (mut client, wallet) = block_on(self.open(machine, Road::Smooth));
        let mut wallet = wallet.expect("has it");
        let words = &self.sheets[old[place]];
        let result = match (what % 3, other) {
            (0, Some(other)) => block_on(client.revoke_device(&mut wallet, other, Some(words))).map(drop),
            (1, _) if seen.frozen.is_some() => block_on(client.unfreeze_wallet(&mut wallet, Some(words))).map(drop),
            (2, _) if seen.fence.is_some() => block_on(client.lift_fence(&mut wallet, Some(words))).map(drop),
            _ => return,
        };
        drop((client, wallet));
        let expected = Expected {
            done: None,
            surely: false,
        };
        self.judge("old words", machine, told(result, Road::Smooth), expected);
    }
}
