//! Against a provider that others wrote: npm's `oidc-provider`, which `./dev test` fetches at pinned versions.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use aws_lc_rs::digest;
use twofold_identity::{Fault, Identity, Oidc, Refused, Rule, Token, TokenKind, Trust};

const ALGORITHMS: [&str; 3] = ["RS256", "ES256", "EdDSA"];

/// The provider, in a process of its own.
struct Provider {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    issuer: String,
}

/// Where this test's files are.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oidc-provider"))
}

/// Where `./dev` put the module, by the lock file's hash.
fn module() -> Option<PathBuf> {
    let lock = fs::read(folder().join("package-lock.json")).expect("the lock file");
    let hash = digest::digest(&digest::SHA256, &lock);
    let hash = hash.as_ref().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let cache = env::var_os("TWOFOLD_CACHE").map(PathBuf::from).or_else(|| {
        let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")));
        Some(cache?.join("twofold"))
    })?;
    let module = cache.join(format!("oidc-provider-{hash}"));
    module.join("node_modules").is_dir().then_some(module)
}

impl Provider {
    /// None where it was not fetched, which CI does not let pass.
    fn start() -> Option<Self> {
        let Some(module) = module() else {
            assert!(
                env::var_os("CI").is_none(),
                "./dev test fetches npm's oidc-provider, and CI must try it"
            );
            eprintln!("not run: ./dev test fetches npm's oidc-provider where node and npm are");
            return None;
        };
        let mut process = Command::new("node")
            .arg(folder().join("provider.mjs"))
            .arg(module)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let asks = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut provider = Self {
            process,
            asks,
            answers,
            issuer: String::new(),
        };
        provider.issuer = provider.line();
        Some(provider)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "the provider ended: its fault stands above");
        line.trim().to_owned()
    }

    fn ask(&mut self, what: &str) -> String {
        writeln!(self.asks, "{what}").expect("a pipe");
        self.line()
    }

    fn identity(&self, kind: TokenKind, audiences: Vec<String>) -> Identity {
        let rule = Rule {
            kind,
            ..Rule::new(&self.issuer, audiences)
        };
        let (keys, trust) = (None, Trust::default());
        let provider = Oidc { rule, keys, trust }.provider().expect("a provider");
        Identity::new(vec![provider]).expect("one provider")
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The provider's clock is this machine's.
#[expect(clippy::disallowed_methods, reason = "a process of its own has no other clock")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

async fn ask(identity: &Identity, token: &str, now: u64) -> Result<String, Fault> {
    let person = identity.person(&Token::parse(token)?, now).await?;
    Ok(person.subject)
}

#[tokio::test]
async fn people_of_a_real_provider_are_known_by_each_algorithm_and_after_its_keys_changed() {
    let Some(mut provider) = Provider::start() else { return };
    let clients: Vec<_> = ALGORITHMS.iter().map(|name| format!("the-app-{name}")).collect();
    let people = provider.identity(TokenKind::Id, clients);
    let apis = provider.identity(TokenKind::Access, vec!["https://wallet.test".into()]);
    for algorithm in ALGORITHMS {
        let id = provider.ask(&format!("id alice {algorithm}"));
        assert_eq!(ask(&people, &id, now()).await, Ok("alice".into()), "{algorithm}");
        let access = provider.ask(&format!("access {algorithm}"));
        assert_eq!(ask(&apis, &access, now()).await, Ok(format!("the-app-{algorithm}")));
        // One kind is not the other.
        assert_eq!(ask(&people, &access, now()).await, Err(Refused::Kind.into()));
        assert_eq!(ask(&apis, &id, now()).await, Err(Refused::Kind.into()));
        assert_eq!(ask(&people, &id, now() + 2 * 3600).await, Err(Refused::Expired.into()));
    }

    let old = provider.ask("id alice ES256");
    assert_eq!(provider.ask("rotate"), "rotated");
    let new = provider.ask("id bob ES256");
    assert_eq!(ask(&people, &new, now() + 60).await, Ok("bob".into()));
    assert_eq!(ask(&people, &old, now() + 60).await, Err(Refused::KeyUnknown.into()));

    // Down: what is known serves for an hour.
    let (late, later) = (now() + 1800, now() + 2 * 3600);
    drop(provider);
    assert_eq!(ask(&people, &new, late).await, Ok("bob".into()));
    assert!(matches!(
        ask(&people, &new, later).await,
        Err(Fault::Unavailable { .. })
    ));
}
