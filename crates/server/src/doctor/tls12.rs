//! Whether a server still speaks TLS 1.2, by asking for it and nothing newer.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What it answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// That it speaks nothing so old.
    TooOld,
    /// Whatever a server says that goes on with it.
    Spoken,
    /// Nothing of TLS.
    Other,
}

pub(super) fn asked(address: SocketAddr, patience: Duration) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(&hello())?;
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    Ok(judged(head))
}

/// A `ClientHello` of RFC 5246 with the suites and curves that were common, and without the extension by which TLS 1.3 is
/// asked for. What it calls random is of no use to anybody: nothing comes of it.
fn hello() -> Vec<u8> {
    const SUITES: [u8; 8] = [0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30];
    const EXTENSIONS: [u8; 24] = [
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, // supported_groups: secp256r1
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, // ec_point_formats: uncompressed
        0x00, 0x0d, 0x00, 0x06, 0x00, 0x04, 0x04, 0x03, 0x08, 0x04, // signature_algorithms
    ];
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let mut body = vec![3, 3];
    body.extend([0x54; 32]);
    body.push(0);
    body.extend(length(SUITES.len()));
    body.extend(SUITES);
    body.extend([1, 0]);
    body.extend(length(EXTENSIONS.len()));
    body.extend(EXTENSIONS);
    let mut record = vec![22, 3, 1];
    record.extend(length(body.len() + 4));
    record.extend([1, 0]);
    record.extend(length(body.len()));
    record.extend(body);
    record
}

fn judged(head: [u8; 7]) -> Answer {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const PROTOCOL_VERSION: u8 = 70;
    const HANDSHAKE_FAILURE: u8 = 40;
    match head {
        [ALERT, 3, _, 0, 2, _, PROTOCOL_VERSION | HANDSHAKE_FAILURE] => Answer::TooOld,
        [HANDSHAKE, 3, ..] => Answer::Spoken,
        _ => Answer::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, hello, judged};

    #[test]
    fn a19_an_old_protocol_is_told_from_its_refusal() {
        assert_eq!(judged([21, 3, 3, 0, 2, 2, 70]), Answer::TooOld);
        assert_eq!(judged([22, 3, 3, 0, 90, 2, 0]), Answer::Spoken);
        assert_eq!(judged(*b"HTTP/1."), Answer::Other);
        let hello = hello();
        assert_eq!(usize::from(hello[4]), hello.len() - 5);
        assert_eq!(usize::from(hello[8]), hello.len() - 9);
    }
}
