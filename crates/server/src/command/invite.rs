//! `invite`.

use twofold_api::invitation::Invitation;

use super::{Server, qr, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Asks the running server for a new one-time invitation and prints it.
///
/// With a wallet it is for recovery of that wallet; `wait` is how long one waits there, until it is done.
pub fn invite(
    server: &Server,
    seconds: u64,
    recover: Option<&str>,
    wait: Option<u64>,
    json: bool,
) -> Result<(), Fault> {
    let wish = Wish::Invite {
        expires_seconds: seconds,
        recover: recover.map(str::to_owned),
        wait_seconds: wait,
    };
    let invitation = ask(&server.socket()?, &wish, |reply| match reply {
        Reply::Invitation { invitation, .. } => Some(invitation),
        _ => None,
    })?;
    let invitation: Invitation = invitation
        .parse()
        .map_err(|fault| Fault::Admin(format!("the server's invitation is damaged: {fault}")))?;
    match recover {
        _ if json => say(as_json(&invitation)),
        Some(wallet) => print_recovery(&invitation, wallet),
        None => print(&invitation),
    }
    Ok(())
}

/// As one JSON object.
pub(super) fn as_json(invitation: &Invitation) -> serde_json::Value {
    serde_json::json!({
        "invitation": invitation.to_string(),
        "url": invitation.url.as_str(),
        "expires": invitation.expires,
    })
}

/// As text and QR code.
pub(super) fn print(invitation: &Invitation) {
    say(qr(&invitation.to_qr_text()));
    say("");
    say("This invitation works once. Whoever uses it becomes the owner of a new account here:");
    say("");
    say(invitation);
    say("");
    say("On the device:  twofold join INVITATION");
}

/// The same for recovery of a wallet.
fn print_recovery(invitation: &Invitation, wallet: &str) {
    say(qr(&invitation.to_qr_text()));
    say("");
    say(
        "This invitation works once. With the wallet's recovery words, and not without, it asks for a lost device's place. The",
    );
    say("wallet is frozen from then on, and its other devices are told:");
    say("");
    say(invitation);
    say("");
    say(format_args!(
        "On the new machine:  twofold recover INVITATION --wallet {wallet}"
    ));
}
