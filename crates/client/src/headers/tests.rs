use bitcoin::block::Version;
use bitcoin::consensus::Params;
use bitcoin::consensus::encode::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{CompactTarget, Network, TxMerkleNode};
use proptest::prelude::*;

use super::*;

/// The rules, with the server as the one who claims.
fn ruled<'a>(
    name: ChainName,
    at: impl Fn(u32) -> Option<&'a Header>,
    height: u32,
    header: &Header,
) -> Result<(), ChainLie> {
    twofold_intent::headers::check(name, at, height, header).map_err(|fault| ChainLie::about(height, fault))
}

/// Mines a header on regtest: two tries on average.
pub(crate) fn mine(prev: BlockHash, time: u32, root: TxMerkleNode) -> Header {
    mine_with(prev, time, root, CompactTarget::from_consensus(0x207f_ffff))
}

fn mine_with(prev: BlockHash, time: u32, root: TxMerkleNode, bits: CompactTarget) -> Header {
    let mut header = Header {
        version: Version::TWO,
        prev_blockhash: prev,
        merkle_root: root,
        time,
        bits,
        nonce: 0,
    };
    while !header.target().is_met_by(header.block_hash()) {
        header.nonce += 1;
    }
    header
}

/// `count` headers after `prev`; `salt` tells forks apart.
fn run(prev: BlockHash, time: u32, count: u32, salt: u8) -> Vec<Header> {
    let mut headers: Vec<Header> = Vec::new();
    for place in 0..count {
        let prev = headers.last().map_or(prev, Header::block_hash);
        headers.push(mine(prev, time + place, TxMerkleNode::from_byte_array([salt; 32])));
    }
    headers
}

fn bytes(headers: &[Header]) -> Vec<Vec<u8>> {
    headers.iter().map(serialize).collect()
}

fn told(chain: &mut HeaderChain, from: u32, headers: &[Header]) -> Result<Option<u32>, ChainLie> {
    let mut candidate = chain.candidate();
    candidate.extend(from, &bytes(headers))?;
    let adopted = candidate.finish()?;
    Ok(adopted.map(|adopted| chain.adopt(adopted)))
}

fn genesis() -> BlockHash {
    bitcoin::constants::genesis_block(Network::Regtest).block_hash()
}

/// A chain from height 100 with ten headers.
fn known() -> (HeaderChain, Vec<Header>) {
    let mut chain = HeaderChain::starting_at(Network::Regtest.into(), 100);
    let headers = run(genesis(), 1000, 10, 1);
    assert_eq!(told(&mut chain, 100, &headers), Ok(Some(100)));
    (chain, headers)
}

#[test]
fn headers_follow_each_other_from_the_birthday() {
    let (mut chain, headers) = known();
    assert_eq!(chain.tip(), Some((109, headers[9].block_hash())));
    let more = run(headers[9].block_hash(), 1010, 3, 1);
    assert_eq!(told(&mut chain, 110, &more), Ok(Some(110)));
    assert_eq!(chain.tip(), Some((112, more[2].block_hash())));
}

#[test]
fn what_is_known_already_may_be_told_again() {
    let (mut chain, headers) = known();
    assert_eq!(told(&mut chain, 105, &headers[5..]), Ok(None));
    assert_eq!(told(&mut chain, 110, &[]), Ok(None));
}

#[test]
fn c05_a_header_that_follows_nothing_is_named() {
    let (mut chain, headers) = known();
    let stray = run(genesis(), 2000, 1, 2);
    assert_eq!(told(&mut chain, 110, &stray), Err(ChainLie::Unlinked { height: 110 }));
    let later = run(headers[9].block_hash(), 1010, 2, 1);
    assert_eq!(told(&mut chain, 111, &later[1..]), Err(ChainLie::Gap { height: 111 }));
    assert_eq!(chain.tip(), Some((109, headers[9].block_hash())));
}

#[test]
fn c05_a_header_without_work_is_named() {
    let (mut chain, headers) = known();
    let mut false_one = run(headers[9].block_hash(), 1010, 1, 1)[0];
    while false_one.target().is_met_by(false_one.block_hash()) {
        false_one.nonce += 1;
    }
    assert_eq!(
        told(&mut chain, 110, &[false_one]),
        Err(ChainLie::NoWork { height: 110 })
    );
}

#[test]
fn c05_a_header_of_another_difficulty_is_named() {
    let (mut chain, headers) = known();
    let root = TxMerkleNode::from_byte_array([1; 32]);
    let easy = CompactTarget::from_consensus(0x2070_0000);
    let other = mine_with(headers[9].block_hash(), 1010, root, easy);
    assert_eq!(
        told(&mut chain, 110, &[other]),
        Err(ChainLie::WrongDifficulty { height: 110 })
    );
    for bits in [0, 0x2180_0000, 0x20ff_ffff, 0x227f_ffff] {
        let mut broken = headers[9];
        broken.prev_blockhash = headers[9].block_hash();
        broken.bits = CompactTarget::from_consensus(bits);
        assert_eq!(
            told(&mut chain, 110, &[broken]),
            Err(ChainLie::WrongDifficulty { height: 110 }),
            "{bits:x}"
        );
    }
}

#[test]
fn a_header_older_than_the_eleven_before_it_is_named() {
    let (mut chain, headers) = known();
    let more = run(headers[9].block_hash(), 1010, 3, 1);
    assert_eq!(told(&mut chain, 110, &more), Ok(Some(110)));
    let old = run(more[2].block_hash(), 1000, 1, 1);
    assert_eq!(told(&mut chain, 113, &old), Err(ChainLie::WrongTime { height: 113 }));
}

#[test]
fn c06_of_two_forks_the_one_with_more_work_wins() {
    let (mut chain, headers) = known();
    let longer = run(headers[4].block_hash(), 1005, 6, 2);
    assert_eq!(told(&mut chain, 105, &longer), Ok(Some(105)));
    assert_eq!(chain.tip(), Some((110, longer[5].block_hash())));
    assert_eq!(chain.get(104), Some(&headers[4]));
}

#[test]
fn c05_a_fork_with_less_work_is_a_lie_and_changes_nothing() {
    let (mut chain, headers) = known();
    let shorter = run(headers[4].block_hash(), 1005, 4, 2);
    assert_eq!(told(&mut chain, 105, &shorter), Err(ChainLie::LessWork { height: 105 }));
    assert_eq!(chain.tip(), Some((109, headers[9].block_hash())));
}

#[test]
fn c06_a_fork_may_come_in_pages() {
    let (mut chain, headers) = known();
    let longer = run(headers[4].block_hash(), 1005, 8, 2);
    let mut candidate = chain.candidate();
    assert_eq!(candidate.extend(105, &bytes(&longer[..3])), Ok(3));
    assert_eq!(candidate.locator()[0], (107, longer[2].block_hash().to_byte_array()));
    assert_eq!(candidate.extend(108, &bytes(&longer[3..])), Ok(5));
    let adopted = candidate.finish().expect("has more work").expect("is new");
    chain.adopt(adopted);
    assert_eq!(chain.tip(), Some((112, longer[7].block_hash())));
}

#[test]
fn a_reorganisation_may_reach_below_the_birthday() {
    let (mut chain, _) = known();
    // Two of these eleven lie below what is known, and count for nothing.
    let other = run(genesis(), 1000, 11, 3);
    assert_eq!(told(&mut chain, 98, &other), Err(ChainLie::LessWork { height: 98 }));
    let other = run(genesis(), 1000, 14, 3);
    assert_eq!(told(&mut chain, 98, &other), Ok(Some(98)));
    assert_eq!((chain.base(), chain.tip()), (98, Some((111, other[13].block_hash()))));
}

#[test]
fn main_network_chains_do_not_start_at_the_difficulty_of_2009() {
    let mut chain = HeaderChain::starting_at(Network::Bitcoin.into(), 900_001);
    let genesis = bitcoin::constants::genesis_block(Network::Bitcoin).header;
    assert_eq!(
        told(&mut chain, 900_001, &[genesis]),
        Err(ChainLie::WrongDifficulty { height: 900_001 })
    );
}

#[test]
fn real_headers_of_the_main_network_pass_a_retarget() {
    // Blocks 2015 and 2016 (the first adjustment kept the difficulty) are too easy for the floor of a first header, so the
    // rule is asked directly.
    let params = Params::new(Network::Bitcoin);
    let first = bitcoin::constants::genesis_block(Network::Bitcoin).header;
    let last = Header {
        time: 1_233_061_996,
        ..first
    };
    let at = |height: u32| match height {
        0 => Some(&first),
        2015 => Some(&last),
        _ => None,
    };
    let span = u64::from(last.time - first.time);
    let bits = CompactTarget::from_next_work_required(last.bits, span, &params);
    assert_eq!(bits.to_consensus(), 0x1d00_ffff);
    let next = Header {
        prev_blockhash: last.block_hash(),
        time: last.time + 600,
        ..first
    };
    // Its difficulty fits, so the missing work is what is named.
    assert_eq!(
        ruled(Network::Bitcoin.into(), at, 2016, &next),
        Err(ChainLie::NoWork { height: 2016 })
    );
    let harder = Header {
        bits: CompactTarget::from_consensus(0x1c7f_ffff),
        ..next
    };
    assert_eq!(
        ruled(Network::Bitcoin.into(), at, 2016, &harder),
        Err(ChainLie::WrongDifficulty { height: 2016 })
    );
}

#[test]
fn on_testnet4_only_late_blocks_may_be_easy() {
    let minimum = CompactTarget::from_consensus(0x1d00_ffff);
    let real = CompactTarget::from_consensus(0x1b00_ffff);
    let base = bitcoin::constants::genesis_block(Network::Testnet4).header;
    let first = Header {
        bits: real,
        time: 10_000,
        ..base
    };
    let easy = Header {
        bits: minimum,
        time: 20_000,
        prev_blockhash: first.block_hash(),
        ..base
    };
    let at = |height: u32| match height {
        2016 => Some(&first),
        2017 => Some(&easy),
        _ => None,
    };
    let next = |bits, time| Header {
        bits,
        time,
        prev_blockhash: easy.block_hash(),
        ..base
    };
    let check = |header: &Header| ruled(Network::Testnet4.into(), at, 2018, header);
    let (wrong, no_work) = (
        ChainLie::WrongDifficulty { height: 2018 },
        ChainLie::NoWork { height: 2018 },
    );
    assert_eq!(
        check(&next(minimum, 20_100)),
        Err(wrong.clone()),
        "in time: the period's own"
    );
    assert_eq!(check(&next(real, 20_100)), Err(no_work.clone()));
    assert_eq!(
        check(&next(minimum, 21_201)),
        Err(no_work),
        "twenty minutes late: minimum"
    );
    assert_eq!(check(&next(real, 21_201)), Err(wrong));
}

#[test]
fn headers_survive_being_kept_in_pieces() {
    let mut chain = HeaderChain::starting_at(Network::Regtest.into(), 2010);
    let headers = run(genesis(), 1000, 20, 1);
    assert_eq!(told(&mut chain, 2010, &headers), Ok(Some(2010)));
    assert_eq!(chain.segments_from(2010), 0..2);
    assert_eq!(chain.segments_from(2020), 1..2);
    let pieces: Vec<Vec<u8>> = chain.segments_from(0).map(|number| chain.segment(number)).collect();
    assert_eq!(pieces[0].len(), 4 + 6 * 80);
    let back = HeaderChain::from_segments(Network::Regtest.into(), 2010, pieces.iter().map(Vec::as_slice));
    assert_eq!(back, chain);
}

#[test]
fn a_crash_between_two_pieces_costs_headers_and_nothing_else() {
    let mut chain = HeaderChain::starting_at(Network::Regtest.into(), 2010);
    let headers = run(genesis(), 1000, 20, 1);
    assert_eq!(told(&mut chain, 2010, &headers), Ok(Some(2010)));
    let stale = chain.segment(1);
    let fork = run(headers[2].block_hash(), 1003, 18, 2);
    assert_eq!(told(&mut chain, 2013, &fork), Ok(Some(2013)));
    let pieces = [chain.segment(0), stale];
    let back = HeaderChain::from_segments(Network::Regtest.into(), 2010, pieces.iter().map(Vec::as_slice));
    assert_eq!(back.tip(), Some((2015, fork[2].block_hash())));
}

#[test]
fn a_locator_reaches_the_base_in_at_most_32_steps() {
    let heights = locator_heights(1, 4_000_000);
    assert!(heights.len() <= 32);
    assert_eq!(heights[..10], (3_999_991..=4_000_000).rev().collect::<Vec<_>>()[..]);
    assert_eq!(heights.last(), Some(&1));
    assert!(heights.windows(2).all(|pair| pair[0] > pair[1]));
    assert_eq!(locator_heights(7, 7), [7]);
    assert_eq!(locator_heights(7, 9), [9, 8, 7]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_page_makes_the_chain_panic_or_shrink_its_work(
        from in prop_oneof![0u32..130, any::<u32>()],
        page in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..4),
        real in 0usize..10,
    ) {
        let (mut chain, headers) = known();
        let tip = chain.tip();
        let mut candidate = chain.candidate();
        let _ = candidate.extend(from, &page);
        let _ = candidate.extend(100, &bytes(&headers[..real]));
        if let Ok(Some(adopted)) = candidate.finish() {
            chain.adopt(adopted);
        }
        prop_assert_eq!(chain.tip(), tip);
    }

    #[test]
    fn locators_are_short_and_descend(base in any::<u32>(), above in 0u32..5_000_000) {
        let tip = base.saturating_add(above);
        let heights = locator_heights(base, tip);
        prop_assert!(heights.len() <= 32);
        prop_assert!(heights.windows(2).all(|pair| pair[0] > pair[1]));
        prop_assert_eq!(heights.last(), Some(&base));
    }
}

#[test]
fn a_signets_difficulty_moves_at_its_own_pace() {
    // MutinyNet's blocks come twenty times as often, so its period has twenty times as many.
    let name: ChainName = "signet/a5df2dcb/30".parse().expect("a chain");
    let base = bitcoin::constants::genesis_block(Network::Signet).header;
    let (first, last) = (
        base,
        Header {
            time: base.time + 14 * 24 * 60 * 60,
            ..base
        },
    );
    let harder = Header {
        bits: CompactTarget::from_next_work_required(last.bits, 7 * 24 * 60 * 60, Params::new(Network::Signet)),
        prev_blockhash: last.block_hash(),
        time: last.time + 30,
        ..base
    };
    let same = Header {
        bits: base.bits,
        ..harder
    };
    let at = |height: u32| match height {
        0 | 2015 => Some(&first),
        40_319 => Some(&last),
        _ => None,
    };
    let wrong = |height| Err(ChainLie::WrongDifficulty { height });
    let fits = |height| Err(ChainLie::NoWork { height });
    // On time, so the difficulty stays, and 2016 blocks are no end of a period there.
    assert_eq!(ruled(name, at, 40_320, &same), fits(40_320));
    assert_eq!(ruled(name, at, 40_320, &harder), wrong(40_320));
    let early = Header {
        prev_blockhash: first.block_hash(),
        ..harder
    };
    assert_eq!(ruled(name, at, 2016, &early), wrong(2016));
    assert_eq!(
        ruled(
            Network::Signet.into(),
            at,
            2016,
            &Header {
                bits: base.bits,
                ..early
            }
        ),
        wrong(2016),
        "with ten minutes between blocks a period ends there, and took no time at all"
    );
}
