use alloc::{string::ToString, vec::Vec};

use bech32::Bech32m;
use rstest::rstest;
use twofold_threshold::{identity::IdentitySecret, secret::Secret32};

use super::{PREFIX, ServerLink, ServerLinkFault};
use crate::invitation::Trust;

fn link(trust: Trust) -> ServerLink {
    ServerLink {
        url: "https://cosigner.example:8443".parse().unwrap(),
        trust,
        server: IdentitySecret::from_seed(&Secret32::new([1; 32])).public(),
    }
}

#[rstest]
#[case::by_the_webs_roots(Trust::WebRoots)]
#[case::by_one_authority(Trust::Authority([5; 32]))]
fn a_link_is_read_as_it_was_written_in_either_case(#[case] trust: Trust) {
    let text = link(trust).to_string();
    assert!(text.starts_with("twofoldserver1"));
    assert_eq!(text.parse(), Ok(link(trust)));
    assert_eq!(text.to_uppercase().parse(), Ok(link(trust)));
    assert_eq!(alloc::format!(" {text}\n").parse(), Ok(link(trust)));
}

#[test]
fn what_is_no_link_is_refused() {
    let text = link(Trust::WebRoots).to_string();
    let of = |bytes: &[u8]| bech32::encode::<Bech32m>(PREFIX, bytes).unwrap().parse::<ServerLink>();
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<Bech32m>(&text).unwrap();
    let bytes: Vec<u8> = checked.byte_iter().collect();
    assert_eq!(
        text[..text.len() - 1].parse::<ServerLink>(),
        Err(ServerLinkFault::Mistyped)
    );
    assert_eq!(of(&[]), Err(ServerLinkFault::Malformed));
    assert_eq!(of(&[2]), Err(ServerLinkFault::Version));
    assert_eq!(of(&bytes[..bytes.len() - 1]), Err(ServerLinkFault::Malformed));
    assert_eq!(
        of(&[bytes.as_slice(), &[4, 0]].concat()),
        Err(ServerLinkFault::Malformed)
    );
    let other = bech32::encode::<Bech32m>(bech32::Hrp::parse_unchecked("twofold"), &bytes).unwrap();
    assert_eq!(other.parse::<ServerLink>(), Err(ServerLinkFault::Foreign));
    assert_eq!("a".repeat(601).parse::<ServerLink>(), Err(ServerLinkFault::Mistyped));
}
