//! `twofold recovery`: the words, checked; and used, where the server is gone.

mod check;
mod holder;
mod kit;
mod rehearse;
mod repair_server;
mod replace;
mod sign;
mod sweep;
mod voice;

use anyhow::Result;

use super::Context;
use crate::args;
pub(super) use kit::write as write_kit;

pub(super) async fn run(context: Context<'_>, command: args::Recovery) -> Result<()> {
    match command {
        args::Recovery::Export { out } => check::export(context, out.as_deref()).await,
        args::Recovery::Check { package, words } => {
            check::check(context, package.as_deref(), words.words_file.as_deref()).await
        }
        args::Recovery::Kit {
            out,
            package,
            with_words,
            words_file,
        } => kit::run(context, &out, package.as_deref(), with_words, words_file.as_deref()).await,
        args::Recovery::Rehearse { signing, yes } => Box::pin(rehearse::run(context, signing, yes)).await,
        args::Recovery::Replace(arguments) => Box::pin(replace::run(context, arguments)).await,
        args::Recovery::RepairServer { words, yes } => {
            Box::pin(repair_server::run(context, words.words_file.as_deref(), yes)).await
        }
        args::Recovery::Sweep(arguments) => Box::pin(sweep::run(context, arguments)).await,
        args::Recovery::New {
            invitation,
            out,
            qr,
            state,
            words_file,
            replace,
        } => {
            let shown = holder::Shown { out, qr, replace };
            holder::begin(context, &invitation, &shown, &state, words_file.as_deref())
        }
        args::Recovery::Continue {
            file,
            state,
            out,
            words,
            yes,
        } => {
            let here = holder::Here {
                state: state.as_deref(),
                out: out.as_deref(),
                words_file: words.words_file.as_deref(),
                yes,
            };
            Box::pin(holder::go_on(context, &file, here)).await
        }
        args::Recovery::Sign {
            request,
            out,
            words,
            network,
            yes,
        } => sign::run(context, &request, &out, words.words_file.as_deref(), network, yes),
    }
}
