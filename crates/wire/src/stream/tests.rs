use proptest::prelude::*;
use twofold_api::reason::Reason;

use super::{END, FRAME_BYTES, Frame, Frames, envelope};

fn read(bytes: &[u8]) -> Result<Vec<Frame>, crate::Malformed> {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    frames.push(bytes)?;
    while let Some(frame) = frames.pop()? {
        found.push(frame);
    }
    Ok(found)
}

fn end(content: &[u8]) -> Vec<u8> {
    let mut frame = envelope(content);
    frame[0] = END;
    frame
}

#[test]
fn frames_come_out_as_they_went_in() {
    let bytes = [envelope(b"one"), envelope(b""), end(b"{}")].concat();
    let message = |bytes: &[u8]| Frame::Message(bytes.to_vec());
    assert_eq!(
        read(&bytes).unwrap(),
        [message(b"one"), message(b""), Frame::End(Ok(()))]
    );
    assert_eq!(read(&bytes[..7]).unwrap(), []);
}

#[test]
fn a_bad_end_says_why() {
    let error = br#"{"error":{"code":"unavailable","message":"x","details":[]}}"#;
    let Some(Frame::End(Err(refusal))) = read(&end(error)).unwrap().pop() else {
        panic!("no bad end");
    };
    assert_eq!(refusal.reason, Reason::Internal);
    for rubbish in [&b""[..], b"[]", b"{", b"null"] {
        assert!(read(&end(rubbish)).is_err());
    }
}

#[test]
fn f18_no_frame_is_longer_than_its_limit_and_none_is_compressed() {
    assert_eq!(read(&envelope(&vec![7; FRAME_BYTES])).unwrap().len(), 1);
    assert!(read(&envelope(&vec![7; FRAME_BYTES + 1])).is_err());
    assert!(read(&[0, 0xff, 0xff, 0xff, 0xff]).is_err());
    let mut squeezed = envelope(b"one");
    squeezed[0] = 1;
    assert!(read(&squeezed).is_err());
    // A server that never ends a frame can't fill the memory.
    let mut frames = Frames::default();
    let endless = std::iter::repeat_with(|| frames.push(&[0; 1024])).take(1_000);
    assert!(endless.filter(Result::is_err).count() > 0);
}

proptest! {
    #[test]
    fn no_bytes_make_a_stream_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
