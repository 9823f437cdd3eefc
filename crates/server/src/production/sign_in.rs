//! Whose word about people is taken, and how it comes.

use super::{Cause, Check, Of, Surroundings};
use crate::config::{Config, SignIn};

pub(super) const CHECKS: &[Check] = &[Check {
    name: "sign_in",
    of: Of::Files,
    look: providers,
}];

/// A provider on this machine may be asked in plaintext while somebody tries it. Whoever takes its port then is believed who
/// everybody is.
fn providers(config: &Config, around: &Surroundings) -> Vec<Cause> {
    let urls = config.sign_in.iter().flat_map(SignIn::urls);
    let plain = urls.filter(|(_, url)| !url.starts_with("https://")).map(|(key, url)| {
        let remedy = "name it by https://, with ca_file where its certificate is of an authority of your own";
        Cause::new(format!("{key} = {url} is asked in plaintext"), remedy)
    });
    let secrets = around.secrets.iter().filter_map(|secret| secret.fault.as_ref());
    let secrets = secrets.map(|fault| {
        Cause::new(
            fault.as_str(),
            "draw one of 32 characters or more (openssl rand -hex 32), for the server's user alone",
        )
    });
    plain.chain(secrets).collect()
}
