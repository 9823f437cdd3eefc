//! Ceremonies that nobody ends, and how many there may be.

use futures::executor::block_on;
use twofold_api::{Code, Reason};
use twofold_threshold::id::{CeremonyId, WalletId};

use crate::{
    Config,
    fixture::{House, Phone, START, random},
};

/// Longer than any of these is open, and long enough for the clock to be believed.
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;
/// How often another is begun where there is no room for it.
const BEGUN: usize = 1_000;

#[test]
fn a16_abandoned_ceremonies_take_the_room_of_a_few_however_many_are_begun_and_time_frees_it() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.ceremonies = 10;
    let house = House::with(config);
    let phones: Vec<_> = (0..4).map(|_| Phone::joined(&house)).collect();
    let mut begun = 0;
    let late: Vec<_> = phones.iter().map(|phone| phone.start(&house)).collect();
    for phone in phones.iter().cycle().take(12) {
        begun += usize::from(phone.start(&house).send(&house).is_ok());
    }
    // Sent again and again: what is refused is judged anew each time.
    for started in late.iter().cycle().take(BEGUN) {
        let refused = house.refuses(Reason::QuotaExceeded, || started.send(&house));
        assert_eq!(refused.reason.code(), Code::ResourceExhausted);
    }
    assert_eq!(begun, 10);
    let rows = house.rows();
    assert_eq!((rows.ceremonies.len(), rows.wallets.len()), (begun, 0));
    // What was recorded is bounded by what was begun: a refusal leaves no row.
    assert!(rows.replays.len() <= begun + phones.len(), "{}", rows.replays.len());

    house.clock.pass(HOUR);
    block_on(house.mind.purge()).unwrap();
    // What was sealed is gone at once, and a day later that there was anything.
    assert!(house.rows().ceremonies.values().all(|row| row.sealed.is_empty()));
    phones[0].clock.set(START + HOUR);
    phones[0].start(&house).send(&house).unwrap();
    house.clock.pass(DAY);
    block_on(house.mind.purge()).unwrap();
    assert_eq!(house.rows().ceremonies.len(), 1);
}

#[test]
fn a16_ceremonies_are_limited_by_user_and_in_all() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.ceremonies = 4;
    let house = House::with(config);
    let (phone, other) = (Phone::joined(&house), Phone::joined(&house));
    let first = phone.start(&house);
    first.send(&house).unwrap();
    for _ in 0..2 {
        phone.start(&house).send(&house).unwrap();
    }
    let fourth = phone.start(&house);
    house.refuses(Reason::QuotaExceeded, || fourth.send(&house));
    // Starting anew for the same wallet takes the old one's place.
    phone
        .start_as(&house, first.wallet, CeremonyId(random()))
        .send(&house)
        .unwrap();

    other.start(&house).send(&house).unwrap();
    let fifth = other.start(&house);
    let refused = house.refuses(Reason::QuotaExceeded, || fifth.send(&house));
    assert!(refused.retry_after.is_some());
    // Time frees them.
    house.clock.pass(house.config.ceremony_seconds + 1);
    other.clock.set(START + house.config.ceremony_seconds + 1);
    other.start(&house).send(&house).unwrap();
}

#[test]
fn wallets_are_counted_past_a_hundred() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.wallets_per_user = 105;
    let house = House::with(config);
    let phone = Phone::joined(&house);
    let purse = phone.create(&house);
    house.store.more_wallets(purse.id, (1..=103).map(|n| WalletId([n; 16])));
    // The hundred-and-fifth is on its way, so there is no room for another.
    phone.start(&house).send(&house).unwrap();
    let one_more = phone.start(&house);
    let refused = house.refuses(Reason::QuotaExceeded, || one_more.send(&house));
    assert!(refused.message.contains("wallets"), "{refused}");
}

/// How many begin of those that these phones ask for all at once.
fn begun_at_once(house: &House, phones: &[&Phone]) -> usize {
    let begins: Vec<_> = phones
        .iter()
        .map(|phone| {
            let started = phone.start(house);
            house.let_in(&started.call, started.request()).unwrap()
        })
        .collect();
    let ready = std::sync::Barrier::new(begins.len());
    std::thread::scope(|scope| {
        let running: Vec<_> = begins
            .into_iter()
            .map(|asked| {
                let (ready, house) = (&ready, &house.mind);
                scope.spawn(move || {
                    ready.wait();
                    block_on(house.begin_create(asked)).is_ok()
                })
            })
            .collect();
        let begun = running.into_iter().map(|begin| begin.join().expect("no panic"));
        begun.filter(|begun| *begun).count()
    })
}

#[test]
fn beginning_many_wallets_at_once_opens_no_more_ceremonies_than_one_user_may_have() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.ceremonies_per_user = 1;
    let house = House::with(config);
    let phone = Phone::joined(&house);
    let begun = begun_at_once(&house, &[&phone; 8]);
    assert_eq!((begun, house.rows().ceremonies.len()), (1, 1));
}

#[test]
fn users_who_begin_at_once_open_no_more_ceremonies_than_there_may_be_in_all() {
    let mut config = Config::new(bitcoin::Network::Regtest);
    config.ceremonies = 1;
    let house = House::with(config);
    let phones: Vec<_> = (0..8).map(|_| Phone::joined(&house)).collect();
    let begun = begun_at_once(&house, &phones.iter().collect::<Vec<_>>());
    assert_eq!((begun, house.rows().ceremonies.len()), (1, 1));
}
