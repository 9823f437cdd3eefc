//! `audit`.

use super::{Server, say};
use crate::{
    admin::{
        Reply, Wish, ask,
        seen::{Entry, Wallet},
    },
    fault::Fault,
};

/// Reads and verifies the log of a wallet, or of each wallet of a user; a fault where one is not whole.
pub fn audit(server: &Server, wallet: Option<&str>, user: Option<&str>, json: bool) -> Result<(), Fault> {
    if let Some(wallet) = wallet {
        let entries = log(server, wallet)?;
        tell(wallet, &entries, json);
        return Ok(());
    }
    let mut broken = 0_u32;
    for Wallet { wallet, .. } in wallets_of(server, user.unwrap_or_default())? {
        // One that is not whole does not hide the others.
        match log(server, &wallet) {
            Ok(entries) => tell(&wallet, &entries, json),
            Err(fault) => {
                broken += 1;
                say(if json {
                    serde_json::json!({ "wallet": wallet, "verified": false, "why": fault.to_string() }).to_string()
                } else {
                    format!("{wallet}  NOT WHOLE: {fault}")
                });
            }
        }
    }
    if broken > 0 {
        return Err(Fault::Data(format!(
            "{broken} logs are not whole: somebody changed the database; restore a backup elsewhere and compare"
        )));
    }
    Ok(())
}

/// All of a user's wallets.
fn wallets_of(server: &Server, user: &str) -> Result<Vec<Wallet>, Fault> {
    let (mut wallets, mut after) = (Vec::new(), None);
    loop {
        let wish = Wish::Wallets {
            user: Some(user.to_owned()),
            after,
            limit: u32::MAX,
        };
        let page = ask(&server.socket()?, &wish, |reply| match reply {
            Reply::Wallets(page) => Some(page),
            _ => None,
        })?;
        wallets.extend(page.rows);
        after = page.next;
        if after.is_none() {
            return Ok(wallets);
        }
    }
}

/// All of a log, verified from its first entry to the one that the wallet's record names.
fn log(server: &Server, wallet: &str) -> Result<Vec<Entry>, Fault> {
    let (mut entries, mut from) = (Vec::new(), None);
    loop {
        let wish = Wish::Audit {
            wallet: wallet.to_owned(),
            from,
        };
        let piece = ask(&server.socket()?, &wish, |reply| match reply {
            Reply::Audit(piece) => Some(piece),
            _ => None,
        })?;
        entries.extend(piece.entries);
        from = piece.next;
        if from.is_none() {
            return Ok(entries);
        }
    }
}

fn tell(wallet: &str, entries: &[Entry], json: bool) {
    if json {
        say(serde_json::json!({ "wallet": wallet, "verified": true, "entries": entries }));
        return;
    }
    say(format_args!("{wallet}"));
    for Entry { seq, at, event, device } in entries {
        let who = device.as_deref().unwrap_or("-");
        say(format_args!("{seq:>6}  {at}  {event:<16}  {who}"));
    }
    say(format_args!(
        "all {} entries are as they were written, and none is missing",
        entries.len()
    ));
}
