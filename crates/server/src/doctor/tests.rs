use std::{path::Path, time::Duration};

use super::{LOOKS, Verdict, examine};
use crate::{
    config::{Config, Mode},
    development, production,
};

/// Long enough for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(folder: &Path) -> Config {
    development::prepare(folder, 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap()
}

#[test]
fn o11_every_check_of_production_and_every_look_has_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let findings = examine(&config(folder.path()), PATIENCE);
    let checks = production::CHECKS.iter().flat_map(|checks| checks.iter());
    let wanted = checks
        .map(|check| check.name)
        .chain(LOOKS.iter().map(|look| look.check));
    for name in wanted {
        assert!(
            findings.iter().any(|finding| finding.check == name),
            "{name}: {findings:?}"
        );
    }
    for finding in findings {
        assert_eq!(finding.remedy.is_none(), finding.verdict == Verdict::Ok, "{finding:?}");
    }
}

#[test]
fn o11_what_is_unsafe_fails_in_production_and_is_worth_a_look_in_development() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.log.level = "trace".into();
    let mut verdict = |mode| {
        config.mode = mode;
        let found = examine(&config, PATIENCE);
        found
            .iter()
            .find(|finding| finding.check == "log.level")
            .unwrap()
            .verdict
    };
    assert_eq!(verdict(Mode::Production), Verdict::Fail);
    assert_eq!(verdict(Mode::Development), Verdict::Warn);
}
