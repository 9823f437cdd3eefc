//! What a configuration must be beyond its shape: the files are there and fit, the bounds make sense.

use std::path::{Component, Path, PathBuf};

use super::{Config, Limits};
use crate::{backup, fault::Fault, kek, tls};

impl Config {
    /// Checks everything that can be checked without starting.
    pub fn check(&self) -> Result<(), Fault> {
        let kek_inside = plain(&self.kek_file).starts_with(plain(&self.data_dir));
        if kek_inside {
            return Err(Fault::Config(format!(
                "kek_file {} lies inside data_dir; keep it apart, or a copy of the data is a copy of its key",
                self.kek_file.display()
            )));
        }
        self.anchor_file()?;
        if self.data_dir.exists() && !self.data_dir.is_dir() {
            return Err(Fault::Config(format!(
                "data_dir {} is no directory",
                self.data_dir.display()
            )));
        }
        self.limits.check()?;
        self.policy_check()?;
        self.waits.check()?;
        self.bitcoin.check()?;
        self.people.check()?;
        self.backends()?;
        self.origins_check()?;
        if let Some(recipient) = &self.backup.recipient {
            backup::recipient(recipient)?;
        }
        crate::log::parse_level(&self.log.level)?;
        if let Some(listen) = self.metrics.listen
            && !listen.ip().is_loopback()
        {
            return Err(Fault::Config(format!(
                "metrics.listen {listen} is open to others; use a loopback address such as 127.0.0.1:9464"
            )));
        }
        self.traces.check()?;
        self.database.settings()?;
        self.kek.check()?;
        kek::Files::of(self).look()?;
        self.acme_check()?;
        // One that is not there, or not whole, is ordered by the server as it starts.
        if self.acme.is_none() {
            tls::Chain::load(&self.tls)?;
        }
        Ok(())
    }

    /// Where the anchor is. It is of use only where no copy of the data takes it along.
    pub(crate) fn anchor_file(&self) -> Result<&Path, Fault> {
        let Some(file) = &self.anchor_file else {
            let told = "anchor_file is missing; name a file outside data_dir and its backups, such as \
                        /var/lib/twofold-anchor/anchor (docs/operating.md says what it is for)";
            return Err(Fault::Config(told.into()));
        };
        if plain(file).starts_with(plain(&self.data_dir)) {
            return Err(Fault::Config(format!(
                "anchor_file {} lies inside data_dir; keep it apart, or a backup takes it back with the data",
                file.display()
            )));
        }
        Ok(file)
    }

    pub(super) fn origins_check(&self) -> Result<(), Fault> {
        for origin in &self.allowed_origins {
            let host = origin.strip_prefix("https://").or_else(|| {
                let host = origin.strip_prefix("http://")?;
                let name = host.split(':').next().unwrap_or_default();
                ["localhost", "127.0.0.1"].contains(&name).then_some(host)
            });
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
            if !host.is_some_and(|host| !host.is_empty() && host.bytes().all(fits)) {
                return Err(Fault::Config(format!(
                    "allowed_origins: `{origin}` is no origin; write it as https://app.example.org, in small letters and without \
                     a path"
                )));
            }
        }
        Ok(())
    }

    fn policy_check(&self) -> Result<(), Fault> {
        let policy = &self.policy;
        let bounds = [
            ("policy.max_fee_rate_sat_vb", policy.max_fee_rate_sat_vb, 1, 100_000),
            ("policy.max_fee_percent", policy.max_fee_percent, 1, 100),
            ("policy.max_fee_sat", policy.max_fee_sat, 1_000, 100_000_000),
        ];
        within(&bounds)
    }
}

impl Limits {
    fn check(&self) -> Result<(), Fault> {
        within(&[
            ("limits.connections", u64::from(self.connections), 1, 100_000),
            (
                "limits.connections_per_address",
                u64::from(self.connections_per_address),
                1,
                100_000,
            ),
            ("limits.bodies_mib", u64::from(self.bodies_mib), 1, 65_536),
            (
                "limits.bodies_mib_per_address",
                u64::from(self.bodies_mib_per_address),
                1,
                65_536,
            ),
            (
                "limits.address_per_second",
                u64::from(self.address_per_second),
                1,
                1_000_000,
            ),
            ("limits.address_burst", u64::from(self.address_burst), 1, 1_000_000),
            (
                "limits.device_per_second",
                u64::from(self.device_per_second),
                1,
                1_000_000,
            ),
            ("limits.device_burst", u64::from(self.device_burst), 1, 1_000_000),
            ("limits.user_per_second", u64::from(self.user_per_second), 1, 1_000_000),
            ("limits.user_burst", u64::from(self.user_burst), 1, 1_000_000),
            (
                "limits.wallet_per_second",
                u64::from(self.wallet_per_second),
                1,
                1_000_000,
            ),
            ("limits.wallet_burst", u64::from(self.wallet_burst), 1, 1_000_000),
            (
                "limits.ceremonies_per_user",
                u64::from(self.ceremonies_per_user),
                1,
                1000,
            ),
            ("limits.ceremonies", u64::from(self.ceremonies), 1, 1_000_000),
            ("limits.wallets_per_user", u64::from(self.wallets_per_user), 1, 100_000),
            ("limits.devices_per_user", u64::from(self.devices_per_user), 1, 1_000),
            (
                "limits.issued_per_wallet",
                u64::from(self.issued_per_wallet),
                1,
                10_000_000,
            ),
            (
                "limits.refreshes_per_day",
                u64::from(self.refreshes_per_day),
                1,
                1_000_000,
            ),
            ("limits.handshake_seconds", self.handshake_seconds, 1, 60),
            ("limits.header_seconds", self.header_seconds, 1, 60),
            ("limits.body_seconds", self.body_seconds, 1, 60),
            ("limits.request_seconds", self.request_seconds, 1, 300),
            ("limits.stranger_seconds", self.stranger_seconds, 1, 3600),
            ("limits.idle_seconds", self.idle_seconds, 1, 3600),
            ("limits.drain_seconds", self.drain_seconds, 1, 300),
        ])
    }
}

pub(super) fn within(bounds: &[(&str, u64, u64, u64)]) -> Result<(), Fault> {
    bounds.iter().try_for_each(|(name, value, least, most)| {
        if (least..=most).contains(&value) {
            Ok(())
        } else {
            Err(Fault::Config(format!(
                "{name} = {value} must lie between {least} and {most}"
            )))
        }
    })
}

/// The path without `.` and `..`, absolute; links are followed where the path exists.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    let (parent, name) = (
        plain.parent().map(Path::to_owned),
        plain.file_name().map(ToOwned::to_owned),
    );
    match (
        plain.canonicalize(),
        parent.and_then(|parent| parent.canonicalize().ok()),
        name,
    ) {
        (Ok(real), ..) => real,
        (Err(_), Some(parent), Some(name)) => parent.join(name),
        _ => plain,
    }
}
