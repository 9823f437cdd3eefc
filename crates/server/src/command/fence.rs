//! `fence list`, `fence lift`, `fence adopt`.

use std::path::Path;

use super::{Server, say};
use crate::{
    admin::{Fence, Reply, Wish, ask},
    backup,
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
                // Nothing is surely over before the server has run for a while.
                let since = (fence.since > 0).then_some(fence.since);
                say(serde_json::json!({ "wallet": fence.wallet, "since": since, "why": fence.why }));
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

/// Opens the server's shares that devices brought back, with the operator's offline key, and hands them to the server. The
/// key stays in this process; what it opens is sealed under each user's unlock key still.
pub fn fence_adopt(server: &Server, identity: &Path, json: bool) -> Result<(), Fault> {
    let identity = backup::identity(identity)?;
    let (mut after, mut adopted, mut refused) = (None, 0_u64, 0_u64);
    loop {
        let page = ask(&server.socket()?, &Wish::KeptShares { after }, |reply| match reply {
            Reply::KeptShares { kept, next } => Some((kept, next)),
            _ => None,
        })?;
        for (wallet, sealed) in page.0 {
            // One that does not open does not hold up the others.
            let told = match adopt(server, &wallet, &sealed, &identity) {
                Ok(()) => {
                    adopted += 1;
                    if json {
                        serde_json::json!({ "wallet": wallet, "adopted": true }).to_string()
                    } else {
                        format!("{wallet}  its share is here again; its fence stands until it is lifted")
                    }
                }
                Err(fault) => {
                    refused += 1;
                    if json {
                        serde_json::json!({ "wallet": wallet, "refused": fault.to_string() }).to_string()
                    } else {
                        format!("{wallet}  refused: {fault}")
                    }
                }
            };
            say(told);
        }
        after = page.1;
        if after.is_none() {
            break;
        }
    }
    if adopted + refused == 0 && !json {
        say("No share waits for the offline key. The device that refreshed last brings it: twofold wallet lift-fence");
    }
    if refused > 0 {
        return Err(Fault::Data(format!("{refused} shares were not taken over")));
    }
    Ok(())
}

fn adopt(server: &Server, wallet: &str, sealed: &str, identity: &age::x25519::Identity) -> Result<(), Fault> {
    let sealed = hex::decode(sealed).map_err(|_| Fault::Admin("the server answered no hex".into()))?;
    let opened = age::decrypt(identity, &sealed)
        .map_err(|why| Fault::Data(format!("it does not open: {why}; is it sealed to another key?")))?;
    let wish = Wish::AdoptShare {
        wallet: wallet.to_owned(),
        opened: hex::encode(opened),
    };
    ask(&server.socket()?, &wish, |reply| match reply {
        Reply::Done => Some(()),
        _ => None,
    })
}
