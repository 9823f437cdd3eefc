//! The operator's side of the admin socket; it blocks, as a command may.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::{Reply, Wish};
use crate::fault::Fault;

/// Asks the server behind the socket and takes from its reply what was asked for; a refusal is a fault.
pub(crate) fn ask<T>(socket: &Path, wish: &Wish, take: impl FnOnce(Reply) -> Option<T>) -> Result<T, Fault> {
    let stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => Fault::Admin(format!(
            "no server is running at {}; start one with: twofold-server run --config FILE",
            socket.display()
        )),
        ErrorKind::PermissionDenied => Fault::Admin(format!(
            "not permitted at {}; run this as the user that runs the server",
            socket.display()
        )),
        _ => Fault::Admin(format!("can't reach the server at {}: {error}", socket.display())),
    })?;
    let reply = converse(&stream, wish)
        .map_err(|error| Fault::Admin(format!("the server at {} does not answer: {error}", socket.display())))?;
    match reply {
        Reply::Refused(why) => Err(Fault::Admin(why)),
        reply => {
            take(reply).ok_or_else(|| Fault::Admin("the server answered something else; is it another version?".into()))
        }
    }
}

/// Whether a server listens there.
pub(crate) fn answers(socket: &Path) -> bool {
    UnixStream::connect(socket).is_ok()
}

fn converse(mut stream: &UnixStream, wish: &Wish) -> std::io::Result<Reply> {
    stream.set_read_timeout(Some(wish.patience()))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let mut line = serde_json::to_vec(wish)?;
    line.push(b'\n');
    // Whoever is turned away unheard is told so all the same.
    let written = stream.write_all(&line);
    let mut answer = String::new();
    let read = BufReader::new(stream).read_line(&mut answer);
    if answer.is_empty() {
        written?;
        read?;
    }
    Ok(serde_json::from_str(&answer)?)
}
