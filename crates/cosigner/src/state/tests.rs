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
        Shape::default(),
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

#[test]
fn a_record_of_the_first_layout_is_read_as_what_it_says() {
    use super::first::{FirstFence, FirstState, LABEL};
    let now = state();
    let old = FirstState {
        standing: now.standing,
        fence: Some(FirstFence {
            generation: 0,
            seq: 7,
            chain: [8; 32],
        }),
        generation: now.generation,
        epoch: now.epoch,
        unlock_digest: now.unlock_digest,
        policy: now.policy,
        device_list: now.device_list,
        seq: now.seq,
        chain: now.chain,
        windows: now.windows.clone(),
    };
    let mut bytes = postcard::to_allocvec(&old).unwrap();
    let mac = HERE.with_parts(&bytes, |parts| key().mac(LABEL, parts));
    bytes.extend_from_slice(&mac);
    let read = State::from_bytes(&key(), &HERE, &bytes).unwrap();
    let seen = read.fence.as_ref().and_then(|fence| fence.seen.as_ref()).unwrap();
    assert_eq!((seen.seq, seen.chain, seen.epoch), (7, [8; 32], 1));
    assert_eq!(State { fence: None, ..read }, now);
    bytes[0] ^= 1;
    assert_eq!(State::from_bytes(&key(), &HERE, &bytes), Err(Tampered));
}

#[test]
fn an_exhausted_window_has_nothing_left_until_the_next_one() {
    let mut state = state();
    state.exhaust("btc", 90_000);
    state.spend("btc", 1, 90_000);
    assert_eq!(state.windows[0].sum, u64::MAX);
    state.spend("btc", 1, 90_000 + WINDOW_SECONDS);
    assert_eq!(state.windows[0].sum, 1);
    let mut unused = State::new(state.epoch(), [5; 32], [6; 32], [7; 32], Shape::default());
    unused.exhaust("btc", 90_000);
    assert_eq!(unused.windows[0].sum, u64::MAX);
}
