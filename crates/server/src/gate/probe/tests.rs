use std::sync::Arc;

use connectrpc::CodecFormat;
use rstest::rstest;
use tokio::sync::watch;
use twofold_wire::service::NAME;

use super::{Checks, Question};
use crate::{health::Health, listen::Phase};

fn said(checks: &Checks, format: CodecFormat, question: &[u8]) -> Vec<u8> {
    let answer = checks.answer(question, format).unwrap();
    answer.body.into_contiguous().to_vec()
}

#[tokio::test]
async fn f13_grpc_health_is_true_in_each_state() {
    let (phase, watched) = watch::channel(Phase::Running);
    let health = Arc::new(Health::new(watched));
    let checks = Checks(Arc::clone(&health));
    let name = [&[0x0a, 26], NAME.as_bytes()].concat();
    let both = |status: &str, number: u8| {
        for question in [&[][..], &name] {
            assert_eq!(said(&checks, CodecFormat::Proto, question), [0x08, number]);
        }
        let told = format!("{{\"status\":\"{status}\"}}");
        assert_eq!(said(&checks, CodecFormat::Json, b"{}"), told.as_bytes());
    };
    both("NOT_SERVING", 2);
    health.store_answered();
    both("NOT_SERVING", 2);
    health.node_answered();
    both("SERVING", 1);
    phase.send(Phase::Draining).unwrap();
    both("NOT_SERVING", 2);
}

#[tokio::test]
async fn f13_another_service_is_not_found_here() {
    let checks = Checks(Arc::new(Health::new(watch::channel(Phase::Running).1)));
    let refused = checks
        .answer(b"{\"service\":\"other\"}", CodecFormat::Json)
        .err()
        .unwrap();
    assert_eq!(refused.code.as_str(), "not_found");
}

#[rstest]
#[case::another_field(&[0x12, 0])]
#[case::cut_short(&[0x0a, 5, b'a'])]
#[case::surplus(&[0x0a, 1, b'a', 0])]
#[case::no_text(&[0x0a, 1, 0xff])]
#[case::long(&[0x0a, 0x80, 1])]
#[case::half_a_tag(&[0x0a])]
fn a17_what_is_no_question_is_refused(#[case] bytes: &[u8]) {
    assert!(Question::parse(bytes, CodecFormat::Proto).is_none());
}

#[test]
fn a17_json_that_is_no_question_is_refused() {
    for text in ["", "[]", "{\"name\":\"\"}", "{\"service\":1}"] {
        assert!(Question::parse(text.as_bytes(), CodecFormat::Json).is_none(), "{text}");
    }
}
