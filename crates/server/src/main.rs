//! The server binary: reads the command line and hands on.

mod cli;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use twofold_server::{
    command::{self, Server},
    fault::Fault,
    memory,
};

use cli::{Cli, Command, ConfigCommand, FenceCommand, KekCommand};

fn main() -> ExitCode {
    // Before anything is read: every command may come to hold the KEK or an invitation.
    match memory::keep_private().and_then(|()| dispatch(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let _ = writeln!(std::io::stderr(), "twofold-server: {fault}");
            ExitCode::from(fault.exit_code())
        }
    }
}

fn dispatch(asked: Command) -> Result<(), Fault> {
    match asked {
        Command::Init(init) => command::init(init.try_into()?),
        Command::Run(run) => command::run(run.into()),
        Command::Invite(invite) => {
            let recover = invite.recover.as_deref();
            command::invite(&invite.server.into(), invite.expires, recover, invite.wait, invite.json)
        }
        Command::Refuse(wish) => command::refuse(&wish.server.into(), &wish.wallet, wish.change, wish.json),
        Command::Approve(wish) => command::approve(&wish.server.into(), &wish.wallet, wish.change, wish.json),
        Command::LogLevel(wish) => command::log_level(&wish.server.into(), &wish.level, wish.json),
        Command::Link(link) => command::link(&Server::from(link.server), link.json),
        Command::Status(status) => command::status(&Server::from(status.server), status.json),
        Command::Look(look) => look.run(),
        Command::Backup(wanted) => command::backup(wanted.into()),
        Command::BackupKey { out, json } => command::backup_key(&out, json),
        Command::Restore(wanted) => command::restore(&wanted.into()),
        Command::Doctor { config, json } => command::doctor(&config, json),
        Command::Drill(wanted) => command::drill(&Server::from(wanted.server), wanted.json),
        Command::Kek(KekCommand::Rotate { server, json }) => command::kek_rotate(&server.into(), json),
        Command::Fence(FenceCommand::List { server, json }) => command::fence_list(&server.into(), json),
        Command::Fence(FenceCommand::Adopt { identity, server, json }) => {
            command::fence_adopt(&server.into(), &identity, json)
        }
        Command::Fence(FenceCommand::Lift {
            wallet,
            reason,
            server,
            json,
            ..
        }) => command::fence_lift(&server.into(), wallet.as_deref(), &reason, json),
        Command::Config(ConfigCommand::Check { config, json }) => command::config_check(&config, json),
    }
}
