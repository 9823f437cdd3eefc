use std::{fs, path::Path, thread, time::Duration};

use rstest::rstest;
use twofold_threshold::secret::Secret32;

use super::{shown, unwrap, wrap};
use crate::config::Hook;

fn shell(script: &str) -> Vec<String> {
    ["/bin/sh", "-c", script].map(str::to_owned).to_vec()
}

fn hook(wrap: &str, unwrap: &str) -> Hook {
    Hook {
        unwrap: shell(unwrap),
        wrap: shell(wrap),
        environment: Vec::new(),
        seconds: 60,
    }
}

fn key() -> Secret32 {
    Secret32::new(core::array::from_fn(|at| u8::try_from(at * 7 + 1).unwrap()))
}

#[test]
fn what_was_wrapped_is_unwrapped_again() {
    let hook = hook("tr 0-9a-f g-v", "tr g-v 0-9a-f; echo");
    let wrapped = wrap(&hook, &key()).unwrap();
    assert_eq!(unwrap(&hook, &wrapped).unwrap().expose(), key().expose());
}

#[test]
fn no_variable_is_handed_on_but_those_that_are_named() {
    let mut hook = hook("cat >/dev/null; env", "");
    hook.environment = vec!["PATH".into(), "NOT_THERE".into()];
    let told = String::from_utf8(wrap(&hook, &key()).unwrap()).unwrap();
    let mut names: Vec<_> = told.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    // The shell's own, and the one that was named.
    names.retain(|name| !["OLDPWD", "PWD", "SHLVL", "_"].contains(name));
    assert_eq!(names, ["PATH"]);
    assert!(told.contains("PWD=/\n"), "{told}");
}

#[test]
fn no_shell_reads_the_words() {
    let mut hook = hook("", "");
    hook.wrap = ["/bin/echo", "$HOME", "`id`", ";", "a  b"].map(str::to_owned).to_vec();
    let told = String::from_utf8(wrap(&hook, &key()).unwrap()).unwrap();
    assert_eq!(told, "$HOME `id` ; a  b\n");
}

#[test]
fn one_that_hangs_is_stopped_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let number = folder.path().join("number");
    let mut hook = hook("", &format!("sleep 600 & echo $! >{}; wait", number.display()));
    hook.seconds = 1;
    let fault = unwrap(&hook, b"x").unwrap_err();
    assert_eq!(fault.exit_code(), 4);
    assert!(fault.to_string().contains("did not end within 1 s"), "{fault}");
    let Ok(child) = fs::read_to_string(&number) else {
        // So loaded a machine that it never came so far.
        return;
    };
    let state = || fs::read_to_string(Path::new("/proc").join(child.trim()).join("stat")).unwrap_or_default();
    let lives = || !(state().is_empty() || state().contains(") Z "));
    for _ in 0..1_000 {
        if !lives() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it lives: {}", state());
}

#[rstest]
#[case::not_there(&["/nonexistent/unwrap"], "can't be run")]
#[case::no_program(&["/etc/hostname"], "can't be run")]
#[case::garbage(&["/bin/echo", "secret"], "did not give a key back")]
#[case::nothing(&["/bin/true"], "did not give a key back")]
#[case::too_short(&["/bin/echo", "00ff"], "did not give a key back")]
#[case::endless(&["/bin/cat", "/dev/zero"], "printed more than 4096 bytes")]
#[case::failing(&["/bin/false"], "failed (exit status: 1)")]
#[case::complaining(&["/bin/sh", "-c", "cat >&2; echo first >&2; echo second >&2; exit 3"], "failed (exit status: 3): given first")]
fn one_that_gives_no_key_is_a_fault_that_says_what_to_do(#[case] words: &[&str], #[case] said: &str) {
    let mut hook = hook("", "");
    hook.unwrap = words.iter().map(|word| (*word).to_owned()).collect();
    let fault = unwrap(&hook, b"given ").unwrap_err();
    assert_eq!(fault.exit_code(), 4);
    let fault = fault.to_string();
    assert!(
        fault.starts_with("kek.command.unwrap (/") && fault.contains(said),
        "{fault}"
    );
    assert!(!fault.contains("secret") && !fault.contains("second"), "{fault}");
}

#[rstest]
#[case::itself("cat", "the key itself")]
#[case::in_capitals("tr a-f A-F", "the key itself")]
#[case::among_others("echo wrapped:; cat; echo .", "the key itself")]
#[case::nothing("cat >/dev/null", "nothing back")]
fn one_that_wraps_nothing_is_refused(#[case] script: &str, #[case] said: &str) {
    let fault = wrap(&hook(script, ""), &key()).unwrap_err().to_string();
    assert!(
        fault.starts_with("kek.command.wrap (/bin/sh)") && fault.contains(said),
        "{fault}"
    );
    assert!(!fault.contains(&hex::encode(key().expose())), "{fault}");
}

#[test]
fn one_that_reads_nothing_is_not_waited_for() {
    let hook = hook("", &format!("echo {}", "07".repeat(32)));
    assert_eq!(unwrap(&hook, &[7; 4096]).unwrap().expose(), &[7; 32]);
}

#[test]
fn a_complaint_is_shown_without_what_could_be_a_key() {
    let key = "0123456789abcdef".repeat(4);
    let told = shown(format!("\n AccessDenied: key={key} or \x1b[31m{key}; ask alice\nmore").as_bytes());
    assert_eq!(told, ": AccessDenied: … or  […; ask alice");
    assert_eq!(shown(b" \n"), "");
    assert!(shown("x ".repeat(900).as_bytes()).len() <= 200);
}
