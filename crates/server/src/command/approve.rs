//! `approve`, `refuse`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Says the operator's yes to a change that waits for it.
pub fn approve(server: &Server, wallet: &str, change: u64, json: bool) -> Result<(), Fault> {
    let wish = Wish::Approve {
        wallet: wallet.to_owned(),
        change,
    };
    let (what, asker, since, due) = ask(&server.socket()?, &wish, |reply| match reply {
        Reply::Approved {
            what,
            asker,
            asked: since,
            due,
        } => Some((what, asker, since, due)),
        _ => None,
    })?;
    if json {
        say(serde_json::json!({
            "wallet": wallet, "change": change, "approved": true, "what": what, "asker": asker, "asked": since, "due": due,
        }));
        return Ok(());
    }
    let who = asker.map_or("recovery".into(), |device| format!("device {device}"));
    say(format_args!(
        "approved: change {change} of wallet {wallet}, {}",
        meant(&what)
    ));
    say(format_args!("asked by: {who}"));
    say("It is done when its time has come and whoever asked comes back. If it is not what you meant:");
    say(format_args!("  twofold-server refuse {wallet} {change}"));
    Ok(())
}

/// What a change comes to, for an operator who has only its number.
fn meant(what: &str) -> &str {
    match what {
        "enrol" => "to add a machine",
        "revoke" => "to strike a machine off",
        "approver" => "to let a machine's voice count toward two",
        "words" => "to make other recovery words",
        "unfreeze" => "to let the wallet sign again",
        "recover" => "to recover a lost machine's share",
        other => other,
    }
}

/// Says the operator's no to a change that waits.
pub fn refuse(server: &Server, wallet: &str, change: u64, json: bool) -> Result<(), Fault> {
    let wish = Wish::Refuse {
        wallet: wallet.to_owned(),
        change,
    };
    ask(&server.socket()?, &wish, |reply| (reply == Reply::Done).then_some(()))?;
    if json {
        say(serde_json::json!({ "wallet": wallet, "change": change, "approved": false }));
    } else {
        say(format_args!("refused: change {change} of wallet {wallet} will not be."));
    }
    Ok(())
}
