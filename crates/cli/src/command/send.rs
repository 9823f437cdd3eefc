//! `twofold send`: draft, show, ask, co-sign, broadcast.

use std::collections::VecDeque;

use anyhow::{Context as _, Result, bail};
use bitcoin::{Address, Amount, FeeRate, Network, Txid};
use serde::Serialize;
use twofold_api::Reason;
use twofold_client::{
    Client, Fault, Kind,
    ledger::{Draft, Order, Pay},
    wallet::Wallet,
};
use twofold_intent::{AmountText, Facts, PaymentUri, psbt};

use super::Context;
use crate::{
    args,
    exit::{Declined, Wrong},
    platform::Native,
    terminal,
};

/// What a transaction does, by its stable names.
#[derive(Serialize)]
pub(super) struct Described {
    pub(super) txid: String,
    payments: Vec<Payment>,
    change_sat: u64,
    fee_sat: u64,
    fee_rate_sat_vb: f64,
    inputs: usize,
    foreign_inputs: usize,
    vsize: u64,
    replaceable: bool,
}

impl Described {
    /// The transaction's id.
    pub(super) fn txid(&self) -> &str {
        &self.txid
    }

    /// What it pays to be mined.
    pub(super) const fn fee_sat(&self) -> u64 {
        self.fee_sat
    }
}

#[derive(Serialize)]
struct Payment {
    address: Option<String>,
    script: String,
    amount_sat: u64,
    to_self: bool,
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    described: Described,
    sent: bool,
    psbt: Option<String>,
}

/// Facts by their stable names.
pub(super) fn describe(facts: &Facts) -> Described {
    Described {
        txid: facts.txid.to_string(),
        payments: facts
            .payments
            .iter()
            .map(|payment| Payment {
                address: payment.address.as_ref().map(ToString::to_string),
                script: payment.script.to_hex_string(),
                amount_sat: payment.value.to_sat(),
                to_self: payment.to_self,
            })
            .collect(),
        change_sat: facts.change_value().to_sat(),
        fee_sat: facts.fee.to_sat(),
        fee_rate_sat_vb: hundredths(facts.fee_rate()),
        inputs: facts.inputs.len(),
        foreign_inputs: facts.foreign_inputs.len(),
        vsize: facts.vsize(),
        replaceable: facts.replaceable,
    }
}

/// A fee rate in sat/vB to two places, for showing.
pub(super) fn hundredths(rate: FeeRate) -> f64 {
    // One sat/vB is 250 sat per 1000 weight units.
    let hundredths = u32::try_from(rate.to_sat_per_kwu().saturating_mul(100) / 250).unwrap_or(u32::MAX);
    f64::from(hundredths) / 100.0
}

/// "5" or "2.5" sat/vB, exactly, up to three places.
pub(crate) fn parse_rate(text: &str) -> Result<FeeRate, String> {
    let wrong = || format!("{text:?} is no fee rate: write sat per virtual byte, such as 5 or 2.5");
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 3 || !text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let thousandths: u64 = format!("{part:0<3}").parse().map_err(|_| wrong())?;
    let per_kvb = whole
        .checked_mul(1000)
        .and_then(|rate| rate.checked_add(thousandths))
        .ok_or_else(wrong)?;
    // Up, never down: a rate rounded to nothing would never be mined.
    Ok(FeeRate::from_sat_per_kwu(per_kvb.div_ceil(4)))
}

pub(super) async fn run(context: Context<'_>, arguments: args::Send) -> Result<()> {
    let (mut client, mut wallet) = context.synced().await?;
    let pay = recipients(&arguments, wallet.network())?;
    let args::Fee {
        rate: named,
        target_blocks,
    } = arguments.fee;
    let fee_rate = rate(context, &mut client, &mut wallet, named, target_blocks).await?;
    let order = Order {
        pay,
        fee_rate,
        from: arguments.from,
    };
    let draft = draft(&mut client, &mut wallet, &order).await?;
    context.output.say(&draft.facts().to_string());
    say_what_stays(context, &draft);
    let described = describe(draft.facts());
    if arguments.dry_run {
        let psbt = Some(psbt::to_base64(draft.psbt()));
        return context.output.answer(
            &Answer {
                described,
                sent: false,
                psbt,
            },
            |answer| unsigned(answer.psbt.as_deref()),
        );
    }
    if !arguments.yes && !terminal::confirm("Send it?")? {
        bail!(Declined::UNSENT);
    }
    hand_over(context, &mut client, &mut wallet, draft).await?;
    context.output.answer(
        &Answer {
            described,
            sent: true,
            psbt: None,
        },
        |answer| format!("Sent. txid {}", answer.described.txid),
    )
}

/// Drafts; in a wallet that nothing is signed for now, that is said and not that coins are wanting.
pub(super) async fn draft(client: &mut Client<Native>, wallet: &mut Wallet, order: &Order) -> Result<Draft, Fault> {
    let drafted = client.draft(wallet, order);
    if drafted.as_ref().is_err_and(|fault| fault.kind() == Kind::Funds) {
        client.must_sign(wallet).await?;
    }
    drafted
}

/// The rate that was named, or the server's estimate.
pub(super) async fn rate(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &mut Wallet,
    named: Option<FeeRate>,
    target_blocks: u16,
) -> Result<FeeRate> {
    if let Some(rate) = named {
        return Ok(rate);
    }
    let estimate = client.estimate_fee(wallet, target_blocks).await?;
    if estimate.source != "node" {
        context
            .output
            .say("note: the server's node has no fee estimate yet; this is a fallback, and --fee-rate names another");
    }
    Ok(estimate.rate)
}

/// What is said of a draft that goes no further.
pub(super) fn unsigned(psbt: Option<&str>) -> String {
    format!("Nothing was signed. The draft:\n{}", psbt.unwrap_or_default())
}

/// Co-signs and sends, and says what comes of it where that fails half way.
pub(super) async fn hand_over(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &mut Wallet,
    draft: Draft,
) -> Result<Txid> {
    let txid = draft.facts().txid.to_string();
    let bar = terminal::spinner();
    bar.set_message("co-signing with the server");
    let sent = client.send(wallet, draft).await;
    bar.finish_and_clear();
    context.tell(client);
    if let Err(fault) = &sent {
        say_what_is_kept(context, fault, &txid);
    }
    Ok(sent?)
}

/// A signed transaction that the node refuses is still one that a miner may take.
fn say_what_is_kept(context: Context<'_>, fault: &Fault, txid: &str) {
    if fault.reason() == Some(Reason::ChainRefused) {
        context.output.say(&format!(
            "It is signed, so it is kept and handed over again as blocks come; its coins stay spent. To pay more:\n  \
             twofold bump-fee {txid} --fee-rate …\nTo take the coins back:\n  twofold abandon {txid}"
        ));
    }
}

fn say_what_stays(context: Context<'_>, draft: &Draft) {
    if let Some(left) = draft.left() {
        context.output.say(&format!(
            "one transaction can't carry all coins: {} stay behind in {} coins; {} more sends take them along",
            crate::output::btc(left.value.to_sat()),
            left.coins,
            left.sends
        ));
    }
}

/// Who is paid how much: amounts go, in order, to the recipients that do not say theirs.
fn recipients(arguments: &args::Send, network: Network) -> Result<Pay> {
    let mut amounts: VecDeque<Amount> = arguments
        .amount
        .iter()
        .map(|text| Ok(parse_amount(text)?.amount()))
        .collect::<Result<_>>()?;
    let parsed = arguments
        .to
        .iter()
        .map(|text| recipient(text, network))
        .collect::<Result<Vec<_>>>()?;
    if arguments.max {
        let [(address, None)] = parsed.as_slice() else {
            bail!(Wrong("--max takes one --to, without an amount".into()));
        };
        return Ok(Pay::All(address.clone()));
    }
    let each = parsed
        .into_iter()
        .map(|(address, said)| {
            let amount = said.or_else(|| amounts.pop_front()).ok_or_else(|| {
                Wrong(format!(
                    "say how much {address} gets: --amount 0.001btc or --amount 50000sat"
                ))
            })?;
            Ok((address, amount))
        })
        .collect::<Result<Vec<_>>>()?;
    if !amounts.is_empty() {
        bail!(Wrong("there are more --amount than recipients that need one".into()));
    }
    Ok(Pay::Each(each))
}

/// An amount with its unit.
pub(super) fn parse_amount(text: &str) -> Result<AmountText> {
    text.parse().with_context(|| Wrong(format!("{text:?} is no amount")))
}

fn recipient(text: &str, network: Network) -> Result<(Address, Option<Amount>)> {
    if text
        .get(..8)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bitcoin:"))
    {
        let uri = PaymentUri::parse(text, network)
            .with_context(|| Wrong(format!("{text:?} is no payment request for this wallet")))?;
        return Ok((uri.address, uri.amount));
    }
    Ok((address_on(text, network)?, None))
}

/// An address of the wallet's network.
pub(super) fn address_on(text: &str, network: Network) -> Result<Address> {
    let address = text.parse::<Address<_>>();
    let address = address.map_err(|_| Wrong(format!("{text:?} is no Bitcoin address; copy all of it again")))?;
    let here = address.require_network(network);
    Ok(here.map_err(|_| {
        Wrong(format!(
            "{text} is an address of another network; this wallet is on {network}"
        ))
    })?)
}

#[cfg(test)]
mod tests {
    use super::parse_rate;

    #[test]
    fn rates_are_read_exactly() {
        for (text, per_kwu) in [("1", 250), ("5", 1250), ("2.5", 625), ("0.001", 1), ("1.004", 251)] {
            assert_eq!(parse_rate(text).expect(text).to_sat_per_kwu(), per_kwu, "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            "-1",
            "1e3",
            "1.2.3",
            "0x5",
            "1.0001",
            "99999999999999999999",
            "NaN",
            "inf",
        ] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
