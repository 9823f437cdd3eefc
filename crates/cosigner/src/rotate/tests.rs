use futures::executor::block_on;
use twofold_api::Reason;
use twofold_threshold::secret::Secret32;

use super::*;
use crate::{
    fixture::{Closed, House, Phone, Purse},
    port::record,
    testing::{MemoryAnchor, memory::Fate},
};

fn kek(byte: u8) -> Kek {
    Kek::new(Secret32::new([byte; 32]))
}

/// A house with two wallets that have signed, and a ceremony that waits for its second round.
struct Lived {
    house: House,
    anchor: MemoryAnchor,
    phone: Phone,
    /// In the order of their ids.
    purses: [Purse; 2],
    closed: Closed,
}

impl Lived {
    fn new() -> Self {
        let (mut house, anchor) = (House::new(), MemoryAnchor::default());
        house.restart_with(&anchor, false).unwrap();
        let phone = Phone::joined(&house);
        let mut purses = [phone.create(&house), phone.create(&house)];
        purses.sort_by_key(|purse| purse.id);
        let started = phone.start(&house);
        let begun = started.send(&house).unwrap();
        let closed = started.go_on(&phone, &begun);
        let lived = Self {
            house,
            anchor,
            phone,
            purses,
            closed,
        };
        lived.all_sign();
        lived
    }

    fn begin(&self, next: u8) -> Result<(), RotateFault> {
        block_on(self.house.mind.begin_rotation(&kek(next)))
    }

    /// Goes on to the end, or to the first fault.
    fn go_on(&self) -> Result<Rotation, RotateFault> {
        loop {
            let told = block_on(self.house.mind.rotate())?.expect("one was begun");
            if told.over {
                return Ok(told);
            }
        }
    }

    /// Begins, and stops after so many batches; whether it came to its end before.
    fn cut_after(&self, batches: usize) -> bool {
        let fates = std::iter::repeat_n(Fate::Commit, batches).chain([Fate::Refuse]);
        self.house.store.fates(fates);
        let ended = self.begin(2).and_then(|()| self.go_on()).is_ok();
        self.house.store.clear_fates();
        ended
    }

    fn restart(&mut self, kek: u8, next: Option<u8>) -> Result<(), StartFault> {
        (self.house.kek, self.house.next) = (kek, next);
        self.house.restart_with(&self.anchor, false).map(drop)
    }

    fn signs(&self, purse: &Purse) -> Result<(), Reason> {
        let coin = self.house.pay(purse, 100_000, 0);
        let signed = self.phone.sign(&self.house, purse, &purse.psbt(&[coin], 40_000));
        signed.map(drop).map_err(|refusal| refusal.reason)
    }

    fn all_sign(&self) {
        for purse in &self.purses {
            self.signs(purse).unwrap();
        }
    }

    fn row(&self, purse: &Purse) -> record::Wallet {
        self.house.store.with(|tables| tables.wallets[&purse.id].clone())
    }
}

#[test]
fn s22_a_rotation_completes_with_all_users_offline_and_all_goes_on_under_the_new_key_alone() {
    let mut lived = Lived::new();
    lived.begin(2).unwrap();
    let told = lived.go_on().unwrap();
    assert_eq!((told.wallets, told.damaged, told.percent), (2, 0, 100));
    lived.all_sign();
    assert!(matches!(lived.restart(1, None), Err(StartFault::Sealed)));
    // Before the files have followed, and after.
    lived.restart(1, Some(2)).unwrap();
    assert!(lived.house.mind.kek() == kek(2).name());
    lived.restart(2, None).unwrap();
    lived.all_sign();
    let closed = lived.closed.send(&lived.house, &lived.phone);
    closed.expect("a ceremony that waited goes on");
    // And back.
    lived.begin(1).unwrap();
    assert_eq!(lived.go_on().unwrap().wallets, 3);
    lived.restart(1, None).unwrap();
    lived.all_sign();
}

#[test]
fn s18_a_rotation_that_is_cut_short_anywhere_signs_and_goes_on_with_both_keys_and_loses_nothing() {
    let mut batches = 0;
    loop {
        let mut lived = Lived::new();
        let ended = lived.cut_after(batches);
        // Whatever is stored in the middle of it stands under one key or the other.
        lived.all_sign();
        let made = lived.phone.create(&lived.house);
        if batches > 0 && !ended {
            for (kek, next) in [(1, None), (2, None), (3, Some(2)), (1, Some(3)), (2, Some(1))] {
                let started = lived.house.restart_with_kek(kek, next);
                assert!(started.is_err(), "{kek} and {next:?} after {batches} batches");
            }
        }
        lived.restart(1, Some(2)).unwrap();
        lived.all_sign();
        lived.signs(&made).unwrap();
        if batches == 0 {
            // Nothing was begun, and the next key stands beside unused.
            assert!(lived.house.mind.rotation().is_none());
            lived.begin(2).unwrap();
        }
        assert_eq!(lived.go_on().unwrap().damaged, 0, "after {batches} batches");
        lived.restart(2, None).unwrap();
        lived.all_sign();
        lived.signs(&made).unwrap();
        let closed = lived.closed.send(&lived.house, &lived.phone);
        closed.unwrap();
        if ended {
            break;
        }
        batches += 1;
    }
    assert!(batches >= 6, "only {batches} batches");
}

#[test]
fn s18_the_wrong_key_the_same_key_and_a_second_one_meanwhile_change_nothing() {
    let lived = Lived::new();
    let before = lived.house.rows();
    assert!(matches!(lived.begin(1), Err(RotateFault::Same)));
    assert!(lived.house.rows() == before);
    lived.begin(2).unwrap();
    let before = lived.house.rows();
    assert!(matches!(lived.begin(3), Err(RotateFault::Underway)));
    lived.begin(2).expect("the same one is under way");
    assert!(lived.house.rows() == before);
}

#[test]
fn s20_a_row_from_before_its_move_can_t_be_put_back_while_the_rotation_goes_on() {
    let lived = Lived::new();
    let [first, second] = &lived.purses;
    let rows = [lived.row(first), lived.row(second)];
    // Begun, charges of the first, and the first.
    assert!(!lived.cut_after(3));
    assert_eq!(lived.house.mind.rotation().unwrap().wallets, 1);
    lived.house.store.with(|tables| {
        for row in rows {
            tables.wallets.insert(row.id, row);
        }
    });
    assert_eq!(lived.signs(first), Err(Reason::StateTampered));
    lived.signs(second).expect("it was not moved yet");
    // Nor does going on make it good.
    lived.go_on().unwrap();
    assert_eq!(lived.signs(first), Err(Reason::StateTampered));
    lived.signs(second).unwrap();
}

#[test]
fn s20_a_state_that_was_tampered_with_is_not_made_good_by_a_rotation() {
    let mut lived = Lived::new();
    let id = lived.purses[0].id;
    lived
        .house
        .store
        .with(|tables| tables.wallets.get_mut(&id).unwrap().state[0] ^= 1);
    lived.begin(2).unwrap();
    let told = lived.go_on().unwrap();
    assert_eq!((told.wallets, told.damaged), (1, 1));
    lived.restart(2, None).unwrap();
    assert_eq!(lived.signs(&lived.purses[0]), Err(Reason::StateTampered));
    lived.signs(&lived.purses[1]).unwrap();
}

#[test]
fn s20_the_place_of_a_rotation_is_neither_taken_away_nor_made_up() {
    let mut lived = Lived::new();
    lived.begin(2).unwrap();
    let stored = lived.house.store.with(|tables| tables.secrets.remove(PLACE).unwrap());
    assert!(matches!(lived.restart(1, Some(2)), Err(StartFault::Rotating)));
    let mut other = stored.clone();
    *other.last_mut().unwrap() ^= 1;
    lived.house.store.with(|tables| tables.secrets.insert(PLACE, other));
    assert!(lived.restart(1, Some(2)).is_err());
    lived
        .house
        .store
        .with(|tables| tables.secrets.insert(PLACE, stored.clone()));
    lived.restart(1, Some(2)).unwrap();
    lived.go_on().unwrap();
    // Put back when all is over, it opens no way for the old key.
    lived.house.store.with(|tables| tables.secrets.insert(PLACE, stored));
    assert!(matches!(lived.restart(2, None), Err(StartFault::Rotating)));
}

#[test]
fn s22_what_was_charged_before_and_after_the_beginning_is_charged_once() {
    let lived = Lived::new();
    let purse = &lived.purses[0];
    let coins = [(); 2].map(|()| lived.house.pay(purse, 100_000, 0));
    let signs = |coin: usize, paid: u64| {
        let psbt = purse.psbt(&[coins[coin]], paid);
        lived.phone.sign(&lived.house, purse, &psbt).map(drop).unwrap();
    };
    signs(0, 40_000);
    lived.begin(2).unwrap();
    signs(1, 40_000);
    // Replaced: the groups that these coins chose are under the old key and under the new one, and the wallet was not moved.
    signs(0, 50_000);
    signs(1, 50_000);
    lived.go_on().unwrap();
    signs(0, 60_000);
    signs(1, 60_000);
}

#[test]
fn who_read_a_wallet_just_before_it_was_moved_reads_it_again() {
    let lived = Lived::new();
    let before = lived.row(&lived.purses[0]);
    lived.begin(2).unwrap();
    lived.go_on().unwrap();
    assert!(lived.house.mind.load(before.clone()).is_err());
    block_on(lived.house.mind.load_or_read_again(before.clone())).unwrap();
    let id = before.id;
    lived
        .house
        .store
        .with(|tables| tables.wallets.insert(id, before.clone()));
    assert!(block_on(lived.house.mind.load_or_read_again(before)).is_err());
}

#[test]
fn a_rotation_waits_for_whoever_began_under_the_old_key() {
    let lived = Lived::new();
    block_on(async {
        let mind = &lived.house.mind;
        let held = mind.wallets.hold(WalletId([7; 16])).await;
        mind.begin_rotation(&kek(2)).await.unwrap();
        let mut moving = std::pin::pin!(mind.rotate());
        assert!(futures::poll!(&mut moving).is_pending());
        assert_eq!(mind.rotation().unwrap().wallets, 0);
        drop(held);
        assert_eq!(moving.await.unwrap().unwrap().wallets, 2);
    });
}

#[test]
fn a_share_of_another_epoch_stops_a_rotation_until_its_ceremony_has_ended() {
    let lived = Lived::new();
    let id = lived.purses[0].id;
    let share = lived.house.store.with(|tables| {
        let mut shares = tables.shares.values();
        let share = shares.find(|share| share.wallet == id).unwrap().clone();
        let pending = record::Share {
            epoch: share.epoch + 1,
            ..share
        };
        let name = (pending.wallet, pending.kind, pending.epoch);
        tables.shares.insert(name, pending);
        name
    });
    lived.begin(2).unwrap();
    assert!(matches!(lived.go_on(), Err(RotateFault::Busy(wallet)) if wallet == id));
    lived.house.store.with(|tables| tables.shares.remove(&share));
    lived.go_on().unwrap();
    lived.all_sign();
}
