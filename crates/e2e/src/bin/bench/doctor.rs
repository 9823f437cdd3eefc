//! How long the operator waits for the doctor.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::process::binary;

use crate::{Bench, figure::Figure, figure::Goal, machine};

/// Times it is asked.
const ASKED: u32 = 5;

impl Bench {
    /// The longest of several, beside a running server. What it finds is not looked at: a server for a bench fails some.
    pub(crate) fn doctor(&mut self) -> Result<()> {
        let config = self.server.folder().join("etc/twofold.toml");
        let mut longest = 0.0_f64;
        for _ in 0..ASKED {
            let began = machine::now();
            let output = Command::new(binary("twofold-server")?)
                .args(["doctor", "--json", "--config"])
                .arg(&config)
                .output()?;
            longest = longest.max(began.elapsed().as_secs_f64());
            let told: Value = serde_json::from_slice(&output.stdout)
                .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
            ensure!(told["findings"].is_array(), "the doctor said {told}");
        }
        self.tell(Figure::with_goal("doctor", longest, "s", Goal::AtMost(2.0)));
        self.note("the doctor looked");
        Ok(())
    }
}
