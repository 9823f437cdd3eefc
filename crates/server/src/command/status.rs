//! `status`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says where the running server stands.
pub fn status(server: &Server, json: bool) -> Result<(), Fault> {
    let (url, ready, version, kek) = ask(&server.socket()?, &Wish::Status, |reply| match reply {
        Reply::Status {
            url,
            ready,
            version,
            kek,
        } => Some((url, ready, version, kek)),
        _ => None,
    })?;
    let kek = kek.filter(|kek| kek.moving);
    if json {
        say(serde_json::json!({ "url": url, "ready": ready, "version": version, "kek_rotation": kek }));
    } else {
        let standing = if ready { "ready" } else { "not ready: its log says why" };
        say(format_args!("{url} (version {version}): {standing}"));
        if let Some(kek) = kek {
            say(super::kek::progress(&kek));
        }
    }
    Ok(())
}
