//! `drain`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Has the running server take no more requests and finish those that it has; or take them again.
pub fn drain(server: &Server, resume: bool, json: bool) -> Result<(), Fault> {
    let (draining, under_way) = ask(&server.socket()?, &Wish::Drain { resume }, |reply| match reply {
        Reply::Draining { draining, under_way } => Some((draining, under_way)),
        _ => None,
    })?;
    if json {
        say(serde_json::json!({ "draining": draining, "under_way": under_way }));
    } else if !draining {
        say("requests are taken again");
    } else if under_way == 0 {
        say("no request is taken, and none is under way; to take them again: twofold-server drain --resume");
    }
    if draining && under_way > 0 {
        return Err(Fault::Admin(format!(
            "no request is taken, but {under_way} are still being answered; ask again, or stop the server"
        )));
    }
    Ok(())
}
