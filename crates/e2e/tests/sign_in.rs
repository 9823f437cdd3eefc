//! An app's own sign-in, from its provider's keys to a wallet.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use twofold_e2e::{Deployment, Person};
use twofold_testkit::{Answer, SigningKey, Site};

/// A provider, and a server that listens to it.
struct Stand {
    provider: Site,
    key: SigningKey,
    deployment: Deployment,
    link: String,
}

impl Stand {
    fn start() -> Result<Self> {
        let (provider, key) = (Site::plain(|_| Answer::HangUp), SigningKey::p256("k"));
        let (issuer, jwk) = (provider.url(), key.jwk());
        provider.answer(move |asked| match asked.target.as_str() {
            "/keys" => Answer::Json(200, json!({ "keys": [jwk.clone()] })),
            _ => Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") })),
        });
        let setting = format!(r#"[{{kind="oidc",issuer="{}",audience="the-app"}}]"#, provider.url());
        let deployment = Deployment::start_with(&[("TWOFOLD__SIGN_IN", &setting)])?;
        let socket = deployment.data().join("admin.sock");
        let told = deployment.operator(&["link", "--json", "--socket", socket.to_str().context("UTF-8")?])?;
        Ok(Self {
            provider,
            key,
            link: told["link"].as_str().context("a link")?.to_owned(),
            deployment,
        })
    }

    /// A file with a token of this person's.
    fn token(&self, subject: &str) -> Result<(String, String)> {
        let now = std::process::Command::new("date").arg("+%s").output()?.stdout;
        let now: u64 = String::from_utf8(now)?.trim().parse()?;
        let claims =
            json!({ "iss": self.provider.url(), "aud": "the-app", "sub": subject, "iat": now, "exp": now + 600 });
        let token = self.key.token(&claims);
        let file = self.deployment.folder().join(format!("{subject}.token"));
        std::fs::write(&file, format!("{token}\n"))?;
        Ok((token, file.to_str().context("UTF-8")?.to_owned()))
    }

    fn join(&self, machine: &Person, file: &str) -> Result<Value> {
        machine.run(&["join", &self.link, "--token-file", file, "--name", "laptop"])
    }
}

#[test]
fn a18_who_signs_in_makes_a_wallet_and_the_token_is_logged_nowhere() -> Result<()> {
    let stand = Stand::start()?;
    stand.deployment.log_level("trace")?;
    let (token, file) = stand.token("alice")?;
    let owner = stand.deployment.person("laptop");
    stand.join(&owner, &file)?;
    // Joining again is no second device.
    stand.join(&owner, &file)?;
    let words = stand.deployment.folder().join("words");
    let words = words.to_str().context("UTF-8")?;
    owner.run(&["create", "--name", "savings", "--words-file", words, "--yes"])?;
    assert!(owner.run(&["receive"])?["address"].is_string());

    // Another machine of the same person is on no wallet's list, and hears of none.
    let second = stand.deployment.person("phone");
    stand.join(&second, &file)?;
    let told = second.run(&["rpc", "ListWallets", "{}"])?;
    assert!(told["wallets"].as_array().is_none_or(Vec::is_empty), "{told}");
    second.refused(&["receive"])?;

    // Somebody else sees none of it, and a token that its provider did not sign opens nothing.
    let stranger = stand.deployment.person("stranger");
    let (of_bob, other) = stand.token("bob")?;
    // What bob's says, under what signed alice's.
    let (says, _) = of_bob.rsplit_once('.').context("three parts")?;
    let (_, signature) = token.rsplit_once('.').context("three parts")?;
    std::fs::write(&file, format!("{says}.{signature}"))?;
    let refused = stranger.refused(&["join", &stand.link, "--token-file", &file])?;
    assert!(
        refused.stderr.contains("sign in again") || refused.stdout.contains("TOKEN_INVALID"),
        "{refused:?}"
    );
    stand.join(&stranger, &other)?;
    let told = stranger.run(&["rpc", "ListWallets", "{}"])?;
    assert!(told["wallets"].as_array().is_none_or(Vec::is_empty), "{told}");

    let log = std::fs::read_to_string(stand.deployment.log())?;
    assert!(!log.contains(signature), "the token stands in the server's log");
    Ok(())
}
