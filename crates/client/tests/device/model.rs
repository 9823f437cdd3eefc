//! A model of one wallet in many hands: machines that are added, struck off, copied by thieves, switched off for years or
//! killed in the middle of a command, a server that restarts and is restored, an operator, and the recovery words. Commands
//! are the real client's, over the framework, to the real cosigner. Before each the model works out from the protocol's own
//! tables what must become of it; after each the invariants of the protocol are checked.
//!
//! `TWOFOLD_MODEL_CASES` says how many histories are tried, each time others, or those of
//! `TWOFOLD_MODEL_SEED`. Without it they are always the same few. With
//! `TWOFOLD_MODEL_TRACE` each step is named, and nothing is shrunk.

mod book;
mod finish;
mod house;
mod loss;
mod run;
mod step;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use house::House;
use step::{Step, any_step};

fn config() -> Config {
    let asked = std::env::var("TWOFOLD_MODEL_CASES").ok();
    let asked: Option<u32> = asked.and_then(|cases| cases.parse().ok());
    let seed = std::env::var("TWOFOLD_MODEL_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed
        .or(asked.is_none().then_some(1))
        .map_or(RngSeed::Random, RngSeed::Fixed);
    Config {
        cases: asked.unwrap_or(12),
        rng_seed: seed,
        max_shrink_iters: if std::env::var_os("TWOFOLD_MODEL_TRACE").is_some() {
            0
        } else {
            400
        },
        failure_persistence: None,
        ..Config::default()
    }
}

fn live(steps: &[Step]) {
    let mut house = House::new();
    for step in steps {
        if std::env::var_os("TWOFOLD_MODEL_TRACE").is_some() {
            println!("{step:?}");
        }
        house.take(step);
    }
    house.finish();
    if std::env::var_os("TWOFOLD_MODEL_TALLY").is_some() {
        println!("{:?}", house.tally);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_wallet_in_many_hands_keeps_its_invariants_whatever_happens(steps in prop::collection::vec(any_step(), 1..80)) {
        live(&steps);
    }
}
