//! A text, signed at one machine with its server, and checked at another that has neither keystore nor network.

use anyhow::{Context as _, Result};
use serde_json::Value;
use twofold_e2e::Deployment;

#[test]
fn a_text_is_signed_by_two_and_checked_by_anybody() -> Result<()> {
    let mut deployment = Deployment::start()?;
    let owner = deployment.person("laptop");
    let address = owner.settle(&deployment.invitation)?;
    let signed = owner.run(&["sign-message", "--address", &address, "I was here"])?;
    let signature = signed["signature"].as_str().context("a signature")?.to_owned();
    assert_eq!(signed["address"].as_str(), Some(address.as_str()));
    let file = deployment.folder().join("letter.txt");
    std::fs::write(&file, "I was here")?;
    let file = file.to_str().context("a path in UTF-8")?;
    let again = owner.run(&["sign-message", "--index", "0", "--file", file])?;
    assert_eq!(again["address"], signed["address"]);

    let log = owner.run(&["audit", "verify"])?;
    let entries = log["entries"].as_array().context("a list")?;
    let texts = entries.iter().filter(|entry| entry["event"] == "message_signed");
    assert_eq!(texts.count(), 2);

    deployment.kill()?;
    let stranger = deployment.person("stranger");
    for text in [&["I was here"][..], &["--file", file]] {
        let checked = stranger.run(&[&["verify-message", &address, &signature], text].concat())?;
        assert_eq!(checked["valid"], Value::Bool(true));
    }
    let refused = stranger.refused(&["verify-message", &address, &signature, "I was never here"])?;
    assert_eq!(refused.code, 9, "{refused:?}");
    Ok(())
}
