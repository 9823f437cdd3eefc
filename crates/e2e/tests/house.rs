//! The house around the code: what the build machine runs, what the lint forbids, what a shipped binary holds.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use twofold_e2e::process::binary;

use crate::kills::failpoints_in;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[test]
fn f15_the_build_machine_runs_all_of_dev_test_and_fails_when_it_fails() -> Result<()> {
    let run = root().join(".ci/run");
    let mode = fs::metadata(&run).context(".ci/run")?.permissions().mode();
    ensure!(mode & 0o111 == 0o111, "it can be executed: {mode:o}");
    // The script itself, in a tree whose `dev` only notes how it was called.
    let tree = TempDir::new()?;
    fs::create_dir(tree.path().join(".ci"))?;
    let copy = tree.path().join(".ci/run");
    fs::copy(&run, &copy)?;
    for code in [0, 3] {
        let note = format!("#!/bin/sh\necho \"$PWD $CI $*\" >called\nexit {code}\n");
        script(&tree.path().join("dev"), &note)?;
        let status = Command::new(&copy).env_remove("CI").current_dir("/").status()?;
        ensure!(status.code() == Some(code), "{status}");
        let called = fs::read_to_string(tree.path().join("called"))?;
        let here = tree.path().canonicalize()?;
        ensure!(called.trim() == format!("{} true test", here.display()), "{called:?}");
    }
    Ok(())
}

/// A command that `./dev` runs as a step: its words after the step's name.
fn step(name: &str) -> Result<Vec<String>> {
    let dev = fs::read_to_string(root().join("dev"))?;
    let steps = dev.split("lint_steps() {").nth(1).context("lint_steps")?;
    let steps = steps.split("\n}").next().context("its end")?;
    let line = steps
        .lines()
        .find_map(|line| line.trim().strip_prefix(&format!("step {name} ")))
        .with_context(|| format!("./dev has no step {name}"))?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}

/// A crate with the lints of this workspace.
fn scratch(library: &str, dependencies: &str) -> Result<TempDir> {
    let workspace = fs::read_to_string(root().join("Cargo.toml"))?;
    let lints = workspace.split("[workspace.lints.rust]").nth(1).context("lints")?;
    let lints = lints.split("\n[profile").next().context("their end")?;
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("src"))?;
    fs::create_dir_all(folder.path().join("idle/src"))?;
    fs::write(folder.path().join("src/lib.rs"), library)?;
    fs::write(folder.path().join("idle/src/lib.rs"), "//! Idle.\n")?;
    let idle = "[package]\nname = \"idle\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(folder.path().join("idle/Cargo.toml"), idle)?;
    let manifest = format!(
        "[package]\nname = \"scratch\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{dependencies}\n\
         [lints]\nworkspace = true\n[workspace]\nmembers = [\"idle\"]\n[workspace.lints.rust]{lints}"
    );
    fs::write(folder.path().join("Cargo.toml"), manifest)?;
    fs::copy(root().join("clippy.toml"), folder.path().join("clippy.toml"))?;
    let locked = in_scratch(
        &folder,
        &["cargo".into(), "generate-lockfile".into(), "--offline".into()],
    )?;
    ensure!(locked.status.success(), "{locked:?}");
    Ok(folder)
}

fn in_scratch(folder: &TempDir, words: &[String]) -> Result<Output> {
    let (program, arguments) = words.split_first().context("a command")?;
    Ok(Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .env_remove("RUSTFLAGS")
        .output()?)
}

#[test]
fn f21_the_lint_step_refuses_an_item_that_nothing_uses() -> Result<()> {
    let clippy = step("clippy")?;
    let used = "//! A crate.\n\n/// Something.\n#[must_use]\npub fn something() -> u8 {\n    1\n}\n";
    let passed = in_scratch(&scratch(used, "")?, &clippy)?;
    ensure!(passed.status.success(), "{}", String::from_utf8_lossy(&passed.stderr));
    let unused = format!("{used}\nfn nobody() -> u8 {{\n    2\n}}\n");
    let refused = in_scratch(&scratch(&unused, "")?, &clippy)?;
    let said = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        !refused.status.success() && said.contains("`nobody` is never used"),
        "{said}"
    );
    Ok(())
}

#[test]
fn f21_the_lint_step_refuses_a_dependency_that_nothing_uses() -> Result<()> {
    let shear = step("cargo-shear")?;
    let path = tools_on_path()?;
    let run = |dependencies: &str| -> Result<Output> {
        let folder = scratch("//! A crate.\n", dependencies)?;
        let (program, arguments) = shear.split_first().context("a command")?;
        Ok(Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()?)
    };
    let passed = run("")?;
    let said = String::from_utf8_lossy(&passed.stderr);
    if said.contains("no such command") {
        ensure!(env::var_os("CI").is_none(), "CI must have cargo-shear");
        eprintln!("not run: cargo-shear is not installed; ./dev test brings it");
        return Ok(());
    }
    ensure!(passed.status.success(), "{said}");
    let refused = run("idle = { path = \"idle\" }")?;
    let said = [refused.stdout.as_slice(), &refused.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(!refused.status.success() && said.contains("idle"), "{said}");
    Ok(())
}

/// `PATH`, and where `./dev` keeps its tools.
fn tools_on_path() -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    if let Some(cache) = env::var_os("TWOFOLD_CACHE") {
        for entry in fs::read_dir(cache)? {
            folders.push(entry?.path().join("bin"));
        }
    }
    Ok(env::join_paths(folders)?)
}

/// Every `.rs` file under a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

fn crates() -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(root().join("crates"))? {
        folders.push(entry?.path());
    }
    Ok(folders)
}

#[test]
fn f21_no_crate_leaves_the_lints_and_no_line_hides_dead_code_without_a_reason() -> Result<()> {
    for folder in crates()? {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        ensure!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} has lints of its own",
            folder.display()
        );
        let mut files = Vec::new();
        sources(&folder.join("src"), &mut files)?;
        for file in files {
            let text = fs::read_to_string(&file)?;
            for (place, _) in text.match_indices("dead_code") {
                // `expect` fails by itself once it is not needed; it must say what for.
                let says_why = text[place..].lines().take(8).any(|line| line.contains("reason = \""));
                ensure!(says_why, "{} hides dead code", file.display());
            }
            for hidden in ["allow(dead", "allow(unused"] {
                ensure!(!text.contains(hidden), "{} hides dead code", file.display());
            }
        }
    }
    Ok(())
}

/// The names of all failpoints in the tree.
fn failpoints() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in ["cosigner", "store", "server"] {
        let mut files = Vec::new();
        sources(&root().join("crates").join(folder).join("src"), &mut files)?;
        for file in files {
            names.extend(failpoints_in(
                file.strip_prefix(root())?.to_str().context("a path in UTF-8")?,
            )?);
        }
    }
    ensure!(names.len() >= 20, "failpoints: {names:?}");
    // What takes them from the environment.
    names.extend(["FAILPOINTS", "TWOFOLD_KILL_AT", "TWOFOLD_FAIL_AT"].map(str::to_owned));
    Ok(names)
}

/// A binary as text, for searching.
fn text_of(program: &Path) -> Result<String> {
    let bytes = fs::read(program).with_context(|| program.display().to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn the_binaries_that_people_get_hold_no_failpoint() -> Result<()> {
    let Some(plain) = env::var_os("TWOFOLD_PLAIN_DIR").map(PathBuf::from) else {
        ensure!(
            env::var_os("CI").is_none(),
            "CI must say where the plain binaries are: TWOFOLD_PLAIN_DIR"
        );
        eprintln!("not run: ./dev test builds the plain binaries and sets TWOFOLD_PLAIN_DIR");
        return Ok(());
    };
    let names = failpoints()?;
    for program in ["twofold-server", "twofold"] {
        let text = text_of(&plain.join(program))?;
        for name in &names {
            ensure!(!text.contains(name), "{program} holds the failpoint {name}");
        }
    }
    // The same search finds them where they are.
    let text = text_of(&binary("twofold-server")?)?;
    for name in &names {
        ensure!(
            text.contains(name),
            "the tests' own twofold-server was built without the failpoint {name}"
        );
    }
    Ok(())
}
