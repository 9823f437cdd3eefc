//! What the nightly's mutation tests try, and what they forgive.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

fn read(name: &str) -> Result<String> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(name);
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

#[test]
fn o12_mutants_are_made_of_every_crate_that_guards_and_each_that_is_forgiven_is_there_and_says_why() -> Result<()> {
    let nightly = read("dev.d/nightly.sh")?;
    let joined = nightly.replace("\\\n", " ");
    let run = joined
        .lines()
        .find(|line| line.contains("cargo mutants "))
        .context("a run")?;
    for guard in ["threshold", "intent", "cosigner", "identity"] {
        ensure!(run.contains(&format!("-p twofold-{guard} ")), "{guard}: {run}");
    }
    // One reason is for the lines right under it.
    let mut reason = false;
    for line in read("dev.d/mutants.txt")?.lines() {
        match line.strip_prefix("mutant ") {
            Some(mutant) => {
                ensure!(reason, "no reason stands above `{mutant}`");
                let (file, what) = mutant.split_once(": ").context("a file and what was done to it")?;
                let source = read(file)?;
                let function = what.rsplit_once(" in ").map_or(what, |(_, function)| function);
                let name = function.rsplit("::").next().unwrap_or(function);
                ensure!(
                    source.contains(&format!("fn {name}")),
                    "{file} has no `{name}` any more"
                );
            }
            None => reason = line.starts_with("# "),
        }
    }
    Ok(())
}
