use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::string::ToString as _;

use super::*;
use crate::{envelope::SealSecret, identity::IdentitySecret};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn identity(seed: u64) -> IdentityKey {
    IdentitySecret::generate(&mut rng(seed)).public()
}

fn keys(seed: u64) -> NewKeys {
    NewKeys {
        identity: identity(seed),
        sealing: SealSecret::generate(&mut rng(seed)).public(),
    }
}

fn meeting() -> Meeting {
    Meeting {
        wallet: WalletId([7; 16]),
        server: identity(1),
        host: identity(2),
        code: [9; 16],
    }
}

/// A meeting in which nobody lies.
fn met(meeting: &Meeting, seed: u64) -> (NewKeys, ShortString, ShortString) {
    let (newcomer, commitment) = Newcomer::begin(meeting.clone(), keys(3), &mut rng(seed));
    let (host, answer) = Host::answer(meeting.clone(), commitment, &mut rng(seed + 1));
    let (reveal, his) = newcomer.receive(&answer).unwrap();
    let (keys, ours) = host.receive(&reveal).unwrap();
    (keys, his, ours)
}

#[test]
fn two_machines_come_to_one_string_over_the_keys_of_both() {
    let (shown, his, ours) = met(&meeting(), 10);
    assert_eq!((shown, his), (keys(3), ours));
    assert_eq!(ours.to_string().len(), 7);
    // Another meeting of the same machines has another string.
    assert_ne!(met(&meeting(), 20).1, ours);
    assert_eq!(ShortString(42).to_string(), "000 042");
}

#[test]
fn a23_a_commitment_opens_to_nothing_but_what_was_committed_to() {
    let (newcomer, commitment) = Newcomer::begin(meeting(), keys(3), &mut rng(10));
    let (host, answer) = Host::answer(meeting(), commitment, &mut rng(11));
    let (mut reveal, _) = newcomer.receive(&answer).unwrap();
    reveal.keys.sealing = keys(4).sealing;
    let fault = host.receive(&reveal).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Equivocation);
    // Nor does one that is bound to another code or wallet.
    for other in [
        Meeting {
            code: [8; 16],
            ..meeting()
        },
        Meeting {
            wallet: WalletId([8; 16]),
            ..meeting()
        },
    ] {
        let (newcomer, commitment) = Newcomer::begin(other.clone(), keys(3), &mut rng(10));
        let (host, answer) = Host::answer(meeting(), commitment, &mut rng(11));
        let (reveal, _) = newcomer.receive(&answer).unwrap();
        assert!(host.receive(&reveal).is_err());
    }
}

#[test]
fn a23_a_newcomer_that_was_shown_another_host_reveals_nothing_to_it() {
    let (newcomer, _) = Newcomer::begin(meeting(), keys(3), &mut rng(10));
    let other = Meeting {
        host: identity(5),
        ..meeting()
    };
    let (_, foreign) = Host::answer(other, Commitment([0; 32]), &mut rng(11));
    assert_eq!(
        newcomer.receive(&foreign).unwrap_err().kind,
        FaultKind::UnexpectedIdentity
    );
}

/// Whoever sits in between plays the host to the newcomer and the newcomer to the host.
#[test]
fn a23_whoever_swaps_the_new_keys_has_no_way_to_choose_the_strings() {
    let mut equal = 0;
    for seed in 0..2_000 {
        let (newcomer, _) = Newcomer::begin(meeting(), keys(3), &mut rng(seed));
        let (spy, swapped) = Newcomer::begin(meeting(), keys(4), &mut rng(seed + 10_000));
        let (host, answer) = Host::answer(meeting(), swapped, &mut rng(seed + 20_000));
        let (reveal, string) = spy.receive(&answer).unwrap();
        let (added, ours) = host.receive(&reveal).unwrap();
        assert_eq!((added, ours), (keys(4), string), "the host sees the swapped keys");
        // It knows the host's string now, and has no better answer for the newcomer than the host's own.
        let (_, his) = newcomer.receive(&answer).unwrap();
        equal += u32::from(his == ours);
    }
    assert!(equal <= 1, "{equal} of 2000 were equal");
}

#[test]
fn a23_whoever_changes_what_both_know_changes_the_string() {
    let honest = meeting();
    let changed = [
        Meeting {
            server: identity(6),
            ..meeting()
        },
        Meeting {
            code: [1; 16],
            ..meeting()
        },
        Meeting {
            wallet: WalletId([1; 16]),
            ..meeting()
        },
        Meeting {
            host: identity(6),
            ..meeting()
        },
    ];
    for (place, changed) in changed.into_iter().enumerate() {
        let (newcomer, commitment) = Newcomer::begin(honest.clone(), keys(3), &mut rng(10));
        let (_, answer) = Host::answer(honest.clone(), commitment, &mut rng(11));
        let reveal = newcomer.reveal.clone();
        assert_ne!(
            honest.string(&answer, &reveal),
            changed.string(&answer, &reveal),
            "{place}"
        );
    }
}

#[test]
fn each_letter_reads_back_as_itself_and_as_nothing_else() {
    let (newcomer, commitment) = Newcomer::begin(meeting(), keys(3), &mut rng(10));
    let (_, answer) = Host::answer(meeting(), commitment, &mut rng(11));
    let (reveal, _) = newcomer.receive(&answer).unwrap();
    let letters = [commitment.to_bytes(), answer.to_bytes(), reveal.to_bytes()];
    assert_eq!(Commitment::try_from(letters[0].as_slice()).unwrap(), commitment);
    assert_eq!(Answer::try_from(letters[1].as_slice()).unwrap(), answer);
    assert_eq!(Reveal::try_from(letters[2].as_slice()).unwrap(), reveal);
    for (place, letter) in letters.iter().enumerate() {
        assert!(letter.len() <= MAX_LETTER);
        assert_eq!(Commitment::try_from(letter.as_slice()).is_ok(), place == 0);
        assert_eq!(Answer::try_from(letter.as_slice()).is_ok(), place == 1);
        assert_eq!(Reveal::try_from(letter.as_slice()).is_ok(), place == 2);
        for end in 0..letter.len() {
            assert!(Reveal::try_from(&letter[..end]).is_err());
        }
    }
}

proptest! {
    #[test]
    fn noise_is_no_letter(bytes in proptest::collection::vec(any::<u8>(), 0..MAX_LETTER)) {
        // What reads is what would be written.
        if let Ok(letter) = Reveal::try_from(bytes.as_slice()) {
            prop_assert_eq!(letter.to_bytes(), bytes.clone());
        }
        if let Ok(letter) = Answer::try_from(bytes.as_slice()) {
            prop_assert_eq!(letter.to_bytes(), bytes);
        }
    }
}
