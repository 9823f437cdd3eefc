//! `status`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says where the running server stands.
pub fn status(server: &Server, json: bool) -> Result<(), Fault> {
    let (url, ready, version, kek, troubles) = ask(&server.socket()?, &Wish::Status, |reply| match reply {
        Reply::Status {
            url,
            ready,
            version,
            kek,
            troubles,
        } => Some((url, ready, version, kek, troubles)),
        _ => None,
    })?;
    let kek = kek.filter(|kek| kek.moving);
    if json {
        say(
            serde_json::json!({ "url": url, "ready": ready, "version": version, "kek_rotation": kek, "troubles": troubles }),
        );
    } else {
        let standing = if ready { "ready" } else { "not ready: its log says why" };
        say(format_args!("{url} (version {version}): {standing}"));
        if let Some(kek) = kek {
            say(super::kek::progress(&kek));
        }
        for trouble in troubles {
            say(format_args!("trouble: {trouble}"));
        }
    }
    Ok(())
}
