//! `twofold`: the command line over the client.

mod agent;
mod args;
mod command;
mod exit;
mod file;
mod kit;
mod node;
mod output;
mod passphrase;
mod platform;
mod private_file;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Cli, output::Output};

fn main() -> ExitCode {
    // Before anything is read: any command may come to hold a passphrase, words or a share.
    let hardened = agent::harden();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) => return exit::unparsed(&fault),
    };
    let output = Output { json: cli.common.json };
    if let Err(fault) = hardened {
        let fault = anyhow::Error::new(fault).context("this system does not let a process keep its memory to itself");
        return exit::report(output, &fault);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(fault) => return exit::report(output, &fault.into()),
    };
    // Ctrl-C ends the process wherever it is: every write to the keystore is whole or absent, and nonces die with memory.
    match runtime.block_on(command::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => exit::report(output, &fault),
    }
}
