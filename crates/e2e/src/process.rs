//! Where the binaries under test are, and children that die with the test.

use std::{
    env,
    io::Read as _,
    path::PathBuf,
    process::{Child, Command, Output},
};

use anyhow::{Context as _, Result, ensure};

/// The binary of that name: from `TWOFOLD_BIN_DIR`, else from the folder this test was built into.
pub fn binary(name: &str) -> Result<PathBuf> {
    let folder = if let Some(folder) = env::var_os("TWOFOLD_BIN_DIR") {
        PathBuf::from(folder)
    } else {
        let this = env::current_exe()?;
        let folder = this.parent().context("a target folder")?;
        // Tests are built into `deps`, beside the binaries.
        let folder = if folder.ends_with("deps") {
            folder.parent()
        } else {
            Some(folder)
        };
        folder.context("a target folder")?.into()
    };
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is not built: run cargo build --workspace --bins",
        path.display()
    );
    Ok(path)
}

/// A child that is killed when dropped.
#[derive(Debug)]
pub struct Leashed(Child);

impl Leashed {
    /// Starts it.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("{command:?} did not start"))?;
        Ok(Self(child))
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for its end and reads what it wrote to its pipes.
    pub fn output(&mut self) -> Result<Output> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_end(&mut stdout)?;
        }
        if let Some(mut pipe) = self.0.stderr.take() {
            pipe.read_to_end(&mut stderr)?;
        }
        Ok(Output {
            status: self.0.wait()?,
            stdout,
            stderr,
        })
    }

    /// kill -9, and wait until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// SIGTERM; does not wait.
    pub fn terminate(&self) -> Result<()> {
        let id = i32::try_from(self.0.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .context("a process id")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        Ok(())
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // It may be gone already; nothing more can be done about it here.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
