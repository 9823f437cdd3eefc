//! `twofold coins`: what the wallet holds, coin by coin, and which are frozen.

use anyhow::Result;
use bitcoin::{OutPoint, Txid};
use serde::Serialize;
use twofold_client::{
    labels::Reference,
    ledger::{Coin, Standing},
    wallet::Wallet,
};

use super::{Context, offline::AsOf};
use crate::{args, output::btc};

#[derive(Serialize)]
struct Answer {
    coins: Vec<Line>,
    /// The server did not answer: this is what the books say, as of this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

#[derive(Serialize)]
struct Line {
    outpoint: String,
    amount_sat: u64,
    address: Option<String>,
    confirmations: u32,
    standing: &'static str,
    label: Option<String>,
    frozen: bool,
}

#[derive(Serialize)]
struct Frozen {
    outpoints: Vec<String>,
    frozen: bool,
}

pub(super) async fn run(context: Context<'_>, command: Option<args::Coins>) -> Result<()> {
    match command {
        None => list(context).await,
        Some(args::Coins::Freeze { outpoints }) => freeze(context, &outpoints, true).await,
        Some(args::Coins::Unfreeze { outpoints }) => freeze(context, &outpoints, false).await,
    }
}

async fn list(context: Context<'_>) -> Result<()> {
    let (_, wallet, read) = context.read().await?;
    let coins = wallet.ledger().coins();
    let coins = coins.into_iter().map(|coin| line(&wallet, coin)).collect();
    let as_of = read.as_of;
    context.output.answer(&Answer { coins, as_of }, |answer| {
        if answer.coins.is_empty() {
            return "No coins. Next: twofold receive".into();
        }
        answer.coins.iter().map(shown).collect::<Vec<_>>().join("\n")
    })
}

fn line(wallet: &Wallet, coin: Coin) -> Line {
    let labels = wallet.labels();
    let label = labels
        .of(&Reference::coin(coin.outpoint))
        .or_else(|| labels.of(&Reference::address(coin.address.as_ref()?)))
        .or_else(|| labels.of(&Reference::transaction(coin.outpoint.txid)));
    Line {
        outpoint: coin.outpoint.to_string(),
        amount_sat: coin.value.to_sat(),
        confirmations: coin.confirmations,
        standing: match coin.standing {
            Standing::Confirmed => "confirmed",
            Standing::Change => "change",
            Standing::Pending => "pending",
            Standing::Immature => "immature",
        },
        label: label.map(ToOwned::to_owned),
        frozen: coin.frozen,
        address: coin.address.map(|address| address.to_string()),
    }
}

fn shown(line: &Line) -> String {
    let frozen = if line.frozen { "  frozen" } else { "" };
    let label = line
        .label
        .as_ref()
        .map_or_else(String::new, |label| format!("  {label:?}"));
    format!(
        "{:>21}  {:<9}  {}{frozen}{label}",
        btc(line.amount_sat),
        line.standing,
        line.outpoint
    )
}

async fn freeze(context: Context<'_>, coins: &[OutPoint], frozen: bool) -> Result<()> {
    // A coin that came a moment ago is known only once the chain was read.
    let (mut client, mut wallet) = context.synced().await?;
    client.freeze(&mut wallet, coins, frozen).await?;
    let answer = Frozen {
        outpoints: coins.iter().map(ToString::to_string).collect(),
        frozen,
    };
    context.output.answer(&answer, |answer| {
        let now = if answer.frozen {
            "Frozen: never chosen, never signed for"
        } else {
            "Not frozen any more"
        };
        format!("{now}.\n{}", answer.outpoints.join("\n"))
    })
}

/// A transaction's id.
pub(crate) fn parse_txid(text: &str) -> Result<Txid, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no transaction id: it has 64 hex digits, as twofold history shows them"))
}

/// A coin's name.
pub(crate) fn parse_outpoint(text: &str) -> Result<OutPoint, String> {
    text.parse()
        .map_err(|_| format!("{text:?} names no coin: write TXID:NUMBER, as twofold coins shows it"))
}
