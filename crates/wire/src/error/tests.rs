use twofold_api::{
    reason::{Code, Reason, Refusal},
    seal_key::Offer,
    server_time::ServerTime,
};
use twofold_threshold::{
    envelope::SealSecret,
    id::{Party, RequestDigest},
    identity::IdentitySecret,
    secret::Secret32,
};

use super::{decode_detail, encode_detail};

fn server() -> IdentitySecret {
    IdentitySecret::from_seed(&Secret32::new([7; 32]))
}

/// A refusal with all that a refusal can carry.
fn full() -> Refusal {
    let seal_key = SealSecret::new(Secret32::new([8; 32])).public();
    Refusal::new(Reason::ClockSkew, "your clock is an hour ahead")
        .retry_after(7)
        .blaming(vec![Party::Device, Party::Recovery])
        .telling_time(ServerTime::sign(&server(), RequestDigest([1; 32]), 1_790_000_000))
        .offering(&Offer::sign(&server(), seal_key, 1_790_086_400))
}

#[test]
fn a_refusal_arrives_as_it_was_sent() {
    for refusal in [full(), Refusal::new(Reason::StaleEpoch, "the key is of epoch 4")] {
        assert_eq!(decode_detail(&refusal.message, &encode_detail(&refusal)), Some(refusal));
    }
    for reason in Reason::ALL {
        let refusal = Refusal::from(*reason);
        assert_eq!(decode_detail(&refusal.message, &encode_detail(&refusal)), Some(refusal));
    }
}

#[test]
fn a_reason_of_a_newer_server_asks_for_an_upgrade_and_is_still_told() {
    let mut detail = super::detail(&Reason::Conflict.into());
    detail.reason = "QUOTA_OF_TOMORROW".into();
    detail.help = "wait".into();
    let refusal = decode_detail("too many", &buffa::Message::encode_to_vec(&detail)).unwrap();
    assert_eq!(refusal.reason, Reason::UpgradeRequired);
    assert_eq!(refusal.message, "QUOTA_OF_TOMORROW: too many (wait)");
}

#[test]
fn a_hostile_servers_detail_is_cut_down_to_what_can_be_shown() {
    let mut detail = super::detail(&full());
    detail.culprits = vec!["\u{1b}[31m".into(), "device".into()];
    detail.server_time_signature = vec![1; 63];
    detail.seal_key = vec![1; 104];
    let message = format!("a\u{1b}[2J\n\u{202e}{}", "x".repeat(10_000));
    let refusal = decode_detail(&message, &buffa::Message::encode_to_vec(&detail)).unwrap();
    assert_eq!(refusal.culprits, [Party::Device]);
    assert_eq!((refusal.server_time, refusal.seal_key), (None, None));
    assert!(refusal.message.starts_with("a[2Jx"), "{:?}", refusal.message);
    assert_eq!(refusal.message.chars().count(), 500);
}

#[test]
fn codes_have_connects_names_and_statuses() {
    let all = [
        (Code::Unauthenticated, "unauthenticated", 401),
        (Code::PermissionDenied, "permission_denied", 403),
        (Code::NotFound, "not_found", 404),
        (Code::InvalidArgument, "invalid_argument", 400),
        (Code::FailedPrecondition, "failed_precondition", 400),
        (Code::Aborted, "aborted", 409),
        (Code::AlreadyExists, "already_exists", 409),
        (Code::ResourceExhausted, "resource_exhausted", 429),
        (Code::Unavailable, "unavailable", 503),
        (Code::DeadlineExceeded, "deadline_exceeded", 504),
        (Code::DataLoss, "data_loss", 500),
        (Code::Internal, "internal", 500),
    ];
    for (code, name, status) in all {
        assert_eq!((super::code_name(code), super::http_status(code)), (name, status));
    }
}

#[cfg(feature = "server")]
mod framework {
    use twofold_api::reason::{Reason, Refusal};

    use super::full;
    use crate::{
        client::decode_error,
        error::{code_name, connect, connect_json, http_status},
    };

    #[test]
    fn every_reason_goes_through_the_framework_with_its_code_and_status() {
        for reason in Reason::ALL {
            let refusal = Refusal::from(*reason);
            let error = connect(&refusal);
            assert_eq!(error.code.as_str(), code_name(reason.code()));
            assert_eq!(error.http_status().as_u16(), http_status(reason.code()));
            assert_eq!(
                decode_error(error.http_status().as_u16(), &error.to_json()),
                Ok(refusal)
            );
        }
        assert_eq!(decode_error(401, &connect_json(&full())), Ok(full()));
    }

    #[test]
    fn when_to_try_again_is_also_a_header() {
        let headers = |refusal: &Refusal| connect(refusal).response_headers().clone();
        assert_eq!(headers(&full()).get("retry-after").unwrap(), "7");
        assert!(headers(&Reason::Conflict.into()).is_empty());
    }

    #[test]
    fn a_refusal_looks_as_the_documentation_says() {
        let json = serde_json::from_slice::<serde_json::Value>(&connect_json(&Reason::StaleEpoch.into())).unwrap();
        insta::assert_json_snapshot!(json);
    }
}
