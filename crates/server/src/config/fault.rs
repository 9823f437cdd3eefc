//! Figment's errors in one sentence that names the key and, for an unknown one, the nearest that exists.

use std::path::Path;

use figment::error::Kind;

use crate::fault::Fault;

pub(super) fn explain(path: &Path, error: figment::Error) -> Fault {
    let first = error.into_iter().next();
    let Some(error) = first else {
        return Fault::Config(format!("{} can't be read", path.display()));
    };
    let environment = error
        .metadata
        .as_ref()
        .is_some_and(|source| source.name.contains("environment"));
    let source = if environment {
        "the environment".to_owned()
    } else {
        path.display().to_string()
    };
    let key = error.path.join(".");
    Fault::Config(match &error.kind {
        Kind::UnknownField(name, known) => {
            let near = nearest(name, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
            let name = match error.path.split_last() {
                Some((last, parents)) if last == name && !parents.is_empty() => format!("{}.{name}", parents.join(".")),
                Some((last, _)) if last != name => format!("{key}.{name}"),
                _ => name.clone(),
            };
            format!("{source}: unknown key `{name}`{near}")
        }
        Kind::MissingField(name) if key.is_empty() || key == *name => format!("{source}: `{name}` is missing"),
        Kind::MissingField(name) => format!("{source}: `{key}.{name}` is missing"),
        kind if key.is_empty() => format!("{source}: {kind}"),
        kind => format!("{source}: `{key}`: {kind}"),
    })
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|known| (distance(name, known), *known))
        .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
