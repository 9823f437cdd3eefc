//! New shares of the same key: rounds once, twice, too late, overtaken and interrupted.

use futures::executor::block_on;
use rstest::rstest;
use twofold_api::{Reason, audit::Event, request, seal_key::Step};
use twofold_threshold::{
    id::{EpochId, KeyKind},
    refresh::Link,
    secret::UnlockKey,
};

use crate::{
    fixture::{House, Phone, Purse, rng},
    testing::{MemoryAnchor, memory::Fate},
};

fn scene() -> (House, Phone, Purse) {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    (house, phone, purse)
}

fn signs(house: &House, phone: &Phone, purse: &Purse) -> Result<(), Reason> {
    let coin = house.pay(purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    phone
        .sign(house, purse, &psbt)
        .map(drop)
        .map_err(|refusal| refusal.reason)
}

/// The numbers of the epochs that the server has a share of.
fn shares(house: &House, purse: &Purse) -> Vec<u32> {
    let rows = house.rows().shares;
    let of = rows.into_keys().filter(|(wallet, ..)| *wallet == purse.id);
    of.map(|(_, _, epoch)| epoch).collect()
}

#[test]
fn a_refresh_gives_both_sides_the_next_epoch_and_erases_the_last() {
    let (house, phone, mut purse) = scene();
    signs(&house, &phone, &purse).unwrap();
    let (group, first) = (*purse.public.extended_key(), purse.epoch());
    for number in 2..=4 {
        phone.refresh(&house, &mut purse);
        let (state, epoch) = (house.state(&purse), purse.epoch());
        assert_eq!((epoch.number, state.epoch()), (number, epoch));
        assert_eq!(shares(&house, &purse), [number]);
        assert_eq!(purse.public.extended_key(), &group);
        signs(&house, &phone, &purse).unwrap();
        let told = phone.told(&house, &purse);
        assert_eq!(told.public, purse.public.to_bytes());
        assert_eq!(told.package.len(), number as usize + 1);
        assert_eq!(told.device_list.len(), number as usize);
    }
    assert_ne!(purse.epoch().transcript, first.transcript);
    let refreshed: Vec<_> = house
        .audit(&purse)
        .into_iter()
        .filter_map(|entry| match entry.event {
            Event::Refreshed { epoch, device_list, .. } => Some((epoch.number, device_list)),
            _ => None,
        })
        .collect();
    assert_eq!(refreshed.len(), 3);
    assert_eq!(refreshed[2], (4, house.state(&purse).device_list));
    assert!(house.rows().ceremonies.is_empty());
}

#[test]
fn the_anchor_hears_of_a_refresh_before_the_database_does() {
    let (mut house, anchor) = (House::new(), MemoryAnchor::default());
    house.restart_with(&anchor, false).unwrap();
    let phone = Phone::joined(&house);
    let mut purse = phone.create(&house);
    let prepared = phone.prepared(&house, &purse);
    anchor.set_down(true);
    house.refuses(Reason::StoreUnavailable, || prepared.send(&house, &phone, &purse));
    anchor.set_down(false);
    let lines = anchor.with(|lines| lines.len());
    let finished = prepared.send(&house, &phone, &purse).unwrap();
    prepared.done(&house, &finished, &mut purse);
    assert_eq!(anchor.with(|lines| lines.len()), lines + 1);
}

#[rstest]
#[case::one_less(-1)]
#[case::one_more(1)]
fn p27_a_device_of_another_epoch_gets_no_share(#[case] off: i64) {
    let (house, phone, mut purse) = scene();
    phone.refresh(&house, &mut purse);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    let spend = phone.spend(&house, &purse, &psbt);
    let number = u32::try_from(i64::from(purse.epoch().number) + off).unwrap();
    for epoch in [
        EpochId {
            number,
            ..purse.epoch()
        },
        EpochId {
            transcript: [7; 32],
            ..purse.epoch()
        },
    ] {
        house.refuses(Reason::StaleEpoch, || {
            let asked = request::Sign {
                epoch,
                ..spend.request()
            };
            block_on(house.mind.sign(house.let_in(&spend.call, asked)?))
        });
        let preparing = phone.prepare(&house, &purse);
        house.refuses(Reason::StaleEpoch, || {
            let asked = request::BeginRefresh {
                epoch,
                ..preparing.request(&purse)
            };
            block_on(house.mind.begin_refresh(house.let_in(&preparing.call, asked)?))
        });
    }
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn p27_a_device_that_missed_a_refresh_can_neither_sign_nor_refresh() {
    let (house, phone, purse) = scene();
    let mut newer = purse.twin();
    phone.refresh(&house, &mut newer);
    let coin = house.pay(&purse, 100_000, 0);
    let psbt = purse.psbt(&[coin], 40_000);
    house.refuses(Reason::StaleEpoch, || phone.sign(&house, &purse, &psbt));
    let preparing = phone.prepare(&house, &purse);
    house.refuses(Reason::StaleEpoch, || preparing.send(&house, &purse));
    signs(&house, &phone, &newer).unwrap();
}

#[test]
fn p10_the_identical_round_of_a_refresh_gets_the_same_bytes() {
    let (house, phone, mut purse) = scene();
    let preparing = phone.prepare(&house, &purse);
    let begun = preparing.send(&house, &purse).unwrap();
    let after = house.rows();
    assert_eq!(preparing.send(&house, &purse).unwrap(), begun);
    assert!(house.rows() == after);
    let prepared = preparing.go_on(&phone, &purse, &begun);
    let (call, sealed) = (prepared.call(&phone, &purse), prepared.seal(&house, &phone, &purse));
    let send = || {
        let asked = prepared.request(&purse, &sealed);
        block_on(house.mind.finish_refresh(house.let_in(&call, asked).unwrap())).unwrap()
    };
    let finished = send();
    let after = house.rows();
    assert_eq!(send(), finished);
    assert!(house.rows() == after);
    prepared.done(&house, &finished, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn p34_of_two_refreshes_at_once_the_one_begun_last_wins() {
    let (house, phone, mut purse) = scene();
    let first = phone.prepared(&house, &purse);
    let second = phone.prepared(&house, &purse);
    house.refuses(Reason::CeremonyNotFound, || first.send(&house, &phone, &purse));
    signs(&house, &phone, &purse).unwrap();
    let finished = second.send(&house, &phone, &purse).unwrap();
    house.refuses(Reason::CeremonyNotFound, || first.send(&house, &phone, &purse));
    second.done(&house, &finished, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn p34_a_device_that_dies_between_the_rounds_leaves_the_old_epoch_working() {
    let (house, phone, mut purse) = scene();
    drop(phone.prepared(&house, &purse));
    signs(&house, &phone, &purse).unwrap();
    assert_eq!(shares(&house, &purse), [1]);
    phone.refresh(&house, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn a_server_that_restarts_between_the_rounds_goes_on() {
    let (mut house, phone, mut purse) = scene();
    let prepared = phone.prepared(&house, &purse);
    house.restart();
    let finished = prepared.send(&house, &phone, &purse).unwrap();
    prepared.done(&house, &finished, &mut purse);
    house.restart();
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn p21_a_crash_around_the_commit_leaves_the_old_or_the_new_epoch_and_the_device_finds_out() {
    for fate in [Fate::Refuse, Fate::CommitUnheard] {
        let (mut house, phone, mut purse) = scene();
        let prepared = phone.prepared(&house, &purse);
        house.store.fates([fate]);
        let refusal = prepared.send(&house, &phone, &purse).unwrap_err();
        assert_eq!(refusal.reason, Reason::StoreUnavailable);
        let number = if fate == Fate::Refuse { 1 } else { 2 };
        assert_eq!(shares(&house, &purse), [number], "{fate:?}");
        house.restart();
        // The same closing in a new request: it either takes effect now or is answered as it was.
        let finished = prepared.send(&house, &phone, &purse).unwrap();
        prepared.done(&house, &finished, &mut purse);
        assert_eq!(shares(&house, &purse), [2]);
        signs(&house, &phone, &purse).unwrap();
    }
}

#[test]
fn p08_a_closing_that_comes_too_late_is_refused_and_the_old_epoch_stays() {
    let (house, phone, purse) = scene();
    let prepared = phone.prepared(&house, &purse);
    house.clock.pass(house.config.ceremony_seconds + 1);
    phone.clock.set(phone.clock.get() + house.config.ceremony_seconds + 1);
    house.refuses(Reason::CeremonyExpired, || prepared.send(&house, &phone, &purse));
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn a25_a_wrong_unlock_key_begins_and_finishes_nothing() {
    let (house, phone, mut purse) = scene();
    let wrong = UnlockKey::generate(&mut rng());
    let preparing = phone.prepare(&house, &purse);
    let unlock = phone.seal(&house, purse.id, 1, Step::BeginRefresh, &wrong);
    house.refuses(Reason::WrongUnlockKey, || {
        let asked = request::BeginRefresh {
            unlock,
            ..preparing.request(&purse)
        };
        block_on(house.mind.begin_refresh(house.let_in(&preparing.call, asked)?))
    });
    let begun = preparing.send(&house, &purse).unwrap();
    let prepared = preparing.go_on(&phone, &purse, &begun);
    let sealed = phone.seal(&house, purse.id, 2, Step::FinishRefresh, &wrong);
    house.refuses(Reason::WrongUnlockKey, || {
        let asked = prepared.request(&purse, &sealed);
        block_on(
            house
                .mind
                .finish_refresh(house.let_in(&prepared.call(&phone, &purse), asked)?),
        )
    });
    let finished = prepared.send(&house, &phone, &purse).unwrap();
    prepared.done(&house, &finished, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn a_seal_key_that_is_gone_is_said_with_the_one_to_use() {
    let (mut house, phone, purse) = scene();
    let preparing = phone.prepare(&house, &purse);
    house.restart();
    let refusal = house.refuses(Reason::StaleSealKey, || preparing.send(&house, &purse));
    assert!(refusal.seal_key.is_some());
}

#[test]
fn a_closing_that_lies_ends_the_refresh_and_changes_nothing_else() {
    let (house, phone, mut purse) = scene();
    let (one, two) = (phone.prepared(&house, &purse), phone.prepared(&house, &purse));
    let sealed = two.seal(&house, &phone, &purse);
    let call = phone.call("FinishRefresh", Some(purse.id), b"lies");
    let asked = request::FinishRefresh {
        closing: one.closing.clone(),
        ..two.request(&purse, &sealed)
    };
    house.refuses(Reason::PartyMismatch, || {
        block_on(house.mind.finish_refresh(house.let_in(&call, asked)?))
    });
    // Under the right name, with a signature over another transcript.
    let mut bytes = two.closing.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let asked = request::FinishRefresh {
        closing: bytes,
        ..two.request(&purse, &sealed)
    };
    let call = phone.call("FinishRefresh", Some(purse.id), b"lies again");
    let refusal = block_on(house.mind.finish_refresh(house.let_in(&call, asked).unwrap())).unwrap_err();
    assert_eq!(refusal.reason, Reason::CeremonyMismatch);
    assert!(house.rows().ceremonies.is_empty());
    house.refuses(Reason::CeremonyNotFound, || two.send(&house, &phone, &purse));
    phone.refresh(&house, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}

#[test]
fn f19_a_stranger_is_told_that_there_is_no_such_wallet() {
    let (house, phone, purse) = scene();
    let stranger = Phone::joined(&house);
    let preparing = phone.prepare(&house, &purse);
    let begun = preparing.send(&house, &purse).unwrap();
    let prepared = preparing.go_on(&phone, &purse, &begun);
    let sealed = prepared.seal(&house, &phone, &purse);
    house.refuses(Reason::WalletNotFound, || {
        let call = prepared.call(&stranger, &purse);
        let asked = prepared.request(&purse, &sealed);
        block_on(house.mind.finish_refresh(house.let_in(&call, asked)?))
    });
    prepared.send(&house, &phone, &purse).unwrap();
}

#[test]
fn a_device_is_given_its_own_envelopes_and_recovery_s() {
    let (house, phone, mut purse) = scene();
    phone.refresh(&house, &mut purse);
    let stored = house.rows().chains[&purse.id].package[2].clone();
    let link = Link::try_from(stored.as_slice()).unwrap();
    assert_eq!(phone.told(&house, &purse).package[2], link.to_bytes());
    let other = link.clone().for_device(&house.mind.identity());
    assert!(other.to_bytes().len() < link.to_bytes().len());
}

#[test]
fn p41_nothing_that_the_server_stores_after_a_refresh_has_the_old_share() {
    let (house, phone, mut purse) = scene();
    let key = (purse.id, KeyKind::Taproot, 1);
    let old = house.rows().shares[&key].sealed.clone();
    phone.refresh(&house, &mut purse);
    assert!(!house.rows().shares.contains_key(&key));
    let rows = format!("{:?}", house.rows());
    assert!(!rows.contains(&format!("{old:?}")));
}

#[test]
fn a_wallet_is_refreshed_only_so_often_a_day() {
    let mut config = crate::Config::new(bitcoin::Network::Regtest);
    config.refreshes_per_day = 2;
    let house = House::with(config);
    let phone = Phone::joined(&house);
    let mut purse = phone.create(&house);
    for _ in 0..2 {
        phone.refresh(&house, &mut purse);
    }
    let preparing = phone.prepare(&house, &purse);
    let refusal = house.refuses(Reason::QuotaExceeded, || preparing.send(&house, &purse));
    assert!(refusal.retry_after.is_some(), "{refusal}");
    for _ in 0..12 {
        house.let_time_settle();
    }
    phone.clock.set(phone.clock.get() + 24 * 3_600);
    phone.refresh(&house, &mut purse);
    signs(&house, &phone, &purse).unwrap();
}
