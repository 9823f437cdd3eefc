//! `link`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Prints where the running server is and how to know it: what an app ships for people who sign in.
pub fn link(server: &Server, json: bool) -> Result<(), Fault> {
    let link = ask(&server.socket()?, &Wish::Link, |reply| match reply {
        Reply::Link { link } => Some(link),
        _ => None,
    })?;
    if json {
        say(serde_json::json!({ "link": link }));
    } else {
        say(link);
    }
    Ok(())
}
