//! What is fuzzed: one function a target, taking any bytes, which both libFuzzer (`fuzz_targets/`) and the replay of the
//! committed corpora (`tests/replay.rs`, stable Rust) call.
//!
//! A target panics where something does not hold that must. Otherwise it says how far the input came: the replay holds
//! each target to its list of stages, so that a corpus which no longer gets into the parser is noticed.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod chain;
mod config;
mod create;
mod ethereum;
mod keystore;
mod packages;
mod parties;
mod psbt;
mod signature;
mod typed;
mod wire;
mod words;

/// An input to start from, with the name of its file.
pub type Seed = (String, Vec<u8>);

/// One parser, or one state machine, under any bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the binary, and of the corpus folder.
    pub name: &'static str,
    /// Runs an input and says how far it came.
    pub run: fn(&[u8]) -> &'static str,
    /// What [`run`](Self::run) must say of some input of the corpus. The last one means: taken whole.
    pub stages: &'static [&'static str],
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Seed>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    chain::TARGET,
    config::TARGET,
    create::TARGET,
    ethereum::TARGET,
    keystore::TARGET,
    packages::TARGET,
    psbt::TARGET,
    signature::TARGET,
    typed::TARGET,
    wire::TARGET,
    words::TARGET,
];

/// Runs an input against the target of that name; for the binaries.
///
/// # Panics
/// Where there is no such target, and where the target finds something that does not hold.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}

/// The first byte, which chooses among a target's cases, and the rest.
fn choice(input: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = input.split_first()?;
    Some((usize::from(*first), rest))
}

fn seed(name: impl Into<String>, case: usize, bytes: &[u8]) -> Seed {
    let case = u8::try_from(case).expect("few cases");
    (name.into(), [&[case], bytes].concat())
}
