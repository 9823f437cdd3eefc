//! What is shipped beside the binary: the unit, the firewall's example, the image's recipe. What can't run here is read.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};

pub(crate) fn deploy(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy")).join(name)
}

pub(crate) fn text(name: &str) -> Result<String> {
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
        ensure!(env::var_os("CI").is_none(), "CI must have systemd-analyze");
        eprintln!("not run: systemd-analyze is not installed");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&analysed.stdout);
    let score = said.lines().find(|line| line.contains("Overall exposure level"));
    let Some(score) = score else {
        // Before version 250 it knows no files.
        ensure!(env::var_os("CI").is_none(), "CI must have systemd 250 or newer");
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

/// What Caddy serves pages with is what the doctor asks for, and nothing of the server's is beside it.
#[test]
fn database_and_web_pages_are_apart_from_the_server() -> Result<()> {
    let compose = text("compose.yaml")?;
    let (_, database) = compose.split_once("\n  database:\n").context("a database")?;
    let (database, _) = database.split_once("\n\n").context("another service")?;
    for word in [
        "network_mode: none",
        "listen_addresses=",
        "--auth=scram-sha-256",
        "./database.sql:",
    ] {
        ensure!(database.contains(word), "{word}");
    }
    ensure!(!database.contains("ports:"), "it is reached from elsewhere");
    let (server, _) = compose.split_once("\n  database:\n").context("a database")?;
    ensure!(!server.contains("ports:"), "the server's ports are the proxy's");
    let web = text("compose.web.yaml")?;
    for foreign in ["twofold-server", "./data", "./config:", "/run/twofold"] {
        ensure!(!web.contains(foreign), "{foreign}");
    }
    let pages = text("Caddyfile.web")?;
    for header in [
        "Strict-Transport-Security \"max-age=",
        "Content-Security-Policy \"default-src 'none'; script-src 'self'",
        "frame-ancestors 'none'",
        "X-Content-Type-Options nosniff",
    ] {
        ensure!(pages.contains(header), "{header}");
    }
    ensure!(!pages.contains("reverse_proxy"), "it hands on what is asked");
    Ok(())
}

/// The words of a JSON array in a recipe.
fn words(instruction: &str) -> Result<Vec<String>> {
    serde_json::from_str(instruction.trim()).with_context(|| format!("{instruction} is no JSON array"))
}

/// A recipe's instructions, each on one line, by name.
fn instructions(recipe: &str) -> Vec<(String, String)> {
    let joined = recipe.replace("\\\n", " ");
    let lines = joined
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let split = lines.filter_map(|line| line.trim().split_once(' '));
    split
        .map(|(name, rest)| (name.to_owned(), rest.trim().to_owned()))
        .collect()
}

/// What a recipe may do.
const KNOWN: [&str; 11] = [
    "FROM",
    "WORKDIR",
    "COPY",
    "RUN",
    "USER",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
    "ENV",
];

#[test]
fn f14_the_images_recipe_builds_this_trees_server_and_starts_it_as_it_is_started() -> Result<()> {
    let recipe = instructions(&text("Dockerfile")?);
    let all = |name: &str| -> Vec<&str> {
        let of_name = recipe.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, rest)| rest.as_str()).collect()
    };
    for (name, rest) in &recipe {
        ensure!(
            KNOWN.contains(&name.as_str()),
            "{name} {rest}: nothing is fetched but by cargo"
        );
    }
    // The compiler is as new as the tree asks for, and no image is whatever is newest.
    let root = deploy("..");
    let wanted = fs::read_to_string(root.join("Cargo.toml"))?;
    let wanted = wanted.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let wanted = wanted.context("rust-version")?.trim_matches('"');
    let [build, serve] = all("FROM")[..] else {
        anyhow::bail!("two stages")
    };
    let version = |text: &str| -> Option<(u32, u32)> {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let compiler = build.strip_prefix("rust:").and_then(|rest| rest.split('-').next());
    let compiler = compiler.and_then(version).with_context(|| build.to_owned())?;
    let least = version(wanted).with_context(|| wanted.to_owned())?;
    ensure!(compiler >= least, "{build}, and the tree wants {wanted}");
    for image in [build, serve] {
        let (_, tag) = image.split_once(':').context("a tag")?;
        ensure!(!tag.starts_with("latest"), "{image}");
    }

    // What is built is there to be built.
    let [command] = all("RUN")[..] else {
        anyhow::bail!("one command")
    };
    let package = command
        .strip_prefix("cargo build --release --locked --package ")
        .with_context(|| command.to_owned())?;
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--locked",
        ])
        .current_dir(&root)
        .output()?;
    ensure!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let of_name = packages.iter().find(|known| known["name"] == package);
    let targets = of_name.context("the package")?["targets"]
        .as_array()
        .context("targets")?;
    let binary = |target: &&serde_json::Value| target["kind"][0] == "bin";
    let binary = targets.iter().find(binary).context("a binary")?;
    let binary = binary["name"].as_str().context("its name")?;

    // It is copied from where it is built to where it is started.
    let [folder] = all("WORKDIR")[..] else {
        anyhow::bail!("one folder")
    };
    let [_, copied] = all("COPY")[..] else {
        anyhow::bail!("the tree in, and the binary out")
    };
    let copied: Vec<_> = copied.split(' ').filter(|word| !word.starts_with("--")).collect();
    let [entry] = all("ENTRYPOINT")[..] else {
        anyhow::bail!("one entry")
    };
    let entry = words(entry)?;
    ensure!(
        copied == [format!("{folder}/target/release/{binary}").as_str(), entry[0].as_str()],
        "{copied:?}"
    );

    // And the binary knows what it is asked: a word that it does not know would be a fault of usage.
    let Some(server) = crate::production::plain()? else {
        return Ok(());
    };
    let health = all("HEALTHCHECK")[0].split_once(" CMD ").context("a command")?.1;
    let health = words(health)?;
    ensure!(health[0] == entry[0], "{health:?}");
    let asked = [words(all("CMD")[0])?, health[1..].to_vec()];
    for words in asked {
        let told = Command::new(&server).args(&words).output()?;
        let code = told.status.code().context("it ended by itself")?;
        ensure!(
            ![0, 2].contains(&code),
            "{words:?}: {code}: {}",
            String::from_utf8_lossy(&told.stderr)
        );
    }

    // What is no source stays out of the image that builds it.
    let left_out = text("Dockerfile.dockerignore")?;
    for name in ["target", ".git"] {
        ensure!(left_out.lines().any(|line| line == name), "{name}");
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

#[test]
fn o09_a_release_is_tested_built_twice_and_touched_by_nobodys_action() -> Result<()> {
    let workflow = fs::read_to_string(deploy("../.github/workflows/release.yml"))?;
    let said: Vec<&str> = workflow.lines().map(str::trim).collect();
    ensure!(
        !said
            .iter()
            .any(|line| line.trim_start_matches("- ").starts_with("uses:")),
        "somebody else's action runs in it"
    );
    ensure!(said.contains(&"permissions: {}"), "it may do more than its jobs say");
    let place = |what: &str| {
        said.iter()
            .position(|line| line.ends_with(what))
            .context(what.to_owned())
    };
    let (tests, builds) = (place("run: .ci/run")?, place("run: ./dev release --check")?);
    ensure!(
        tests < builds && place("needs: test")? < builds,
        "it is built before it is tested"
    );
    ensure!(
        said.iter().filter(|line| **line == "contents: write").count() == 1,
        "more than one job writes"
    );
    Ok(())
}

/// What the nightly builds twice: the scripts are tried there, here they are held to what they must say.
#[test]
fn o09_two_builds_are_compared_and_their_bill_is_held_to_what_is_linked_in() -> Result<()> {
    let script = fs::read_to_string(deploy("../dev.d/release.sh"))?;
    for word in [
        "--remap-path-prefix=",
        "-ffile-prefix-map=",
        "SOURCE_DATE_EPOCH=",
        "cargo cyclonedx",
        "cargo tree --locked",
    ] {
        ensure!(script.contains(word), "{word}");
    }
    let dev = fs::read_to_string(deploy("../dev"))?;
    for step in [
        "step \"two builds, one hash\" two_releases",
        "step \"TLS, by testssl.sh\" tls_scan",
        "step \"image recipe\" images",
    ] {
        ensure!(dev.contains(step), "{step}");
    }
    Ok(())
}
