//! `fence list`, `fence lift`.

use super::{Server, say};
use crate::{
    admin::{Fence, Reply, Wish, ask},
    fault::Fault,
};

/// Shows the wallets that sign nothing because this server may be behind, and why.
pub fn fence_list(server: &Server, json: bool) -> Result<(), Fault> {
    let mut after = None;
    let mut count = 0_u64;
    loop {
        let (fences, next) = page(server, after)?;
        for fence in fences {
            count += 1;
            if json {
                say(serde_json::json!({ "wallet": fence.wallet, "since": fence.since, "why": fence.why }));
            } else {
                say(format_args!("{}  {}", fence.wallet, fence.why));
            }
        }
        if next.is_none() {
            break;
        }
        after = next;
    }
    if !json && count == 0 {
        say("No wallet is fenced.");
    }
    Ok(())
}

fn page(server: &Server, after: Option<String>) -> Result<(Vec<Fence>, Option<String>), Fault> {
    ask(&server.socket()?, &Wish::Fences { after }, |reply| match reply {
        Reply::Fences { fences, next } => Some((fences, next)),
        _ => None,
    })
}

/// The operator's decision on one wallet, or on all that are fenced.
pub fn fence_lift(server: &Server, wallet: Option<&str>, reason: &str, json: bool) -> Result<(), Fault> {
    if let Some(wallet) = wallet {
        return lift(server, wallet, reason, false, json);
    }
    let mut after = None;
    loop {
        let (fences, next) = page(server, after)?;
        for fence in fences {
            // One that can't be lifted does not hold up the others.
            if let Err(fault) = lift(server, &fence.wallet, reason, true, json) {
                say(if json {
                    serde_json::json!({ "wallet": fence.wallet, "refused": fault.to_string() }).to_string()
                } else {
                    format!("{}  refused: {fault}", fence.wallet)
                });
            }
        }
        if next.is_none() {
            return Ok(());
        }
        after = next;
    }
}

fn lift(server: &Server, wallet: &str, reason: &str, many: bool, json: bool) -> Result<(), Fault> {
    let wish = Wish::LiftFence {
        wallet: wallet.to_owned(),
        reason: reason.to_owned(),
        many,
    };
    let lifted = ask(&server.socket()?, &wish, |reply| match reply {
        Reply::Decided { lifted } => Some(lifted),
        _ => None,
    })?;
    if json {
        say(serde_json::json!({ "wallet": wallet, "lifted": lifted }));
    } else if lifted {
        say(format_args!("{wallet}  signs again"));
    } else {
        say(format_args!(
            "{wallet}  noted; it waits for a person's yes: twofold wallet lift-fence"
        ));
    }
    Ok(())
}
