use proptest::prelude::*;
use serde_json::Value;

use super::{Message, answer, call, read, status};
use crate::fault::Fault;

proptest! {
    #[test]
    fn no_line_makes_the_reader_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&line);
        let _ = answer::<Value>("any", &line);
    }

    #[test]
    fn no_message_makes_the_reader_panic(
        id in "(null|-?[0-9]{1,25}|\"[0-9]\"|[0-9].[0-9])?",
        method in "(blockchain\\.(headers|scripthash)\\.subscribe)?",
        params in "[\\[\\]{}\",:0-9a-f]{0,80}",
    ) {
        let line = format!("{{\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}");
        let _ = read(line.as_bytes());
    }

    #[test]
    fn a_call_is_read_back_as_one_line(id: u64, text in "\\PC{0,40}") {
        let line = call(id, "method", &serde_json::json!([text]));
        prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        let back: Value = serde_json::from_slice(&line).unwrap();
        prop_assert_eq!(&back["id"], &Value::from(id));
        prop_assert_eq!(&back["params"][0], &Value::from(text));
    }
}

#[test]
fn an_answer_is_a_result_an_error_or_null() {
    assert!(matches!(
        read(br#"{"id":7,"result":[1,{"a":2}]}"#),
        Some(Message::Answer(7))
    ));
    assert_eq!(
        answer::<u32>("any", br#"{"id":7,"result":5,"error":null}"#).unwrap(),
        Some(5)
    );
    assert_eq!(answer::<u32>("any", br#"{"id":7,"result":null}"#).unwrap(), None);
    for error in [r#"{"code":2,"message":"no\nnever"}"#, r#""no\nnever""#] {
        let line = format!("{{\"id\":7,\"error\":{error}}}");
        let fault = answer::<u32>("any", line.as_bytes()).unwrap_err();
        assert!(matches!(fault, Fault::Refused { message, .. } if message == "no never"));
    }
    assert!(matches!(
        answer::<u32>("any", br#"{"id":7,"result":"five"}"#),
        Err(Fault::Lasting(_))
    ));
}

#[test]
fn a_status_is_32_bytes_or_none() {
    assert_eq!(status(None), Some(None));
    assert_eq!(status(Some("11".repeat(32))), Some(Some([0x11; 32])));
    for text in ["", "11", "zz", &"11".repeat(33)] {
        assert_eq!(status(Some(text.to_owned())), None, "{text}");
    }
}
