//! Every message and record has one encoding, and what is not one is refused before anything is done with it.

use proptest::prelude::*;

use super::*;
use crate::refresh::RefreshTranscript;

fn messages() -> (Opening, ServerRound, Closing, Completion, Link) {
    let mut house = House::new(1);
    let (waiting, opening) = house.open();
    let (state, round, _) = house.answer(opening.clone()).unwrap();
    let to_sign = house.check(waiting, round.clone()).unwrap();
    let pending = house.sign(to_sign);
    let closing = pending.closing();
    let (new, completion) = house.close(state, &closing).unwrap();
    (opening, round, closing, completion, new.link)
}

#[test]
fn every_message_reads_back_and_ends_where_it_ends() {
    let (opening, round, closing, completion, link) = messages();
    macro_rules! check {
        ($value:expr, $kind:ty) => {
            let bytes = $value.to_bytes();
            assert_eq!(<$kind>::try_from(bytes.as_slice()).unwrap(), $value);
            for cut in 0..bytes.len() {
                assert!(<$kind>::try_from(&bytes[..cut]).is_err(), "{cut}");
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            assert!(<$kind>::try_from(longer.as_slice()).is_err());
        };
    }
    check!(opening, Opening);
    check!(round, ServerRound);
    check!(closing, Closing);
    check!(completion, Completion);
    check!(link.signed().transcript().clone(), RefreshTranscript);
    let bytes = link.to_bytes();
    assert_eq!(Link::try_from(bytes.as_slice()).unwrap(), link);
}

#[test]
fn p02_the_identity_and_other_bad_points_are_refused_with_their_dealer() {
    let (opening, round, ..) = messages();
    for bad in [[0; 33], [5; 33], {
        let mut x = [0xff; 33];
        x[0] = 2;
        x
    }] {
        let mut other = opening.clone();
        other.commitment = bad;
        let fault = Opening::try_from(other.to_bytes().as_slice()).unwrap_err();
        assert_eq!((fault.kind, fault.culprits), (FaultKind::Point, [Party::Device].into()));
        let mut other = round.clone();
        other.commitment = bad;
        let fault = ServerRound::try_from(other.to_bytes().as_slice()).unwrap_err();
        assert_eq!((fault.kind, fault.culprits), (FaultKind::Point, [Party::Server].into()));
    }
}

#[test]
fn a_link_whose_signatures_are_not_its_own_is_refused() {
    let (.., link) = messages();
    let bytes = link.to_bytes();
    // Any byte of the transcript and of either signature.
    for at in [10, 60, 200, 400] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(Link::try_from(bad.as_slice()).is_err(), "{at}");
    }
}

#[test]
fn messages_of_create_and_refresh_are_told_apart() {
    let (opening, ..) = messages();
    let fault = crate::create::Opening::try_from(opening.to_bytes().as_slice()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnexpectedMessage);
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0u8..80) {
        let mut bytes = bytes;
        if bytes.len() > 1 {
            bytes[0] = 1;
            bytes[1] = kind;
        }
        let _ = Opening::try_from(bytes.as_slice());
        let _ = ServerRound::try_from(bytes.as_slice());
        let _ = Closing::try_from(bytes.as_slice());
        let _ = Completion::try_from(bytes.as_slice());
        let _ = RefreshTranscript::try_from(bytes.as_slice());
        let _ = Link::try_from(bytes.as_slice());
        let _ = Chain::try_from(bytes.as_slice());
        let _ = Pending::from_secret_bytes(&bytes);
        let _ = AwaitClosing::from_secret_bytes(&bytes);
    }
}
