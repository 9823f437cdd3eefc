use super::*;
use rand_core::OsRng;
use twofold_api::seal_key::Step;
use twofold_threshold::id::{DeviceId, WalletId};

const START: u64 = 1_790_000_000;
const USAGE: Usage = Usage {
    wallet: WalletId([1; 16]),
    epoch: 1,
    step: Step::Sign,
    device: DeviceId([2; 32]),
};

/// The time that passes evenly, where the clock did not jump.
fn steady(now: u64) -> u64 {
    now - START
}

fn seal_to(offer: &Offer, identity: &IdentitySecret, usage: &Usage) -> SealedUnlockKey {
    let unlock = UnlockKey::generate(&mut OsRng);
    offer
        .verify(&identity.public())
        .unwrap()
        .seal(&unlock, usage, &mut OsRng)
        .unwrap()
}

#[test]
fn a_key_is_offered_for_half_its_life_opens_to_its_end_and_is_then_forgotten() {
    let (keys, identity) = (SealKeys::default(), IdentitySecret::generate(&mut OsRng));
    let first = *keys.current(START, steady(START), &identity, &mut OsRng).offer();
    assert_eq!(first.not_after(), START + LIFE);
    let sealed = seal_to(&first, &identity, &USAGE);

    let just_before = keys
        .current(START + OFFERED - 1, steady(START + OFFERED - 1), &identity, &mut OsRng)
        .offer()
        .id();
    assert_eq!(just_before, first.id());
    let second = *keys
        .current(START + OFFERED, steady(START + OFFERED), &identity, &mut OsRng)
        .offer();
    assert_ne!(second.id(), first.id());

    assert!(
        keys.open(START + LIFE - 1, steady(START + LIFE - 1), &sealed, &USAGE)
            .is_ok()
    );
    let late = keys
        .open(START + LIFE, steady(START + LIFE), &sealed, &USAGE)
        .unwrap_err();
    assert_eq!(late.reason, Reason::StaleSealKey);
    keys.current(START + LIFE, steady(START + LIFE), &identity, &mut OsRng);
    let kept: Vec<_> = keys.0.lock().unwrap().iter().map(|key| key.offer.id()).collect();
    assert!(!kept.contains(&first.id()), "a key outlives its end");
    assert!(kept.len() <= 2);
}

#[test]
fn what_was_sealed_for_another_step_wallet_or_device_does_not_open() {
    let (keys, identity) = (SealKeys::default(), IdentitySecret::generate(&mut OsRng));
    let offer = *keys.current(START, steady(START), &identity, &mut OsRng).offer();
    let sealed = seal_to(&offer, &identity, &USAGE);
    let others = [
        Usage {
            wallet: WalletId([9; 16]),
            ..USAGE
        },
        Usage { epoch: 2, ..USAGE },
        Usage {
            step: Step::TestSign,
            ..USAGE
        },
        Usage {
            device: DeviceId([9; 32]),
            ..USAGE
        },
    ];
    for usage in others {
        assert_eq!(
            keys.open(START, steady(START), &sealed, &usage).unwrap_err().reason,
            Reason::WrongUnlockKey,
            "{usage:?}"
        );
    }
}

#[test]
fn after_a_restart_an_old_offer_is_stale() {
    let identity = IdentitySecret::generate(&mut OsRng);
    let offer = *SealKeys::default()
        .current(START, steady(START), &identity, &mut OsRng)
        .offer();
    let sealed = seal_to(&offer, &identity, &USAGE);
    let restarted = SealKeys::default();
    restarted.current(START, steady(START), &identity, &mut OsRng);
    assert_eq!(
        restarted
            .open(START, steady(START), &sealed, &USAGE)
            .unwrap_err()
            .reason,
        Reason::StaleSealKey
    );
}

#[test]
fn a_jump_of_the_clock_neither_lengthens_a_keys_life_nor_leaves_clients_with_an_offer_that_is_over() {
    let (keys, identity) = (SealKeys::default(), IdentitySecret::generate(&mut OsRng));
    let far_ahead = START + 100 * LIFE;
    let early = *keys.current(far_ahead, 0, &identity, &mut OsRng).offer();
    let sealed = seal_to(&early, &identity, &USAGE);
    assert!(keys.open(START, LIFE - 1, &sealed, &USAGE).is_ok());
    assert_eq!(
        keys.open(START, LIFE, &sealed, &USAGE).unwrap_err().reason,
        Reason::StaleSealKey
    );
    let next = *keys.current(START, OFFERED, &identity, &mut OsRng).offer();
    assert_eq!(next.not_after(), START + LIFE);
    // The clock is set right by a day: what was offered is over for those who have the right time.
    let after = *keys.current(START + LIFE, OFFERED + 1, &identity, &mut OsRng).offer();
    assert!(after.not_after() > START + LIFE);

    // The machine slept for a day, and only the clock shows it.
    let sealed = seal_to(&after, &identity, &USAGE);
    let (end, awake) = (after.not_after(), OFFERED + 2);
    assert!(keys.open(end - 1, awake, &sealed, &USAGE).is_ok());
    let late = keys.open(end, awake, &sealed, &USAGE).unwrap_err();
    assert_eq!(late.reason, Reason::StaleSealKey);
}
