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

#[test]
fn o12_each_defence_that_the_nightly_takes_out_is_one_line_of_its_file_and_names_its_test() -> Result<()> {
    let told = read("dev.d/defences.txt")?;
    let blocks: Vec<_> = told.split("\nrow ").skip(1).collect();
    // Not by a change of the file's form that leaves nothing to look at.
    ensure!(blocks.len() > 300, "{} blocks", blocks.len());
    for block in blocks {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::trim).with_context(|| format!("no `{name}` in: {block}"))
        };
        let (file, take) = (field("file ")?, field("take ")?);
        let found = read(file)?.lines().filter(|line| line.trim() == take).count();
        ensure!(found == 1, "{file} has {found} such lines: {take}");
        ensure!(field("test ")?.starts_with("-p twofold-"), "no test: {block}");
    }
    Ok(())
}
