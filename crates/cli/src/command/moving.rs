//! `twofold wallet move`: a new wallet with new keys and words, and everything of this one sent there.
//!
//! What a person does after a theft: whoever has an old share, old words or an old package has no part in the new wallet.
//! Run again after it was interrupted, it takes the new wallet that is there and sends what is left.

use anyhow::{Result, bail};
use bitcoin::OutPoint;
use serde::Serialize;
use twofold_api::request::Name;
use twofold_client::{
    Client, Fault,
    labels::{Label, Reference},
    ledger::{Order, Pay},
    wallet::Wallet,
};

use super::{
    Context, create,
    send::{Described, describe, draft, hand_over, rate},
};
use crate::{
    args,
    exit::{Declined, Wrong},
    output::btc,
    platform::Native,
    terminal,
};

/// More transactions than anybody's coins take.
const MOST_SENDS: usize = 1_000;

#[derive(Serialize)]
struct Answer {
    /// The wallet that everything is sent from.
    from: String,
    /// The wallet that it goes to; not there in a dry run of one that is to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    name: String,
    coins: usize,
    amount_sat: u64,
    /// What is on its way to the old wallet and can't be spent yet.
    stays_sat: u64,
    fee_sat: u64,
    sent: Vec<Described>,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    words_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kit: Option<String>,
}

/// What there is to send.
struct Stock {
    coins: usize,
    amount_sat: u64,
    stays_sat: u64,
    frozen: Vec<OutPoint>,
}

impl Stock {
    fn of(wallet: &Wallet) -> Self {
        let balance = wallet.ledger().balance();
        let coins = wallet.ledger().coins();
        let amount_sat = balance.spendable().to_sat().saturating_add(balance.frozen.to_sat());
        Self {
            coins: coins.len(),
            amount_sat,
            stays_sat: balance.total().to_sat().saturating_sub(amount_sat),
            frozen: coins
                .iter()
                .filter(|coin| coin.frozen)
                .map(|coin| coin.outpoint)
                .collect(),
        }
    }
}

/// The command that sends everything to a new wallet.
pub(super) fn command(wallet: &Wallet) -> String {
    format!("twofold wallet move NEW-NAME --wallet {}", wallet.id())
}

/// What a command that ends a theft or a loss offers.
pub(super) fn offer(command: &str) -> String {
    format!(
        "Where the recovery words, or the server, may be in the same hands as the machine, send everything to a new wallet:\n  \
         {command}"
    )
}

pub(super) async fn run(context: Context<'_>, arguments: args::MoveTo) -> Result<()> {
    let name: Name = arguments.name.parse().map_err(Fault::from)?;
    let (mut client, mut wallet) = context.synced().await?;
    if wallet.name() == name.as_str() {
        bail!(Wrong(format!("{name} is the wallet to move away from; name another")));
    }
    let known = client.wallets().await?;
    let there = known
        .iter()
        .find(|listed| listed.name == name.as_str() && listed.finished && !listed.words_unconfirmed)
        .map(|listed| listed.wallet.to_string());
    if context.output.json && there.is_none() && !arguments.dry_run && arguments.words_file.is_none() {
        create::words_need_a_place()?;
    }
    let stock = Stock::of(&wallet);
    // Before a wallet is made that nothing could be sent to; and what a fenced server shows may lack coins.
    if !arguments.dry_run || stock.amount_sat == 0 {
        client.must_sign(&wallet).await?;
    }
    if stock.amount_sat == 0 {
        bail!(Wrong(format!(
            "there is nothing in {} that can be sent now; look at twofold balance",
            wallet.name()
        )));
    }
    let rate = rate(
        context,
        &mut client,
        &mut wallet,
        arguments.fee_rate,
        arguments.target_blocks,
    )
    .await?;
    say(context, &wallet, &stock, &name, there.is_some());
    if arguments.dry_run {
        return foretell(context, &mut client, wallet, stock, &name, there, rate).await;
    }
    if !arguments.yes && !terminal::confirm("Do it?")? {
        bail!(Declined::UNSENT);
    }
    let (mut new, made) = if let Some(there) = &there {
        (client.open_wallet(Some(there)).await?, None)
    } else {
        let made = Box::pin(create::make(context, &mut client, &name, &arguments.create())).await?;
        (made.wallet, Some(made.answer))
    };
    if new.name() != name.as_str() {
        bail!(Wrong(format!(
            "the wallet {} was begun before and is finished now; run this once more",
            new.name()
        )));
    }
    // Nobody's wish that a coin stay apart is worth leaving it to a thief.
    if !stock.frozen.is_empty() {
        client.freeze(&mut wallet, &stock.frozen, false).await?;
    }
    let sent = send_all(context, &mut client, (&mut wallet, &mut new), rate, arguments.yes).await?;
    client.sync(&mut new).await?;
    context.tell(&mut client);
    let (words_file, kit) = made.map_or((None, None), |made| (made.words_file, made.kit));
    let answer = Answer {
        from: wallet.id().to_string(),
        to: Some(new.id().to_string()),
        name: name.to_string(),
        coins: stock.coins,
        amount_sat: stock.amount_sat,
        stays_sat: stock.stays_sat,
        fee_sat: sent.iter().map(Described::fee_sat).sum(),
        sent,
        dry_run: false,
        words_file,
        kit,
    };
    context.output.answer(&answer, |answer| {
        let txids: Vec<_> = answer.sent.iter().map(Described::txid).collect();
        format!(
            "Sent to the new wallet {}:\n  {}\nKeep the old one for a while: what still comes to its addresses follows by the same \
             command. Next: twofold receive --wallet {}",
            answer.name,
            txids.join("\n  "),
            answer.name
        )
    })
}

fn say(context: Context<'_>, wallet: &Wallet, stock: &Stock, name: &Name, there: bool) {
    let made = if there { "the wallet" } else { "a new wallet," };
    context.output.say(&format!(
        "Everything of {} goes to {made} {name}: {} in {} coin{}.",
        wallet.name(),
        btc(stock.amount_sat),
        stock.coins,
        if stock.coins == 1 { "" } else { "s" },
    ));
    if !stock.frozen.is_empty() {
        context
            .output
            .say(&format!("{} of them are frozen and go along.", stock.frozen.len()));
    }
    if stock.stays_sat > 0 {
        context.output.say(&format!(
            "{} can't be spent yet; run this again when it is in a block.",
            btc(stock.stays_sat)
        ));
    }
}

/// What it would cost, sent to an address of the old wallet's own: a new one's is of the same size.
async fn foretell(
    context: Context<'_>,
    client: &mut Client<Native>,
    mut wallet: Wallet,
    stock: Stock,
    name: &Name,
    there: Option<String>,
    fee_rate: bitcoin::FeeRate,
) -> Result<()> {
    let own = client.receive(&mut wallet).await?;
    let order = Order {
        pay: Pay::All(own),
        fee_rate,
        from: Vec::new(),
    };
    let draft = draft(client, &mut wallet, &order).await?;
    context.tell(client);
    let answer = Answer {
        from: wallet.id().to_string(),
        to: there,
        name: name.to_string(),
        coins: stock.coins,
        amount_sat: stock.amount_sat,
        stays_sat: stock.stays_sat,
        fee_sat: draft.facts().fee.to_sat(),
        sent: Vec::new(),
        dry_run: true,
        words_file: None,
        kit: None,
    };
    context.output.answer(&answer, |answer| {
        format!(
            "Nothing was made or sent. The fee would be about {}.",
            btc(answer.fee_sat)
        )
    })
}

/// Sends all there is, in as many transactions as it takes, each to an address of its own.
async fn send_all(
    context: Context<'_>,
    client: &mut Client<Native>,
    (old, new): (&mut Wallet, &mut Wallet),
    fee_rate: bitcoin::FeeRate,
    yes: bool,
) -> Result<Vec<Described>> {
    let came: Label = format!("from {}", old.name()).parse().map_err(Fault::from)?;
    let went: Label = format!("moved to {}", new.name()).parse().map_err(Fault::from)?;
    let mut sent = Vec::new();
    while sent.len() < MOST_SENDS {
        let to = client.receive_fresh(new).await?;
        client.label(new, Reference::address(&to), &came).await?;
        // The server watches the address before anything is sent there.
        client.sync(new).await?;
        let order = Order {
            pay: Pay::All(to),
            fee_rate,
            from: Vec::new(),
        };
        let draft = draft(client, old, &order).await?;
        let more = draft.left().is_some();
        context.output.say(&draft.facts().to_string());
        if !yes && !terminal::confirm("Send it?")? {
            bail!(Declined(
                "the new wallet is there and nothing more was sent; run the same command to go on"
            ));
        }
        let described = describe(draft.facts());
        let txid = hand_over(context, client, old, draft).await?;
        client.label(old, Reference::transaction(txid), &went).await?;
        sent.push(described);
        if !more {
            break;
        }
        client.sync(old).await?;
    }
    Ok(sent)
}
