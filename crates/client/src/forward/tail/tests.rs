use twofold_threshold::id::EpochId;

use super::*;

const WALLET: WalletId = WalletId([1; 16]);

fn entries(range: core::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|number| number.to_be_bytes().to_vec()).collect()
}

/// Where the log stands after so many entries.
fn after(count: u64) -> ChainHead {
    let all = entries(0..count);
    all.iter()
        .fold(ChainHead::START, |head, entry| head.next(WALLET, entry))
}

fn head(at: ChainHead) -> Head {
    Head {
        wallet: WALLET,
        generation: 0,
        seq: at.seq,
        epoch: EpochId::NONE,
        list: [0; 32],
        chain: at.chain,
    }
}

#[test]
fn what_was_read_is_there_between_any_two_places_of_it() {
    let mut tail = Tail::after(ChainHead::START);
    tail.read_on(WALLET, after(3), entries(3..7));
    tail.read_on(WALLET, after(7), entries(7..9));
    let between = |from, to| tail.between(WALLET, &head(after(from)), &head(after(to)));
    assert_eq!(between(3, 9), Some(entries(3..9).as_slice()));
    assert_eq!(between(5, 8), Some(entries(5..8).as_slice()));
    assert_eq!(between(2, 8), None, "what was never read");
    assert_eq!(between(5, 10), None);
    assert_eq!(between(8, 5), None);
    assert_eq!(between(5, 5), None);
    let mut elsewhere = head(after(5));
    elsewhere.chain[0] ^= 1;
    assert_eq!(tail.between(WALLET, &elsewhere, &head(after(8))), None, "another log");
}

#[test]
fn what_is_read_again_after_a_crash_is_there_once() {
    let mut tail = Tail::after(ChainHead::START);
    tail.read_on(WALLET, after(3), entries(3..7));
    tail.read_on(WALLET, after(5), entries(5..8));
    let mut whole = Tail::after(ChainHead::START);
    whole.read_on(WALLET, after(3), entries(3..8));
    assert_eq!(tail, whole);
    // A log that parted begins anew.
    let other = ChainHead { seq: 5, chain: [9; 32] };
    tail.read_on(WALLET, other, entries(0..2));
    assert_eq!((tail.from, tail.entries.len()), (other, 2));
}

#[test]
fn no_more_is_kept_than_a_server_takes_and_the_newest_stay() {
    let many = u64::try_from(BROUGHT_ENTRIES).unwrap() + 5;
    let mut tail = Tail::after(ChainHead::START);
    tail.read_on(WALLET, ChainHead::START, entries(0..many));
    assert_eq!(tail.entries.len(), BROUGHT_ENTRIES);
    assert_eq!(tail.from, after(5));
    let large = vec![vec![7; BROUGHT_BYTES / 2]; 3];
    tail.read_on(WALLET, after(many), large);
    assert_eq!(tail.entries.len(), 2);
    assert_eq!(tail.from.seq, many + 1);
}
