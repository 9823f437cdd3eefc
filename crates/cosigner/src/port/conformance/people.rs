//! Users, devices, invitations, recorded replies, the server's own rows, and what is past its time.

#![expect(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are tests, and their names say what they are about"
)]

use twofold_threshold::id::{CeremonyId, DeviceId};

use super::sample::{ceremony, commit, device, invitation, populate, put, replay, user, wallet_id};
use crate::port::{
    record::{Ceremony, Device, Invitation, User, UserId},
    store::{Counts, Store, StoreFault, Write},
};

const DAY: u64 = 24 * 60 * 60;

pub async fn a_new_store_is_empty<S: Store>(store: &S) {
    assert_eq!(store.server_secret("identity").await.unwrap(), None);
    assert_eq!(store.counter("time").await.unwrap(), 0);
    assert_eq!(store.wallet(wallet_id(1)).await.unwrap(), None);
    assert_eq!(store.tip().await.unwrap(), None);
    assert_eq!(store.watched(wallet_id(1)).await.unwrap(), [0, 0]);
    assert_eq!(store.used(wallet_id(1)).await.unwrap(), [0, 0]);
    assert!(store.rescans(None, 9).await.unwrap().is_empty());
    assert!(store.unconfirmed(None, 9).await.unwrap().is_empty());
}

pub async fn a_server_secret_is_replaced<S: Store>(store: &S) {
    put(store, [Write::ServerSecret("identity", vec![1; 32])]).await;
    put(
        store,
        [
            Write::ServerSecret("identity", vec![2; 40]),
            Write::ServerSecret("other", vec![3]),
        ],
    )
    .await;
    assert_eq!(store.server_secret("identity").await.unwrap(), Some(vec![2; 40]));
    assert_eq!(store.server_secret("other").await.unwrap(), Some(vec![3]));
}

pub async fn a_counter_only_rises<S: Store>(store: &S) {
    for (raised, expected) in [(5, 5), (9, 9), (7, 9), (9, 9), (1 << 40, 1 << 40)] {
        put(store, [Write::RaiseCounter("time", raised)]).await;
        assert_eq!(store.counter("time").await.unwrap(), expected);
    }
}

pub async fn an_invitation_is_used_once<S: Store>(store: &S) {
    put(store, [Write::AddInvitation(invitation(1, 500))]).await;
    let again = commit(store, [Write::AddInvitation(invitation(1, 900))]).await;
    assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
    assert_eq!(store.invitation([1; 32]).await.unwrap(), Some(invitation(1, 500)));
    let meant = Invitation {
        wallet: Some(wallet_id(7)),
        ..invitation(2, 500)
    };
    put(store, [Write::AddInvitation(meant.clone())]).await;
    assert_eq!(store.invitation([2; 32]).await.unwrap(), Some(meant));

    let by = |n| Write::UseInvitation {
        code_hash: [1; 32],
        by: DeviceId([n; 32]),
    };
    put(store, [by(3)]).await;
    let second = commit(store, [by(4)]).await;
    assert!(matches!(second, Err(StoreFault::Exists(_))), "{second:?}");
    let unknown = commit(
        store,
        [Write::UseInvitation {
            code_hash: [9; 32],
            by: DeviceId([3; 32]),
        }],
    )
    .await;
    assert!(matches!(unknown, Err(StoreFault::Exists(_))), "{unknown:?}");
    assert_eq!(
        store.invitation([1; 32]).await.unwrap().unwrap().used_by,
        Some(DeviceId([3; 32]))
    );
}

pub async fn users_are_unique_by_issuer_and_subject<S: Store>(store: &S) {
    put(store, [Write::AddUser(user(1)), Write::AddUser(user(2))]).await;
    let same_word = User {
        id: UserId([9; 16]),
        ..user(1)
    };
    let same_name = User {
        subject: "another".to_owned(),
        ..user(1)
    };
    for twice in [same_word, same_name] {
        let result = commit(store, [Write::AddUser(twice)]).await;
        assert!(matches!(result, Err(StoreFault::Exists(_))), "{result:?}");
    }
    assert_eq!(store.user("invitation", "01").await.unwrap(), Some(user(1)));
    assert_eq!(store.user("invitation", "another").await.unwrap(), None);
    assert_eq!(store.user("elsewhere", "01").await.unwrap(), None);
}

pub async fn a_device_is_added_once<S: Store>(store: &S) {
    populate(store).await;
    put(store, [Write::AddDevice(device(5, 1))]).await;
    let again = commit(store, [Write::AddDevice(device(5, 2))]).await;
    assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
    assert_eq!(store.device(DeviceId([5; 32])).await.unwrap(), Some(device(5, 1)));
    assert_eq!(store.device(DeviceId([6; 32])).await.unwrap(), None);
    assert_eq!(store.device_count(UserId([1; 16])).await.unwrap(), 1);
    assert_eq!(store.device_count(UserId([9; 16])).await.unwrap(), 0);
}

pub async fn a_user_has_no_more_devices_than_there_is_room_for<S: Store>(store: &S) {
    populate(store).await;
    let room = |most| Write::RoomForDevice {
        user: UserId([1; 16]),
        most,
        since: 0,
        lately: u32::MAX,
    };
    let has = store.device_count(UserId([1; 16])).await.unwrap();
    put(store, [room(has + 1), Write::AddDevice(device(5, 1))]).await;
    let full = commit(store, [room(has + 1), Write::AddDevice(device(6, 1))]).await;
    assert!(matches!(full, Err(StoreFault::Exists(_))), "{full:?}");
    // Those of the same batch count.
    let full = commit(store, [Write::AddDevice(device(6, 1)), room(has + 2)]).await;
    assert!(matches!(full, Err(StoreFault::Exists(_))), "{full:?}");
    assert_eq!(store.device(DeviceId([6; 32])).await.unwrap(), None);
    // Another's devices take no room.
    put(store, [Write::AddDevice(device(7, 2))]).await;
    put(store, [room(has + 2), Write::AddDevice(device(6, 1))]).await;
    assert_eq!(store.device_count(UserId([1; 16])).await.unwrap(), has + 2);
}

pub async fn a_user_has_no_more_new_devices_than_there_is_room_for<S: Store>(store: &S) {
    populate(store).await;
    let room = |since, lately| Write::RoomForDevice {
        user: UserId([1; 16]),
        most: u32::MAX,
        since,
        lately,
    };
    let new = |n, enrolled| {
        Write::AddDevice(Device {
            enrolled,
            ..device(n, 1)
        })
    };
    // Those of the moment itself are among them; older ones and another's are not.
    let first = device(1, 1).enrolled + 1000;
    put(store, [room(first, 1), new(5, first), Write::AddDevice(device(7, 2))]).await;
    let full = commit(store, [room(first, 1), new(6, first + 9)]).await;
    assert!(matches!(full, Err(StoreFault::Exists(_))), "{full:?}");
    put(store, [room(first + 1, 1), new(6, first + 9)]).await;
    let full = commit(store, [room(first, 2), new(8, first + 9)]).await;
    assert!(matches!(full, Err(StoreFault::Exists(_))), "{full:?}");
    put(store, [room(first, 3), new(8, first + 9)]).await;
}

pub async fn a_device_is_removed_and_nothing_with_it<S: Store>(store: &S) {
    populate(store).await;
    let of = device(5, 1).user;
    let has = store.device_count(of).await.unwrap();
    put(store, [Write::AddDevice(device(5, 1)), Write::AddDevice(device(6, 1))]).await;
    for _ in 0..2 {
        put(store, [Write::RemoveDevice(DeviceId([5; 32]))]).await;
        assert_eq!(store.device(DeviceId([5; 32])).await.unwrap(), None);
        assert_eq!(store.device(DeviceId([6; 32])).await.unwrap(), Some(device(6, 1)));
        assert_eq!(store.device_count(of).await.unwrap(), has + 1);
    }
    // There is room again, for it too.
    put(store, [Write::AddDevice(device(5, 1))]).await;
}

pub async fn users_and_devices_page_in_order_of_their_ids<S: Store>(store: &S) {
    assert!(store.users(None, 9).await.unwrap().is_empty());
    assert!(store.devices(None, None, 9).await.unwrap().is_empty());
    put(store, [3, 1, 2].map(|n| Write::AddUser(user(n)))).await;
    let devices = [(9, 1), (7, 2), (8, 1), (6, 1)];
    put(store, devices.map(|(n, of)| Write::AddDevice(device(n, of)))).await;
    assert_eq!(store.users(None, 2).await.unwrap(), [user(1), user(2)]);
    assert_eq!(store.users(Some(UserId([2; 16])), 2).await.unwrap(), [user(3)]);
    assert!(store.users(Some(UserId([3; 16])), 2).await.unwrap().is_empty());

    let all = store.devices(None, None, 3).await.unwrap();
    assert_eq!(all, [device(6, 1), device(7, 2), device(8, 1)]);
    let rest = store.devices(None, Some(DeviceId([8; 32])), 3).await.unwrap();
    assert_eq!(rest, [device(9, 1)]);
    let first = Some(UserId([1; 16]));
    assert_eq!(
        store.devices(first, None, 2).await.unwrap(),
        [device(6, 1), device(8, 1)]
    );
    let rest = store.devices(first, Some(DeviceId([8; 32])), 2).await.unwrap();
    assert_eq!(rest, [device(9, 1)]);
    assert!(store.devices(Some(UserId([3; 16])), None, 9).await.unwrap().is_empty());
}

pub async fn everything_is_counted<S: Store>(store: &S) {
    assert_eq!(store.counts(0).await.unwrap(), Counts::default());
    populate(store).await;
    let before = store.counts(100).await.unwrap();
    put(
        store,
        [
            Write::AddUser(user(9)),
            Write::AddDevice(device(5, 9)),
            Write::AddDevice(device(6, 9)),
            Write::AddInvitation(invitation(1, 100)),
            Write::AddInvitation(invitation(2, 101)),
            Write::AddInvitation(invitation(3, 101)),
            Write::UseInvitation {
                code_hash: [3; 32],
                by: DeviceId([5; 32]),
            },
            Write::PutCeremony(ceremony(1, 11, 9, 99)),
            Write::PutCeremony(ceremony(2, 12, 9, 100)),
        ],
    )
    .await;
    let counts = store.counts(100).await.unwrap();
    let more = Counts {
        users: before.users + 1,
        devices: before.devices + 2,
        invitations: before.invitations + 1,
        ceremonies: before.ceremonies + 1,
        ..before
    };
    assert_eq!(counts, more);
    assert!(before.wallets > 0 && before.users > 0);
}

pub async fn a_reply_is_recorded_once<S: Store>(store: &S) {
    put(store, [Write::AddReplay(replay(1, 1, 100))]).await;
    let again = commit(store, [Write::AddReplay(replay(1, 1, 200))]).await;
    assert!(matches!(again, Err(StoreFault::Exists(_))), "{again:?}");
    put(
        store,
        [Write::AddReplay(replay(2, 1, 300)), Write::AddReplay(replay(1, 2, 300))],
    )
    .await;
    assert_eq!(
        store.replay(DeviceId([1; 32]), [1; 16]).await.unwrap(),
        Some(replay(1, 1, 100))
    );
    assert_eq!(store.replay(DeviceId([2; 32]), [2; 16]).await.unwrap(), None);
}

pub async fn purging_drops_what_is_past_its_time_and_nothing_else<S: Store>(store: &S) {
    populate(store).await;
    let now = 10 * DAY;
    put(
        store,
        [
            Write::AddReplay(replay(1, 1, now - 1)),
            Write::AddReplay(replay(1, 2, now)),
            Write::PutCeremony(ceremony(1, 11, 1, now - 1)),
            Write::PutCeremony(ceremony(2, 12, 1, now)),
            Write::PutCeremony(ceremony(3, 13, 1, now - DAY - 1)),
            Write::AddInvitation(invitation(1, now - DAY - 1)),
            Write::AddInvitation(invitation(2, now - DAY)),
        ],
    )
    .await;
    put(store, [Write::Purge { now }]).await;
    assert_eq!(store.replay(DeviceId([1; 32]), [1; 16]).await.unwrap(), None);
    assert!(store.replay(DeviceId([1; 32]), [2; 16]).await.unwrap().is_some());
    let emptied = Ceremony {
        sealed: Vec::new(),
        ..ceremony(1, 11, 1, now - 1)
    };
    assert_eq!(store.ceremony(CeremonyId([1; 16])).await.unwrap(), Some(emptied));
    let open = ceremony(2, 12, 1, now);
    assert_eq!(store.ceremony(CeremonyId([2; 16])).await.unwrap(), Some(open));
    assert_eq!(store.ceremony(CeremonyId([3; 16])).await.unwrap(), None);
    assert_eq!(store.invitation([1; 32]).await.unwrap(), None);
    assert!(store.invitation([2; 32]).await.unwrap().is_some());
    assert!(store.wallet(wallet_id(1)).await.unwrap().is_some());
}
