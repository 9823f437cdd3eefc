//! `drill`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Has the running server look at every wallet; a fault where one is not whole.
pub fn drill(server: &Server, json: bool) -> Result<(), Fault> {
    let (mut after, mut wallets, mut proved, mut wrong) = (None, 0, 0, 0_u64);
    loop {
        let page = ask(&server.socket()?, &Wish::Drill { after }, |reply| match reply {
            Reply::Drilled {
                wallets,
                proved,
                wrong,
                next,
            } => Some((wallets, proved, wrong, next)),
            _ => None,
        })?;
        wallets += page.0;
        proved += page.1;
        for (wallet, what) in page.2 {
            wrong += 1;
            if json {
                say(serde_json::json!({ "wallet": wallet, "wrong": what }));
            } else {
                say(format_args!("{wallet}  {what}"));
            }
        }
        after = page.3;
        if after.is_none() {
            break;
        }
    }
    if wrong > 0 {
        return Err(Fault::Data(format!(
            "{wrong} of {} are not whole: restore a backup elsewhere and compare",
            super::count_of_wallets(wallets)
        )));
    }
    if json {
        say(serde_json::json!({ "wallets": wallets, "proved": proved }));
    } else {
        say(format_args!(
            "{}: every record authenticates, every outer seal opens; {proved} with the share that signed last.",
            super::count_of_wallets(wallets)
        ));
    }
    Ok(())
}
