//! docs/guidelines.md names, for each guideline, the test that holds the software to it. Here the page is held to the tests.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The names of all functions of the tree that stand below `#[test]` or the like.
fn tests() -> Result<BTreeSet<String>> {
    let (mut names, mut folders) = (BTreeSet::new(), vec![root().join("crates")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path: PathBuf = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                collect(&fs::read_to_string(&path)?, &mut names);
            }
        }
    }
    Ok(names)
}

fn collect(source: &str, names: &mut BTreeSet<String>) {
    let mut attributed = false;
    for line in source.lines().map(str::trim) {
        let name = line.trim_start_matches("async ").strip_prefix("fn ");
        match name.and_then(|rest| rest.split(['(', '<']).next()) {
            Some(name) if attributed => {
                names.insert(name.to_owned());
                attributed = false;
            }
            _ if line.starts_with("#[test") || line.starts_with("#[tokio::test") || line.starts_with("#[rstest") => {
                attributed = true;
            }
            _ if line.is_empty() => attributed = false,
            _ => {}
        }
    }
}

#[test]
fn o11_each_guideline_names_what_enforces_it_and_a_test_that_is_there() -> Result<()> {
    let page = fs::read_to_string(root().join("docs/guidelines.md"))?;
    let tests = tests()?;
    let rows = page
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| guideline"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        ensure!(cells.len() == 3, "guideline, what enforces it, test: {row}");
        let named: Vec<_> = cells[2].split('`').skip(1).step_by(2).collect();
        ensure!(!named.is_empty() && !cells[1].is_empty(), "{row}");
        for name in named {
            ensure!(
                tests.contains(name),
                "docs/guidelines.md names {name}, and there is no such test"
            );
        }
        count += 1;
    }
    ensure!(count >= 20, "only {count} guidelines");
    Ok(())
}
