//! Other recovery words, in the three ways in which they can live, typed as docs/recover.md has it.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Owner, table::text};
use crate::recovery::{answered, elsewhere};

impl Owner {
    /// Where the new words are written, as a path in text.
    fn new_words(&self) -> Result<String> {
        Ok(text(&self.deployment.folder().join("new.words"))?.to_owned())
    }

    /// The new words are the wallet's: they open what the laptop exports, they recover, and the old ones do neither.
    fn has_new_words(&mut self) -> Result<()> {
        let package = self.export(&self.laptop, "after.package")?;
        let old = text(&self.words)?.to_owned();
        let refused = elsewhere(&["recovery", "check", "--package", &package, "--words-file", &old])?;
        ensure!(refused.status.code() == Some(2), "{refused:?}");
        let invitation = self.invitation(Some("0s"))?;
        let thief = self.deployment.person("thief");
        let refused = thief.refused(&self.recover(Some(&invitation))?)?;
        ensure!(refused.stdout.contains("NOT_RECOVERY"), "{}", refused.stdout);
        self.words = self.new_words()?.into();
        self.fits(&package)?;
        let new = self.comes_back(&self.invitation(Some("0s"))?)?;
        self.lives_on(&new)
    }
}

fn done(replaced: &Value) -> Result<()> {
    ensure!(
        replaced["done"] == true && replaced["refreshed"] == true && replaced["epoch"] == 2,
        "{replaced}"
    );
    Ok(())
}

#[test]
fn the_old_words_put_new_ones_in_their_place_at_once_and_are_void() -> Result<()> {
    let mut owner = Owner::new()?;
    let (old, new) = (text(&owner.words)?.to_owned(), owner.new_words()?);
    let replace = [
        "recovery",
        "replace",
        "--words-file",
        &old,
        "--new-words-file",
        &new,
        "--yes",
    ];
    done(&owner.laptop.run(&replace)?)?;
    owner.has_new_words()
}

#[test]
fn a24_where_the_old_words_are_lost_the_operators_yes_and_the_wait_put_new_ones_in_their_place() -> Result<()> {
    let mut owner = Owner::new()?;
    owner.deployment.kill()?;
    owner
        .deployment
        .set_environment(&[("TWOFOLD__WAITS__LONG_SECONDS", "0")]);
    owner.deployment.resume()?;
    let new = owner.new_words()?;
    let replace = ["recovery", "replace", "--new-words-file", &new, "--yes"];
    let asked = owner.laptop.run(&replace)?;
    ensure!(asked["done"] == false && asked["waiting"]["what"] == "words", "{asked}");
    let again = owner.laptop.run(&replace)?;
    ensure!(again["waiting"]["change"] == asked["waiting"]["change"], "{again}");
    let change = asked["waiting"]["change"].to_string();
    owner.operator(&["approve", &owner.wallet, &change])?;
    done(&owner.laptop.run(&replace)?)?;
    owner.has_new_words()
}

#[test]
fn new_words_on_another_machine_take_the_old_ones_place_by_three_files() -> Result<()> {
    let mut owner = Owner::new()?;
    let place = |name: &str| owner.deployment.folder().join(name).to_string_lossy().into_owned();
    let (invitation, opening, state) = (place("invitation"), place("opening"), place("state"));
    let (message, answer, new) = (place("message"), place("answer"), owner.new_words()?);
    fs::write(&invitation, &owner.deployment.invitation)?;
    let begin = [
        "recovery",
        "new",
        "--replace",
        "--invitation",
        &invitation,
        "--out",
        &opening,
    ];
    answered(&elsewhere(
        &[&begin[..], &["--state", &state, "--words-file", &new]].concat(),
    )?)?;
    let old = text(&owner.words)?.to_owned();
    let ask = ["recovery", "replace", "--recovery", &opening, "--out", &message];
    owner.laptop.run(&[&ask[..], &["--words-file", &old]].concat())?;
    let go_on = ["recovery", "continue", &message, "--state", &state, "--out", &answer];
    let there = answered(&elsewhere(&[&go_on[..], &["--words-file", &new]].concat())?)?;
    let here = owner.laptop.run(&["recovery", "continue", &answer])?;
    done(&here)?;
    ensure!(here["fingerprint"] == there["fingerprint"], "{here} and {there}");
    owner.has_new_words()
}

#[test]
fn p21_kill_9_of_the_server_at_each_step_of_new_words_leaves_the_old_or_the_new_ones() -> Result<()> {
    use crate::kills::{end_of, failpoints_in, require_failpoints};

    require_failpoints()?;
    let mut places = failpoints_in("crates/cosigner/src/rpc/repair_recovery.rs")?;
    places.extend(failpoints_in("crates/cosigner/src/rpc/replace_recovery.rs")?);
    ensure!(places.len() == 5, "{places:?}");
    let mut owner = Owner::new()?;
    let (old, new) = (text(&owner.words)?.to_owned(), owner.new_words()?);
    let replace = [
        "recovery",
        "replace",
        "--words-file",
        &old,
        "--new-words-file",
        &new,
        "--yes",
    ];
    for place in &places {
        owner.deployment.kill()?;
        owner.deployment.set_environment(&[("TWOFOLD_KILL_AT", place)]);
        owner.deployment.resume()?;
        let mut child = twofold_e2e::process::Leashed::spawn(&mut owner.laptop.command(&replace)?)?;
        ensure!(end_of(owner.deployment.server()?)?.is_some(), "{place} was not reached");
        child.kill()?;
    }
    owner.deployment.set_environment(&[]);
    owner.deployment.resume()?;
    // The last kill was after the commit: the new words are the wallet's, and say so.
    let refused = owner.laptop.refused(&replace)?;
    ensure!(refused.stdout.contains("twofold refresh"), "{}", refused.stdout);
    let refreshed = owner.laptop.run(&["refresh"])?;
    ensure!(refreshed["epoch"] == 2, "{refreshed}");
    owner.has_new_words().context("with the new words")
}
