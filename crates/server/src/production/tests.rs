use std::{fs, path::PathBuf};

use serde_json::json;

use super::{
    CHECKS, Cause, Of, Surroundings, causes,
    surroundings::{Place, Secret},
    told,
};
use crate::{
    config::{Config, Database, DatabaseKind, Keeper, Mode, Second, SignIn, Trust},
    development,
    tls::judge::Flaw,
};

const OWN: u32 = 990;

fn place(path: &str, mode: u32) -> Place {
    Place {
        path: PathBuf::from(path),
        rights: Some((OWN, mode)),
    }
}

/// A configuration and surroundings in which nothing is unsafe.
fn safe() -> (Config, Surroundings) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    config.mode = Mode::Production;
    let around = Surroundings {
        user: OWN,
        memory_open: false,
        lock_obstacle: None,
        kek: place("/etc/twofold/kek", 0o600),
        kek_folder: place("/etc/twofold", 0o755),
        kek_fault: None,
        kek_guessable: false,
        kek_keeper: Keeper::File,
        kek_programs: Vec::new(),
        data_dir: place("/var/lib/twofold", 0o700),
        anchor_folder: Some(place("/var/lib/twofold-anchor", 0o755)),
        key_folder: place("/etc/twofold", 0o755),
        socket_folder: None,
        certificate: Ok(()),
        node_password_guessable: false,
        secrets: Vec::new(),
        role: Ok(Vec::new()),
        clock_offset: Some(-1.9),
    };
    (config, around)
}

fn postgres(url: &str) -> Database {
    Database {
        kind: DatabaseKind::Postgres,
        url: Some(url.into()),
        risk_plaintext: true,
        ..Database::default()
    }
}

fn provider(said: serde_json::Value) -> SignIn {
    serde_json::from_value(said).unwrap()
}

fn secret(fault: Option<&str>, guessable: bool) -> Secret {
    Secret {
        file: "/etc/twofold/secret".into(),
        fault: fault.map(str::to_owned),
        guessable,
    }
}

type Spoil = fn(&mut Config, &mut Surroundings);

fn found(spoil: Spoil) -> Vec<(&'static str, Cause)> {
    let (mut config, mut around) = safe();
    spoil(&mut config, &mut around);
    causes(&config, &around, &[Of::Process, Of::Files])
}

const UNSAFE: &[(&str, &str, &str, Spoil)] = &[
    ("root", "user", "as root", |_, around| around.user = 0),
    ("core dumps", "core dumps", "memory to the disk", |_, around| {
        around.memory_open = true;
    }),
    ("swap", "locked memory", "64 KiB", |_, around| {
        around.lock_obstacle = Some("the limit is 64 KiB".into());
    }),
    ("kek readable", "kek_file", "may be read", |_, around| {
        around.kek_fault = Some("it may be read by others".into());
    }),
    ("kek in the folder above", "kek_file", "copied together", |_, around| {
        around.kek.path = "/var/lib/kek".into();
    }),
    ("kek in a folder beside", "kek_file", "copied together", |_, around| {
        around.kek.path = "/var/lib/keys/a/kek".into();
    }),
    ("kek inside the data", "kek_file", "copied together", |_, around| {
        around.kek.path = "/var/lib/twofold/kek".into();
    }),
    ("kek above all data", "kek_file", "copied together", |_, around| {
        around.kek.path = "/kek".into();
    }),
    ("kek replaceable", "kek_file", "write to /etc/twofold", |_, around| {
        around.kek_folder = place("/etc/twofold", 0o775);
    }),
    (
        "kek in a strangers folder",
        "kek_file",
        "write to /home/eve",
        |_, around| {
            around.kek_folder = Place {
                path: "/home/eve".into(),
                rights: Some((1001, 0o700)),
            };
        },
    ),
    ("kek in the environment", "kek", "environment", |_, around| {
        around.kek_keeper = Keeper::Environment;
    }),
    (
        "a hook that others replace",
        "kek",
        "write to /usr/local/bin",
        |_, around| {
            around.kek_programs = vec![place("/usr/local/bin/unwrap", 0o755), place("/usr/local/bin", 0o775)];
        },
    ),
    (
        "a hook that others write",
        "kek",
        "write to /opt/unwrap",
        |_, around| {
            around.kek_programs = vec![place("/opt/unwrap", 0o757), place("/opt", 0o755)];
        },
    ),
    ("no hook", "kek", "is not there", |_, around| {
        let mut missing = place("/opt/unwrap", 0o755);
        missing.rights = None;
        around.kek_programs = vec![missing];
    }),
    ("data readable", "data_dir", "open to other users", |_, around| {
        around.data_dir = place("/var/lib/twofold", 0o750);
    }),
    ("data listed", "data_dir", "open to other users", |_, around| {
        around.data_dir = place("/var/lib/twofold", 0o701);
    }),
    (
        "anchor replaceable",
        "anchor_file",
        "write to /mnt/anchor",
        |_, around| around.anchor_folder = Some(place("/mnt/anchor", 0o757)),
    ),
    ("tls key replaceable", "tls", "write to /etc/ssl", |_, around| {
        around.key_folder = place("/etc/ssl", 0o777);
    }),
    (
        "own authority for the web",
        "tls",
        "no root that browsers trust",
        |config, around| {
            config.tls.trust = Trust::Web;
            around.certificate = Err(Flaw::Issuer);
        },
    ),
    ("another name", "tls", "public_url", |_, around| {
        around.certificate = Err(Flaw::Name);
    }),
    ("expired", "tls", "not valid at this time", |_, around| {
        around.certificate = Err(Flaw::Time);
    }),
    ("everybody is a proxy", "ingress", "believes everybody", |config, _| {
        config.ingress.proxies = vec!["::/0".parse().unwrap()];
    }),
    (
        "a socket that others replace",
        "ingress",
        "write to /tmp/proxy",
        |_, around| {
            around.socket_folder = Some(place("/tmp/proxy", 0o777));
        },
    ),
    ("chosen kek", "default secrets", "chosen, not drawn", |_, around| {
        around.kek_guessable = true;
    }),
    ("common password", "default secrets", "everybody tries", |_, around| {
        around.node_password_guessable = true;
    }),
    (
        "half of everybody is a proxy",
        "ingress",
        "believes everybody",
        |config, _| {
            config.ingress.proxies = vec!["128.0.0.0/1".parse().unwrap()];
        },
    ),
    (
        "all that is routed is a proxy",
        "ingress",
        "believes everybody",
        |config, _| {
            config.ingress.proxies = vec!["2000::/3".parse().unwrap()];
        },
    ),
    (
        "pages in plaintext",
        "allowed_origins",
        "http://localhost:3000",
        |config, _| config.allowed_origins = vec!["https://a.example".into(), "http://localhost:3000".into()],
    ),
    ("node elsewhere", "bitcoin", "plaintext", |config, _| {
        config.bitcoin.rpc_url = "http://10.0.0.7:8332".into();
    }),
    ("node by name", "bitcoin", "node.example.org", |config, _| {
        config.bitcoin.rpc_url = "http://node.example.org:8332".into();
    }),
    ("node that looks near", "bitcoin", "plaintext", |config, _| {
        config.bitcoin.rpc_url = "http://localhost.example.org:1".into();
    }),
    (
        "a second source elsewhere",
        "bitcoin",
        "bitcoin.second.rpc_url",
        |config, _| {
            config.bitcoin.second = Some(Second {
                rpc_url: "http://10.0.0.8:8332".into(),
                ..Second::default()
            });
        },
    ),
    (
        "electrum in plaintext",
        "bitcoin",
        "bitcoin.electrum_url",
        |config, _| {
            config.bitcoin.rpc_url = String::new();
            config.bitcoin.electrum_url = Some("tcp://electrum.example.org:50001".into());
            config.bitcoin.electrum_plaintext = true;
        },
    ),
    ("database in plaintext", "database", "db.example", |config, _| {
        config.database = postgres("postgres://twofold@db.example/twofold");
    }),
    ("one of two in plaintext", "database", "10.0.0.9", |config, _| {
        config.database = postgres("postgres://twofold@127.0.0.1,10.0.0.9/twofold");
    }),
    ("database by an address", "database", "10.0.0.9", |config, _| {
        config.database = postgres("host=localhost hostaddr=10.0.0.9 user=twofold dbname=twofold");
    }),
    ("superuser", "database role", "superuser", |_, around| {
        around.role = Ok(vec!["the role is a superuser".into()]);
    }),
    ("role unknown", "database role", "does not answer", |_, around| {
        around.role = Err("it does not answer within 1s".into());
    }),
    (
        "issuer in plaintext",
        "sign_in",
        "issuer = http://127.0.0.1:3000",
        |config, _| {
            let said = json!({ "kind": "oidc", "issuer": "http://127.0.0.1:3000", "audience": "app" });
            config.sign_in = vec![provider(said)];
        },
    ),
    ("keys in plaintext", "sign_in", "jwks_url = http://", |config, _| {
        let said = json!({
            "kind": "firebase", "project": "app", "jwks_url": "http://127.0.0.1:3000/keys",
        });
        config.sign_in = vec![provider(said)];
    }),
    (
        "webhook in plaintext",
        "sign_in",
        "url = http://127.0.0.1:9",
        |config, _| {
            let said = json!({ "kind": "webhook", "issuer": "app", "url": "http://127.0.0.1:9/who" });
            config.sign_in = vec![provider(said)];
        },
    ),
    ("secret of all", "sign_in", "may be read by others", |_, around| {
        around.secrets = vec![secret(Some("/etc/twofold/secret may be read by others"), false)];
    }),
    ("secret that is short", "sign_in", "32 visible", |_, around| {
        around.secrets = vec![secret(
            Some("a shared secret is one line of 32 visible characters"),
            false,
        )];
    }),
    (
        "secret of the examples",
        "default secrets",
        "copied from an example",
        |_, around| {
            around.secrets = vec![secret(None, true)];
        },
    ),
    ("trace", "log.level", "`trace`", |config, _| {
        config.log.level = "trace".into();
    }),
    ("trace of one part", "log.level", "trace", |config, _| {
        config.log.level = "info,twofold_store=trace".into();
    }),
    ("bodies of the framework", "log.level", "hyper", |config, _| {
        config.log.level = "info,hyper=debug".into();
    }),
    ("debug of everybody", "log.level", "debug", |config, _| {
        config.log.level = "debug,twofold=info".into();
    }),
    ("clock behind", "clock", "2.1 s off", |_, around| {
        around.clock_offset = Some(2.1);
    }),
    ("clock ahead", "clock", "86400.0 s off", |_, around| {
        around.clock_offset = Some(-86_400.0);
    }),
];

#[test]
fn o11_what_is_unsafe_in_production_is_refused_by_its_name() {
    for (case, name, said, spoil) in UNSAFE {
        let found = found(*spoil);
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        let (of, cause) = &found[0];
        assert_eq!(of, name, "{case}");
        assert!(cause.wrong.contains(said), "{case}: {cause:?}");
        assert!(!cause.remedy.is_empty(), "{case}");
    }
}

const SAFE: &[(&str, Spoil)] = &[
    ("as it should be", |_, _| ()),
    ("data at the root", |_, around| {
        around.data_dir = place("/data", 0o700);
        around.kek.path = "/keys/kek".into();
    }),
    ("data not there yet", |_, around| around.data_dir.rights = None),
    ("a folder of roots", |_, around| {
        around.kek_folder.rights = Some((0, 0o755));
    }),
    ("a sticky folder", |_, around| around.kek_folder = place("/tmp", 0o1777)),
    ("the certificate is the proxy's", |config, around| {
        config.tls.trust = Trust::Web;
        config.ingress.proxies = vec!["10.0.0.1".parse().unwrap()];
        around.certificate = Err(Flaw::Issuer);
    }),
    ("a hook of roots", |_, around| {
        around.kek_keeper = Keeper::Command;
        around.kek_programs = vec![place("/usr/bin/age", 0o755), place("/usr/bin", 0o755)];
    }),
    ("no time server", |_, around| around.clock_offset = None),
    ("proxies of a whole provider", |config, _| {
        config.ingress.proxies = vec!["104.0.0.0/8".parse().unwrap(), "2606:4700::/32".parse().unwrap()];
    }),
    ("a tunnel", |config, _| {
        config.bitcoin.rpc_url = "http://[::1]:8332".into();
    }),
    ("electrum over TLS", |config, _| {
        config.bitcoin.rpc_url = String::new();
        config.bitcoin.electrum_url = Some("ssl://electrum.example.org:50002".into());
    }),
    ("electrum on this machine", |config, _| {
        config.bitcoin.rpc_url = String::new();
        config.bitcoin.electrum_url = Some("tcp://127.0.0.1:50001".into());
    }),
    ("database by its socket", |config, _| {
        config.database = postgres("host=/run/postgresql user=twofold dbname=twofold");
    }),
    ("database at a tunnel's end", |config, _| {
        config.database = postgres("postgres://twofold@[::1]:6432,localhost/twofold");
    }),
    ("providers over TLS", |config, around| {
        let oidc = json!({ "kind": "oidc", "issuer": "https://id.example", "audience": "app" });
        let webhook = json!({ "kind": "webhook", "issuer": "app", "url": "https://app.example/who" });
        let firebase = json!({ "kind": "firebase", "project": "app" });
        config.sign_in = vec![provider(oidc), provider(webhook), provider(firebase)];
        around.secrets = vec![secret(None, false)];
    }),
    ("our own debug", |config, _| config.log.level = "debug".into()),
    ("debug of one part", |config, _| {
        config.log.level = "warn,twofold=info,twofold_store=debug".into();
    }),
];

#[test]
fn o11_what_is_safe_is_let_start() {
    for (case, spoil) in SAFE {
        assert_eq!(found(*spoil), [], "{case}");
    }
}

#[test]
fn o11_all_that_is_unsafe_is_named_at_once() {
    let found = found(|config, around| {
        around.user = 0;
        around.memory_open = true;
        around.lock_obstacle = Some("no".into());
        around.kek.path = "/var/lib/twofold/kek".into();
        around.kek_keeper = Keeper::Environment;
        around.data_dir = place("/var/lib/twofold", 0o755);
        around.anchor_folder = Some(place("/mnt", 0o777));
        around.certificate = Err(Flaw::Name);
        config.tls.trust = Trust::Pinned;
        around.kek_guessable = true;
        around.clock_offset = Some(3.0);
        config.ingress.proxies = vec!["0.0.0.0/0".parse().unwrap()];
        config.allowed_origins = vec!["http://127.0.0.1".into()];
        config.bitcoin.rpc_url = "http://10.0.0.7:8332".into();
        config.log.level = "trace".into();
        config.database = postgres("postgres://twofold@db.example/twofold");
        around.role = Ok(vec!["the role is a superuser".into()]);
        around.secrets = vec![secret(Some("short"), true)];
    });
    let mut names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let all: Vec<_> = CHECKS
        .iter()
        .flat_map(|checks| checks.iter())
        .map(|check| check.name)
        .collect();
    assert_eq!(names, all, "each check once, in the table's order");
    let told = told(&names.iter().map(|name| format!("{name}: x; y")).collect::<Vec<_>>());
    for name in all {
        assert!(told.contains(&format!("\n  - {name}: x; y")), "{told}");
    }
}

#[test]
fn what_depends_on_who_runs_it_is_left_out_for_who_only_looks() {
    let (config, mut around) = safe();
    around.user = 0;
    around.clock_offset = Some(9.0);
    around.kek_guessable = true;
    let found = causes(&config, &around, &[Of::Files]);
    assert_eq!(
        found.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["default secrets"]
    );
}

#[test]
fn o11_a_configuration_that_is_unsafe_is_refused_unless_it_says_development() {
    let folder = tempfile::tempdir().unwrap();
    // Everything in one folder, as `run --dev` has it.
    let mut config = development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    config.mode = Mode::Production;
    config.log.level = "trace".into();
    let refused = super::check_files(&config).unwrap_err();
    assert_eq!(refused.exit_code(), 3);
    for name in ["kek_file: ", "log.level: "] {
        assert!(refused.to_string().contains(name), "{refused}");
    }
    config.mode = Mode::Development;
    super::check_files(&config).unwrap();
}

#[test]
fn o11_a_password_that_everybody_tries_is_found_wherever_one_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = development::prepare(folder.path(), 1_790_000_000, ([127, 0, 0, 1], 1).into(), None).unwrap();
    let file = folder.path().join("password");
    let found = |config: &Config| Surroundings::probe(config, 1_790_000_000, None).node_password_guessable;
    let uses: [fn(&mut Config, PathBuf); 3] = [
        |config, file| config.bitcoin.password_file = Some(file),
        |config, file| {
            config.bitcoin.second = Some(Second {
                password_file: Some(file),
                ..Second::default()
            });
        },
        |config, file| config.database.password_file = Some(file),
    ];
    assert!(!found(&config));
    for used in uses {
        let mut config = config.clone();
        used(&mut config, file.clone());
        fs::write(&file, "PasswordPassword\n").unwrap();
        assert!(found(&config));
        fs::write(&file, "5b1f3c9a7e2d4086a1c3e5f708192a3b").unwrap();
        assert!(!found(&config), "one that was drawn");
    }
}
