//! The bitcoind child: found and started; and what else `./dev` keeps in its cache.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::daemon::Daemon;

/// What the node logs once its RPC answers.
const READY: &str = "Done loading";

/// Where bitcoind is: `BITCOIND_EXE`, else `PATH`, else the one that `./dev` keeps in its cache.
pub fn node_binary() -> Result<PathBuf> {
    if let Some(named) = env::var_os("BITCOIND_EXE") {
        return Ok(PathBuf::from(named));
    }
    cached("bitcoind", "bitcoind").context("no bitcoind: `./dev demo` fetches one, or set BITCOIND_EXE")
}

/// Where Prometheus's promtool is; none where it is not, which the build machine must have.
pub fn promtool() -> Result<Option<PathBuf>> {
    let found = cached("promtool", "promtool");
    if found.is_none() {
        ensure!(env::var_os("CI").is_none(), "CI must have promtool");
        eprintln!("not run: promtool is not here; ./dev test fetches it where there is apt");
    }
    Ok(found)
}

/// A program on `PATH`, else in a folder of the cache that `./dev` keeps.
pub(crate) fn cached(program: &str, folder: &str) -> Option<PathBuf> {
    let on_path = env::var_os("PATH")
        .into_iter()
        .flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
    on_path
        .chain(cache().map(|cache| cache.join(folder)))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Where `./dev` keeps what takes time to fetch or to make.
pub(crate) fn cache() -> Option<PathBuf> {
    let in_home = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))
        .map(|caches| caches.join("twofold"));
    env::var_os("TWOFOLD_CACHE").map(PathBuf::from).or(in_home)
}

/// Starts bitcoind and returns once its RPC answers.
pub(crate) fn start_node(arguments: &[String]) -> Result<Daemon> {
    let mut command = Command::new(node_binary()?);
    command.args(arguments).arg("-printtoconsole=1");
    Daemon::start("bitcoind", &command, READY)
}
