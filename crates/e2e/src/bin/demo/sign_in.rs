//! `./dev demo --sign-in`: an app whose people sign in with its own provider, and one of them with a wallet.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use bitcoin::Amount;
use twofold_e2e::Person;
use twofold_testkit::OidcProvider;

use crate::{Demo, bold, shell_word};

/// The story of an app's user.
struct Story {
    demo: Demo,
    provider: OidcProvider,
    link: String,
    /// Where the backend's key is.
    key: PathBuf,
    _folder: tempfile::TempDir,
}

pub(crate) fn tell() -> Result<()> {
    let mut story = Story::begin()?;
    story.sign_in()?;
    story.pay()?;
    story.ask_as_the_backend()?;
    story.steal_the_token()?;
    story.lose_the_laptop()?;
    story
        .demo
        .explain("That was an app's user. docs/integrate.md has each provider, with examples to copy.");
    Ok(())
}

/// The script of the documentation by which a backend asks.
fn backend() -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/integrate/backend.mjs");
    let mut command = Command::new("node");
    command.arg(script);
    command
}

/// What a command says, if it succeeds.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Story {
    fn begin() -> Result<Self> {
        let bold = bold();
        println!(
            "{}1. An app's OpenID Connect provider, a Bitcoin network and a cosigner server that listens to the provider start.{}",
            bold.0, bold.1
        );
        let provider =
            OidcProvider::start()?.context("npm's oidc-provider is not here: ./dev demo --sign-in fetches it")?;
        println!("   npm's oidc-provider: {}", provider.issuer());
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("shop.pem");
        let spelled = said(backend().arg("new").arg(&key))?;
        let (issuer, client) = (provider.issuer(), "the-app-ES256");
        let sign_in = format!(r#"[{{kind="oidc",issuer="{issuer}",audience="{client}"}}]"#);
        let spelled_in_line = spelled.replace(" = ", "=");
        let listed =
            format!(r#"[{{name="shop",{spelled_in_line},issuers=["{issuer}"],scopes=["wallets","addresses"]}}]"#);
        let demo = Demo::start_with(
            false,
            &[
                ("TWOFOLD__SIGN_IN", &sign_in),
                ("TWOFOLD__BACKEND", &listed),
                // The story does not last two days.
                ("TWOFOLD__WAITS__RECOVERY_SECONDS", "0"),
            ],
        )?;
        println!("   Its configuration:");
        for line in [
            "[[sign_in]]".to_owned(),
            "kind = \"oidc\"".to_owned(),
            format!("issuer = \"{issuer}\""),
            format!("audience = \"{client}\""),
            "[[backend]]".to_owned(),
            "name = \"shop\"".to_owned(),
            spelled,
            format!("issuers = [\"{issuer}\"]"),
            "scopes = [\"wallets\", \"addresses\"]".to_owned(),
        ] {
            println!("     {line}");
        }
        let socket = demo.deployment.data().join("admin.sock");
        let socket = socket.to_str().context("a path in UTF-8")?;
        let told = demo.deployment.operator(&["link", "--json", "--socket", socket])?;
        let link = told["link"].as_str().context("a link")?.to_owned();
        println!("   $ twofold-server link");
        println!("     {}", shell_word(&link));
        println!("     Nothing in it is secret: the app ships it.");
        Ok(Self {
            demo,
            provider,
            link,
            key,
            _folder: folder,
        })
    }

    /// A file with a token of Alice's, as the app has it once she has signed in.
    fn token(&mut self) -> Result<String> {
        let token = self.provider.ask("id alice ES256")?;
        let file = self.demo.deployment.folder().join("token.txt");
        std::fs::write(&file, token)?;
        Ok(file.to_str().context("a path in UTF-8")?.to_owned())
    }

    fn sign_in(&mut self) -> Result<()> {
        self.demo.explain(
            "Alice signs in with the provider, in her browser, and the app has her ID token. Her laptop joins by it.",
        );
        let token = self.token()?;
        let link = self.link.clone();
        self.demo
            .show(&["join", &link, "--token-file", &token, "--name", "laptop"])?;
        self.demo
            .explain("From here on her laptop signs what it asks, and no token is needed. It makes her wallet.");
        let words = self.words()?;
        self.demo
            .show(&["create", "--name", "savings", "--words-file", &words, "--yes"])
    }

    fn words(&self) -> Result<String> {
        let words = self.demo.deployment.folder().join("recovery-words.txt");
        Ok(words.to_str().context("a path in UTF-8")?.to_owned())
    }

    fn pay(&mut self) -> Result<()> {
        self.demo.explain("She is paid, and pays.");
        let received = self.demo.owner.run(&["receive"])?;
        let address = received["address"].as_str().context("an address")?;
        self.demo.deployment.pay(&self.demo.owner, address, Amount::ONE_BTC)?;
        self.demo.pay_a_quarter()
    }

    fn ask_as_the_backend(&mut self) -> Result<()> {
        self.demo
            .explain("The app's backend finds her wallet, by a key of its own that opens nothing else.");
        let asked = format!(r#"{{"issuer":"{}","subject":"alice"}}"#, self.provider.issuer());
        println!(
            "   $ node backend.mjs shop.pem {} FindWallets '{asked}'",
            self.demo.deployment.url
        );
        let chain = self.demo.deployment.data().join("chain.pem");
        let told = said(
            backend()
                .arg(&self.key)
                .args([self.demo.deployment.url.as_str(), "FindWallets", asked.as_str()])
                .env("NODE_EXTRA_CA_CERTS", chain),
        )?;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        println!("     {}", told["wallets"]);
        ensure!(told["wallets"][0]["name"] == "savings", "the backend finds {told}");
        Ok(())
    }

    fn steal_the_token(&mut self) -> Result<()> {
        self.demo
            .explain("A thief has her token, and joins with it: a machine that sees and signs nothing of hers.");
        let token = self.token()?;
        let thief = self.demo.deployment.person("stolen-token");
        thief.run(&["join", &self.link, "--token-file", &token, "--name", "thief"])?;
        println!("   $ twofold receive");
        Demo::refusal(&["receive"], &thief, "no wallet")
    }

    fn lose_the_laptop(&mut self) -> Result<()> {
        self.demo.explain(
            "Her laptop is stolen. Her words and her sign-in, together, put a new machine in its place; here without the two days of waiting.",
        );
        let wallet = self.demo.owner.run(&["wallet", "list"])?["wallets"][0]["wallet"]
            .as_str()
            .context("a wallet")?
            .to_owned();
        let (token, words) = (self.token()?, self.words()?);
        let desktop = self.demo.deployment.person("desktop");
        let stolen: Person = std::mem::replace(&mut self.demo.owner, desktop);
        let link = self.link.clone();
        let recover = ["recover", &link, "--token-file", &token, "--wallet", &wallet];
        let with = ["--words-file", &words, "--name", "desktop", "--yes"];
        self.demo.show(&[&recover[..], &with[..]].concat())?;
        self.demo.show(&["balance"])?;
        println!("   the thief, who even has the passphrase, asks the server for a signature:");
        let payee = self.demo.deployment.node.miner_address()?.to_string();
        let steal = ["send", "--to", &payee, "--amount", "0.1btc", "--fee-rate", "5", "--yes"];
        Demo::refusal(&steal, &stolen, "DEVICE_NOT_LISTED")
    }
}
