//! What stands under `[[sign_in]]`, and that the documentation's examples are of it.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use rstest::rstest;
use tempfile::TempDir;

use super::{Config, Fault};

const GOOD: &str = r#"
public_url = "https://wallet.example.org"
listen = "0.0.0.0:8443"
data_dir = "/var/lib/twofold"
kek_file = "/etc/twofold/kek"
[tls]
certificate = "/etc/twofold/chain.pem"
key = "/etc/twofold/key.pem"
trust = "pinned"
[bitcoin]
network = "signet"
rpc_url = "http://127.0.0.1:38332"
"#;

fn load(text: &str) -> Result<Config, Fault> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twofold.toml");
    fs::write(&path, format!("{GOOD}{text}")).unwrap();
    Config::load(&path)
}

/// What is wrong with it once its files are read.
fn fault(text: &str) -> String {
    let config = load(text).unwrap();
    config.identity().unwrap_err().to_string()
}

fn secret(folder: &TempDir, text: &str, mode: u32) -> String {
    let file = folder.path().join("secret");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file.display().to_string()
}

#[test]
fn the_documentations_examples_are_taken() {
    let page = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/integrate.md"));
    let page = fs::read_to_string(page).unwrap();
    let examples: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|example| example.starts_with("[[sign_in]]"))
        .collect();
    assert_eq!(examples.len(), 4, "one for each kind");
    let folder = tempfile::tempdir().unwrap();
    let file = secret(&folder, &"s".repeat(32), 0o600);
    let all = examples.concat().replace("/etc/twofold/app-secret", &file);
    let config = load(&all).unwrap();
    config.identity().unwrap();
    // What `init` writes is what is read.
    let written = config.to_toml().unwrap();
    let again: Config = toml::from_str(&written).unwrap();
    assert_eq!(again.to_toml().unwrap(), written);
    assert_eq!(again.sign_in.len(), 4);
}

#[rstest]
#[case::an_unknown_kind("kind = \"saml\"")]
#[case::an_unknown_key("kind = \"firebase\"\nproject = \"a\"\nsecret = \"hidden\"")]
#[case::no_kind("project = \"a\"")]
#[case::no_audience("kind = \"oidc\"\nissuer = \"https://a\"")]
fn what_is_not_known_is_refused(#[case] text: &str) {
    assert!(load(&format!("[[sign_in]]\n{text}\n")).is_err());
}

#[rstest]
#[case::without_tls(
    "kind = \"oidc\"\nissuer = \"http://login.example.org\"\naudience = \"a\"",
    "https://"
)]
#[case::people_by_mail(
    "kind = \"oidc\"\nissuer = \"https://a\"\naudience = \"a\"\nsubject = \"email\"",
    "sub"
)]
#[case::nobodys_audience("kind = \"oidc\"\nissuer = \"https://a\"\naudience = []", "audience")]
#[case::invitations_issuer(
    "kind = \"oidc\"\nissuer = \"invitation\"\njwks_url = \"https://a\"\naudience = \"a\"",
    "taken"
)]
#[case::an_app_that_knows_nobody("kind = \"webhook\"\nissuer = \"a\"\nurl = \"https://a\"", "secret or a certificate")]
#[case::half_a_choice("kind = \"firebase\"\nproject = \"a\"\nadmit = { claim = \"groups\" }", "value")]
#[case::a_missing_file("kind = \"firebase\"\nproject = \"a\"\nca_file = \"/nonexistent\"", "/nonexistent")]
fn what_can_not_be_used_is_said_before_the_start(#[case] text: &str, #[case] word: &str) {
    let said = fault(&format!("[[sign_in]]\n{text}\n"));
    assert!(said.contains(word), "{said}");
}

#[test]
fn a02_a_secret_is_long_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let with =
        |file: String| format!("[[sign_in]]\nkind = \"supabase\"\nurl = \"https://a\"\nsecret_file = \"{file}\"\n");
    let open = fault(&with(secret(&folder, &"s".repeat(32), 0o644)));
    assert!(open.contains("chmod 600"), "{open}");
    let short = fault(&with(secret(&folder, "hush hush", 0o600)));
    assert!(short.contains("32") && !short.contains("hush"), "{short}");
    let good = load(&with(secret(&folder, &format!("{}\n", "s".repeat(32)), 0o600))).unwrap();
    good.identity().unwrap();
}

#[rstest]
#[case::a_path("https://app.example.org/")]
#[case::anybody("*")]
#[case::no_page("null")]
#[case::without_tls("http://app.example.org")]
#[case::a_loopback_by_name_alone("http://localhost.example.org")]
#[case::capitals("https://App.example.org")]
fn a18_an_origin_is_listed_to_the_letter(#[case] origin: &str) {
    let with = |origin: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twofold.toml");
        fs::write(&path, format!("allowed_origins = [\"{origin}\"]\n{GOOD}")).unwrap();
        Config::load(&path).unwrap().origins_check()
    };
    assert!(with(origin).is_err());
    assert!(with("https://app.example.org").is_ok() && with("https://app.example.org:8443").is_ok());
    assert!(with("http://localhost:5173").is_ok());
}
