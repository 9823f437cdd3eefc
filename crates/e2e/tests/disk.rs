//! A disk that fails while a signature is stored.

use std::{
    env,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use twofold_api::Reason;
use twofold_e2e::{Deployment, process::Leashed};

use crate::{
    device::Enrolled,
    kills::{charged, end_of, require_failpoints, runtime},
    line::Mischief,
    oracle::{Oracle, verify},
};

const WALLET: &str = "savings";
/// The server's exit code where its data is in doubt.
const DATA: i32 = 6;

/// strace, or nothing where it is not installed: CI has it.
pub(crate) fn strace() -> Result<Option<PathBuf>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join("strace"))
        .find(|path| path.is_file());
    ensure!(found.is_some() || env::var_os("CI").is_none(), "CI must have strace");
    Ok(found)
}

/// Makes every fsync of the server fail from now on, as a dying disk does. Dropped, it lets go.
fn break_the_disk(strace: &PathBuf, server: u32) -> Result<Leashed> {
    let mut command = Command::new(strace);
    command
        .args([
            "--follow-forks",
            "--trace=fsync,fdatasync",
            "--inject=fsync,fdatasync:error=EIO",
        ])
        .args(["--output=/dev/null", &format!("--attach={server}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut tracer = Leashed::spawn(&mut command)?;
    let said = tracer.child().stderr.take().context("a pipe")?;
    let mut line = String::new();
    BufReader::new(said).read_line(&mut line)?;
    ensure!(line.contains("attached"), "strace said {line:?}");
    Ok(tracer)
}

#[test]
fn s03_an_fsync_that_fails_acknowledges_nothing_and_the_process_seals_and_ends() -> Result<()> {
    let Some(strace) = strace()? else {
        eprintln!("not run: strace is not installed; ./dev test brings it where it may install packages");
        return Ok(());
    };
    let mut deployment = Deployment::start()?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    let psbt = runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        let first = device.spend();
        verify(&device.sign(first).await?)?;
        let before = oracle.verdict()?.nonces;

        let server = deployment.server()?;
        let tracer = break_the_disk(&strace, server.child().id())?;
        let psbt = device.spend();
        let refused = device.sign(psbt.clone()).await;
        ensure!(refused.is_err(), "a signature was given out that no disk holds");
        ensure!(oracle.verdict()?.nonces == before, "a commitment was given out");
        let end = end_of(server)?;
        drop(tracer);
        ensure!(end.and_then(|end| end.code()) == Some(DATA), "it ended with {end:?}");
        anyhow::Ok(psbt)
    })?;
    let log = std::fs::read_to_string(deployment.log())?;
    ensure!(log.contains("look at the disk"), "{log}");

    // Another process finds out what reached the disk; the transaction is signed and charged once, whatever did.
    deployment.resume()?;
    runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        verify(&device.sign(psbt.clone()).await?)?;
        let (_, added, whole) = charged(&mut device, &psbt).await?;
        ensure!(added == whole, "{added} of {whole} charged");
        anyhow::Ok(())
    })?;
    oracle.verdict().map(drop)
}

/// Signs while the store fails at `place`, once; the server's exit code where that ends it.
fn failing_at(place: &str, ends: bool) -> Result<()> {
    require_failpoints()?;
    let mut deployment = Deployment::start()?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    deployment.kill()?;
    deployment.set_environment(&[("TWOFOLD_FAIL_AT", &format!("sign::before_commit>{place}"))]);
    deployment.resume()?;
    let height = deployment.node.height()?;
    let psbt = runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        // What fails is the next commit, and the follower makes none once it has read all blocks.
        device.until_read(height).await?;
        let psbt = device.spend();
        let refused = device.sign(psbt.clone()).await.err().context("a signature")?;
        ensure!(refused.reason() == Some(Reason::StoreUnavailable), "{refused}");
        ensure!(oracle.verdict()?.nonces == 0, "a commitment was given out");
        if !ends {
            // The disk has room again: the same server goes on.
            verify(&device.sign(psbt.clone()).await?)?;
        }
        anyhow::Ok(psbt)
    })?;
    if ends {
        let end = end_of(deployment.server()?)?;
        ensure!(end.and_then(|end| end.code()) == Some(DATA), "it ended with {end:?}");
        deployment.set_environment(&[]);
        deployment.resume()?;
    }
    runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        verify(&device.sign(psbt.clone()).await?)?;
        let (_, added, whole) = charged(&mut device, &psbt).await?;
        ensure!(added == whole, "{added} of {whole} charged");
        let other = device.spend();
        verify(&device.sign(other).await?)
    })?;
    oracle.verdict().map(drop)
}

#[test]
fn p20_s04_a_full_disk_at_a_signature_is_a_clean_refusal_and_the_same_server_signs_when_there_is_room() -> Result<()> {
    failing_at("store-commit-full", false)
}

#[test]
fn p20_s03_a_failed_fsync_at_a_signature_is_a_clean_refusal_and_the_next_server_signs() -> Result<()> {
    failing_at("store-commit-fsync", true)
}

/// A disk on which nothing grows any more: no file of the process may be written past a few kilobytes. Dropped, it has
/// room again.
struct FullDisk(Pid, Rlimit);

impl FullDisk {
    fn of(server: u32, log: u64) -> Result<Self> {
        let server = Pid::from_raw(i32::try_from(server)?).context("a process id")?;
        // Its log may go on for some lines; a commit is longer.
        let full = Rlimit {
            current: Some(log + 4096),
            maximum: getrlimit(Resource::Fsize).maximum,
        };
        ensure!(log < 16 << 10, "the log is {log} bytes");
        Ok(Self(server, prlimit(Some(server), Resource::Fsize, full)?))
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // The server may be gone already.
        let _ = prlimit(Some(self.0), Resource::Fsize, self.1);
    }
}

#[test]
fn s04_on_a_full_disk_signing_is_refused_reads_work_and_the_same_server_recovers() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let enrolled = runtime()?.block_on(Enrolled::new(&deployment.invitation, &[WALLET]))?;
    let oracle = Arc::new(Oracle::default());
    let server = deployment.server()?.child().id();
    let log = std::fs::metadata(deployment.log())?.len();
    runtime()?.block_on(async {
        let mut device = enrolled.open(WALLET, &oracle, Mischief::None).await?;
        let first = device.spend();
        verify(&device.sign(first).await?)?;
        let before = oracle.verdict()?.nonces;

        let full = FullDisk::of(server, log)?;
        let psbt = device.spend();
        let refused = device.sign(psbt.clone()).await.err().context("a signature")?;
        ensure!(refused.reason() == Some(Reason::StoreUnavailable), "{refused}");
        ensure!(oracle.verdict()?.nonces == before, "a commitment was given out");
        device.client.audit(&mut device.wallet).await?;
        drop(full);

        verify(&device.sign(psbt.clone()).await?)?;
        let (_, added, whole) = charged(&mut device, &psbt).await?;
        ensure!(added == whole, "{added} of {whole} charged");
        anyhow::Ok(())
    })?;
    oracle.verdict().map(drop)
}
