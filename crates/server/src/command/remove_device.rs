//! `remove-device`.

use super::{Server, say};
use crate::{
    admin::{Reply, Wish, ask},
    fault::Fault,
};

/// Removes a device that has no part in any wallet.
pub fn remove_device(server: &Server, device: &str, json: bool) -> Result<(), Fault> {
    let wish = Wish::RemoveDevice {
        device: device.to_owned(),
    };
    ask(&server.socket()?, &wish, |reply| (reply == Reply::Done).then_some(()))?;
    if json {
        say(serde_json::json!({ "device": device, "removed": true }));
    } else {
        say(format_args!(
            "removed: device {device}. It may join again, as long as whoever let it in does."
        ));
    }
    Ok(())
}
