//! One file per command, each from arguments to an answer.

mod audit;
mod balance;
mod coins;
mod compare;
mod create;
mod descriptor;
mod device;
mod freeze;
mod history;
mod join;
mod labels;
mod message;
mod moving;
mod offline;
mod passphrase;
mod pending;
mod psbt;
mod receive;
mod recover;
mod recovery;
mod refresh;
mod replace;
mod rpc;
mod send;
mod unlock;
mod wallet;
mod watch;

use anyhow::Result;
use clap::CommandFactory as _;
use twofold_client::{Client, Fault, ledger::SyncReport, port::KeystoreFault, wallet::Wallet};

pub(crate) use coins::{parse_outpoint, parse_txid};
pub(crate) use send::parse_rate;

use crate::{
    args::{Cli, Command, Common},
    output::Output,
    platform::{Home, Native},
};

/// Whether this machine has no keystore.
fn is_new(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Fault::Keystore(KeystoreFault::Absent)))
}

/// What every command works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    common: &'a Common,
    output: Output,
}

impl Context<'_> {
    fn home(&self) -> Home<'_> {
        Home(self.common)
    }

    async fn client(&self) -> Result<Client<Native>> {
        self.home().client().await
    }

    /// The client with the wallet that was asked for.
    async fn wallet(&self) -> Result<(Client<Native>, Wallet)> {
        let client = self.client().await?;
        let wallet = client.open_wallet(self.common.wallet.as_deref()).await?;
        Ok((client, wallet))
    }

    /// The same, with what the chain says now.
    async fn synced(&self) -> Result<(Client<Native>, Wallet)> {
        let (mut client, mut wallet) = self.wallet().await?;
        self.sync(&mut client, &mut wallet).await?;
        Ok((client, wallet))
    }

    async fn sync(&self, client: &mut Client<Native>, wallet: &mut Wallet) -> Result<SyncReport, Fault> {
        let bar = crate::terminal::spinner();
        bar.set_message("reading the chain");
        let report = client.sync(wallet).await;
        bar.finish_and_clear();
        self.tell(client);
        let report = report?;
        if let Some(height) = report.scanning {
            self.output.say(&format!(
                "the server is still reading old blocks (at {height} of {})",
                report.tip_height
            ));
        }
        Ok(report)
    }

    /// Passes on what a person should know: on standard error always, for a program that reads the answer alone must not
    /// swallow that a server was rolled back.
    fn tell(&self, client: &mut Client<Native>) {
        for notice in client.take_notices() {
            self.output.warn(&format!("note: {notice}"));
        }
    }
}

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<()> {
    let Cli { command, common } = cli;
    let context = Context {
        output: Output { json: common.json },
        common: &common,
    };
    match command {
        Command::Join(arguments) => join::run(context, arguments).await,
        Command::Create(arguments) => Box::pin(create::run(context, arguments)).await,
        Command::Receive(arguments) => Box::pin(receive::run(context, arguments)).await,
        Command::Balance => balance::run(context).await,
        Command::Send(arguments) => Box::pin(send::run(context, arguments)).await,
        Command::Refresh => Box::pin(refresh::run(context)).await,
        Command::Watch => Box::pin(watch::run(context)).await,
        Command::BumpFee(arguments) => Box::pin(replace::run(context, arguments, replace::How::Bump)).await,
        Command::Abandon(arguments) => Box::pin(replace::run(context, arguments, replace::How::TakeBack)).await,
        Command::Coins { command } => coins::run(context, command).await,
        Command::Label(arguments) => labels::write(context, arguments).await,
        Command::Labels { command } => labels::run(context, command).await,
        Command::Passphrase { command } => passphrase::run(context, command).await,
        Command::History => history::run(context).await,
        Command::Descriptor => descriptor::run(context).await,
        Command::SignMessage(arguments) => Box::pin(message::sign(context, arguments)).await,
        Command::VerifyMessage(arguments) => message::verify(context, arguments),
        Command::Psbt { command } => Box::pin(psbt::run(context, command)).await,
        Command::Wallet { command } => wallet::run(context, command).await,
        Command::Device { command } => Box::pin(device::run(context, command)).await,
        Command::Freeze => freeze::freeze(context).await,
        Command::Unfreeze(voice) => Box::pin(freeze::unfreeze(context, &voice)).await,
        Command::Pending { command } => Box::pin(pending::run(context, command)).await,
        Command::Recover(arguments) => Box::pin(recover::run(context, arguments)).await,
        Command::Recovery { command } => Box::pin(recovery::run(context, command)).await,
        Command::Audit { command } => audit::run(context, command).await,
        Command::Unlock(arguments) => unlock::unlock(context, &arguments).await,
        Command::Lock => unlock::lock(context).await,
        Command::Agent(arguments) => crate::agent::serve(&context.home().path()?, arguments.seconds).await,
        Command::Rpc(arguments) => rpc::run(context, arguments).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "twofold", &mut std::io::stdout());
            Ok(())
        }
    }
}
