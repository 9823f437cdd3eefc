//! A server in production mode, the binary as people get it: what it refuses, and that it starts where nothing is unsafe.

use std::{
    env,
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde_json::Value;
use tempfile::TempDir;
use twofold_e2e::process::Leashed;
use twofold_testkit::open_folder;

/// The user that nothing belongs to.
const NOBODY: u32 = 65_534;

/// A machine with a server that was set up, and the user that it runs as.
struct Machine {
    folder: TempDir,
    user: Option<u32>,
}

impl Machine {
    /// A folder each for the binary, for keys and for data. Where this test is root's, the server is not.
    fn new(server: &Path) -> Result<Self> {
        let user = rustix::process::geteuid().is_root().then_some(NOBODY);
        let folder = match user {
            Some(_) => open_folder("twofold-production")?,
            None => TempDir::new()?,
        };
        let machine = Self { folder, user };
        for name in ["", "bin", "keys", "var", "var/lib"] {
            let path = machine.folder.path().join(name);
            fs::create_dir_all(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
            if name != "bin" {
                chown(&path, user, user)?;
            }
        }
        fs::copy(server, machine.folder.path().join("bin/twofold-server"))?;
        let cookie = "no-node.cookie";
        let made = machine
            .command(&[
                "init",
                "--json",
                "--public-url",
                "https://127.0.0.1:8443",
                "--listen",
                "127.0.0.1:0",
            ])
            .args([
                "--network",
                "regtest",
                "--cookie-file",
                cookie,
                "--dir",
                "keys",
                "--data-dir",
                "var/lib/data",
            ])
            .output()?;
        ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(machine)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.folder.path().join("bin/twofold-server"));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The binary that people get; one with failpoints runs for tests only.
pub(crate) fn plain() -> Result<Option<PathBuf>> {
    if let Some(plain) = env::var_os("TWOFOLD_PLAIN_DIR") {
        return Ok(Some(PathBuf::from(plain).join("twofold-server")));
    }
    ensure!(env::var_os("CI").is_none(), "CI must say where the plain binaries are");
    eprintln!("not run: ./dev test builds the plain binaries and sets TWOFOLD_PLAIN_DIR");
    Ok(None)
}

#[test]
fn o11_a_server_in_production_names_all_that_is_unsafe_and_does_not_start() -> Result<()> {
    let Some(server) = plain()? else { return Ok(()) };
    let machine = Machine::new(&server)?;
    let (file, data) = ("keys/twofold.toml", machine.folder.path().join("var/lib/data"));
    let config = fs::read_to_string(machine.folder.path().join(file))?;
    ensure!(
        config.starts_with("# production:") && config.contains("mode = \"production\""),
        "{config}"
    );
    // A configuration that says nothing means production.
    let config = config.replace("mode = \"production\"\n", "");
    let kek = machine.folder.path().join("keys/kek");
    let beside = machine.folder.path().join("var/lib/kek");
    fs::rename(&kek, &beside)?;
    let config = config.replace(&kek.display().to_string(), &beside.display().to_string());
    fs::write(machine.folder.path().join(file), config)?;
    fs::set_permissions(&data, Permissions::from_mode(0o755))?;
    let with = |words: &[&str]| {
        let mut command = machine.command(words);
        command
            .env("TWOFOLD__LOG__LEVEL", "trace")
            .env("TWOFOLD__BITCOIN__RPC_URL", "http://192.0.2.7:8332");
        command
    };

    let mut run = with(&["run", "--config", file]);
    // As root, whoever the files belong to.
    if machine.user.is_some() {
        run.uid(0).gid(0);
    }
    let refused = run.output()?;
    ensure!(refused.status.code() == Some(3), "{refused:?}");
    let mut all = vec!["kek_file: ", "data_dir: ", "bitcoin: ", "log.level: "];
    if machine.user.is_some() {
        all.push("user: ");
    }
    for name in &all {
        ensure!(
            said(&refused).contains(&format!("\n  - {name}")),
            "{name}: {}",
            said(&refused)
        );
    }
    ensure!(said(&refused).contains("mode = \"development\""), "{}", said(&refused));

    // Who only looks hears of the files, and not who they are themselves.
    let looked = with(&["config", "check", "--config", file]).output()?;
    ensure!(looked.status.code() == Some(3), "{looked:?}");
    ensure!(said(&looked).contains("\n  - kek_file: "), "{}", said(&looked));
    ensure!(!said(&looked).contains("\n  - user: "), "{}", said(&looked));
    Ok(())
}

/// Whether this process has the right to lock as much memory as it likes, and to hand that on.
fn may_lock_all() -> Result<bool> {
    const CAP_IPC_LOCK: u32 = 14;
    let status = fs::read_to_string("/proc/self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = u64::from_str_radix(effective.context("capabilities")?.trim(), 16)?;
    Ok(effective >> CAP_IPC_LOCK & 1 == 1)
}

/// A server that may lock all its memory: by the limit, or by the capability where this test can give it.
fn with_all_memory(machine: &Machine, words: &[&str]) -> Result<Option<Command>> {
    let boundless = Rlimit {
        current: None,
        maximum: None,
    };
    if setrlimit(Resource::Memlock, boundless).is_ok() {
        return Ok(Some(machine.command(words)));
    }
    let Some(user) = machine.user.filter(|_| Path::new("/usr/bin/setpriv").exists()) else {
        return Ok(None);
    };
    if !may_lock_all()? {
        return Ok(None);
    }
    let plain = machine.command(words);
    let mut command = Command::new("/usr/bin/setpriv");
    command
        .args([
            format!("--reuid={user}"),
            format!("--regid={user}"),
            "--clear-groups".into(),
        ])
        .args(["--inh-caps=+ipc_lock", "--ambient-caps=+ipc_lock"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(machine.folder.path());
    Ok(Some(command))
}

#[test]
fn o05_a_server_in_production_dumps_nothing_and_keeps_its_memory_out_of_swap_or_does_not_start() -> Result<()> {
    let Some(server) = plain()? else { return Ok(()) };
    let machine = Machine::new(&server)?;
    let words = ["run", "--json", "--config", "keys/twofold.toml"];
    if let Some(mut run) = with_all_memory(&machine, &words)? {
        let mut server = Leashed::spawn(run.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let stdout = server.child().stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.is_empty() {
            let told = server.output()?;
            bail!("it does not start: {}", said(&told));
        }
        let ready: Value = serde_json::from_str(&line)?;
        let process = PathBuf::from("/proc").join(ready["pid"].to_string());
        let status = fs::read_to_string(process.join("status"))?;
        let told = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default()
                .trim()
        };
        ensure!(!["", "0 kB"].contains(&told("VmLck:")), "no memory is locked: {status}");
        let limits = fs::read_to_string(process.join("limits"))?;
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .context("a limit")?;
        ensure!(core.split_whitespace().skip(4).take(2).eq(["0", "0"]), "{core}");
        server.terminate()?;
        ensure!(server.child().wait()?.success(), "it did not end well");
    } else {
        eprintln!("not tried: nothing here may lock all its memory");
    }

    // With less than all of it, it does not start.
    let little = Rlimit {
        current: Some(65_536),
        maximum: Some(65_536),
    };
    setrlimit(Resource::Memlock, little)?;
    let refused = machine.command(&words).output()?;
    ensure!(refused.status.code() == Some(3), "{refused:?}");
    ensure!(said(&refused).contains("locked memory: "), "{}", said(&refused));
    Ok(())
}
