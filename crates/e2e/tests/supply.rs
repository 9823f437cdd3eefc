//! Who is asked whether what the server is made of is well.

use std::{fs, path::Path};

use anyhow::{Result, ensure};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn o09_each_run_asks_cargo_deny_and_takes_what_the_lock_file_says() -> Result<()> {
    let dev = fs::read_to_string(root().join("dev"))?;
    for step in [
        "step cargo-deny deny",
        "cargo deny --locked --offline check --hide-inclusion-graph bans licenses sources || return 1",
    ] {
        ensure!(
            dev.lines().any(|line| line.trim() == step),
            "./dev does not say: {step}"
        );
    }
    for line in dev
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("cargo build "))
    {
        ensure!(line.contains("--locked") || line.ends_with('\\'), "{line}");
    }
    let rules = fs::read_to_string(root().join("deny.toml"))?;
    for rule in [
        "unknown-registry = \"deny\"",
        "unknown-git = \"deny\"",
        "yanked = \"deny\"",
    ] {
        ensure!(rules.lines().any(|line| line == rule), "deny.toml does not say: {rule}");
    }
    // What is let pass is let pass here, too.
    let passed: Vec<_> = rules.lines().filter(|line| line.contains("RUSTSEC-")).collect();
    ensure!(passed.len() == 1, "{passed:?}");
    ensure!(
        passed[0].contains("\"RUSTSEC-2024-0436\", reason = \"paste: "),
        "{passed:?}"
    );
    Ok(())
}
