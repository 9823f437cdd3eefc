//! What Prometheus and Grafana are given: promtool understands it, and an alert says what to do.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use twofold_testkit::promtool;

use crate::deploy::{deploy, text};

/// What the dashboard asks Prometheus.
fn questions() -> Result<Vec<String>> {
    let dashboard: Value = serde_json::from_str(&text("dashboard.json")?)?;
    let panels = dashboard["panels"].as_array().context("panels")?.iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    Ok(targets
        .filter_map(|target| target["expr"].as_str().map(str::to_owned))
        .collect())
}

/// The names of the alerts, and what each must have beside its question.
fn alerts() -> Result<Vec<String>> {
    let rules = text("alerts.yml")?;
    let mut names = Vec::new();
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().context("a name")?;
        ensure!(
            rule.contains("expr: ") && rule.contains("severity: ") && rule.contains("summary: "),
            "{name}"
        );
        names.push(name.to_owned());
    }
    Ok(names)
}

#[test]
fn each_alert_has_a_row_that_says_what_to_do() -> Result<()> {
    let page = fs::read_to_string(deploy("../docs/operating.md"))?;
    let alerts = alerts()?;
    ensure!(alerts.len() >= 10, "{alerts:?}");
    let rows = page.lines().filter(|line| line.starts_with("| `Twofold")).count();
    for alert in &alerts {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{alert}` |")));
        let row = row.with_context(|| format!("docs/operating.md says nothing of {alert}"))?;
        ensure!(
            row.trim_matches('|')
                .split(" | ")
                .nth(1)
                .is_some_and(|todo| todo.len() > 20),
            "{row}"
        );
    }
    ensure!(rows == alerts.len(), "a row without its alert");
    Ok(())
}

/// promtool checks the alerts in `./dev lint`; here it checks the dashboard, whose questions it does not read by itself.
#[test]
fn prometheus_understands_what_the_dashboard_asks() -> Result<()> {
    let questions = questions()?;
    ensure!(questions.len() > 20, "{questions:?}");
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (place, question) in questions.iter().enumerate() {
        let asked = question.replace("$__rate_interval", "5m").replace("$job", "twofold");
        ensure!(!asked.contains('$'), "{asked}");
        let quoted = serde_json::to_string(&asked)?;
        writeln!(rules, "      - record: \"asked:{place}\"\n        expr: {quoted}")?;
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rules.yml");
    fs::write(&file, rules)?;
    let Some(promtool) = promtool()? else {
        return Ok(());
    };
    let checked = Command::new(promtool).args(["check", "rules"]).arg(&file).output()?;
    ensure!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    Ok(())
}

/// Each alert's question is understood, and the tests beside them say when some of them fire. A question that is none, and an
/// alert that waits for another threshold than its test, are refused.
#[test]
fn the_alerts_are_understood_and_fire_when_they_should() -> Result<()> {
    let Some(promtool) = promtool()? else {
        return Ok(());
    };
    let (rules, tests) = (text("alerts.yml")?, text("alerts.test.yml")?);
    let folder = tempfile::tempdir()?;
    let accepted = |rules: &str| -> Result<bool> {
        fs::write(folder.path().join("alerts.yml"), rules)?;
        fs::write(folder.path().join("alerts.test.yml"), &tests)?;
        for (check, file) in [("check", "alerts.yml"), ("test", "alerts.test.yml")] {
            let mut command = Command::new(&promtool);
            command.args([check, "rules", file]).current_dir(folder.path());
            if !command.output()?.status.success() {
                return Ok(false);
            }
        }
        Ok(true)
    };
    ensure!(accepted(&rules)?, "promtool says what is wrong: ./dev lint");
    for (said, broken) in [
        ("twofold_ready == 0", "twofold_ready == = 0"),
        ("twofold_ready == 0", "twofold_ready == 7"),
        ("for: 2m", "for: 2 minutes"),
    ] {
        ensure!(rules.contains(said), "{said}");
        ensure!(!accepted(&rules.replace(said, broken))?, "{broken} was taken");
    }
    Ok(())
}
