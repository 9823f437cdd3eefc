use twofold_api::{
    procedure::{Kind, Request},
    request,
};

use super::{DESCRIBED, METHODS, Method, covers};
use crate::client::Call;

const PROTO: &str = include_str!("../../../../proto/twofold/v1/cosigner.proto");

/// The table is compared with the compiled .proto when the crate is built; here with its text, by other means.
#[test]
fn a01_every_procedure_of_the_proto_is_in_the_table() {
    let written = PROTO
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next())
        .map(|name| format!("/twofold.v1.CosignerService/{name}"))
        .collect::<Vec<_>>();
    let listed = METHODS.iter().map(|method| method.path).collect::<Vec<_>>();
    assert_eq!(written, listed);
    assert_eq!(listed.len(), 37);
}

#[test]
fn a01_a_procedure_that_the_table_lacks_would_fail_the_build() {
    assert!(covers(METHODS, DESCRIBED));
    assert!(!covers(&METHODS[1..], DESCRIBED));
    assert!(!covers(&METHODS[..METHODS.len() - 1], DESCRIBED));
    let mut renamed = METHODS.to_vec();
    renamed[3].path = "/twofold.v1.CosignerService/Finish";
    assert!(!covers(&renamed, DESCRIBED));
    let mut more = METHODS.to_vec();
    more.push(METHODS[0]);
    assert!(!covers(&more, DESCRIBED));
}

#[test]
fn what_a_request_says_of_itself_stands_in_the_table() {
    fn check<R: Call>() -> Method {
        let method = *METHODS.iter().find(|method| method.path == R::PATH).unwrap();
        assert!(method.path.ends_with(&format!("/{}", R::NAME)));
        assert_eq!((method.kind, method.needs_wallet), (R::KIND, R::NEEDS_WALLET));
        method
    }
    let all = [
        check::<request::Join>(),
        check::<request::Hello>(),
        check::<request::BeginCreate>(),
        check::<request::FinishCreate>(),
        check::<request::TestSign>(),
        check::<request::Activate>(),
        check::<request::ListWallets>(),
        check::<request::GetWallet>(),
        check::<request::RenameWallet>(),
        check::<request::Sign>(),
        check::<request::SignMessage>(),
        check::<request::Broadcast>(),
        check::<request::Sync>(),
        check::<request::Watch>(),
        check::<request::EstimateFees>(),
        check::<request::GetAudit>(),
        check::<request::DeriveAddress>(),
        check::<request::ChangeDevices>(),
        check::<request::SetFreeze>(),
        check::<request::CancelChange>(),
        check::<request::GetShape>(),
        check::<request::InviteDevice>(),
        check::<request::RenameDevice>(),
        check::<request::LiftFence>(),
        check::<request::GetRecovery>(),
        check::<request::AskRecovery>(),
        check::<request::Recover>(),
        check::<request::BeginRefresh>(),
        check::<request::FinishRefresh>(),
        check::<request::RepairRecovery>(),
        check::<request::ReplaceRecovery>(),
        check::<request::PairDevice>(),
        check::<request::RollForward>(),
        check::<request::RepairServer>(),
        check::<request::ConfirmChange>(),
        check::<request::FindWallets>(),
        check::<request::FindAddresses>(),
    ];
    assert_eq!(all, METHODS);
    let reads = METHODS
        .iter()
        .filter(|method| method.kind == Kind::Read)
        .map(|method| method.path.rsplit('/').next());
    let names = [
        "Hello",
        "ListWallets",
        "GetWallet",
        "Sync",
        "EstimateFees",
        "GetAudit",
        "DeriveAddress",
        "GetShape",
        "GetRecovery",
        "PairDevice",
        "FindWallets",
        "FindAddresses",
    ];
    assert!(reads.eq(names.map(Some)));
}

#[test]
fn a_request_names_its_wallet_exactly_where_the_table_says_so() {
    use crate::sample;
    assert_eq!(sample::sign().wallet(), Some(sample::WALLET));
    assert_eq!(sample::get_audit().wallet(), Some(sample::WALLET));
    assert_eq!(sample::join().wallet(), None);
    assert_eq!(request::ListWallets::default().wallet(), None);
}
