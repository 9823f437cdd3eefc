//! docs/integrate.md as a reader follows it: the configuration of each provider, and each command below it, as they stand there.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use twofold_e2e::{
    Deployment,
    process::{Leashed, binary},
};
use twofold_testkit::{Answer, SigningKey, Site};

/// What stands under one heading: its configuration and its commands.
#[derive(Debug, Default)]
struct Section {
    toml: Vec<String>,
    sh: Vec<String>,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn sections() -> Result<BTreeMap<String, Section>> {
    let page = fs::read_to_string(docs().join("integrate.md"))?;
    let mut sections = BTreeMap::new();
    for part in page.split("\n## ").skip(1) {
        let (heading, body) = part.split_once('\n').context("a heading")?;
        let blocks = |kind: &str| {
            let opening = format!("```{kind}\n");
            let blocks = body.split(&opening).skip(1);
            blocks
                .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
                .collect()
        };
        let section = Section {
            toml: blocks("toml"),
            sh: blocks("sh"),
        };
        sections.insert(heading.to_owned(), section);
    }
    Ok(sections)
}

/// A block of TOML as one table in the environment.
fn inline(block: &str) -> String {
    let lines = block.lines().filter(|line| !line.starts_with(['[', '#']));
    let settings: Vec<_> = lines
        .filter_map(|line| line.split(" #").next()?.split_once('='))
        .map(|(name, value)| format!("{}={}", name.trim(), value.trim()))
        .collect();
    format!("{{{}}}", settings.join(","))
}

/// Everything that the page speaks of, here.
struct World {
    folder: tempfile::TempDir,
    login: Site,
    supabase: Site,
    key: SigningKey,
    _app: Leashed,
    app: String,
}

impl World {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = SigningKey::p256("k");
        let site = |path: &'static str| {
            let (site, jwk) = (Site::plain(|_| Answer::HangUp), key.jwk());
            let issuer = site.url();
            site.answer(move |asked| match asked.target.as_str() {
                asked if asked == path => Answer::Json(200, json!({ "keys": [jwk.clone()] })),
                _ => Answer::Json(200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}{path}") })),
            });
            site
        };
        let secret = "a-secret-of-the-app-and-of-the-server";
        write_private(&folder.path().join("app-secret"), secret)?;
        let mut app = Leashed::spawn(
            Command::new("node")
                .arg(docs().join("integrate/webhook.mjs"))
                .arg("0")
                .env("TWOFOLD_SECRET", secret)
                .stdout(Stdio::piped()),
        )?;
        let mut line = String::new();
        BufReader::new(app.child().stdout.take().context("a pipe")?).read_line(&mut line)?;
        let port = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        Ok(Self {
            login: site("/keys"),
            supabase: site("/auth/v1/.well-known/jwks.json"),
            folder,
            key,
            _app: app,
            app: format!("http://127.0.0.1:{port}/twofold/whose"),
        })
    }

    /// The page's places are this world's.
    fn here(&self, text: &str) -> String {
        let secret = self.folder.path().join("app-secret");
        text.replace("https://login.example.org", &self.login.url())
            .replace("https://abcdefgh.supabase.co", &self.supabase.url())
            .replace("https://app.example.org/twofold/whose", &self.app)
            .replace("/etc/twofold/app-secret", &secret.to_string_lossy())
    }

    /// What the person's device has from each provider.
    fn token(&self, heading: &str) -> Result<String> {
        let now = Command::new("date").arg("+%s").output()?.stdout;
        let now: u64 = String::from_utf8(now)?.trim().parse()?;
        let (made, ends) = (now, now + 3_600);
        let claims = match heading {
            "OpenID Connect" => {
                json!({ "iss": self.login.url(), "aud": "your-client-id", "sub": "alice", "iat": made, "exp": ends })
            }
            "Supabase" => json!({
                "iss": format!("{}/auth/v1", self.supabase.url()), "aud": "authenticated", "role": "authenticated",
                "sub": "11111111-2222-3333-4444-555555555555", "iat": made, "exp": ends, "is_anonymous": false,
            }),
            "Firebase" => json!({
                "iss": "https://securetoken.google.com/my-app-1", "aud": "my-app-1", "sub": "Zx9Kq0aBcD", "iat": made,
                "exp": ends, "auth_time": made, "firebase": { "sign_in_provider": "password", "identities": {} },
            }),
            "Your own sessions" => return Ok("the-session-of-alice".into()),
            _ => return Ok(String::new()),
        };
        Ok(self.key.token(&claims))
    }

    /// The configuration of every provider on the page, side by side.
    fn providers(&self, page: &BTreeMap<String, Section>) -> Result<String> {
        let mut providers = Vec::new();
        for heading in ["OpenID Connect", "Supabase", "Firebase", "Your own sessions"] {
            let block = page[heading].toml.first().context("a configuration")?;
            let mut provider = inline(&self.here(block));
            if heading == "Firebase" {
                // Google's keys are Google's.
                let settings = provider.trim_end_matches('}');
                provider = format!("{settings},jwks_url=\"{}/keys\"}}", self.login.url());
            }
            providers.push(provider);
        }
        Ok(format!("[{}]", providers.join(",")))
    }

    /// Runs commands of the page on a machine of their own; what they print.
    fn run(&self, machine: &str, script: &str, environment: &[(&str, &str)]) -> Result<String> {
        let folder = self.folder.path().join(machine);
        fs::create_dir_all(&folder)?;
        let binaries = binary("twofold")?;
        let path = [
            binaries.parent().context("a folder")?.to_string_lossy().into_owned(),
            std::env::var("PATH")?,
        ];
        let output = Command::new("sh")
            .args(["-euc", script])
            .current_dir(&folder)
            .env("PATH", path.join(":"))
            .env("TWOFOLD_HOME", folder.join("home"))
            .env("TWOFOLD_PASSPHRASE", "correct horse battery staple")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()?;
        ensure!(
            output.status.success(),
            "{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// Whether node is here, which CI must have.
fn has_node() -> bool {
    let here = Command::new("node").arg("--version").output().is_ok();
    assert!(
        here || std::env::var_os("CI").is_none(),
        "CI must run the page's examples, with node"
    );
    if !here {
        eprintln!("not run: the page's examples want node");
    }
    here
}

/// A person's wallets past the hundredth; the site stands for a server that has so many.
#[test]
fn the_backends_example_reads_a_list_to_its_end() -> Result<()> {
    if !has_node() {
        return Ok(());
    }
    let site = Site::plain(|visit| {
        let asked: Value = serde_json::from_slice(&visit.body).unwrap_or_default();
        let named = |names: &[&str]| names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>();
        Answer::Json(
            200,
            match asked["after"].as_str() {
                None => json!({ "head": {}, "wallets": named(&["one", "two"]), "after": "AAAA" }),
                // What the server leaves out makes a page shorter, and ends no list.
                Some("AAAA") => json!({ "head": {}, "after": "BBBB" }),
                Some(_) => json!({ "head": {}, "wallets": named(&["three"]) }),
            },
        )
    });
    let (script, folder) = (docs().join("integrate/backend.mjs"), tempfile::tempdir()?);
    let node = |arguments: &[&str]| -> Result<String> {
        let mut command = Command::new("node");
        let told = command
            .arg(&script)
            .args(arguments)
            .current_dir(folder.path())
            .output()?;
        ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        Ok(String::from_utf8(told.stdout)?)
    };
    node(&["new", "shop.pem"])?;
    let asked = r#"{"issuer":"https://login.example.org","subject":"alice"}"#;
    let told: Value = serde_json::from_str(&node(&["shop.pem", &site.url(), "FindWallets", asked])?)?;
    let names: Vec<_> = told["wallets"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|line| &line["name"])
        .collect();
    assert_eq!(names, ["one", "two", "three"]);
    assert!(told.get("after").is_none(), "{told}");
    let asked = site.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    // The person is named in each question.
    let people = asked
        .iter()
        .filter(|visit| String::from_utf8_lossy(&visit.body).contains("alice"));
    assert_eq!(people.count(), 3);
    Ok(())
}

#[test]
fn the_examples_of_the_integration_page_work_as_they_stand_there() -> Result<()> {
    if !has_node() {
        return Ok(());
    }
    let (page, world) = (sections()?, World::make()?);
    let [make_key, find] = page["Your backend"].sh.as_slice() else {
        bail!("the page has another number of commands for backends");
    };
    let backend_script = docs().join("integrate/backend.mjs");
    let backend_script = backend_script.to_string_lossy();
    let make_key = make_key.replace("docs/integrate/backend.mjs", &backend_script);
    let key = world.run("backend", &make_key, &[])?;
    let listed = page["Your backend"].toml.first().context("a configuration")?;
    let listed: Vec<_> = listed
        .lines()
        .map(|line| if line.starts_with("key = ") { key.trim() } else { line })
        .collect();
    let backend = format!("[{}]", inline(&world.here(&listed.join("\n"))));
    let people = inline(page["What people may do"].toml.first().context("a configuration")?);
    let providers = world.providers(&page)?;
    let settings = [
        ("TWOFOLD__SIGN_IN", providers.as_str()),
        ("TWOFOLD__PEOPLE", people.as_str()),
    ];
    let with_backend = [&settings[..], &[("TWOFOLD__BACKEND", backend.as_str())]].concat();
    let mut deployment = Deployment::start_with(&with_backend)?;
    let admin = deployment.data().join("admin.sock").to_string_lossy().into_owned();
    let link = deployment.operator(&["link", "--json", "--socket", &admin])?;
    let link = link["link"].as_str().context("a link")?.to_owned();

    for heading in [
        "OpenID Connect",
        "Supabase",
        "Firebase",
        "Your own sessions",
        "Invitations",
    ] {
        let [script] = page[heading].sh.as_slice() else {
            bail!("{heading} has another number of examples");
        };
        let folder = world.folder.path().join(heading);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("token.txt"), world.token(heading)?)?;
        let script = script
            .replace("twofoldserver1…", &link)
            .replace("twofold1…", &deployment.invitation)
            .replace("--config /etc/twofold/twofold.toml", &format!("--socket {admin}"));
        let said = world.run(heading, &script, &[])?;
        let listed = said.rfind("\n{").map_or(said.as_str(), |at| &said[at..]);
        let listed: Value = serde_json::from_str(listed).with_context(|| format!("{heading}: {said}"))?;
        assert!(listed["head"]["time"].is_string(), "{heading}: {said}");
        let made = usize::from(heading == "OpenID Connect");
        assert_eq!(
            listed["wallets"].as_array().map_or(0, Vec::len),
            made,
            "{heading}: {said}"
        );
    }

    let find = world
        .here(find)
        .replace("docs/integrate/backend.mjs", &backend_script)
        .replace("https://wallet.example.org", &deployment.url);
    let chain = deployment.data().join("chain.pem");
    let chain = chain.to_string_lossy().into_owned();
    let trusted = [("NODE_EXTRA_CA_CERTS", chain.as_str())];
    let found: Value = serde_json::from_str(&world.run("backend", &find, &trusted)?)?;
    assert_eq!(found["wallets"][0]["name"], "savings", "{found}");
    assert_eq!(found["wallets"][0]["standing"], "STANDING_ACTIVE", "{found}");
    let wallet = found["wallets"][0]["wallet"].as_str().context("a wallet")?;
    let asked = json!({ "wallet": wallet, "issuer": world.login.url(), "subject": "alice" });
    let addresses = format!(
        "node {backend_script} shop.pem {} FindAddresses '{asked}'",
        deployment.url
    );
    let addresses: Value = serde_json::from_str(&world.run("backend", &addresses, &trusted)?)?;
    let shown: Value = serde_json::from_str(&world.run("OpenID Connect", "twofold receive --json", &[])?)?;
    assert_eq!(addresses["addresses"][0], shown["address"], "{addresses}");

    // Each question is in the log, by the backend's name and no person's.
    let log = fs::read_to_string(deployment.log())?;
    let told: Vec<_> = log.lines().filter(|line| line.contains("asked about a user")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter().all(|line| line.contains("shop") && !line.contains("alice")),
        "{told:?}"
    );

    // Taken out of the configuration, it asks no more.
    deployment.kill()?;
    deployment.set_environment(&settings);
    deployment.resume()?;
    let refused = world
        .run("backend", &find, &trusted)
        .expect_err("it is revoked")
        .to_string();
    assert!(refused.contains("unauthenticated"), "{refused}");
    Ok(())
}
