//! Secrets are where they belong and nowhere else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use twofold_e2e::Deployment;

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// A secret in the forms in which it could leak.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex = secret
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect::<String>();
    vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()]
}

#[test]
fn o03_no_secret_is_in_the_servers_logs_or_database_at_the_most_talkative_level() -> Result<()> {
    let mut deployment = Deployment::start()?;
    deployment.log_level("trace")?;
    let owner = deployment.person("laptop");
    owner.settle(&deployment.invitation)?;
    owner.run(&["balance"])?;
    owner.refused(&[
        "send",
        "--to",
        "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202",
        "--amount",
        "1btc",
        "--yes",
    ])?;
    let words = fs::read_to_string(owner.home().with_extension("words"))?;
    let kek = fs::read_to_string(deployment.data().join("kek"))?;
    let kek = (0..kek.trim().len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&kek[at..at + 2], 16))
        .collect::<Result<Vec<_>, _>>()?;
    let mut secrets = forms(&kek);
    secrets.push(owner.passphrase().into());
    secrets.push(words.trim().into());
    secrets.push(words.split_whitespace().take(3).collect::<Vec<_>>().join(" ").into());
    secrets.push(deployment.invitation.clone().into());
    deployment.kill()?;

    let mut searched = files(&deployment.data())?;
    // The KEK file is where the KEK belongs.
    searched.retain(|path| path.file_name().is_none_or(|name| name != "kek"));
    assert!(
        searched
            .iter()
            .any(|path| path.extension().is_some_and(|end| end == "db")),
        "{searched:?}"
    );
    searched.push(deployment.log());
    for path in searched {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        for secret in &secrets {
            assert!(
                !holds(&bytes, secret),
                "{} holds {:?}",
                path.display(),
                String::from_utf8_lossy(secret)
            );
        }
    }
    // The search finds what is there: the device's name is in the database, in plain.
    let database = files(&deployment.data())?
        .iter()
        .map(fs::read)
        .collect::<std::io::Result<Vec<_>>>()?
        .concat();
    assert!(holds(&database, b"laptop"));
    Ok(())
}
