//! The files that the configuration names: who else could read or replace them, and what lies too close together.

use std::path::Path;

use super::{Cause, Check, Of, Surroundings, surroundings::Place};
use crate::{
    config::{Config, Keeper, Trust},
    tls::judge::Flaw,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "kek_file",
        of: Of::Files,
        look: kek,
    },
    Check {
        name: "kek",
        of: Of::Files,
        look: kept,
    },
    Check {
        name: "data_dir",
        of: Of::Files,
        look: data_dir,
    },
    Check {
        name: "anchor_file",
        of: Of::Files,
        look: anchor,
    },
    Check {
        name: "tls",
        of: Of::Files,
        look: tls,
    },
    Check {
        name: "default secrets",
        of: Of::Files,
        look: default_secrets,
    },
];

/// One that lies beside the data goes wherever the data goes: a disk, a backup, a thief.
fn kek(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = Vec::new();
    if let Some(why) = &around.kek_fault {
        causes.push(Cause::new(why.as_str(), "give it to the server's user alone"));
    }
    let (kek, data) = (&around.kek.path, &around.data_dir.path);
    if side_by_side(kek, data) {
        let wrong = format!("{} and data_dir {} are copied together", kek.display(), data.display());
        let remedy = "keep the KEK in a folder of another tree, such as /etc/twofold beside data in /var/lib/twofold";
        causes.push(Cause::new(wrong, remedy));
    }
    causes.extend(replaceable(&around.kek_folder, around));
    causes
}

fn kept(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = Vec::new();
    if around.kek_keeper == Keeper::Environment {
        let wrong =
            "the KEK comes from the environment, where whatever the server starts and whoever looks at it finds it";
        let remedy = "write it to kek_file (mode 600), or have it kept by a command: docs/operating.md says how";
        causes.push(Cause::new(wrong, remedy));
    }
    for place in &around.kek_programs {
        if place.rights.is_none() {
            let wrong = format!("{} is not there", place.path.display());
            causes.push(Cause::new(
                wrong,
                "without it the KEK is not opened: name the program by its whole path",
            ));
        }
        causes.extend(replaceable(place, around));
    }
    causes
}

fn side_by_side(kek: &Path, data: &Path) -> bool {
    let with_the_kek = kek.parent().is_some_and(|folder| data.starts_with(folder));
    // The root of everything is no place that somebody copies.
    let beside_the_data = data
        .parent()
        .is_some_and(|folder| folder.parent().is_some() && kek.starts_with(folder));
    with_the_kek || beside_the_data
}

fn data_dir(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let data = &around.data_dir;
    if !data.open_for(0o7) {
        return Vec::new();
    }
    let remedy = format!("run: chmod 700 {} as the server's user", data.path.display());
    vec![Cause::new(
        format!("{} is open to other users", data.path.display()),
        remedy,
    )]
}

fn anchor(_: &Config, around: &Surroundings) -> Vec<Cause> {
    let folder = around.anchor_folder.as_ref();
    folder.map(|folder| replaceable(folder, around)).unwrap_or_default()
}

/// Whoever writes to a folder puts a file of their own in the place of one in it.
pub(super) fn replaceable(folder: &Place, around: &Surroundings) -> Vec<Cause> {
    if !folder.open_for(0o2) && !folder.foreign_to(around.server()) {
        return Vec::new();
    }
    let folder = folder.path.display();
    let remedy = format!("run: chmod go-w {folder}, and let it belong to root or the server's user");
    vec![Cause::new(format!("other users may write to {folder}"), remedy)]
}

fn tls(config: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = replaceable(&around.key_folder, around);
    let file = config.tls.certificate.display();
    // Behind a proxy that ends TLS, devices see the proxy's.
    let seen = config.tls.trust == Trust::Pinned || !config.ingress.is_proxied();
    if let Some(flaw) = around.certificate.as_ref().err().filter(|_| seen) {
        let remedy = match (flaw, config.tls.trust) {
            (Flaw::Issuer, Trust::Web) => {
                "get one from a public authority, or set tls.trust = \"pinned\": invitations then name your own"
            }
            (Flaw::Name, _) => "get one for that host, or name its host in public_url",
            (Flaw::Time, _) => "renew it, or set the machine's clock",
            _ => "no device will connect: look at the chain and its key",
        };
        causes.push(Cause::new(format!("certificate {file}: {flaw}"), remedy));
    }
    causes
}

fn default_secrets(config: &Config, around: &Surroundings) -> Vec<Cause> {
    let mut causes = Vec::new();
    if around.kek_guessable {
        let wrong = format!("the KEK in {} was chosen, not drawn", config.kek_file.display());
        causes.push(Cause::new(wrong, "set the server up anew, with one that `init` draws"));
    }
    for secret in around.secrets.iter().filter(|secret| secret.guessable) {
        let wrong = format!(
            "the secret in {} was chosen, or copied from an example",
            secret.file.display()
        );
        causes.push(Cause::new(
            wrong,
            "draw one (openssl rand -hex 32), and give it to the provider as well",
        ));
    }
    if around.node_password_guessable {
        let remedy = "draw one of 12 characters or more (openssl rand -hex 16), or use bitcoin.cookie_file";
        causes.push(Cause::new(
            "a password of a node or of the database is one that everybody tries",
            remedy,
        ));
    }
    causes
}
