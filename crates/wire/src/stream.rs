//! Streams, as Connect frames them: each message after five bytes of flags and length, and one last frame that says how
//! it ended.

use twofold_api::reason::{Reason, Refusal};

use crate::{
    client::decode_error,
    malformed::{Malformed, Problem},
};

/// Content type of a stream's request and answer.
pub const CONTENT_TYPE: &str = "application/connect+proto";

/// Most bytes of one frame that is read; what is told in a stream is small.
const FRAME_BYTES: usize = 64 * 1024;
const HEAD: usize = 5;
const END: u8 = 2;

/// A message as it stands in a stream.
#[must_use]
pub fn envelope(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[0], length.to_be_bytes().as_slice(), message].concat()
}

/// One frame of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A message, for [`crate::client::decode`].
    Message(Vec<u8>),
    /// The end, and why, where it is not a good one.
    End(Result<(), Refusal>),
}

/// Takes a stream apart, however it is cut on its way.
#[derive(Debug, Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        // One frame not yet whole, and one piece as a transport hands it on.
        if self.0.len() + bytes.len() > 4 * (HEAD + FRAME_BYTES) {
            return Err(Malformed::new("stream", Problem::TooLong(FRAME_BYTES)));
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// The next frame, if it is whole.
    pub fn pop(&mut self) -> Result<Option<Frame>, Malformed> {
        let Some((head, rest)) = self.0.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [flags, length @ ..] = *head;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES {
            return Err(Malformed::new("stream", Problem::TooLong(FRAME_BYTES)));
        }
        let Some(content) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = match flags {
            0 => Frame::Message(content.to_vec()),
            END => Frame::End(ended(content)?),
            // Nothing was said of compression when the stream was asked for.
            _ => return Err(Malformed::new("stream", Problem::Encoding)),
        };
        self.0.drain(..HEAD + length);
        Ok(Some(frame))
    }
}

/// How a stream ended: an object, with an error where it is a bad end.
fn ended(content: &[u8]) -> Result<Result<(), Refusal>, Malformed> {
    let unreadable = || Malformed::new("stream", Problem::Encoding);
    let end: serde_json::Value = serde_json::from_slice(content).map_err(|_| unreadable())?;
    let Some(error) = end.as_object().ok_or_else(unreadable)?.get("error") else {
        return Ok(Ok(()));
    };
    let refusal = decode_error(200, error.to_string().as_bytes());
    Ok(Err(refusal.unwrap_or_else(|_| {
        Refusal::new(Reason::Internal, "the stream broke off on the server's side")
    })))
}

#[cfg(test)]
mod tests;
