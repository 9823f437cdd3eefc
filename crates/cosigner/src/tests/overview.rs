//! What the operator sees of users, wallets, devices and logs.

use std::collections::BTreeSet;

use futures::executor::block_on;
use twofold_api::{
    Reason,
    audit::{ChainHead, Entry},
    request,
};
use twofold_threshold::id::WalletId;

use super::sign_in::{alice, sign_in};
use crate::{
    LogFault,
    fixture::{House, Phone, Purse},
    testing::memory::Tables,
};

/// All of a wallet's log, page by page.
fn log(house: &House, wallet: WalletId) -> Result<Vec<(u64, Entry)>, LogFault> {
    let (mut all, mut from) = (Vec::new(), ChainHead::START);
    loop {
        let piece = block_on(house.mind.log_seen(wallet, from))?;
        all.extend(piece.entries);
        match piece.next {
            Some(next) => from = next,
            None => return Ok(all),
        }
    }
}

/// What a stolen sign-in enrolled goes; what is on a wallet's list is its owner's to strike off.
#[test]
fn the_operator_removes_a_device_that_no_wallet_lists_and_no_other() {
    let house = House::new();
    let (phone, thief, neighbour) = (Phone::new(), Phone::new(), Phone::joined(&house));
    sign_in(&house, &phone, alice()).unwrap();
    let purse = phone.create(&house);
    neighbour.create(&house);
    let listed = block_on(house.mind.remove_device(phone.id())).unwrap_err();
    assert_eq!(listed.reason, Reason::NotPermitted);
    assert!(listed.message.contains(&purse.id.to_string()), "{listed}");

    sign_in(&house, &thief, alice()).unwrap();
    let owner = house.user_of(&phone);
    let asked = || {
        let call = thief.call("ListWallets", None, b"");
        house.let_in(&call, request::ListWallets::default())
    };
    assert!(asked().is_ok());
    assert_eq!(block_on(house.mind.remove_device(thief.id())).unwrap(), owner);
    house.refuses(Reason::DeviceUnknown, || asked().map(|_| ()));
    let again = block_on(house.mind.remove_device(thief.id())).unwrap_err();
    assert_eq!(again.reason, Reason::DeviceUnknown);
    // Of a wallet that can't be believed nobody knows whom it lists.
    sign_in(&house, &thief, alice()).unwrap();
    house.store.more_wallets(purse.id, [WalletId([7; 16])]);
    let unknown = block_on(house.mind.remove_device(thief.id())).unwrap_err();
    assert_eq!(unknown.reason, Reason::StateTampered);
    assert!(asked().is_ok());
}

#[test]
fn users_wallets_and_devices_are_seen_page_by_page_and_each_once() {
    let house = House::new();
    let phones: Vec<_> = (0..3).map(|_| Phone::joined(&house)).collect();
    let purses: Vec<_> = phones.iter().map(|phone| phone.create(&house)).collect();
    let another = phones[0].create_pending(&house);

    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let (seen, next) = block_on(house.mind.users_seen(after, 1)).unwrap();
        assert!(seen.len() <= 1);
        users.extend(seen);
        after = next;
        if after.is_none() {
            break;
        }
    }
    let known: BTreeSet<_> = phones.iter().map(|phone| house.user_of(phone)).collect();
    assert_eq!(users.iter().map(|user| user.user).collect::<BTreeSet<_>>(), known);
    assert_eq!(users.len(), 3);
    for user in &users {
        let wallets = if user.user == house.user_of(&phones[0]) { 2 } else { 1 };
        assert_eq!((user.issuer.as_str(), &user.subject), ("invitation", &None));
        assert_eq!((user.devices, user.wallets), (1, wallets));
    }

    let (wallets, next) = block_on(house.mind.wallets_seen(None, None, 2)).unwrap();
    let (rest, none) = block_on(house.mind.wallets_seen(None, next, 3)).unwrap();
    assert_eq!((wallets.len(), rest.len(), none), (2, 2, None));
    let mut seen = wallets.into_iter().chain(rest);
    let pending = seen.find(|wallet| wallet.wallet == another.id).unwrap();
    assert_eq!((pending.standing, pending.epoch, pending.devices), ("pending", 1, 1));
    let user = Some(house.user_of(&phones[0]));
    let (mut of_first, next) = block_on(house.mind.wallets_seen(user, None, 1)).unwrap();
    let (rest, none) = block_on(house.mind.wallets_seen(user, next, 2)).unwrap();
    assert_eq!((next.is_some(), none), (true, None));
    of_first.extend(rest);
    let ids: BTreeSet<_> = of_first.iter().map(|wallet| wallet.wallet).collect();
    assert_eq!(ids, BTreeSet::from([purses[0].id, another.id]));
    let active = of_first.iter().find(|wallet| wallet.wallet == purses[0].id).unwrap();
    assert_eq!(active.standing, "active");
    assert!(active.entries >= 2 && active.waiting == 0);

    let (devices, _) = block_on(house.mind.devices_seen(None, None, 9)).unwrap();
    assert_eq!(devices.len(), 3);
    let (his, _) = block_on(house.mind.devices_seen(Some(house.user_of(&phones[1])), None, 9)).unwrap();
    assert_eq!(
        his.iter().map(|device| device.device).collect::<Vec<_>>(),
        [phones[1].id()]
    );

    let (counts, _) = block_on(house.mind.counted()).unwrap();
    assert_eq!((counts.users, counts.devices, counts.wallets), (3, 3, 4));
}

#[test]
fn a_wallet_whose_record_was_changed_is_seen_as_tampered_and_hides_no_other() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let (whole, broken) = (phone.create(&house), phone.create(&house));
    house.store.with(|tables| {
        tables.wallets.get_mut(&broken.id).unwrap().state[3] ^= 1;
    });
    let (seen, _) = block_on(house.mind.wallets_seen(Some(house.user_of(&phone)), None, 9)).unwrap();
    let standings: BTreeSet<_> = seen.iter().map(|wallet| (wallet.wallet, wallet.standing)).collect();
    assert_eq!(
        standings,
        BTreeSet::from([(whole.id, "active"), (broken.id, "tampered")])
    );
    let refused = log(&house, broken.id).unwrap_err();
    assert!(
        matches!(&refused, LogFault::Unread(refusal) if refusal.reason == Reason::StateTampered),
        "{refused}"
    );
}

/// Something that befalls a wallet's log.
type Harm<'a> = &'a dyn Fn(&mut Tables, &Purse);

fn last(tables: &Tables, purse: &Purse) -> (WalletId, u64) {
    *tables
        .audit
        .range((purse.id, 0)..=(purse.id, u64::MAX))
        .next_back()
        .unwrap()
        .0
}

#[test]
fn o08_the_operator_is_told_where_a_log_was_changed_or_cut() {
    let house = House::new();
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    let coin = house.pay(&purse, 100_000, 0);
    phone.sign(&house, &purse, &purse.psbt(&[coin], 40_000)).unwrap();
    let entries = log(&house, purse.id).unwrap();
    let names: Vec<_> = entries.iter().map(|(_, entry)| entry.event.name()).collect();
    assert_eq!(names.first().copied(), Some("created"));
    assert!(names.contains(&"signed"), "{names:?}");
    assert!(entries.iter().zip(1..).all(|((seq, _), place)| *seq == place));
    assert!(
        entries
            .iter()
            .all(|(_, entry)| entry.event.device() == Some(phone.id()))
    );

    let whole = house.rows();
    let harm: [(&str, Harm<'_>); 4] = [
        ("was changed", &|tables, purse| {
            tables.audit.get_mut(&(purse.id, 2)).unwrap().entry[5] ^= 1;
        }),
        ("where 2 should be", &|tables, purse| {
            tables.audit.remove(&(purse.id, 2));
        }),
        ("were cut off", &|tables, purse| {
            let name = last(tables, purse);
            tables.audit.remove(&name);
        }),
        // Whoever writes the database works out the hashes as well; the record's head is under a key.
        ("another entry", &|tables, purse| {
            let name = last(tables, purse);
            let before = &tables.audit[&(purse.id, name.1 - 1)];
            let from = ChainHead {
                seq: before.seq,
                chain: before.chain,
            };
            let row = tables.audit.get_mut(&name).unwrap();
            row.entry[9] ^= 1;
            row.chain = from.next(purse.id, &row.entry).chain;
        }),
    ];
    for (said, harm) in harm {
        house.store.with(|tables| harm(tables, &purse));
        let refused = log(&house, purse.id).unwrap_err();
        assert!(refused.to_string().contains(said), "{said}: {refused}");
        house.store.with(|tables| tables.clone_from(&whole));
    }
    assert_eq!(log(&house, purse.id).unwrap(), entries);
}
