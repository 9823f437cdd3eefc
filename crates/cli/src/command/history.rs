//! `twofold history`: what came and went.

use anyhow::Result;
use bitcoin::Address;
use serde::Serialize;
use twofold_client::{
    labels::{Labels, Reference},
    ledger::Entry,
};

use super::{Context, offline::AsOf};

#[derive(Serialize)]
struct Answer {
    transactions: Vec<Line>,
    /// The server did not answer: this is what the books say, as of this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

#[derive(Serialize)]
struct Line {
    txid: String,
    net_sat: i64,
    fee_sat: Option<u64>,
    height: Option<u32>,
    confirmations: u32,
    time: Option<u64>,
    paid: Vec<Paid>,
    label: Option<String>,
    /// Transactions of ours whose place this one took.
    replaces: Vec<String>,
    /// The server's node refused it or lost it; it is handed over again as blocks come.
    unsent: bool,
}

#[derive(Serialize)]
struct Paid {
    address: Option<String>,
    amount_sat: u64,
}

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    let (_, wallet, read) = context.read().await?;
    let history = wallet.ledger().history();
    let transactions = history.into_iter().map(|entry| line(wallet.labels(), entry)).collect();
    let as_of = read.as_of;
    context.output.answer(&Answer { transactions, as_of }, |answer| {
        if answer.transactions.is_empty() {
            return "Nothing yet. Next: twofold receive".into();
        }
        answer.transactions.iter().map(shown).collect::<Vec<_>>().join("\n")
    })
}

fn line(labels: &Labels, entry: Entry) -> Line {
    let at = |address: &Address| labels.of(&Reference::address(address));
    let label = labels
        .of(&Reference::transaction(entry.txid))
        .or_else(|| entry.received_at.iter().find_map(at))
        .or_else(|| entry.paid.iter().filter_map(|paid| paid.address.as_ref()).find_map(at))
        .map(ToOwned::to_owned);
    Line {
        txid: entry.txid.to_string(),
        net_sat: entry.net.to_sat(),
        fee_sat: entry.fee.map(bitcoin::Amount::to_sat),
        height: entry.height,
        confirmations: entry.confirmations,
        time: entry.time,
        paid: entry
            .paid
            .into_iter()
            .map(|paid| Paid {
                address: paid.address.map(|address| address.to_string()),
                amount_sat: paid.value.to_sat(),
            })
            .collect(),
        label,
        replaces: entry.replaces.iter().map(ToString::to_string).collect(),
        unsent: entry.unsent,
    }
}

fn shown(line: &Line) -> String {
    let place = match line.height {
        Some(height) => format!("block {height}"),
        None if line.unsent => "not sent".into(),
        None => "waiting".into(),
    };
    let sign = if line.net_sat < 0 { '-' } else { '+' };
    let amount = crate::output::btc(line.net_sat.unsigned_abs());
    let fee = line
        .fee_sat
        .filter(|_| line.net_sat < 0)
        .map_or_else(String::new, |fee| format!("  (fee {fee} sat)"));
    let label = line
        .label
        .as_ref()
        .map_or_else(String::new, |label| format!("  {label:?}"));
    let mut text = format!("{place:<13} {sign}{amount:>20}  {}{fee}{label}", line.txid);
    for replaced in &line.replaces {
        text = format!("{text}\n{:>36}  in place of {replaced}", "");
    }
    text
}
