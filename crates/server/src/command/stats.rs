//! `stats`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says how much there is of everything.
pub fn stats(server: &Server, json: bool) -> Result<(), Fault> {
    let stats = ask(&server.socket()?, &Wish::Stats, |reply| match reply {
        Reply::Stats(stats) => Some(stats),
        _ => None,
    })?;
    if json {
        say(serde_json::json!(stats));
        return Ok(());
    }
    for (what, count) in [
        ("users", u64::from(stats.users)),
        ("devices", stats.devices.into()),
        ("wallets", stats.wallets.into()),
        ("ceremonies that are open", stats.ceremonies.into()),
        ("invitations that can be used", stats.invitations.into()),
        ("transactions signed and not on the chain", stats.unconfirmed.into()),
        ("wallets for which old blocks are read", stats.rescans.into()),
        ("best block read", stats.height.into()),
        (
            "requests being answered",
            u64::try_from(stats.under_way).unwrap_or(u64::MAX),
        ),
        ("minutes since the start", stats.up_seconds / 60),
    ] {
        say(format_args!("{count:>10}  {what}"));
    }
    Ok(())
}
