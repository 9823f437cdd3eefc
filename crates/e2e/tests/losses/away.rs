//! The words stay on a machine of their own, and files pass: a lost device's place, and the old words' voice for new ones.

use std::{fs, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_e2e::{Person, process::Leashed};

use super::{Owner, table::text};
use crate::{
    line::Dice,
    recovery::{answered, elsewhere},
};

impl Owner {
    fn place(&self, name: &str) -> Result<String> {
        Ok(text(&self.deployment.folder().join(name))?.to_owned())
    }

    /// The new machine writes a request; without an invitation where it has joined.
    fn asks(&self, new: &Person, invitation: Option<&str>, file: &str) -> Result<Value> {
        let mut ask = vec!["recover"];
        ask.extend(invitation);
        ask.extend(["--wallet", &self.wallet, "--ask", file]);
        let asked = new.run(&ask)?;
        ensure!(asked["recovered"] == false && asked["ask"] == file, "{asked}");
        Ok(asked)
    }

    /// The words answer it on a machine that has nothing but them, and see what the new machine shows.
    fn answers(&self, asked: &Value, file: &str, state: Option<&str>) -> Result<String> {
        let out = format!("{file}.answer");
        let mut answer = vec![
            "recovery",
            "continue",
            file,
            "--out",
            &out,
            "--words-file",
            text(&self.words)?,
        ];
        answer.extend(state.into_iter().flat_map(|state| ["--state", state]));
        let unasked = elsewhere(&answer)?;
        ensure!(
            unasked.status.code() == Some(2),
            "without --yes nothing is answered: {unasked:?}"
        );
        answer.push("--yes");
        let there = answered(&elsewhere(&answer)?)?;
        ensure!(
            there["machine"] == asked["machine"] && there["fingerprint"] == asked["fingerprint"],
            "{there} and {asked}"
        );
        Ok(out)
    }

    /// Both passes, up to the last file.
    fn up_to_the_last_file(&self, new: &Person, state: Option<&str>) -> Result<String> {
        let (first, second) = (self.place("first")?, self.place("second")?);
        let asked = self.asks(new, Some(&self.invitation(Some("0s"))?), &first)?;
        let answer = self.answers(&asked, &first, state)?;
        let begun = new.run(&["recovery", "continue", &answer])?;
        ensure!(
            begun["recovered"] == false && begun["fingerprint"].is_string(),
            "{begun}"
        );
        let asked = self.asks(new, None, &second)?;
        self.answers(&asked, &second, state)
    }
}

#[test]
fn words_typed_on_another_machine_give_a_new_one_the_lost_device_s_place_by_four_files() -> Result<()> {
    let owner = Owner::new()?;
    let new = owner.deployment.person("new");
    let last = owner.up_to_the_last_file(&new, None)?;
    // Someone who copied it, and has an invitation, has nothing.
    let thief = owner.deployment.person("thief");
    owner.asks(&thief, Some(&owner.invitation(Some("0s"))?), &owner.place("theirs")?)?;
    let refused = thief.refused(&["recovery", "continue", &last])?;
    ensure!(
        refused.code == 2 && refused.stdout.contains("no such answer"),
        "{}",
        refused.stdout
    );
    let done = new.run(&["recovery", "continue", &last])?;
    ensure!(
        done["recovered"] == true && done["revoked"].as_array().map(Vec::len) == Some(1),
        "{done}"
    );
    owner.lives_on(&new)
}

#[test]
fn an_offline_holder_s_sealed_state_holds_a_recovery_to_the_wallet_that_was_made_with_it() -> Result<()> {
    let mut owner = Owner::bare()?;
    let place = |name: &str| owner.place(name);
    let (invitation, opening, state) = (place("invitation")?, place("opening")?, place("state")?);
    let (message, answer, words) = (place("message")?, place("answer")?, place("holder.words")?);
    fs::write(&invitation, &owner.deployment.invitation)?;
    let begin = [
        "recovery",
        "new",
        "--invitation",
        &invitation,
        "--out",
        &opening,
        "--state",
        &state,
    ];
    answered(&elsewhere(&[&begin[..], &["--words-file", &words]].concat())?)?;
    owner
        .laptop
        .run(&["create", "--name", "savings", "--recovery", &opening, "--out", &message])?;
    let go_on = ["recovery", "continue", &message, "--state", &state, "--out", &answer];
    answered(&elsewhere(&[&go_on[..], &["--words-file", &words]].concat())?)?;
    owner.laptop.run(&["recovery", "continue", &answer])?;
    owner.words = words.into();
    owner.funded()?;

    let new = owner.deployment.person("new");
    let last = owner.up_to_the_last_file(&new, Some(&state))?;
    let done = new.run(&["recovery", "continue", &last])?;
    ensure!(done["recovered"] == true, "{done}");
    owner.lives_on(&new)?;

    // A request about another wallet is refused by that state, whoever's words are typed.
    let other = Owner::new()?;
    let stranger = other.deployment.person("stranger");
    let file = other.place("ask")?;
    other.asks(&stranger, Some(&other.invitation(Some("0s"))?), &file)?;
    let answer = ["recovery", "continue", &file, "--state", &state, "--out", &opening];
    let refused = elsewhere(&[&answer[..], &["--words-file", text(&owner.words)?, "--yes"]].concat())?;
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    ensure!(refused.status.code() == Some(2), "{said}");
    Ok(())
}

#[test]
fn p21_kill_9_of_the_new_machine_at_any_moment_of_the_last_file_and_a_run_more_brings_the_wallet() -> Result<()> {
    let owner = Owner::new()?;
    let new = owner.deployment.person("new");
    let last = owner.up_to_the_last_file(&new, None)?;
    let mut dice = Dice(0xa44);
    for run in 0..6 {
        let mut child = Leashed::spawn(&mut new.command(&["recovery", "continue", &last])?)?;
        thread::sleep(Duration::from_millis(80 * run + dice.below(150)));
        child.kill()?;
    }
    match new.try_run(&["recovery", "continue", &last])? {
        Ok(done) => ensure!(done["recovered"] == true, "{done}"),
        // It was done before the last kill.
        Err(refused) => ensure!(refused.stdout.contains("taken already"), "{}", refused.stdout),
    }
    let again = new.run(&["recover", "--wallet", &owner.wallet, "--ask", &owner.place("third")?])?;
    ensure!(again["recovered"] == true, "{again}");
    owner.lives_on(&new)
}

#[test]
fn the_old_words_speak_for_new_ones_from_another_machine_by_two_files() -> Result<()> {
    let mut owner = Owner::new()?;
    let (ask, new) = (owner.place("ask")?, owner.place("new.words")?);
    let replace = ["recovery", "replace", "--new-words-file", &new, "--yes"];
    let asked = owner.laptop.run(&[&replace[..], &["--ask", &ask]].concat())?;
    ensure!(asked["done"] == false, "{asked}");
    let answer = owner.answers(&asked, &ask, None)?;
    let done = owner.laptop.run(&[&replace[..], &["--voice", &answer]].concat())?;
    ensure!(done["done"] == true && done["refreshed"] == true, "{done}");
    owner.words = new.into();
    let package = owner.export(&owner.laptop, "after.package").context("exports")?;
    owner.fits(&package)
}
