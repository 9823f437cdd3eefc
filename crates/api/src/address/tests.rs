use twofold_threshold::secret::Secret32;

use super::*;

#[test]
fn a_statement_holds_for_its_request_wallet_index_and_words_alone() {
    let server = IdentitySecret::from_seed(&Secret32::new([1; 32]));
    let other = IdentitySecret::from_seed(&Secret32::new([2; 32]));
    let (request, wallet) = (RequestDigest([3; 32]), WalletId([4; 16]));
    let said = Statement {
        address: "bcrt1pexample".into(),
        watched: true,
    };
    let signature = said.sign(&server, request, wallet, 7);
    let check = |said: &Statement, key: &IdentitySecret, request, wallet, index| {
        said.verify(&key.public(), request, wallet, index, &signature)
    };
    assert_eq!(check(&said, &server, request, wallet, 7), Ok(()));
    assert!(check(&said, &other, request, wallet, 7).is_err());
    assert!(check(&said, &server, RequestDigest([9; 32]), wallet, 7).is_err());
    assert!(check(&said, &server, request, WalletId([9; 16]), 7).is_err());
    assert!(check(&said, &server, request, wallet, 8).is_err());
    let unwatched = Statement {
        watched: false,
        ..said.clone()
    };
    assert!(check(&unwatched, &server, request, wallet, 7).is_err());
    let elsewhere = Statement {
        address: "bcrt1pexamplf".into(),
        ..said
    };
    assert!(check(&elsewhere, &server, request, wallet, 7).is_err());
}
