//! `status`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says where the running server stands.
pub fn status(server: &Server, json: bool) -> Result<(), Fault> {
    let (url, ready, version) = ask(&server.socket()?, &Wish::Status, |reply| match reply {
        Reply::Status { url, ready, version } => Some((url, ready, version)),
        _ => None,
    })?;
    if json {
        say(serde_json::json!({ "url": url, "ready": ready, "version": version }));
    } else {
        let standing = if ready { "ready" } else { "not ready: its log says why" };
        say(format_args!("{url} (version {version}): {standing}"));
    }
    Ok(())
}
