//! Another KEK for a server with many wallets, while a device signs.

use std::process::{Command, Stdio};

use anyhow::Result;
use twofold_e2e::process::binary;

use crate::{Bench, figure::Figure, figure::Goal, machine, millis};

impl Bench {
    /// How long a device waits while the KEK is changed, against how long it waits otherwise. The copies' records are not
    /// theirs: each is read, and its place committed, but nothing of it is sealed anew.
    pub(crate) fn rotations(&mut self) -> Result<()> {
        self.provide()?;
        let config = self.server.folder().join("etc/twofold.toml");
        let quiet = self.quiet()?;
        let began = machine::now();
        let rotation = Command::new(binary("twofold-server")?)
            .args(["kek", "rotate", "--json", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .spawn()?;
        let ratio = self.beside(rotation)?.as_secs_f64() / quiet.as_secs_f64();
        self.tell(Figure::plain("rotation", began.elapsed().as_secs_f64(), "s"));
        self.tell(Figure::plain("sign_p99_without_rotation", millis(quiet), "ms"));
        self.tell(Figure::with_goal("sign_p99_in_rotation", ratio, "x", Goal::AtMost(2.0)));
        self.note("the KEK was changed while a device signed");
        Ok(())
    }
}
