//! What the commands do. Nothing here reads a command line.

mod approve;
mod audit;
mod backup;
mod config_check;
mod doctor;
mod drain;
mod drill;
mod fence;
mod init;
mod invite;
mod kek;
mod link;
mod list;
mod log_level;
mod remove_device;
mod restore;
mod run;
mod stats;
mod status;

use std::path::PathBuf;

use twofold_store::Settings;

pub use approve::{approve, refuse};
pub use audit::audit;
pub use backup::{Backup, backup, backup_key};
pub use config_check::config_check;
pub use doctor::doctor;
pub use drain::drain;
pub use drill::drill;
pub use fence::{fence_adopt, fence_lift, fence_list};
pub use init::{Init, init};
pub use invite::invite;
pub use kek::kek_rotate;
pub use link::link;
pub use list::{Slice, devices, users, wallets};
pub use log_level::log_level;
pub use remove_device::remove_device;
pub use restore::{Restore, restore};
pub use run::{Run, run};
pub use stats::stats;
pub use status::status;

use crate::{
    config::{Bitcoin, Config, Database, Network},
    fault::Fault,
};

/// How to find a running server.
#[derive(Debug, Clone)]
pub enum Server {
    /// By its configuration file.
    Config(PathBuf),
    /// By its admin socket.
    Socket(PathBuf),
}

impl Server {
    fn socket(&self) -> Result<PathBuf, Fault> {
        match self {
            Self::Config(file) => Ok(Config::load(file)?.admin_socket()),
            Self::Socket(path) => Ok(path.clone()),
        }
    }
}

/// Where a server's files are.
#[derive(Debug, Clone)]
pub enum Place {
    /// As its configuration file says.
    Config(PathBuf),
    /// In the one folder of a development server.
    Development(PathBuf),
}

impl Place {
    /// The data directory and the anchor.
    fn files(&self) -> Result<(PathBuf, PathBuf), Fault> {
        match self {
            Self::Config(file) => {
                let config = Config::load(file)?;
                let anchor = config.anchor_file()?.to_path_buf();
                Ok((config.data_dir, anchor))
            }
            Self::Development(folder) => Ok((folder.join("data"), folder.join("anchor"))),
        }
    }

    /// How PostgreSQL is reached, where the data is not in files.
    fn database(&self) -> Result<Option<Settings>, Fault> {
        match self {
            Self::Config(file) => Config::load(file)?.database.settings(),
            Self::Development(_) => Database::of_environment()?.settings(),
        }
    }

    fn socket(&self) -> Result<PathBuf, Fault> {
        match self {
            Self::Config(file) => Ok(Config::load(file)?.admin_socket()),
            Self::Development(folder) => Ok(folder.join("admin.sock")),
        }
    }
}

/// The node, as a command line names it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Which chain.
    pub network: Network,
    /// The challenge of a signet of one's own, in hex.
    pub signet_challenge: Option<String>,
    /// Seconds between that signet's blocks.
    pub signet_block_seconds: Option<u32>,
    /// The main network is meant, unreviewed as this is.
    pub risk_real_money: bool,
    /// Its RPC; the network's usual port on this machine if none is given.
    pub rpc_url: Option<String>,
    /// Its cookie file.
    pub cookie_file: Option<PathBuf>,
    /// An Electrum server instead of a node.
    pub electrum_url: Option<String>,
    /// SHA-256 of its certificate, in hex.
    pub electrum_pin: Option<String>,
}

impl Node {
    /// None where there is no way to reach one.
    fn bitcoin(self) -> Option<Bitcoin> {
        let port = self.network.rpc_port();
        let node = self.electrum_url.is_none();
        if node && self.cookie_file.is_none() {
            return None;
        }
        let usual = || format!("http://127.0.0.1:{port}");
        Some(Bitcoin {
            network: self.network,
            signet_challenge: self.signet_challenge,
            signet_block_seconds: self.signet_block_seconds,
            risk_real_money: self.risk_real_money,
            rpc_url: if node {
                self.rpc_url.unwrap_or_else(usual)
            } else {
                String::new()
            },
            cookie_file: self.cookie_file,
            user: None,
            password_file: None,
            electrum_url: self.electrum_url,
            electrum_pin: self.electrum_pin,
            electrum_roots_file: None,
            electrum_plaintext: false,
            second: None,
        })
    }
}

/// Reads a span of time: a number and `s`, `m`, `h` or `d`. In seconds.
pub fn span(text: &str) -> Result<u64, Fault> {
    let wrong = || {
        Fault::Config(format!(
            "`{text}` is no time; write a number and s, m, h or d, such as 24h"
        ))
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.get(digits.len()..) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        _ => return Err(wrong()),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|count| count.checked_mul(unit))
        .ok_or_else(wrong)
}

/// The text as a QR code of half blocks, for a terminal of either colour.
fn qr(text: &str) -> String {
    use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L) else {
        return String::new();
    };
    code.render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build()
}

/// So many wallets, as one says it.
fn count_of_wallets(count: u64) -> String {
    if count == 1 {
        "1 wallet".to_owned()
    } else {
        format!("{count} wallets")
    }
}

/// A line on standard output. A closed pipe is nobody's fault.
fn say(line: impl core::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests;
