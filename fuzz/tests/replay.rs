//! The committed corpora, replayed: nothing fails, and every target gets as far as it says.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use twofold_fuzz::{TARGETS, Target};

// Where the code under test is built for libFuzzer, it calls libFuzzer's runtime.
#[cfg(feature = "libfuzzer")]
libfuzzer_sys::fuzz_target!(|_input: &[u8]| {});

/// More than this in a folder, and it is no longer a corpus that a person would commit.
const CORPUS_BYTES: usize = 200_000;

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = folder(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut inputs: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    inputs.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    inputs.into_iter().map(read).collect()
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let mut reached = BTreeMap::<_, usize>::new();
    let inputs = corpus(target);
    for (path, bytes) in &inputs {
        // Named before it runs: a panic says nothing of its input.
        println!("{}", path.display());
        *reached.entry((target.run)(bytes)).or_default() += 1;
    }
    println!("{name}: {reached:?}");
    let size: usize = inputs.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(size <= CORPUS_BYTES, "{name}: {size} bytes are too many to commit");
    for stage in target.stages {
        assert!(reached.contains_key(stage), "{name}: no input gets as far as {stage:?}");
    }
}

macro_rules! replays {
    ($($test:ident: $name:literal;)*) => {
        $(#[test]
        fn $test() {
            replay($name);
        })*

        #[test]
        fn every_target_has_a_corpus_a_binary_and_a_replay() {
            let replayed = [$($name),*];
            assert_eq!(replayed.to_vec(), TARGETS.iter().map(|target| target.name).collect::<Vec<_>>());
            let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
            for name in replayed {
                let path = format!("path = \"fuzz_targets/{name}.rs\"");
                assert!(manifest.contains(&path), "Cargo.toml has no binary for {name}");
                let main = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz_targets/{name}.rs"));
                assert!(fs::read_to_string(main).unwrap().contains(&format!("run(\"{name}\"")), "{name}");
            }
        }
    };
}

replays! {
    what_a_hostile_node_answers_is_used_or_refused: "chain";
    any_configuration_is_used_or_refused: "config";
    a_ceremony_with_any_messages_gives_one_wallet_or_none: "create";
    any_ethereum_transaction_or_call_has_effects_or_is_refused: "ethereum";
    any_keystore_is_opened_or_refused: "keystore";
    packages_and_records_have_one_spelling: "packages";
    the_facts_of_any_psbt_add_up: "psbt";
    any_headers_are_a_proof_in_one_spelling_or_refused: "signature";
    any_typed_data_or_text_has_effects_or_is_refused: "typed";
    any_message_is_taken_or_refused: "wire";
    what_a_person_types_is_taken_in_one_meaning_or_refused: "words";
}

/// With `TWOFOLD_WRITE_CORPUS` set the seeds are written first: `./dev fuzz --seeds`.
#[test]
fn every_seed_is_committed() {
    for target in TARGETS {
        for (name, bytes) in (target.seeds)() {
            let path = folder(target).join(&name);
            if std::env::var_os("TWOFOLD_WRITE_CORPUS").is_some() {
                fs::create_dir_all(folder(target)).unwrap();
                fs::write(&path, bytes).unwrap();
            }
            assert!(
                path.exists(),
                "{} is missing: ./dev fuzz --seeds writes it",
                path.display()
            );
        }
    }
}

/// What both lock files name stands in the same version in both, so that what is fuzzed is what is shipped.
#[test]
fn what_is_fuzzed_has_the_dependencies_of_what_is_shipped() {
    let packages = |path: &str| -> Vec<(String, String)> {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let field = |block: &str, name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name} = ")));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let blocks = text.split("[[package]]").skip(1);
        blocks
            .map(|block| (field(block, "name"), field(block, "version")))
            .collect()
    };
    let shipped = packages("../Cargo.lock");
    let own = ["arbitrary", "libfuzzer-sys", "twofold-fuzz"];
    let fuzzed = packages("Cargo.lock");
    assert!(fuzzed.len() > 100);
    for package in fuzzed.iter().filter(|(name, _)| !own.contains(&name.as_str())) {
        assert!(
            shipped.contains(package),
            "fuzz/Cargo.lock has {package:?} and Cargo.lock has not: ./dev fuzz --lock brings them together"
        );
    }
}
