//! How far the machine's clock is from a time server's: one question by SNTP (RFC 4330), one answer.
//!
//! Nobody signs the answer. It can keep a server from starting, and decides nothing else.

use std::{
    net::{ToSocketAddrs as _, UdpSocket},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::SystemClock;

/// From 1900, where NTP begins, to 1970, in seconds.
const ERA: u64 = 2_208_988_800;
const PACKET: usize = 48;

/// Seconds that the server's clock is ahead of this machine's; negative: behind.
pub(crate) fn offset(server: &str, patience: Duration) -> Result<f64, String> {
    let server = if server.contains(':') {
        server.to_owned()
    } else {
        format!("{server}:123")
    };
    // Looking up a name knows no deadline of ours.
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(exchange(&server, patience)));
    told.recv_timeout(patience)
        .unwrap_or_else(|_| Err("it does not answer in time".into()))
}

fn exchange(server: &str, patience: Duration) -> Result<f64, String> {
    let no = |error: std::io::Error| error.to_string();
    let address = server.to_socket_addrs().map_err(no)?.next();
    let address = address.ok_or("there is no such host")?;
    let unspecified = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(unspecified).map_err(no)?;
    socket.connect(address).map_err(no)?;
    socket.set_read_timeout(Some(patience)).map_err(no)?;
    // What the question shows as its time is drawn: it comes back, and who does not see the question can't answer it.
    let mut mark = [0; 8];
    getrandom::getrandom(&mut mark).map_err(|error| error.to_string())?;
    let mut question = [0; PACKET];
    question[0] = 0b00_100_011;
    question[40..].copy_from_slice(&mark);
    let asked = SystemClock::fine();
    socket.send(&question).map_err(no)?;
    let mut answer = [0; PACKET];
    loop {
        let length = socket.recv(&mut answer).map_err(no)?;
        let heard = SystemClock::fine();
        if length == PACKET && answer[24..32] == mark {
            return judged(&answer, asked, heard);
        }
    }
}

/// What an answer to a question says that was asked and heard at these times.
fn judged(answer: &[u8; PACKET], asked: Duration, heard: Duration) -> Result<f64, String> {
    let (leap, mode, stratum) = (answer[0] >> 6, answer[0] & 7, answer[1]);
    if mode != 4 || leap == 3 || !(1..=15).contains(&stratum) {
        return Err("it answers, but does not know the time itself".into());
    }
    let (received, sent) = (time(&answer[32..40]), time(&answer[40..48]));
    let (asked, heard) = (asked.as_secs_f64(), heard.as_secs_f64());
    Ok(f64::midpoint(received - asked, sent - heard))
}

/// A timestamp of NTP in seconds since 1970, until 2036 and after.
fn time(bytes: &[u8]) -> f64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let (seconds, fraction) = (word(&bytes[..4]), word(&bytes[4..8]));
    let seconds = if seconds < ERA { seconds + (1 << 32) } else { seconds } - ERA;
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^34")]
    let (seconds, fraction) = (seconds as f64, fraction as f64);
    seconds + fraction / 4_294_967_296.0
}

#[cfg(test)]
mod tests;
