//! The same ceremony for an ECDSA key: a share is a share on a line. Pairs are made anew after it.

use super::{House, pairs::relabelled};
use crate::{
    FaultKind,
    ecdsa::{
        SignFault,
        fixture::{Dealt, WHAT, test},
    },
    id::{KeyKind, Party},
    refresh::Ground,
    share::Share,
};

/// What everybody has after a refresh that recovery was absent from, and what they had.
struct After {
    before: Ground,
    old: [Share; 3],
    new: Dealt,
}

fn refreshed() -> After {
    let mut house = House::new(1);
    let Dealt {
        public,
        shares,
        identities,
        rng,
    } = Dealt::of(house.parties.wallet, 1, house.ground.public.epoch());
    let [server, device, recovery] = shares;
    house.ground.public = public;
    (house.server, house.device) = (server, device);
    let (pending, state) = house.until_pending();
    let (new, completion) = house.close(state, &pending.closing()).unwrap();
    let after = pending.finish(&completion).unwrap();
    let opened = new.link.open_as_recovery(&house.ground, &recovery, &house.parties.age);
    let (recovered, unlock, public) = opened.unwrap();
    assert_eq!(unlock.digest(), after.unlock.digest());
    assert_eq!((&public, &public), (&after.public, &new.public));
    After {
        before: house.ground,
        old: [house.server, house.device, recovery],
        new: Dealt {
            public,
            shares: [new.share, after.share, recovered],
            identities,
            rng,
        },
    }
}

#[test]
fn p35_ecdsa_a_refresh_without_recovery_gives_all_three_new_shares_of_the_same_key_and_new_pairs_sign() {
    let After { before, old, mut new } = refreshed();
    let (was, is) = (&before.public, &new.public);
    assert_eq!((was.kind(), was.extended_key()), (KeyKind::Ecdsa, is.extended_key()));
    assert_eq!(is.kind(), KeyKind::Ecdsa);
    for party in Party::ALL {
        new.share(party).check(is).unwrap();
        assert_ne!(*new.share(party).secret_bytes(), *old[party.index()].secret_bytes());
        assert_eq!(old[party.index()].check(is).unwrap_err().kind, FaultKind::StaleEpoch);
    }
    for (asker, answerer) in [(Party::Device, Party::Server), (Party::Recovery, Party::Device)] {
        let setting = new.setting(asker, answerer);
        let pairs = new.pair(setting);
        new.sign(&pairs, &WHAT).unwrap();
    }
}

#[test]
fn p41_ecdsa_a_server_s_share_read_before_a_refresh_signs_with_no_device_stolen_after_it() {
    let After { before, old, mut new } = refreshed();
    let setting = new.setting(Party::Device, Party::Server);
    let (asker, answerer) = new.untested(setting);
    let after = Ground {
        public: new.public.clone(),
        ..before
    };
    let thief = relabelled(&old[Party::Server.index()], &after);
    let server = (&answerer, &thief, new.identity(Party::Server));
    let fault = test(
        (&asker, new.share(Party::Device), new.identity(Party::Device)),
        server,
        &new.public,
        &mut new.rng.clone(),
    );
    let Err(SignFault::Refused(fault)) = fault else {
        panic!("{fault:?}")
    };
    assert_eq!(fault.kind, FaultKind::ShareMismatch);
}
