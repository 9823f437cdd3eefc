use core::fmt::Debug;

use rstest::rstest;
use twofold_api::request;

use crate::{
    malformed::{Malformed, Problem},
    proto, sample,
};

fn same<M, R>(request: &R)
where
    M: for<'a> From<&'a R>,
    R: TryFrom<M, Error = Malformed> + PartialEq + Debug,
{
    assert_eq!(R::try_from(M::from(request)).as_ref(), Ok(request));
}

#[test]
fn what_concerns_people_arrives_as_it_was_sent() {
    same::<proto::AskRecoveryRequest, _>(&request::AskRecovery {
        code: None,
        ..sample::ask_recovery()
    });
    same::<proto::ConfirmChangeRequest, _>(&sample::confirm_change());
    same::<proto::ConfirmChangeRequest, _>(&request::ConfirmChange {
        checkpoint: None,
        ..sample::confirm_change()
    });
    same::<proto::FindWalletsRequest, _>(&sample::find_wallets());
    same::<proto::FindAddressesRequest, _>(&sample::find_addresses());
}

#[rstest]
#[case::nothing("", Some(Problem::Missing))]
#[case::a_letter("a", None)]
#[case::as_long_as_may_be(&"ä".repeat(127), None)]
#[case::longer(&"ä".repeat(128), Some(Problem::TooLong(255)))]
#[case::control("ali\nce", Some(Problem::Control))]
#[case::control_beyond_ascii("ali\u{85}ce", Some(Problem::Control))]
fn a31_what_people_are_called_is_bounded_text(#[case] text: &str, #[case] problem: Option<Problem>) {
    let wrong = |field| problem.map(|problem| Malformed::new(field, problem));
    let mut find = proto::FindWalletsRequest::from(&sample::find_wallets());
    find.issuer = text.into();
    assert_eq!(request::FindWallets::try_from(find).err(), wrong("issuer"));
    let mut find = proto::FindAddressesRequest::from(&sample::find_addresses());
    find.subject = text.into();
    assert_eq!(request::FindAddresses::try_from(find).err(), wrong("subject"));
}

#[test]
fn f05_a_wallet_or_a_number_that_is_none_is_refused() {
    let mut find = proto::FindAddressesRequest::from(&sample::find_addresses());
    find.wallet.pop();
    let fault = request::FindAddresses::try_from(find).unwrap_err();
    assert_eq!(fault, Malformed::new("wallet", Problem::Length(16)));
    let mut confirm = proto::ConfirmChangeRequest::from(&sample::confirm_change());
    confirm.change = u64::MAX;
    let fault = request::ConfirmChange::try_from(confirm).unwrap_err();
    assert_eq!(fault, Malformed::new("change", Problem::Range));
}
