//! The machine around the server, as far as its own user may look, and what stands there of backups and drills.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use super::Finding;
use crate::{
    config::{Config, DatabaseKind},
    mark,
};

const DAY: u64 = 86_400;

pub(super) fn firewall(_: &Config, _: u64) -> Vec<Finding> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let drops = read("/etc/nftables.conf").contains("policy drop");
    let ufw = read("/etc/ufw/ufw.conf")
        .lines()
        .any(|line| line.trim() == "ENABLED=yes");
    vec![match (drops, ufw) {
        (true, _) => Finding::well("firewall", "/etc/nftables.conf drops what it does not name"),
        (false, true) => Finding::well("firewall", "ufw is enabled"),
        (false, false) => Finding::warn(
            "firewall",
            "no rules are found in /etc/nftables.conf or of ufw",
            "start from deploy/nftables.conf, unless another machine in front does this",
        ),
    }]
}

pub(super) fn sshd(_: &Config, _: u64) -> Vec<Finding> {
    let mut text = String::new();
    // What is included comes first, and the first word counts.
    let mut included: Vec<_> = fs::read_dir("/etc/ssh/sshd_config.d")
        .map(|folder| folder.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    included.sort();
    for path in included
        .iter()
        .map(std::path::PathBuf::as_path)
        .chain([Path::new("/etc/ssh/sshd_config")])
    {
        text.push_str(&fs::read_to_string(path).unwrap_or_default());
        text.push('\n');
    }
    if text.trim().is_empty() {
        return vec![Finding::well(
            "sshd",
            "none is configured, or its configuration is not readable",
        )];
    }
    let loose = loose(&text);
    if loose.is_empty() {
        return vec![Finding::well("sshd", "keys only, and not for root")];
    }
    let remedy = "set PasswordAuthentication no and PermitRootLogin no in /etc/ssh/sshd_config";
    vec![Finding::warn("sshd", loose.join(", "), remedy)]
}

/// What lets in more than keys of others than root.
fn loose(config: &str) -> Vec<&'static str> {
    let said = |key: &str| {
        let mut lines = config.lines().map(str::split_whitespace);
        let value = lines.find_map(|mut words| {
            let of_key = words.next().is_some_and(|word| word.eq_ignore_ascii_case(key));
            words.next().filter(|_| of_key)
        });
        value.map(str::to_lowercase)
    };
    let mut loose = Vec::new();
    if said("PasswordAuthentication").as_deref() != Some("no") {
        loose.push("passwords are taken");
    }
    if said("PermitRootLogin").as_deref() == Some("yes") {
        loose.push("root may log in");
    }
    loose
}

pub(super) fn database(config: &Config, _: u64) -> Vec<Finding> {
    let check = "database host";
    if config.database.kind == DatabaseKind::Sqlite {
        return vec![Finding::well(check, "the data is in files of this machine")];
    }
    let elsewhere = config.database.elsewhere();
    if !elsewhere.is_empty() {
        return vec![Finding::well(check, elsewhere.join(", "))];
    }
    let remedy = "give it a machine of its own: who gets into this one has the data and the KEK at once";
    vec![Finding::warn(check, "PostgreSQL runs on this machine", remedy)]
}

pub(super) fn disk(config: &Config, _: u64) -> Vec<Finding> {
    let Ok(found) = rustix::fs::statvfs(&config.data_dir) else {
        let remedy = "is the server set up, and may this user look there?";
        return vec![Finding::warn(
            "disk",
            format!("{} can't be looked at", config.data_dir.display()),
            remedy,
        )];
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let percent = found.f_bavail.saturating_mul(100) / found.f_blocks.max(1);
    let told = format!("{} MiB free, {percent}%", free >> 20);
    let remedy = "make room: a full disk refuses every signature";
    vec![match (free >> 20, percent) {
        (0..512, _) => Finding::fail("disk", told, remedy),
        (512..2_048, _) | (_, 0..5) => Finding::warn("disk", told, remedy),
        _ => Finding::well("disk", told),
    }]
}

pub(super) fn anchor(config: &Config, _: u64) -> Vec<Finding> {
    let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
    let folder = config.anchor_file.as_deref().and_then(Path::parent);
    let (Some(anchor), Some(data)) = (folder.and_then(device), device(&config.data_dir)) else {
        return vec![Finding::warn(
            "anchor",
            "anchor or data are not there",
            "start the server once",
        )];
    };
    if anchor == data {
        let remedy = "mount another volume for anchor_file: one that is restored with the data knows no more than it";
        return vec![Finding::warn("anchor", "on the same volume as the data", remedy)];
    }
    vec![Finding::well("anchor", "on a volume of its own")]
}

pub(super) fn backup(config: &Config, now: u64) -> Vec<Finding> {
    let mut findings = vec![aged(
        "backup",
        mark::read(&config.data_dir, mark::BACKUP),
        now,
        2,
        "twofold-server backup --out FILE, every night (docs/operating.md)",
    )];
    if config.backup.recipient.is_none() {
        let remedy = "twofold-server backup-key on a machine that stays offline, and its recipient into [backup]";
        findings.push(Finding::warn(
            "backup",
            "no backup.recipient: devices keep nothing for a restore",
            remedy,
        ));
    }
    findings
}

pub(super) fn drill(config: &Config, now: u64) -> Vec<Finding> {
    let done = mark::read(&config.data_dir, mark::DRILL);
    vec![aged(
        "drill",
        done,
        now,
        100,
        "twofold-server drill, each quarter on a restored copy",
    )]
}

/// What is to be done anew after so many days.
fn aged(check: &'static str, last: Option<u64>, now: u64, most: u64, remedy: &str) -> Finding {
    match last.map(|last| now.saturating_sub(last) / DAY) {
        Some(days) if days < most => Finding::well(check, format!("{days} days ago")),
        Some(days) => Finding::warn(check, format!("{days} days ago"), remedy),
        None => Finding::warn(check, "never on this server", remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, aged, loose};
    use crate::doctor::Verdict;

    #[test]
    fn what_sshd_lets_in_is_the_first_word_of_its_configuration() {
        let tight = "PasswordAuthentication no\nPermitRootLogin prohibit-password\n";
        assert_eq!(loose(tight), Vec::<&str>::new());
        assert_eq!(loose(""), ["passwords are taken"]);
        assert_eq!(loose("# PasswordAuthentication no\n"), ["passwords are taken"]);
        let both = "passwordauthentication yes\nPermitRootLogin yes\nPasswordAuthentication no\n";
        assert_eq!(loose(both), ["passwords are taken", "root may log in"]);
    }

    #[test]
    fn a_backup_is_old_after_two_days_and_one_that_never_was_is_missing() {
        let verdict = |last| aged("backup", last, 100 * DAY, 2, "x").verdict;
        assert_eq!(verdict(Some(99 * DAY)), Verdict::Ok);
        assert_eq!(verdict(Some(98 * DAY)), Verdict::Warn);
        assert_eq!(verdict(None), Verdict::Warn);
    }
}
