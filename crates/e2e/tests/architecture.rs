//! ARCHITECTURE.md tells the truth about which crate depends on which.

use std::{collections::BTreeMap, collections::BTreeSet, path::Path, process::Command};

type Table = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Rows `| `name` | job | never | `a`, `b` |` of the table under "Crates".
fn documented() -> Table {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let words = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    page.lines()
        .skip_while(|line| *line != "## Crates")
        .take_while(|line| !line.starts_with("## One"))
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").collect();
            let name = words(cells[0]).into_iter().next().expect("a name");
            (name, words(cells.get(3).copied().unwrap_or_default()))
        })
        .collect()
}

fn actual() -> Table {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let short = |name: &str| name.strip_prefix("twofold-").map(str::to_owned);
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| short(dependency["name"].as_str().expect("a name")))
                .collect();
            (
                short(package["name"].as_str().expect("a name")).expect("twofold-*"),
                dependencies,
            )
        })
        .collect()
}

#[test]
fn the_crate_table_matches_the_manifests() {
    let (mut documented, mut actual) = (documented(), actual());
    // Tests may lean on anything: their rows leave the column empty.
    for rim in ["testkit", "e2e"] {
        assert!(
            documented.remove(rim).is_some() && actual.remove(rim).is_some(),
            "{rim} has a row and a manifest"
        );
    }
    assert_eq!(documented, actual, "left: ARCHITECTURE.md, right: the manifests");
}
