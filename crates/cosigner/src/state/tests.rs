use super::*;
use crate::keys::Kek;
use twofold_threshold::secret::Secret32;

fn key() -> MacKey {
    Kek::new(Secret32::new([1; 32])).subkeys().state
}

const HERE: Binding<'_> = Binding {
    wallet: WalletId([1; 16]),
    user: UserId([2; 16]),
    version: 3,
    public: b"public",
};

fn state() -> State {
    let mut state = State::new(
        EpochId {
            number: 1,
            transcript: [4; 32],
        },
        [5; 32],
        [6; 32],
        [7; 32],
    );
    state.spend("btc", 1_000, 90_000);
    state
}

#[test]
fn a_record_reads_back_where_it_was_written() {
    let bytes = state().to_bytes(&key(), &HERE).unwrap();
    assert_eq!(State::from_bytes(&key(), &HERE, &bytes), Ok(state()));
}

#[test]
fn a_record_with_any_byte_changed_or_cut_is_tampered() {
    let bytes = state().to_bytes(&key(), &HERE).unwrap();
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        assert_eq!(
            State::from_bytes(&key(), &HERE, &flipped),
            Err(Tampered),
            "byte {place}"
        );
        assert_eq!(
            State::from_bytes(&key(), &HERE, &bytes[..place]),
            Err(Tampered),
            "cut at {place}"
        );
    }
}

#[test]
fn a_record_beside_another_row_is_tampered() {
    let bytes = state().to_bytes(&key(), &HERE).unwrap();
    let elsewhere = [
        Binding {
            wallet: WalletId([9; 16]),
            ..HERE
        },
        Binding {
            user: UserId([9; 16]),
            ..HERE
        },
        Binding { version: 4, ..HERE },
        Binding {
            public: b"publi",
            ..HERE
        },
    ];
    for (place, binding) in elsewhere.iter().enumerate() {
        assert_eq!(
            State::from_bytes(&key(), binding, &bytes),
            Err(Tampered),
            "binding {place}"
        );
    }
}

#[test]
fn a_window_counts_one_day_and_one_asset() {
    let mut state = state();
    state.spend("btc", 500, 90_001);
    state.spend("eth", 7, 90_001);
    let sum = |state: &State, asset| {
        state
            .windows
            .iter()
            .find(|window| window.asset == asset)
            .map(|window| window.sum)
    };
    assert_eq!((sum(&state, "btc"), sum(&state, "eth")), (Some(1_500), Some(7)));
    state.spend("btc", 1, 90_000 + WINDOW_SECONDS);
    assert_eq!(sum(&state, "btc"), Some(1), "yesterday still counts");
    state.spend("btc", u64::MAX, 90_000 + WINDOW_SECONDS);
    assert_eq!(sum(&state, "btc"), Some(u64::MAX), "a sum wrapped");
    state.spend("btc", 1, 90_000);
    assert_eq!(sum(&state, "btc"), Some(u64::MAX), "an earlier day opened a window");
    state.spend("sat", 5, 0);
    state.spend("sat", 6, 90_000);
    assert_eq!(sum(&state, "sat"), Some(11), "a day that was not known yet was let off");
}
