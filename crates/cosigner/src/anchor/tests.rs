use futures::executor::block_on;
use twofold_api::{
    Reason,
    audit::{Event, Lift},
};

use super::*;
use crate::{
    fixture::{House, Phone, Purse},
    port::record::WalletTransaction,
    shape::Freeze,
    testing::{MemoryAnchor, memory::Fate},
    tests::chain::sync,
};
use twofold_threshold::{checkpoint::Head, id::EpochId};

/// A house with an anchor, a phone in it and a wallet of the phone's.
fn anchored() -> (House, MemoryAnchor, Phone, Purse) {
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    house.restart_with(&anchor, false).expect("an empty anchor is begun");
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    (house, anchor, phone, purse)
}

/// Moves a wallet to another epoch, as a refresh will, without its shares.
fn change_epoch(house: &House, purse: &Purse, number: u32) -> Result<(), StoreFault> {
    let row = house.store.with(|tables| tables.wallets[&purse.id].clone());
    let mut change = house.mind.load(row).expect("an authentic state").change();
    change.state.set_epoch(EpochId {
        number,
        transcript: [9; 32],
    });
    let mut batch = Batch::default();
    house.mind.store_change(change, &mut batch).expect("a change");
    block_on(house.mind.commit(batch))
}

fn spends(house: &House, phone: &Phone, purse: &Purse) -> Result<(), Reason> {
    let coin = house.pay(purse, 100_000, 0);
    match phone.sign(house, purse, &purse.psbt(&[coin], 40_000)) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.reason),
    }
}

#[test]
fn a_change_of_epoch_is_in_the_anchor_before_it_is_in_the_database() {
    let (house, anchor, _, purse) = anchored();
    let lines = || anchor.with(|lines| lines.len());
    let (before, rows) = (lines(), house.rows());
    anchor.set_down(true);
    assert!(matches!(
        change_epoch(&house, &purse, 2),
        Err(StoreFault::Unavailable(_))
    ));
    assert!(
        house.rows() == rows,
        "committed although the anchor had not heard of it"
    );
    anchor.set_down(false);
    change_epoch(&house, &purse, 2).unwrap();
    assert_eq!(lines(), before + 1);
    let line: Line = anchor.with(|lines| lines.last().cloned()).unwrap().parse().unwrap();
    let Body::Mark(mark) = line.body else { panic!("{line}") };
    assert_eq!((mark.wallet, mark.epoch.number), (purse.id, 2));
}

#[test]
fn what_changes_neither_epoch_nor_list_costs_no_line() {
    let (house, anchor, phone, purse) = anchored();
    let before = anchor.with(|lines| lines.len());
    spends(&house, &phone, &purse).unwrap();
    assert_eq!(anchor.with(|lines| lines.len()), before);
}

#[test]
fn s12_of_two_servers_from_one_backup_the_second_does_not_start() {
    let (mut first, anchor, ..) = anchored();
    let backup = first.rows();
    let mut second = House::new();
    second.restore(&backup, &anchor);
    first.restore(&backup, &anchor);
    second.restart_with(&anchor, false).expect("the first of the two");
    assert!(matches!(
        first.restart_with(&anchor, false),
        Err(StartFault::AnchorTaken)
    ));
    second.restart_with(&anchor, false).expect("it goes on");
}

#[test]
fn s12_the_server_that_was_backed_up_does_not_start_once_another_was_restored() {
    let (mut old, anchor, ..) = anchored();
    let mut new = House::new();
    new.restore(&old.rows(), &anchor);
    new.restart_with(&anchor, false).unwrap();
    assert!(matches!(old.restart_with(&anchor, false), Err(StartFault::AnchorTaken)));
}

#[test]
fn s12_a_copy_of_an_older_database_does_not_start_without_a_restore() {
    let (mut house, anchor, ..) = anchored();
    let copy = house.rows();
    house.restart_with(&anchor, false).unwrap();
    house.store.with(|tables| *tables = copy);
    assert!(matches!(
        house.restart_with(&anchor, false),
        Err(StartFault::AnchorTaken)
    ));
}

#[test]
fn s12_another_servers_anchor_is_refused() {
    let (_, anchor, ..) = anchored();
    let mut stranger = House::new();
    assert!(matches!(
        stranger.restart_with(&anchor, false),
        Err(StartFault::AnchorForeign)
    ));
}

#[test]
fn an_anchor_that_is_gone_or_cut_or_changed_stops_the_start() {
    let (mut house, anchor, _, purse) = anchored();
    change_epoch(&house, &purse, 2).unwrap();
    let whole = anchor.with(|lines| lines.clone());
    assert!(matches!(
        house.restart_with(&MemoryAnchor::default(), false),
        Err(StartFault::AnchorMissing)
    ));
    anchor.with(|lines| lines.truncate(lines.len() - 1));
    assert!(matches!(house.restart_with(&anchor, false), Err(StartFault::AnchorCut)));
    anchor.with(|lines| {
        lines.clone_from(&whole);
        lines[1] = lines[1].replace(" instance ", " instance 0");
    });
    assert!(matches!(house.restart_with(&anchor, false), Err(StartFault::Anchor(_))));
    anchor.with(|lines| lines.clone_from(&whole));
    house.restart_with(&anchor, false).unwrap();
}

#[test]
fn an_anchor_that_was_begun_in_a_lost_one_s_place_is_measured_by_its_own_lines() {
    let (mut house, _, _, purse) = anchored();
    for number in 2..8 {
        change_epoch(&house, &purse, number).unwrap();
    }
    let another = MemoryAnchor::default();
    house.restart_with(&another, true).expect("another anchor is begun");
    house.restart_with(&another, false).expect("starts beside it again");
    change_epoch(&house, &purse, 8).unwrap();
    another.with(|lines| lines.truncate(lines.len() - 1));
    let cut = house.restart_with(&another, false);
    assert!(matches!(cut, Err(StartFault::AnchorCut)), "{cut:?}");
}

#[test]
fn every_crash_in_a_start_is_followed_by_one_that_works() {
    // Between any two of its writes: the store's and the anchor's take turns.
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    for failing in 0..2 {
        let fates = std::iter::repeat_n(Fate::Commit, failing).chain([Fate::Refuse]);
        house.store.fates(fates);
        house.restart_with(&anchor, false).expect_err("the store refused");
    }
    anchor.set_down(true);
    house.restart_with(&anchor, false).expect_err("the anchor refused");
    anchor.set_down(false);
    house.restart_with(&anchor, false).expect("a first start");
    for failing in 0..2 {
        let fates = std::iter::repeat_n(Fate::Commit, failing).chain([Fate::Refuse]);
        house.store.fates(fates);
        house.restart_with(&anchor, false).expect_err("the store refused");
        house.restart_with(&anchor, false).expect("the next start");
    }
}

#[test]
fn s14_a_wallet_that_the_anchor_knows_no_change_of_goes_on_after_a_restore_with_nothing_left_to_spend() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    spends(&house, &phone, &purse).unwrap();
    house.restore(&backup, &anchor);
    let settled = house.restart_with(&anchor, false).unwrap();
    assert_eq!((settled.lifted, settled.fenced), (1, 0));
    assert_eq!(house.state(&purse).windows[0].sum, u64::MAX, "limits were reset");
    // The device shows what the backup lacks, and that is no news any more.
    spends(&house, &phone, &purse).unwrap();
    let lifted = house.audit(&purse).into_iter().find_map(|entry| match entry.event {
        Event::Lifted { generation, by, .. } => Some((generation, by)),
        _ => None,
    });
    assert_eq!(lifted, Some((house.state(&purse).generation, Lift::Anchor)));
}

#[test]
fn s24_a_second_restore_from_the_same_backup_begins_a_generation_that_no_device_has_seen() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    let mut generations = Vec::new();
    for _ in 0..3 {
        spends(&house, &phone, &purse).unwrap();
        house.restore(&backup, &anchor);
        house.restart_with(&anchor, false).unwrap();
        spends(&house, &phone, &purse).unwrap();
        generations.push(house.state(&purse).generation);
    }
    assert!(generations.is_sorted_by(|one, next| one < next), "{generations:?}");
}

#[test]
fn s14_a_device_with_a_cursor_from_before_a_restore_is_told_everything_once_more() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    let put = |house: &House, number: u8, cursor: u64| {
        house.store.with(|tables| {
            let row = WalletTransaction {
                wallet: purse.id,
                txid: [number; 32],
                transaction: vec![number],
                block: None,
                seen: 0,
                gone: false,
                cursor,
            };
            tables.transactions.insert((purse.id, row.txid), row);
        });
    };
    for number in 1..=3 {
        put(&house, number, number.into());
    }
    let before = sync(&house, &phone, &purse, |_| {});
    assert_eq!((before.cursor, before.timeline), (3, 0));
    let mut timelines = vec![before.timeline];
    for _ in 0..3 {
        house.restore(&backup, &anchor);
        house.restart_with(&anchor, false).unwrap();
        // Number 1 is another transaction's now.
        put(&house, 9, 1);
        let last = *timelines.last().unwrap();
        let ask = |house: &House, timeline| {
            sync(house, &phone, &purse, |asked| {
                (asked.cursor, asked.timeline) = (3, timeline);
            })
        };
        let told = ask(&house, last);
        assert_eq!((told.transactions.len(), told.cursor), (1, 1));
        assert!(ask(&house, told.timeline).transactions.is_empty());
        // It lasts as long as the database.
        house.restart_with(&anchor, false).unwrap();
        assert_eq!(ask(&house, last).timeline, told.timeline);
        assert!(!timelines.contains(&told.timeline), "{timelines:?}");
        timelines.push(told.timeline);
    }
}

#[test]
fn s09_a_wallet_that_was_refreshed_since_the_backup_is_fenced_and_reads_work() {
    let (mut house, anchor, phone, purse) = anchored();
    let other = phone.create(&house);
    let backup = house.rows();
    change_epoch(&house, &purse, 2).unwrap();
    house.restore(&backup, &anchor);
    let settled = house.restart_with(&anchor, false).unwrap();
    assert_eq!((settled.lifted, settled.fenced), (1, 1));
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
    spends(&house, &phone, &other).unwrap();
    // Not by time nor by a restart.
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

#[test]
fn s09_without_the_anchor_of_its_time_a_restored_server_fences_every_wallet() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    house.restore(&backup, &anchor);
    let fresh = MemoryAnchor::default();
    assert!(matches!(
        house.restart_with(&fresh, false),
        Err(StartFault::AnchorMissing)
    ));
    let settled = house.restart_with(&fresh, true).unwrap();
    assert_eq!((settled.lifted, settled.fenced), (0, 1));
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

#[test]
fn s09_a_crash_while_wallets_are_fenced_leaves_none_out() {
    let (mut house, anchor, phone, _) = anchored();
    phone.create(&house);
    let backup = house.rows();
    house.restore(&backup, &anchor);
    for failing in 0..4 {
        let fates = std::iter::repeat_n(Fate::Commit, failing).chain([Fate::Refuse]);
        house.store.fates(fates);
        house.restart_with(&anchor, false).expect_err("the store refused");
    }
    house.restart_with(&anchor, false).unwrap();
    for row in house.rows().wallets.into_values() {
        let owned = house.mind.load(row).unwrap();
        assert!(owned.state().generation > 0 && owned.state().fence.is_none());
        assert_eq!(
            owned.state().head().seq,
            4,
            "lifted once: made, tested, activated, lifted"
        );
    }
}

#[test]
fn s24_after_a_lift_neither_a_device_that_lags_nor_one_that_was_ahead_fences_anew() {
    let (mut house, anchor, phone, purse) = anchored();
    let lagging = purse.newest.get();
    let backup = house.rows();
    spends(&house, &phone, &purse).unwrap();
    let ahead = purse.newest.get();
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    for seen in [lagging, ahead, lagging] {
        purse.newest.set(seen);
        spends(&house, &phone, &purse).unwrap();
        assert!(house.state(&purse).fence.is_none());
    }
}

#[test]
fn s24_a_head_of_a_later_epoch_than_the_lifts_fences_anew() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    let head = *purse.newest.get().verify(&house.mind.identity()).unwrap();
    let refreshed = Head {
        seq: head.seq + 1,
        epoch: EpochId {
            number: 2,
            transcript: [9; 32],
        },
        ..head
    };
    let refreshed = refreshed.sign(&house.mind.identity);
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    purse.newest.set(refreshed);
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

/// Strikes a device off a wallet's list, as a revocation will, as far as the anchor hears of it.
fn change_list(house: &House, purse: &Purse) {
    let row = house.store.with(|tables| tables.wallets[&purse.id].clone());
    let mut change = house.mind.load(row).expect("an authentic state").change();
    change.state.device_list = [8; 32];
    let mut batch = Batch::default();
    house.mind.store_change(change, &mut batch).expect("a change");
    block_on(house.mind.commit(batch)).unwrap();
}

#[test]
fn s11_a_revocation_that_the_backup_lacks_is_not_undone() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    change_list(&house, &purse);
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
    // The device that was struck off may be the one that says yes to what the operator decides for all.
    let decide = |many| block_on(house.mind.decide_fence(purse.id, "the disk died", many));
    assert_eq!(decide(true).unwrap_err().reason, Reason::RestoreFence);
    let (fences, _) = block_on(house.mind.fences(None)).unwrap();
    assert!(fences[0].why.contains("heard of other devices"), "{}", fences[0].why);
    assert!(!decide(false).unwrap());
}

#[test]
fn s11_limits_do_not_begin_anew_after_a_restore_to_before_a_spend() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    spends(&house, &phone, &purse).unwrap();
    let spent = house.state(&purse).windows[0].sum;
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    assert!(house.state(&purse).windows[0].sum >= spent);
    spends(&house, &phone, &purse).unwrap();
    assert_eq!(
        house.state(&purse).windows[0].sum,
        u64::MAX,
        "something was left to spend"
    );
}

#[test]
fn s10_with_a_share_from_before_a_refresh_a_restored_server_signs_nothing() {
    let (mut house, anchor, phone, purse) = anchored();
    let backup = house.rows();
    change_epoch(&house, &purse, 2).unwrap();
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    // The phone has the old share and shows nothing newer. What the operator decides for all does not count for it.
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
    let decided = block_on(house.mind.decide_fence(purse.id, "the disk died", true));
    assert_eq!(decided.unwrap_err().reason, Reason::RestoreFence);
    let (fences, _) = block_on(house.mind.fences(None)).unwrap();
    assert!(
        fences[0].why.contains("the anchor heard of epoch 2"),
        "{}",
        fences[0].why
    );
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));
}

/// Has a wallet frozen or not, as far as the anchor hears of it.
fn freeze(house: &House, purse: &Purse, frozen: bool) {
    let row = house.store.with(|tables| tables.wallets[&purse.id].clone());
    let mut change = house.mind.load(row).expect("an authentic state").change();
    let since = change.state.head().seq;
    change.state.shape.freeze = frozen.then_some(Freeze { since, by: [8; 32] });
    let mut batch = Batch::default();
    house.mind.store_change(change, &mut batch).expect("a change");
    block_on(house.mind.commit(batch)).unwrap();
}

#[test]
fn s11_a_freeze_that_the_backup_lacks_is_not_undone() {
    let (mut house, anchor, phone, purse) = anchored();
    let before = house.rows();
    freeze(&house, &purse, true);
    let during = house.rows();
    house.restore(&before, &anchor);
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::RestoreFence));

    house.restore(&during, &anchor);
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(
        spends(&house, &phone, &purse),
        Err(Reason::WalletFrozen),
        "it is as the anchor has it"
    );
    // One that the anchor has heard the end of is frozen a second time, and not fenced for it.
    freeze(&house, &purse, false);
    house.restore(&during, &anchor);
    house.restart_with(&anchor, false).unwrap();
    assert_eq!(spends(&house, &phone, &purse), Err(Reason::WalletFrozen));
}

#[test]
fn s11_nothing_is_left_to_spend_of_the_day_of_a_restore_however_old_the_backup() {
    let (mut house, anchor, phone, purse) = anchored();
    house.let_time_settle();
    let backup = house.rows();
    house.clock.pass(3 * 86_400);
    house.restore(&backup, &anchor);
    house.restart_with(&anchor, false).unwrap();
    house.let_time_settle();
    phone.clock.set(house.clock.now());
    spends(&house, &phone, &purse).unwrap();
    assert_eq!(
        house.state(&purse).windows[0].sum,
        u64::MAX,
        "something was left to spend"
    );
}
