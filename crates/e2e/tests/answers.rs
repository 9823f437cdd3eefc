//! What the command line answers to what can't be: one sentence that says what to do, and the code that the help names.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::{Deployment, Person};

/// The message of a refusal with this code, as a program reads it.
fn refused(person: &Person, arguments: &[&str], code: i32) -> Result<String> {
    let failure = person.refused(arguments)?;
    ensure!(failure.code == code, "{arguments:?} ended with {}", failure.code);
    let answer: Value = serde_json::from_str(&failure.stdout).with_context(|| failure.stdout.clone())?;
    let message = answer["error"]["message"].as_str();
    Ok(message.context("a message")?.to_owned())
}

#[test]
fn no_second_wallet_takes_the_name_of_another_and_each_is_named_where_one_must_be_chosen() -> Result<()> {
    let deployment = Deployment::start()?;
    let owner = deployment.person("owner");
    owner.settle(&deployment.invitation)?;
    let place = |name: &str| deployment.folder().join(name).display().to_string();
    std::fs::write(place("invitation"), &deployment.invitation)?;
    let opening = place("opening");
    let holder = [
        ("--invitation", "invitation"),
        ("--state", "state"),
        ("--words-file", "hers"),
    ];
    let mut new = vec!["recovery".to_owned(), "new".into(), "--out".into(), opening.clone()];
    new.extend(holder.iter().flat_map(|(flag, file)| [(*flag).to_owned(), place(file)]));
    owner.run(&new.iter().map(String::as_str).collect::<Vec<_>>())?;

    let (words, message) = (place("words"), place("message"));
    let second = ["create", "--name", "savings", "--words-file", &words, "--yes"];
    let with_holder = ["create", "--name", "savings", "--recovery", &opening, "--out", &message];
    for taken in [&second[..], &with_holder] {
        let said = refused(&owner, taken, 2)?;
        ensure!(said.contains("called savings"), "{said}");
    }
    owner.run(&["create", "--name", "holidays", "--words-file", &words, "--yes"])?;
    let said = refused(&owner, &["wallet", "rename", "savings", "--wallet", "holidays"], 2)?;
    ensure!(said.contains("called savings"), "{said}");

    let said = refused(&owner, &["balance"], 2)?;
    let listed = owner.run(&["wallet", "list"])?;
    for wallet in listed["wallets"].as_array().context("wallets")? {
        let (name, id) = (wallet["name"].as_str(), wallet["wallet"].as_str());
        let told = format!("{} ({})", name.context("a name")?, id.context("an id")?);
        ensure!(said.contains(&told), "{told} is not in: {said}");
    }
    Ok(())
}

#[test]
fn a_program_gets_an_object_also_where_its_command_line_can_t_be_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let nobody = Person::new(&folder.path().join("home"));
    for (arguments, told) in [
        (&["payout"][..], "unrecognized subcommand 'payout'"),
        (&["send"], "--to <ADDRESS|URI>"),
        (&["bump-fee", "5a3f"], "64 hex digits"),
        (&["coins", "freeze", "5a3f:1"], "TXID:NUMBER"),
    ] {
        let said = refused(&nobody, arguments, 2)?;
        ensure!(said.contains(told) && !said.contains('\n'), "{said}");
    }
    let help = nobody.command(&["send", "--help"])?.output()?;
    ensure!(help.status.success() && help.stdout.starts_with(b"Pay someone"));
    Ok(())
}
