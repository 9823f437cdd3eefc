//! `status`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says where the running server stands.
pub fn status(server: &Server, json: bool) -> Result<(), Fault> {
    let (url, ready, version, kek, troubles, links) = ask(&server.socket()?, &Wish::Status, |reply| match reply {
        Reply::Status {
            url,
            ready,
            version,
            kek,
            troubles,
            links,
        } => Some((url, ready, version, kek, troubles, links)),
        _ => None,
    })?;
    let kek = kek.filter(|kek| kek.moving);
    if json {
        say(serde_json::json!({
            "url": url, "ready": ready, "version": version, "kek_rotation": kek, "troubles": troubles, "links": links,
        }));
    } else {
        let standing = if ready { "ready" } else { "not ready: its log says why" };
        say(format_args!("{url} (version {version}): {standing}"));
        if let Some(kek) = kek {
            say(super::kek::progress(&kek));
        }
        for link in links {
            let answered = match link.answered_seconds {
                Some(seconds) => format!("answered {seconds} s ago"),
                None => "has not answered yet".to_owned(),
            };
            let issuer = link.issuer.map(|issuer| format!(" ({issuer:?})")).unwrap_or_default();
            say(format_args!("link {}{issuer}: {}, {answered}", link.link, link.circuit));
        }
        for trouble in troubles {
            say(format_args!("trouble: {trouble}"));
        }
    }
    Ok(())
}
