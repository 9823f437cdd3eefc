use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rstest::rstest;
use twofold_threshold::checkpoint::Head;
use twofold_threshold::id::EpochId;
use twofold_threshold::identity::IdentitySecret;

use super::*;

const WALLET: WalletId = WalletId([7; 16]);

fn server() -> IdentitySecret {
    IdentitySecret::generate(&mut ChaCha20Rng::seed_from_u64(1))
}

fn at(generation: u32, seq: u64, epoch: u32, chain: u8) -> Checkpoint {
    let epoch = EpochId {
        number: epoch,
        transcript: [u8::try_from(epoch).expect("small"); 32],
    };
    Head {
        wallet: WALLET,
        generation,
        seq,
        epoch,
        list: [1; 32],
        chain: [chain; 32],
    }
    .sign(&server())
}

#[rstest]
#[case::the_same(at(0, 5, 1, 5), Ok(()))]
#[case::further(at(0, 6, 1, 6), Ok(()))]
#[case::a_new_epoch(at(0, 6, 2, 6), Ok(()))]
#[case::a_lift(at(1, 9, 1, 9), Ok(()))]
#[case::behind(at(0, 4, 1, 4), Err(Breach::RolledBack { had: 5, shows: 4 }))]
#[case::another_log(at(0, 5, 1, 6), Err(Breach::Forked { seq: 5 }))]
#[case::an_older_epoch(at(0, 6, 0, 6), Err(Breach::RolledBack { had: 5, shows: 6 }))]
#[case::a_lift_that_forks_earlier(at(1, 4, 1, 9), Ok(()))]
#[case::a_lift_with_a_later_epoch(at(2, 4, 3, 9), Ok(()))]
#[case::a_lift_before_a_refresh(at(1, 9, 0, 9), Err(Breach::LiftedBehind { had: 1, shows: 0 }))]
fn s06_a_checkpoint_follows_only_what_is_behind_it(#[case] shown: Checkpoint, #[case] expected: Result<(), Breach>) {
    assert_eq!(
        newer(&shown, Some(&at(0, 5, 1, 5)), WALLET, &server().public()),
        expected
    );
}

#[test]
fn an_older_generation_is_a_rollback_however_long() {
    let shown = at(0, 50, 1, 50);
    let known = at(1, 5, 1, 5);
    let expected = Err(Breach::RolledBack { had: 5, shows: 50 });
    assert_eq!(newer(&shown, Some(&known), WALLET, &server().public()), expected);
}

#[test]
fn a22_a_checkpoint_of_another_server_or_wallet_is_refused() {
    let stranger = IdentitySecret::generate(&mut ChaCha20Rng::seed_from_u64(2));
    assert_eq!(
        newer(&at(0, 6, 1, 6), None, WALLET, &stranger.public()),
        Err(Breach::Checkpoint)
    );
    assert_eq!(
        newer(&at(0, 6, 1, 6), None, WalletId([8; 16]), &server().public()),
        Err(Breach::Checkpoint)
    );
}

#[test]
fn the_first_checkpoint_of_a_wallet_may_be_of_any_generation() {
    for generation in [0, 1] {
        let first = newer(&at(generation, 5, 1, 5), None, WALLET, &server().public());
        assert_eq!(first, Ok(()));
    }
}

#[test]
fn notices_are_told_once() {
    let mut notices = Notices::default();
    notices.add(Notice::ClockOff { seconds: 9 });
    notices.add(Notice::ClockOff { seconds: 9 });
    assert_eq!(notices.take(), [Notice::ClockOff { seconds: 9 }]);
    assert_eq!(notices.take(), []);
}
