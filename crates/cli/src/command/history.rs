//! `twofold history`: what came and went.

use anyhow::Result;
use serde::Serialize;

use super::Context;

#[derive(Serialize)]
struct Answer {
    transactions: Vec<Line>,
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
}

#[derive(Serialize)]
struct Paid {
    address: Option<String>,
    amount_sat: u64,
}

pub(super) async fn run(context: Context<'_>) -> Result<()> {
    let (_, wallet) = context.synced().await?;
    let transactions = wallet
        .ledger()
        .history()
        .into_iter()
        .map(|entry| Line {
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
        })
        .collect();
    context.output.answer(&Answer { transactions }, |answer| {
        if answer.transactions.is_empty() {
            return "Nothing yet. Next: twofold receive".into();
        }
        answer.transactions.iter().map(shown).collect::<Vec<_>>().join("\n")
    })
}

fn shown(line: &Line) -> String {
    let place = line
        .height
        .map_or_else(|| "waiting".into(), |height| format!("block {height}"));
    let sign = if line.net_sat < 0 { '-' } else { '+' };
    let amount = crate::output::btc(line.net_sat.unsigned_abs());
    let fee = line
        .fee_sat
        .filter(|_| line.net_sat < 0)
        .map_or_else(String::new, |fee| format!("  (fee {fee} sat)"));
    format!("{place:<13} {sign}{amount:>20}  {}{fee}", line.txid)
}
