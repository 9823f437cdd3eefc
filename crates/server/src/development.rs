//! `run --dev`: everything in one folder, made at the first run and kept for the next.

use std::{net::SocketAddr, path::Path};

use twofold_api::public_url::PublicUrl;

use crate::{
    certificate,
    config::{Bitcoin, Config, Keeping, Network},
    fault::Fault,
    kek, private_file,
};

/// Makes what is missing in `folder` (KEK, CA, certificate) and says the configuration for a server at `listen`.
/// Without a node, a regtest one at its usual port is meant. `now` is in seconds since 1970.
pub fn prepare(folder: &Path, now: u64, listen: SocketAddr, bitcoin: Option<Bitcoin>) -> Result<Config, Fault> {
    private_file::directory(folder)?;
    kek::Files::at(&folder.join("kek"), &Keeping::of_environment()?).ensure()?;
    if !folder.join("chain.pem").exists() {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        if !listen.ip().is_loopback() {
            names.push(listen.ip().to_string());
        }
        certificate::make(folder, names, now)?;
    }
    let bitcoin = bitcoin.unwrap_or_else(|| Bitcoin {
        network: Network::Regtest,
        signet_challenge: None,
        signet_block_seconds: None,
        risk_real_money: false,
        rpc_url: "http://127.0.0.1:18443".into(),
        cookie_file: Some(folder.join("no-node.cookie")),
        user: None,
        password_file: None,
        electrum_url: None,
        electrum_pin: None,
        electrum_roots_file: None,
        electrum_plaintext: false,
        second: None,
    });
    Ok(Config::development(folder, listen, public_url(listen)?, bitcoin))
}

/// The URL of a development server at this address.
pub fn public_url(listen: SocketAddr) -> Result<PublicUrl, Fault> {
    format!("https://{listen}")
        .parse()
        .map_err(|fault| Fault::Config(format!("the public URL {fault}")))
}
