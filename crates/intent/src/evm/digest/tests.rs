use super::{Refused, facts};
use crate::evm::{Account, Address, Allowed, B256, ChainId, Effect, Why};

#[test]
fn c18_a_bare_digest_is_refused_unless_it_is_allowed_and_then_it_is_unknown() {
    let account = Account {
        chain: ChainId::MAINNET,
        address: Address::repeat_byte(1),
    };
    let digest = B256::repeat_byte(7);
    let mut allowed = Allowed::default();
    let refused = facts(digest, &account, &allowed).unwrap_err();
    assert_eq!(refused, Refused::BareDigest);
    assert_eq!(refused.reason(), "BARE_DIGEST");
    allowed.bare_digests = true;
    let facts = facts(digest, &account, &allowed).unwrap();
    assert_eq!((facts.digest, facts.from), (digest, account.address));
    assert!(matches!(facts.effects.as_slice(), [Effect::Unknown(unknown)] if unknown.why == Why::Digest));
}
