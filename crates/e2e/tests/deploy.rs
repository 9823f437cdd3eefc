//! What is shipped beside the binary: the unit, the firewall's example, the image's recipe. What can't run here is read.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

fn deploy(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(name)
}

fn text(name: &str) -> Result<String> {
    fs::read_to_string(deploy(name)).with_context(|| name.to_owned())
}

/// What `key` says in a unit, however often it says something.
fn said(unit: &str, key: &str) -> Vec<String> {
    let assigned = unit.lines().filter_map(|line| line.split_once('='));
    let of_key = assigned.filter(|(name, _)| *name == key);
    of_key.map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn o05_the_shipped_unit_locks_memory_dumps_nothing_and_swaps_nothing() -> Result<()> {
    let unit = text("twofold-server.service")?;
    for (key, value) in [
        ("LimitCORE", "0"),
        ("LimitMEMLOCK", "infinity"),
        ("MemorySwapMax", "0"),
        ("User", "twofold"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("UMask", "0077"),
    ] {
        ensure!(said(&unit, key) == [value], "{key}: {:?}", said(&unit, key));
    }
    let calls = said(&unit, "SystemCallFilter");
    ensure!(calls.iter().any(|calls| calls.contains("mlockall")), "{calls:?}");
    Ok(())
}

/// systemd gives 0 to what is safe and 10 to what is not.
#[test]
fn the_shipped_unit_scores_below_two_at_systemd_analyze_security() -> Result<()> {
    let unit = deploy("twofold-server.service");
    let Ok(analysed) = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--no-pager", "--threshold=20"])
        .arg(&unit)
        .output()
    else {
        eprintln!("not run: systemd-analyze is not installed");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&analysed.stdout);
    let score = said.lines().find(|line| line.contains("Overall exposure level"));
    let Some(score) = score else {
        // Before version 250 it knows no files.
        eprintln!("not run: {}", String::from_utf8_lossy(&analysed.stderr));
        return Ok(());
    };
    let value = score.rsplit(": ").next().and_then(|rest| rest.split(' ').next());
    let value: f64 = value.context("a score")?.parse()?;
    ensure!(value < 2.0, "{score}");
    Ok(())
}

#[test]
fn the_image_holds_the_server_alone_and_runs_as_nobody() -> Result<()> {
    let recipe = text("Dockerfile")?;
    let (_, last) = recipe.rsplit_once("\nFROM ").context("two stages")?;
    ensure!(last.contains("distroless") || last.starts_with("scratch"), "{last}");
    ensure!(
        recipe.contains("cargo build --release --locked --package twofold-server"),
        "{recipe}"
    );
    let user = last
        .lines()
        .find_map(|line| line.strip_prefix("USER "))
        .context("a user")?;
    ensure!(
        user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)),
        "{user}"
    );
    for word in ["HEALTHCHECK ", "ENTRYPOINT [", "STOPSIGNAL SIGTERM"] {
        ensure!(last.lines().any(|line| line.starts_with(word)), "{word}: {last}");
    }
    let compose = text("compose.yaml")?;
    for word in [
        "read_only: true",
        "cap_drop: [ALL]",
        "no-new-privileges:true",
        "memlock: -1",
        "core: 0",
    ] {
        ensure!(compose.contains(word), "{word}");
    }
    Ok(())
}

#[test]
fn the_firewalls_example_drops_what_it_does_not_name() -> Result<()> {
    let rules = text("nftables.conf")?;
    for hook in ["input", "forward", "output"] {
        let chain = rules.split(&format!("hook {hook} ")).nth(1).context("a chain")?;
        ensure!(
            chain.lines().next().is_some_and(|line| line.ends_with("policy drop;")),
            "{hook}"
        );
    }
    // nft reads rules without taking them, but asks the kernel for leave.
    if let Ok(read) = Command::new("nft")
        .args(["-c", "-f"])
        .arg(deploy("nftables.conf"))
        .output()
    {
        let said = String::from_utf8_lossy(&read.stderr);
        ensure!(!said.contains("syntax error"), "{said}");
    }
    Ok(())
}
