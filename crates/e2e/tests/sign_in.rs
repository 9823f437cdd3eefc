//! An app's own sign-in, from its provider's keys to a wallet.

use anyhow::{Context as _, Result, bail};
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
        Self::start_with(&[])
    }

    fn start_with(settings: &[(&str, &str)]) -> Result<Self> {
        let (provider, key) = (Site::plain(|_| Answer::HangUp), SigningKey::p256("k"));
        let (issuer, jwk) = (provider.url(), key.jwk());
        provider.answer(move |asked| match asked.target.as_str() {
            "/keys" => Answer::Json(200, json!({ "keys": [jwk.clone()] })),
            _ => Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") })),
        });
        let setting = format!(r#"[{{kind="oidc",issuer="{}",audience="the-app"}}]"#, provider.url());
        let settings = [settings, &[("TWOFOLD__SIGN_IN", setting.as_str())]].concat();
        let deployment = Deployment::start_with(&settings)?;
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
        self.token_with(subject, false)
    }

    /// The same, of a sign-in just now and with a second factor where `fresh`.
    fn token_with(&self, subject: &str, fresh: bool) -> Result<(String, String)> {
        let now = std::process::Command::new("date").arg("+%s").output()?.stdout;
        let now: u64 = String::from_utf8(now)?.trim().parse()?;
        let mut claims =
            json!({ "iss": self.provider.url(), "aud": "the-app", "sub": subject, "iat": now, "exp": now + 600 });
        if fresh {
            claims["auth_time"] = now.into();
            claims["amr"] = json!(["pwd", "mfa"]);
        }
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

/// A wallet of Alice's on a laptop, and what it takes to recover it elsewhere: its long name, and the words' file.
fn wallet_of_alice(stand: &Stand) -> Result<(Person, String, String)> {
    let (_, file) = stand.token("alice")?;
    let laptop = stand.deployment.person("laptop");
    stand.join(&laptop, &file)?;
    let words = stand.deployment.folder().join("words");
    let words = words.to_str().context("UTF-8")?.to_owned();
    laptop.run(&["create", "--name", "savings", "--words-file", &words, "--yes"])?;
    let wallets = laptop.run(&["wallet", "list"])?;
    let wallet = wallets["wallets"][0]["wallet"].as_str().context("a wallet")?.to_owned();
    Ok((laptop, wallet, words))
}

#[test]
fn a20_words_and_sign_in_take_a_lost_machines_place() -> Result<()> {
    let stand = Stand::start_with(&[("TWOFOLD__WAITS__RECOVERY_SECONDS", "0")])?;
    let (laptop, wallet, words) = wallet_of_alice(&stand)?;
    // With the words and another's sign-in the wallet is not there.
    let (_, bobs) = stand.token("bob")?;
    let thief = stand.deployment.person("thief");
    let recover = |who: &Person, file: &str| {
        who.try_run(&[
            "recover",
            &stand.link,
            "--token-file",
            file,
            "--wallet",
            &wallet,
            "--words-file",
            &words,
            "--name",
            "desktop",
            "--yes",
        ])
    };
    let Err(refused) = recover(&thief, &bobs)? else {
        bail!("another's sign-in recovers the wallet")
    };
    assert!(refused.stdout.contains("WALLET_NOT_FOUND"), "{refused:?}");
    let (_, hers) = stand.token("alice")?;
    let desktop = stand.deployment.person("desktop");
    let recovered = recover(&desktop, &hers)?.map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    assert_eq!(recovered["recovered"], true, "{recovered}");
    assert_eq!(recovered["revoked"].as_array().map(Vec::len), Some(1), "{recovered}");
    assert!(desktop.run(&["receive"])?["address"].is_string());
    let refused = laptop.refused(&["receive"])?;
    assert!(refused.stdout.contains("DEVICE_NOT_LISTED"), "{refused:?}");
    Ok(())
}

#[test]
fn a24_an_objection_to_a_recovery_by_sign_in_is_settled_by_a_fresh_one() -> Result<()> {
    let stand = Stand::start_with(&[
        ("TWOFOLD__WAITS__RECOVERY_SECONDS", "3600"),
        ("TWOFOLD__PEOPLE__STEP_UP_SECONDS", "300"),
    ])?;
    let (laptop, wallet, words) = wallet_of_alice(&stand)?;
    let desktop = stand.deployment.person("desktop");
    let again = ["recover", "--wallet", &wallet, "--words-file", &words, "--yes"];
    let (_, file) = stand.token("alice")?;
    let told = desktop.run(&[&again[..], &[stand.link.as_str(), "--token-file", &file]].concat())?;
    assert_eq!(
        json!([told["recovered"], told["objected"]]),
        json!([false, false]),
        "{told}"
    );
    let waiting = laptop.run(&["pending"])?;
    assert_eq!(waiting["waiting"][0]["what"], "recover", "{waiting}");
    let number = waiting["waiting"][0]["change"].to_string();
    laptop.run(&["pending", "cancel", &number])?;
    // No token, or one of an old sign-in: the objection stands.
    assert_eq!(desktop.run(&again)?["objected"], true);
    let told = desktop.run(&[&again[..], &["--token-file", &file]].concat())?;
    assert_eq!(told["objected"], true, "{told}");
    // The device that objects says no yes to it, not even with a fresh sign-in.
    let (_, fresh) = stand.token_with("alice", true)?;
    let refused = laptop.refused(&["pending", "confirm", &number, "--token-file", &fresh])?;
    assert!(refused.stdout.contains("NOT_PERMITTED"), "{refused:?}");
    let told = desktop.run(&[&again[..], &["--token-file", &fresh]].concat())?;
    assert_eq!(
        json!([told["recovered"], told["objected"]]),
        json!([false, false]),
        "{told}"
    );
    let audited = laptop.plain_command(&["audit", "verify"])?.output()?.stdout;
    let audited = String::from_utf8(audited)?;
    assert!(audited.contains("signed in anew"), "{audited}");
    Ok(())
}

#[test]
fn lost_the_account_or_device_and_account_devices_sign_on_and_the_operators_invitation_brings_the_wallet() -> Result<()>
{
    let stand = Stand::start()?;
    let (laptop, wallet, words) = wallet_of_alice(&stand)?;
    // The provider knows nobody any more. What devices sign is theirs, and no token goes with it.
    stand.provider.answer(|_| Answer::Json(404, json!({})));
    assert!(laptop.run(&["refresh"])?["epoch"].is_number());
    let address = laptop.run(&["receive"])?["address"].clone();
    std::fs::remove_dir_all(laptop.home())?;
    let socket = stand.deployment.data().join("admin.sock");
    let socket = socket.to_str().context("UTF-8")?;
    let invite = [
        "invite",
        "--json",
        "--recover",
        &wallet,
        "--wait",
        "0s",
        "--socket",
        socket,
    ];
    let invited = stand.deployment.operator(&invite)?;
    let invitation = invited["invitation"].as_str().context("an invitation")?;
    let desktop = stand.deployment.person("desktop");
    let recover = [
        "recover",
        invitation,
        "--wallet",
        &wallet,
        "--words-file",
        &words,
        "--yes",
    ];
    let recovered = desktop.run(&recover)?;
    assert_eq!(recovered["recovered"], true, "{recovered}");
    assert_eq!(desktop.run(&["receive"])?["address"], address);
    Ok(())
}
