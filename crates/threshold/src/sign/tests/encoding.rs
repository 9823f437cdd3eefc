//! The reply's bytes.

use proptest::prelude::*;

use super::*;

fn reply() -> CosignReply {
    let mut bench = Bench::new(1);
    let (_, commitments) = bench.commit(&inputs());
    bench.reply(&inputs(), &commitments, REQUEST)
}

fn read(bytes: &[u8]) -> Result<CosignReply, Fault> {
    CosignReply::try_from(bytes)
}

#[test]
fn p01_p02_p03_bad_points_identities_and_scalars_in_a_reply_are_malformed() {
    let bytes = reply().to_bytes();
    // Version and kind, epoch, count, then commitments of 66 bytes, count, shares of 32.
    let (commitments, shares) = (2 + 36 + 4, 2 + 36 + 4 + 3 * 66 + 4);
    for n in 0..6 {
        for prefix in [0, 1, 4, 5, 6, 7, 255] {
            let mut bad = bytes.clone();
            bad[commitments + 33 * n] = prefix;
            assert_eq!(read(&bad).unwrap_err().kind, FaultKind::Point);
        }
        let mut identity = bytes.clone();
        identity[commitments + 33 * n..][..33].fill(0);
        assert_eq!(read(&identity).unwrap_err().kind, FaultKind::Point);
        let mut above = bytes.clone();
        above[commitments + 33 * n + 1..][..32].fill(0xff);
        assert_eq!(read(&above).unwrap_err().kind, FaultKind::Point);
    }
    for n in 0..3 {
        for fill in [0, 0xff] {
            let mut bad = bytes.clone();
            bad[shares + 32 * n..][..32].fill(fill);
            assert_eq!(read(&bad).unwrap_err().kind, FaultKind::Scalar);
        }
    }
}

#[test]
fn counts_that_are_zero_unequal_or_beyond_the_bound_are_malformed() {
    let good = reply();
    let bytes = good.to_bytes();
    for count in [0, 257, u32::MAX] {
        let mut bad = bytes.clone();
        bad[38..42].copy_from_slice(&count.to_be_bytes());
        assert_eq!(read(&bad).unwrap_err().kind, FaultKind::Count);
    }
    let mut unequal = good.clone();
    unequal.shares.pop();
    assert_eq!(read(&unequal.to_bytes()).unwrap_err().kind, FaultKind::Count);
    for cut in 0..bytes.len() {
        assert!(read(&bytes[..cut]).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(read(&longer).unwrap_err().kind, FaultKind::TrailingBytes);
    assert_eq!(read(&bytes), Ok(good));
}

proptest! {
    #[test]
    fn no_reply_panics_and_what_is_taken_encodes_back(
        noise in prop::collection::vec(any::<u8>(), 0..500),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut edited = GOOD.get_or_init(|| reply().to_bytes()).clone();
        let at = at.index(edited.len());
        edited[at] = byte;
        for input in [noise, edited] {
            if let Ok(reply) = read(&input) {
                prop_assert_eq!(reply.to_bytes(), input);
            }
        }
    }
}
