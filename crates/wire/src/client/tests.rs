use proptest::prelude::*;
use rstest::rstest;
use twofold_api::{reason::Reason, request};

use super::{Foreign, decode, decode_error, encode};
use crate::{Problem, sample};

#[test]
fn a_request_goes_to_its_path_as_protobuf() {
    let (path, body) = encode(&request::EstimateFees {
        checkpoint: None,
        ..sample::estimate_fees()
    });
    assert_eq!(path, "/twofold.v1.CosignerService/EstimateFees");
    // Field 1, 16 bytes.
    assert_eq!(body, [&[0x0a, 0x10][..], &[0x11; 16]].concat());
    let (path, body) = encode(&request::Hello);
    assert_eq!((path, body.as_slice()), ("/twofold.v1.CosignerService/Hello", &[][..]));
}

#[test]
fn a_reply_that_is_cut_short_is_malformed() {
    let bytes = {
        use buffa::Message;
        crate::proto::SyncReply::from(sample::synced()).encode_to_vec()
    };
    assert!(decode::<request::Sync>(&bytes).is_ok());
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(decode::<request::Sync>(&bytes[..length]).is_err(), "{length} bytes");
    }
    let fault = decode::<request::Sync>(&[0xff; 9]).unwrap_err();
    assert_eq!((fault.field, fault.problem), ("message", Problem::Encoding));
}

#[rstest]
#[case::nothing(502, "")]
#[case::html(502, "<html>Bad Gateway</html>")]
#[case::json(404, "{}")]
#[case::array(500, "[1,2]")]
#[case::no_details(503, r#"{"code":"unavailable","message":"no"}"#)]
#[case::empty_details(503, r#"{"code":"unavailable","details":[]}"#)]
#[case::another_detail(500, r#"{"code":"internal","details":[{"type":"google.rpc.RetryInfo","value":""}]}"#)]
#[case::no_value(500, r#"{"code":"internal","details":[{"type":"twofold.v1.ErrorDetail"}]}"#)]
#[case::no_base64(
    500,
    r#"{"code":"internal","details":[{"type":"twofold.v1.ErrorDetail","value":"!"}]}"#
)]
#[case::no_protobuf(
    500,
    r#"{"code":"internal","details":[{"type":"twofold.v1.ErrorDetail","value":"/////w"}]}"#
)]
fn an_answer_that_is_no_twofold_servers_is_told_apart(#[case] status: u16, #[case] body: &str) {
    assert_eq!(decode_error(status, body.as_bytes()), Err(Foreign { status }));
}

#[test]
fn an_endless_refusal_is_not_read() {
    let body = format!(r#"{{"message":"{}"}}"#, "x".repeat(1_000_000));
    assert_eq!(decode_error(400, body.as_bytes()), Err(Foreign { status: 400 }));
}

#[test]
fn a_detail_may_be_padded() {
    // reason = "CONFLICT"
    for value in ["CghDT05GTElDVA", "CghDT05GTElDVA=="] {
        let body = format!(r#"{{"code":"aborted","details":[{{"type":"twofold.v1.ErrorDetail","value":"{value}"}}]}}"#);
        assert_eq!(decode_error(409, body.as_bytes()).unwrap().reason, Reason::Conflict);
    }
}

proptest! {
    #[test]
    fn no_answer_makes_a_client_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,100}") {
        let _ = decode::<request::Sync>(&bytes);
        let _ = decode::<request::GetWallet>(&bytes);
        let _ = decode_error(500, &bytes);
        let detail = base64::Engine::encode(&super::BASE64, &bytes);
        let body = serde_json::json!({ "message": text, "details": [{ "type": "twofold.v1.ErrorDetail", "value": detail }] });
        if let Ok(refusal) = decode_error(500, body.to_string().as_bytes()) {
            prop_assert!(!refusal.message.chars().any(char::is_control));
        }
    }
}
