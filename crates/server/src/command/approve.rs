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
    ask(&server.socket()?, &wish, |reply| (reply == Reply::Done).then_some(()))?;
    if json {
        say(serde_json::json!({ "wallet": wallet, "change": change, "approved": true }));
    } else {
        say(format_args!(
            "approved: change {change} of wallet {wallet}. It is done when its time has come and the device asks again."
        ));
    }
    Ok(())
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
