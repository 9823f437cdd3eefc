//! The log: JSON lines for machines or text for eyes, on standard error, its level changed at run time.
//!
//! What other crates say is kept to warnings unless directives ask for more: their debug output is not ours to vouch
//! for. Of HTTP/2 not even those are taken: whoever connects writes a line by each frame of a kind that nobody asked for. No body, token, secret or user agent is ever logged here.

use std::io::IsTerminal as _;

use tracing_subscriber::{
    EnvFilter, Layer as _, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _,
};

use crate::{
    config::{Log, LogFormat, Traces},
    fault::Fault,
    trace::{self, Exporter},
};

/// Changes the level of a running log.
#[derive(Debug, Clone)]
pub struct LevelHandle(reload::Handle<EnvFilter, Registry>);

impl LevelHandle {
    /// Sets the level: one of the five words, or directives.
    pub fn set(&self, level: &str) -> Result<(), Fault> {
        let filter = parse_level(level)?;
        self.0
            .reload(filter)
            .map_err(|error| Fault::System(format!("can't change the log level: {error}")))
    }
}

/// HTTP/2 warns of a peer's frames.
const QUIET: &str = "h2=error";

/// Reads a level: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,twofold_store=debug`.
pub fn parse_level(level: &str) -> Result<EnvFilter, Fault> {
    let directives = match level {
        "off" | "error" => level.to_owned(),
        "warn" | "info" | "debug" | "trace" => format!("warn,{QUIET},twofold={level}"),
        directives => {
            let sound = directives.contains(['=', ',']);
            if !sound {
                return Err(unknown(level));
            }
            // Those that name it themselves come later, and count.
            format!("{QUIET},{directives}")
        }
    };
    EnvFilter::builder().parse(directives).map_err(|_| unknown(level))
}

fn unknown(level: &str) -> Fault {
    Fault::Config(format!(
        "log.level `{level}` must be error, warn, info, debug, trace, or directives such as info,twofold_store=debug"
    ))
}

/// Starts the log of this process, and its traces, once. Traces are sent by the runtime that this is called in.
pub fn start(log: &Log, traces: &Traces) -> Result<(LevelHandle, Exporter), Fault> {
    start_to(log, traces, std::io::stderr)
}

/// The same, to a writer of one's own.
pub fn start_to<W>(log: &Log, traces: &Traces, writer: W) -> Result<(LevelHandle, Exporter), Fault>
where
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(parse_level(&log.level)?);
    let layer = match log.format {
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .with_writer(writer)
            .boxed(),
        LogFormat::Text => fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .with_writer(writer)
            .boxed(),
    };
    let (spans, exporter) = trace::start(traces)?;
    // The log's level is not the traces': each layer has a filter of its own.
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|error| Fault::System(format!("can't start the log: {error}")))?;
    Ok((LevelHandle(handle), exporter))
}

#[cfg(test)]
mod tests;
