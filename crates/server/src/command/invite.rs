//! `invite`.

use twofold_api::invitation::Invitation;

use super::{Server, qr, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Asks the running server for a new one-time invitation and prints it.
pub fn invite(server: &Server, seconds: u64, json: bool) -> Result<(), Fault> {
    let wish = Wish::Invite {
        expires_seconds: seconds,
    };
    let invitation = ask(&server.socket()?, &wish, |reply| match reply {
        Reply::Invitation { invitation, .. } => Some(invitation),
        _ => None,
    })?;
    let invitation: Invitation = invitation
        .parse()
        .map_err(|fault| Fault::Admin(format!("the server's invitation is damaged: {fault}")))?;
    if json {
        say(as_json(&invitation));
    } else {
        print(&invitation);
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
