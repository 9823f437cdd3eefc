//! `twofold watch`: what happens to the wallet, as it happens.
//!
//! The server's stream only says that there is something; a sync then brings and proves it. While nothing happens, the
//! keystore is closed and other commands may use it. Its key then waits where it came from: with the agent, which is asked
//! again each time, or, where the passphrase was given here, in a locked page of this process, as an agent keeps it.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use tokio::time::{Instant, sleep, sleep_until};
use twofold_api::Reason;
use twofold_cli::transport::Stream;
use twofold_client::{
    Client, Fault, Kind,
    keystore::Loan,
    port::KeystoreFault,
    wallet::Wallet,
    watch::{Known, Watching},
};
use zeroize::Zeroizing;

use super::Context;
use crate::{
    agent::{Held, LONGEST, Lease},
    exit::Wrong,
    output::btc,
    platform::{Native, SystemClock},
};

/// Shortest time from one sync to the next, however often the server calls.
const BREATH: Duration = Duration::from_secs(1);
/// First and longest wait before the server is asked again after it failed.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How often a keystore that another command uses is tried again.
const BUSY: Duration = Duration::from_millis(100);

/// Between two looks whether a lease is over.
const LOOK: Duration = Duration::from_millis(500);

/// A line, by its stable names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    /// Watching began.
    Watching { wallet: String, height: Option<u32> },
    /// A transaction is new, was mined, or moved.
    Transaction {
        txid: String,
        net_sat: i64,
        /// Where it was mined; none while it waits.
        height: Option<u32>,
        confirmations: u32,
    },
    /// A transaction that was there counts no more.
    Gone { txid: String },
    /// A new best block.
    Block { height: u32 },
    /// The server's log of this wallet grew.
    Log { entries: u64 },
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Watching { wallet, .. } => write!(f, "watching {wallet}; end with Ctrl-C"),
            Self::Transaction {
                txid, net_sat, height, ..
            } => {
                let sign = if *net_sat < 0 { '-' } else { '+' };
                write!(f, "{sign}{}  {txid}  ", btc(net_sat.unsigned_abs()))?;
                match height {
                    Some(height) => write!(f, "in block {height}"),
                    None => f.write_str("waits for a block"),
                }
            }
            Self::Gone { txid } => write!(f, "gone  {txid}"),
            Self::Block { height } => write!(f, "block {height}"),
            Self::Log { entries } => write!(f, "the server's log has {entries} entries"),
        }
    }
}

/// What was told last.
#[derive(Debug, Default)]
struct Told {
    transactions: BTreeMap<String, (i64, Option<u32>)>,
    height: Option<u32>,
    entries: u64,
}

impl Told {
    /// Where the books stand now.
    fn now(wallet: &Wallet, entries: u64) -> Self {
        let history = wallet.ledger().history();
        Self {
            transactions: history
                .iter()
                .map(|entry| (entry.txid.to_string(), (entry.net.to_sat(), entry.height)))
                .collect(),
            height: wallet.ledger().tip_height(),
            entries,
        }
    }

    /// What is to be told to who knows `self`.
    fn lines(&self, now: &Self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(height) = now.height.filter(|_| now.height != self.height) {
            lines.push(Line::Block { height });
        }
        for (txid, place) in &now.transactions {
            if self.transactions.get(txid) != Some(place) {
                let (net_sat, height) = *place;
                let buried = |height: u32| now.height.map_or(0, |tip| tip.saturating_sub(height).saturating_add(1));
                lines.push(Line::Transaction {
                    txid: txid.clone(),
                    net_sat,
                    height,
                    confirmations: height.map_or(0, buried),
                });
            }
        }
        let gone = self
            .transactions
            .keys()
            .filter(|txid| !now.transactions.contains_key(*txid));
        lines.extend(gone.map(|txid| Line::Gone { txid: txid.clone() }));
        if now.entries > self.entries {
            lines.push(Line::Log { entries: now.entries });
        }
        lines
    }
}

/// Where the key is while the keystore is closed.
enum Key {
    /// With the agent: once that is gone, so is the key.
    Lent,
    /// Here, for as long as an agent would keep it at most.
    Held(Held, Lease),
}

impl Key {
    /// Opens the keystore for the first time.
    async fn first(context: Context<'_>) -> Result<(Self, Client<Native>)> {
        let lent = async || context.home().client_of_agent().await;
        if let Some(client) = when_free(lent).await? {
            return Ok((Self::Lent, client));
        }
        let mut client = context.home().client_by_passphrase().await?;
        let loan = client.keystore().0.lend().await?;
        let held = Held::read(&mut loan.expose().as_slice().chain(loan.file().as_slice()));
        let held = held.context("this system locks no memory for you (see ulimit -l); run twofold unlock elsewhere")?;
        Ok((Self::Held(held, Lease::start(LONGEST)), client))
    }

    /// Opens it once more; another command may be using it for a while.
    async fn again(&self, context: Context<'_>) -> Result<Client<Native>> {
        match self {
            Self::Lent => {
                let client = when_free(async || context.home().client_of_agent().await).await?;
                client.with_context(|| Wrong("the keystore was locked, so nobody watches any more".into()))
            }
            Self::Held(held, lease) => {
                if lease.is_over() {
                    bail!(Wrong(OVER.into()));
                }
                when_free(async || {
                    let mut key = Zeroizing::new([0; 32]);
                    key.copy_from_slice(held.key());
                    context.home().client_lent(Loan::new(key, *held.file())).await
                })
                .await
            }
        }
    }

    /// Resolves when what is held here may be held no longer.
    async fn is_over(&self) {
        match self {
            Self::Lent => std::future::pending().await,
            Self::Held(_, lease) => {
                while !lease.is_over() {
                    sleep(LOOK).await;
                }
            }
        }
    }
}

const OVER: &str = "a day is over or the machine slept, so the key was dropped; run twofold watch again";

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    tokio::select! {
        outcome = watch(context) => outcome,
        ended = tokio::signal::ctrl_c() => Ok(ended?),
    }
}

async fn watch(context: Context<'_>) -> Result<()> {
    let (key, mut client) = Key::first(context).await?;
    let mut told: Option<Told> = None;
    let mut wait = BACK_OFF.0;
    loop {
        let mut lines = Vec::new();
        let round = Box::pin(round(context, &mut client, &mut told, &mut lines)).await;
        context.tell(&mut client);
        drop(client);
        // Who reads a line may use the keystore at once.
        for line in lines {
            tell(context, &line);
        }
        let next = match round {
            Ok((watching, known)) => {
                wait = BACK_OFF.0;
                tokio::select! {
                    next = hold_on(watching, known) => next,
                    () = key.is_over() => bail!(Wrong(OVER.into())),
                }
            }
            Err(fault) => Err(fault),
        };
        if let Err(fault) = next {
            if !passes(&fault) {
                return Err(fault.into());
            }
            context.output.say(&format!("note: {fault}; trying again"));
            sleep(wait).await;
            wait = (wait * 2).min(BACK_OFF.1);
        }
        client = key.again(context).await?;
    }
}

/// Syncs, finds out what is new, and opens the stream.
async fn round(
    context: Context<'_>,
    client: &mut Client<Native>,
    told: &mut Option<Told>,
    lines: &mut Vec<Line>,
) -> Result<(Watching<Stream>, Known), Fault> {
    let mut wallet = client.open_wallet(context.common.wallet.as_deref()).await?;
    client.sync(&mut wallet).await?;
    let known = client.known(&wallet)?;
    let now = Told::now(&wallet, known.entries());
    lines.extend(match told {
        Some(told) => told.lines(&now),
        None => vec![Line::Watching {
            wallet: wallet.name().to_owned(),
            height: now.height,
        }],
    });
    *told = Some(now);
    let watching = client.watch(&wallet).await?;
    Ok((watching, known))
}

/// Writes a line, at once. Where nobody reads any more, that is the end.
fn tell(context: Context<'_>, line: &Line) {
    let text = if context.output.json {
        serde_json::to_string(line).unwrap_or_default()
    } else {
        line.to_string()
    };
    if writeln!(std::io::stdout(), "{text}").is_err() {
        // The kernel wipes a process's memory before it gives it to another.
        std::process::exit(0);
    }
}

/// Waits until the server says something new, or ends the stream.
async fn hold_on(mut watching: Watching<Stream>, known: Known) -> Result<(), Fault> {
    let earliest = Instant::now() + BREATH;
    while let Some(pulse) = watching.next(&SystemClock).await? {
        if known.is_behind(&pulse) {
            break;
        }
    }
    sleep_until(earliest).await;
    Ok(())
}

/// Tries for as long as another command uses the keystore.
async fn when_free<T>(open: impl AsyncFn() -> Result<T>) -> Result<T> {
    loop {
        match open().await {
            Err(fault) if is_busy(&fault) => sleep(BUSY).await,
            outcome => return outcome,
        }
    }
}

fn is_busy(fault: &anyhow::Error) -> bool {
    matches!(fault.downcast_ref(), Some(KeystoreFault::Busy { .. }))
        || matches!(fault.downcast_ref(), Some(Fault::Keystore(KeystoreFault::Busy { .. })))
}

/// Whether it may be over in a while.
fn passes(fault: &Fault) -> bool {
    match fault.kind() {
        Kind::Network | Kind::Server => true,
        _ => matches!(
            fault.reason(),
            Some(Reason::RateLimited | Reason::QuotaExceeded | Reason::Conflict | Reason::DeadlineExceeded)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Told};

    fn told(transactions: &[(&str, i64, Option<u32>)], height: u32, entries: u64) -> Told {
        Told {
            transactions: transactions
                .iter()
                .map(|(txid, net, height)| ((*txid).to_owned(), (*net, *height)))
                .collect(),
            height: Some(height),
            entries,
        }
    }

    #[test]
    fn each_change_is_told_once_and_nothing_else() {
        let before = told(&[("a", 5, None), ("b", 7, Some(10))], 10, 3);
        assert_eq!(before.lines(&before), []);
        let transaction = |txid: &str, net_sat, height, confirmations| Line::Transaction {
            txid: txid.into(),
            net_sat,
            height,
            confirmations,
        };
        let after = told(&[("a", 5, Some(11)), ("b", 7, Some(10)), ("c", -9, None)], 12, 4);
        assert_eq!(
            before.lines(&after),
            [
                Line::Block { height: 12 },
                transaction("a", 5, Some(11), 2),
                transaction("c", -9, None, 0),
                Line::Log { entries: 4 },
            ]
        );
        // A reorganization takes a block away, and a transaction with it.
        assert_eq!(
            after.lines(&told(&[("a", 5, None), ("b", 7, Some(10))], 11, 4)),
            [
                Line::Block { height: 11 },
                transaction("a", 5, None, 0),
                Line::Gone { txid: "c".into() }
            ]
        );
    }
}
