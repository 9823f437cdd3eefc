//! docs/settings.md, made from the code: every key, what it is by default, and what the code says of it.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::Value;

use super::tests::{GOOD, load};

const SOURCES: [&str; 14] = [
    include_str!("../config.rs"),
    include_str!("mode.rs"),
    include_str!("ingress.rs"),
    include_str!("kek.rs"),
    include_str!("acme.rs"),
    include_str!("network.rs"),
    include_str!("source.rs"),
    include_str!("database.rs"),
    include_str!("sign_in.rs"),
    include_str!("people.rs"),
    include_str!("waits.rs"),
    include_str!("log.rs"),
    include_str!("traces.rs"),
    include_str!("clock.rs"),
];

const HEAD: &str = "\
# Settings

Every key of the server's configuration. This page is made from the code (`TWOFOLD_WRITE_DOCS=1 cargo test -p twofold-server settings_page`), and a test holds it to
that; [operating.md](operating.md) says what to do with them. *needed*: the server does not start without it. The environment overrides each as `TWOFOLD__SECTION__KEY`.
";

/// A key, as the code has it.
struct Key {
    name: String,
    kind: String,
    told: String,
    needed: bool,
}

/// What the sources define: structs by their names, and of enums the words or, where a variant has keys, these.
#[derive(Default)]
struct Defined {
    structs: BTreeMap<String, Vec<Key>>,
    words: BTreeMap<String, Vec<String>>,
    variants: Vec<(String, Vec<Key>)>,
}

impl Defined {
    fn read() -> Self {
        let mut defined = Self::default();
        for source in SOURCES {
            defined.take(source);
        }
        defined
    }

    fn take(&mut self, source: &str) {
        let (mut told, mut attributes) = (String::new(), String::new());
        // What is being read: a struct or an enum, whether all of it has defaults, and a variant of it.
        let (mut open, mut optional, mut variant) = (None::<(String, bool)>, false, None::<String>);
        for line in source.lines() {
            let text = line.trim();
            if let Some(words) = text.strip_prefix("///") {
                let _ = write!(told, "{} ", words.trim());
                continue;
            }
            if text.starts_with("#[") {
                attributes.push_str(text);
                continue;
            }
            let begins = |what: &str| Some(line.strip_prefix(what)?.strip_suffix(" {")?.to_owned());
            if let Some(name) = begins("pub struct ") {
                optional = attributes.contains("default)]") && attributes.contains("serde(");
                open = Some((name, false));
            } else if let Some(name) = begins("pub enum ") {
                open = Some((name, true));
            } else if line == "}" {
                open = None;
            } else if let Some((name, is_enum)) = &open {
                let key = text.trim_start_matches("pub ").trim_end_matches(',').split_once(": ");
                let visible = *is_enum || text.starts_with("pub ");
                match key {
                    Some((key, kind)) if visible && !attributes.contains("serde(skip)") => {
                        let key = Key {
                            name: key.to_owned(),
                            kind: kind.to_owned(),
                            told: told.trim().to_owned(),
                            needed: !optional && !attributes.contains("default"),
                        };
                        match variant {
                            Some(_) => self.variants.last_mut().unwrap().1.push(key),
                            None => self.structs.entry(name.clone()).or_default().push(key),
                        }
                    }
                    None if *is_enum
                        && line.starts_with("    ")
                        && text.ends_with(" {")
                        && !line.starts_with("     ") =>
                    {
                        let name = text.trim_end_matches(" {").to_lowercase();
                        self.variants.push((name.clone(), Vec::new()));
                        (variant, optional) = (Some(name), false);
                    }
                    None if text == "}," => variant = None,
                    None if *is_enum
                        && text.ends_with(',')
                        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == ',') =>
                    {
                        let word = text.trim_end_matches(',').to_lowercase();
                        self.words.entry(name.clone()).or_default().push(word);
                    }
                    _ => {}
                }
            }
            told.clear();
            attributes.clear();
        }
    }

    /// A section's table, then those of the sections below it.
    fn section(&self, page: &mut String, name: &str, keys: &[Key], defaults: &Value) {
        let title = if name.is_empty() {
            "At the top".to_owned()
        } else {
            format!("`[{name}]`")
        };
        let _ = write!(page, "\n## {title}\n\n| key | default | |\n|---|---|---|\n");
        let mut below = Vec::new();
        for key in keys {
            let inner = inner(&key.kind);
            if inner == "SignIn" {
                continue;
            }
            match self.structs.get(inner) {
                Some(keys) => below.push((key, keys)),
                None => self.row(page, key, &key.name, defaults.get(&key.name)),
            }
        }
        for (key, keys) in below {
            let path = if name.is_empty() {
                key.name.clone()
            } else {
                format!("{name}.{}", key.name)
            };
            // What may be there several times is written in two brackets.
            let path = if key.kind.starts_with("Vec<") {
                format!("[{path}]")
            } else {
                path
            };
            self.section(page, &path, keys, defaults.get(&key.name).unwrap_or(&Value::Null));
        }
    }

    fn row(&self, page: &mut String, key: &Key, name: &str, default: Option<&Value>) {
        let default = match (default, key.needed) {
            (_, true) => "*needed*".to_owned(),
            (None | Some(Value::Null), _) => String::new(),
            (Some(value), _) => format!("`{value}`"),
        };
        let told = key.told.replace("[`", "`").replace("`]", "`").replace('|', "\\|");
        let words = self
            .words
            .get(inner(&key.kind))
            .map(|words| format!(" One of `{}`.", words.join("`, `")));
        let _ = writeln!(page, "| `{name}` | {default} | {told}{} |", words.unwrap_or_default());
    }

    fn providers(&self, page: &mut String) {
        for (kind, keys) in &self.variants {
            let _ = write!(
                page,
                "\n## `[[sign_in]]`, kind = \"{kind}\"\n\n| key | default | |\n|---|---|---|\n"
            );
            for key in keys {
                match self.structs.get(inner(&key.kind)) {
                    Some(keys) => {
                        for below in keys {
                            self.row(page, below, &format!("{}.{}", key.name, below.name), None);
                        }
                    }
                    None => self.row(page, key, &key.name, None),
                }
            }
        }
    }
}

/// A type without what says that it may be missing, or be there several times.
fn inner(kind: &str) -> &str {
    let bare = kind.strip_prefix("Option<").or_else(|| kind.strip_prefix("Vec<"));
    bare.and_then(|bare| bare.strip_suffix('>')).unwrap_or(kind)
}

#[test]
fn the_settings_page_has_every_key_that_the_code_has() {
    let defined = Defined::read();
    let mut defaults = serde_json::to_value(load(GOOD).unwrap()).unwrap();
    // What the example had to say is no default.
    for needed in ["public_url", "listen", "data_dir", "kek_file", "tls", "bitcoin"] {
        defaults.as_object_mut().unwrap().remove(needed);
    }
    let mut page = HEAD.to_owned();
    defined.section(&mut page, "", &defined.structs["Config"], &defaults);
    defined.providers(&mut page);
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert!(rows > 90 && defined.variants.len() == 4, "{rows} keys: {page}");
    assert!(
        page.contains("| `max_fee_sat` | `1000000` |") && page.contains("| `kek_file` | *needed* |"),
        "{page}"
    );

    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md"));
    if std::env::var_os("TWOFOLD_WRITE_DOCS").is_some() {
        fs::write(path, &page).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/settings.md is another: TWOFOLD_WRITE_DOCS=1 cargo test -p twofold-server settings_page"
    );
}
