use rstest::rstest;

use super::{Hook, Keeper, Keeping, Token};

fn hook() -> Keeping {
    Keeping {
        kind: Keeper::Command,
        command: Some(Hook {
            unwrap: vec!["/usr/bin/age".into(), "-d".into()],
            wrap: Vec::new(),
            environment: vec!["AWS_PROFILE".into()],
            seconds: 10,
        }),
        pkcs11: None,
    }
}

fn of(keeping: &mut Keeping) -> &mut Hook {
    keeping.command.as_mut().unwrap()
}

#[test]
fn a_hook_needs_no_more_than_a_way_back() {
    hook().check().unwrap();
    let read: Keeping = toml::from_str("kind = \"command\"\ncommand = { unwrap = [\"/bin/x\"] }").unwrap();
    read.check().unwrap();
    assert_eq!(read.command().unwrap().seconds, 10);
    Keeping::default().check().unwrap();
}

#[rstest]
#[case::none(|keeping: &mut Keeping| keeping.command = None, "kek.command.unwrap")]
#[case::nothing(|keeping: &mut Keeping| of(keeping).unwrap.clear(), "kek.command.unwrap: name a program")]
#[case::looked_for(|keeping: &mut Keeping| of(keeping).unwrap[0] = "age".into(), "kek.command.unwrap: name the program by its whole path")]
#[case::looked_for_to_wrap(|keeping: &mut Keeping| of(keeping).wrap = vec!["./age".into()], "kek.command.wrap: name the program by its whole path")]
#[case::no_word(|keeping: &mut Keeping| of(keeping).unwrap.push("a\0b".into()), "no words")]
#[case::own_settings(|keeping: &mut Keeping| of(keeping).environment = vec!["TWOFOLD_KEK".into()], "`TWOFOLD_KEK`")]
#[case::no_variable(|keeping: &mut Keeping| of(keeping).environment = vec!["A=B".into()], "`A=B`")]
#[case::for_ever(|keeping: &mut Keeping| of(keeping).seconds = 61, "kek.command.seconds = 61")]
#[case::at_once(|keeping: &mut Keeping| of(keeping).seconds = 0, "kek.command.seconds = 0")]
fn a_hook_that_can_not_be_run_safely_is_refused(#[case] spoil: fn(&mut Keeping), #[case] said: &str) {
    let mut keeping = hook();
    spoil(&mut keeping);
    let fault = keeping.check().unwrap_err();
    assert_eq!(fault.exit_code(), 3);
    assert!(fault.to_string().contains(said), "{fault}");
}

fn token() -> Keeping {
    Keeping {
        kind: Keeper::Pkcs11,
        command: None,
        pkcs11: Some(Token {
            module: "/usr/lib/softhsm/libsofthsm2.so".into(),
            token: "twofold".into(),
            key: "kek".into(),
            pin_file: "/etc/twofold/pin".into(),
            seconds: 10,
        }),
    }
}

#[rstest]
#[case::none(|keeping: &mut Keeping| keeping.pkcs11 = None, "kek.pkcs11.module")]
#[case::looked_for(|keeping: &mut Keeping| keeping.pkcs11.as_mut().unwrap().module = "libsofthsm2.so".into(), "whole path")]
#[case::pin_here(|keeping: &mut Keeping| keeping.pkcs11.as_mut().unwrap().pin_file = "pin".into(), "whole path")]
#[case::no_label(|keeping: &mut Keeping| keeping.pkcs11.as_mut().unwrap().token = String::new(), "kek.pkcs11.token")]
#[case::no_key(|keeping: &mut Keeping| keeping.pkcs11.as_mut().unwrap().key = "k".repeat(65), "kek.pkcs11.key")]
#[case::for_ever(|keeping: &mut Keeping| keeping.pkcs11.as_mut().unwrap().seconds = 61, "kek.pkcs11.seconds = 61")]
fn a_token_that_can_not_be_told_from_others_is_refused(#[case] spoil: fn(&mut Keeping), #[case] said: &str) {
    let mut keeping = token();
    keeping.check().unwrap();
    spoil(&mut keeping);
    let fault = keeping.check().unwrap_err();
    assert_eq!(fault.exit_code(), 3);
    assert!(fault.to_string().contains(said), "{fault}");
}
