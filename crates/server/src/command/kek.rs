//! `kek rotate`.

use std::{thread, time::Duration};

use super::{Server, say};
use crate::{
    admin::{KekStanding, Reply, Wish, ask},
    fault::Fault,
};

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(200);
/// How many looks may find it where it was: a minute.
const PATIENCE: u32 = 300;

/// Has the running server seal all that is under its KEK under another, and watches it to the end.
pub fn kek_rotate(server: &Server, json: bool) -> Result<(), Fault> {
    let socket = server.socket()?;
    let take = |reply| match reply {
        Reply::Kek(standing) => Some(standing),
        _ => None,
    };
    let mut standing = ask(&socket, &Wish::RotateKek, take)?;
    let mut waited = 0;
    while standing.moving {
        if waited == PATIENCE {
            let why = standing.trouble.unwrap_or_else(|| "its log may say why".into());
            return Err(Fault::Admin(format!(
                "it has not moved for a minute: {why}. The server goes on trying; twofold-server status says how far it is"
            )));
        }
        thread::sleep(LOOK);
        let now = ask(&socket, &Wish::KekStanding, take)?;
        waited = if now == standing { waited + 1 } else { 0 };
        if !json && now.percent != standing.percent {
            say(progress(&now));
        }
        standing = now;
    }
    if json {
        say(serde_json::json!({
            "wallets": standing.wallets,
            "damaged": standing.damaged,
            "old": standing.old,
        }));
        return Ok(());
    }
    say(format_args!(
        "Sealed under the new KEK: {}.",
        super::count_of_wallets(standing.wallets)
    ));
    if standing.damaged > 0 {
        say(format_args!(
            "{} could not be: they were locked before. twofold-server drill names them; keep the old KEK until they are \
             restored elsewhere.",
            standing.damaged
        ));
    }
    if let Some(old) = standing.old {
        say(format_args!(
            "Copy the new one to where you keep it, and make a new backup now. Older ones open only with {}: destroy them \
             and it together.",
            old.display()
        ));
    }
    Ok(())
}

/// How far it is, in a line.
pub(super) fn progress(kek: &KekStanding) -> String {
    let trouble = kek.trouble.as_deref().map(|why| format!("; held up: {why}"));
    format!(
        "The KEK is being changed: about {}%, {}{}",
        kek.percent,
        super::count_of_wallets(kek.wallets),
        trouble.unwrap_or_default()
    )
}
