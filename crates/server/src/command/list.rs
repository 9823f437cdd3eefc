//! `users`, `wallets`, `devices`.

use core::fmt::Display;

use serde::Serialize;
use twofold_cosigner::port::Clock as _;

use super::{Server, say};
use crate::{
    admin::{
        Reply, Wish, ask,
        seen::{Device, Page, User, Wallet},
    },
    clock::SystemClock,
    fault::Fault,
};

/// Most rows that the server tells at once.
const AT_ONCE: u32 = 100;

/// Which part of a list is shown.
#[derive(Debug, Clone)]
pub struct Slice {
    /// The one to go on after, by its id.
    pub after: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// As JSON.
    pub json: bool,
}

/// Shows users.
pub fn users(server: &Server, slice: &Slice) -> Result<(), Fault> {
    let asked = |after, limit| {
        ask(&server.socket()?, &Wish::Users { after, limit }, |reply| match reply {
            Reply::Users(page) => Some(page),
            _ => None,
        })
    };
    // Issuer and subject are another's words, and could hold what a terminal obeys.
    show("users", slice, asked, |user: &User| {
        let who = match &user.subject {
            Some(subject) => format!("{:?} of {:?}", subject, user.issuer),
            None => "by invitation".to_owned(),
        };
        format!(
            "{}  devices {}  wallets {}  {who}",
            user.user, user.devices, user.wallets
        )
    })
}

/// Shows wallets, of one user or of all.
pub fn wallets(server: &Server, user: Option<&str>, slice: &Slice) -> Result<(), Fault> {
    let asked = |after, limit| {
        let user = user.map(str::to_owned);
        ask(
            &server.socket()?,
            &Wish::Wallets { user, after, limit },
            |reply| match reply {
                Reply::Wallets(page) => Some(page),
                _ => None,
            },
        )
    };
    show("wallets", slice, asked, |wallet: &Wallet| {
        let waiting = match wallet.waiting {
            0 => String::new(),
            count => format!("  changes that wait: {count}"),
        };
        format!(
            "{}  {:<8}  epoch {}  devices {}  log {}  user {}{waiting}",
            wallet.wallet, wallet.standing, wallet.epoch, wallet.devices, wallet.entries, wallet.user
        )
    })
}

/// Shows devices, of one user or of all.
pub fn devices(server: &Server, user: Option<&str>, slice: &Slice) -> Result<(), Fault> {
    let asked = |after, limit| {
        let user = user.map(str::to_owned);
        ask(
            &server.socket()?,
            &Wish::Devices { user, after, limit },
            |reply| match reply {
                Reply::Devices(page) => Some(page),
                _ => None,
            },
        )
    };
    let now = SystemClock.now();
    show("devices", slice, asked, |device: &Device| {
        let days = now.saturating_sub(device.enrolled) / 86_400;
        format!(
            "{}  user {}  {:?}, here for {days} days",
            device.device, device.user, device.name
        )
    })
}

/// Asks page by page until there are as many as are wanted, and shows them.
fn show<T: Serialize, L: Display>(
    what: &str,
    slice: &Slice,
    asked: impl Fn(Option<String>, u32) -> Result<Page<T>, Fault>,
    line: impl Fn(&T) -> L,
) -> Result<(), Fault> {
    let (mut rows, mut after) = (Vec::new(), slice.after.clone());
    loop {
        let left = slice
            .limit
            .saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        if left == 0 {
            break;
        }
        let page = asked(after, left.min(AT_ONCE))?;
        rows.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if slice.json {
        say(serde_json::json!({ what: rows, "next": after }));
        return Ok(());
    }
    for row in &rows {
        say(line(row));
    }
    match after {
        Some(after) => say(format_args!("There may be more: --after {after}")),
        None if rows.is_empty() => say(format_args!("No {what}.")),
        None => {}
    }
    Ok(())
}
