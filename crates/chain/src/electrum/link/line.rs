//! Lines from a peer that may send anything, or nothing.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Why there is no further line.
#[derive(Debug)]
pub(super) enum End {
    /// It hung up between two lines.
    Closed,
    /// It hung up within a line.
    MidLine,
    /// A line is longer than whatever was asked for.
    TooLong(usize),
    /// The connection broke.
    Broken(std::io::Error),
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => f.write_str("it hung up"),
            Self::MidLine => f.write_str("it hung up in the middle of an answer"),
            Self::TooLong(bound) => write!(
                f,
                "it sent a line of more than {bound} bytes, the most that was asked for"
            ),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
        }
    }
}

/// The next line without its end. `bound` says how long it may be; it is asked again with each piece, which `seen` is
/// told the length of.
pub(super) async fn next(
    reader: &mut (impl AsyncBufRead + Unpin),
    bound: impl Fn() -> usize,
    seen: impl Fn(usize),
) -> Result<Vec<u8>, End> {
    let mut line = Vec::new();
    loop {
        let piece = reader.fill_buf().await.map_err(End::Broken)?;
        if piece.is_empty() {
            return Err(if line.is_empty() { End::Closed } else { End::MidLine });
        }
        seen(piece.len());
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(piece.len());
        let bound = bound();
        if line.len() + taken > bound {
            return Err(End::TooLong(bound));
        }
        line.extend_from_slice(&piece[..taken]);
        reader.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(line);
        }
    }
}
