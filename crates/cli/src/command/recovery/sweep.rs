//! `twofold recovery sweep`: everything moves by the device's share and recovery's.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use bitcoin::consensus::encode::serialize_hex;
use rand_core::OsRng;
use serde::Serialize;
use twofold_client::{
    Client, Fault,
    ledger::Draft,
    port::KeystoreFault,
    recovery::{
        Coin,
        file::{self as passed, FileKind, MAX_BYTES},
        request::Judged,
    },
    wallet::Wallet,
};
use twofold_intent::{Keychain, Psbt, psbt};
use twofold_threshold::words::RecoverySecret;

use super::Context;
use crate::{
    agent, args,
    command::send::{Described, address_on, describe},
    exit::{Declined, Wrong},
    file,
    node::Node,
    platform::Native,
    terminal, words,
};

/// Addresses that a node is asked for on each keychain, where nothing says that more were used.
const RANGE: u32 = 1_000;
/// The most it is asked for.
const MOST_RANGE: u32 = 64_000;
/// A coin within this of the range's end means that there may be more behind it.
const MARGIN: u32 = 100;
/// How often the reply's name is looked for.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Serialize)]
struct Moved {
    #[serde(flatten)]
    described: Described,
    transaction: Option<String>,
    sent: bool,
}

#[derive(Serialize)]
struct Answer {
    transactions: Vec<Moved>,
    total_sat: u64,
    fee_sat: u64,
    left_coins: usize,
    left_sat: u64,
    immature_coins: usize,
    further_runs: usize,
    out: Option<String>,
}

/// Coins, and how many the node calls too young.
struct Coins {
    coins: Vec<Coin>,
    immature: usize,
}

/// The wallet. Where a node finds the coins, damaged books hold nobody up.
async fn opened(context: Context<'_>, by_node: bool) -> Result<(Client<Native>, Wallet)> {
    let client = context.client().await?;
    let asked = context.common.wallet.as_deref();
    let wallet = match client.open_wallet(asked).await {
        Err(fault) if by_node && is_damage(&fault) => {
            context.output.warn(&format!(
                "note: {fault}; the node finds the coins without this machine's books"
            ));
            client.open_without_books(asked).await?
        }
        opened => opened?,
    };
    Ok((client, wallet))
}

const fn is_damage(fault: &Fault) -> bool {
    matches!(fault, Fault::Ledger(_) | Fault::Keystore(KeystoreFault::Damaged { .. }))
}

pub(super) async fn run(context: Context<'_>, arguments: args::Sweep) -> Result<()> {
    let (mut client, mut wallet) = Box::pin(opened(context, arguments.node.is_some())).await?;
    let network = wallet.network();
    let to = address_on(&arguments.to, network)?;
    let node = match (&arguments.node, &arguments.node_auth) {
        (Some(url), Some(auth)) => Some(Node::new(url, auth, arguments.node_in_clear)?),
        _ => None,
    };
    if let Some(node) = &node {
        node.check(network).await?;
    }
    let Coins { coins, immature } = gather(context, node.as_ref(), &wallet).await?;
    let fee_rate = match (arguments.fee_rate, &node) {
        (Some(rate), _) => rate,
        (None, Some(node)) => node.fee_rate().await?,
        (None, None) => bail!(Wrong("say what to pay miners: --fee-rate SAT/VB".into())),
    };
    let sweep = client.draft_sweep(&wallet, coins, &to, fee_rate)?;
    let mut drafts = sweep.drafts;
    // One reply answers one request: the rest takes another run, once these coins are seen to be spent.
    let further_runs = if arguments.signing.request.is_some() {
        drafts.len() - 1
    } else {
        0
    };
    drafts.truncate(drafts.len() - further_runs);
    for draft in &drafts {
        context.output.say(&draft.facts().to_string());
    }
    let mut answer = Answer {
        total_sat: drafts.iter().map(|draft| draft.facts().payment_value().to_sat()).sum(),
        fee_sat: drafts.iter().map(|draft| draft.facts().fee.to_sat()).sum(),
        transactions: drafts
            .iter()
            .map(|draft| Moved {
                described: describe(draft.facts()),
                transaction: None,
                sent: false,
            })
            .collect(),
        left_coins: sweep.left.len(),
        left_sat: sweep.left.iter().map(|coin| coin.value.to_sat()).sum(),
        immature_coins: immature,
        further_runs,
        out: arguments.out.as_ref().map(|path| path.display().to_string()),
    };
    if arguments.dry_run {
        return context.output.answer(&answer, |_| "Nothing was signed.".into());
    }
    if !arguments.yes && !terminal::confirm("Move all of it?")? {
        bail!(Declined::UNSENT);
    }
    let signed = sign(context, &mut client, &wallet, drafts, &arguments.signing).await?;
    let transactions = signed
        .iter()
        .map(psbt::finalize)
        .collect::<Result<Vec<_>, _>>()
        .map_err(Fault::from)?;
    // On disk before the books count the coins as spent: what was signed must not be lost.
    if let Some(path) = &arguments.out {
        let lines: Vec<String> = transactions.iter().map(serialize_hex).collect();
        file::write_new(path, &format!("{}\n", lines.join("\n")))?;
    }
    for (moved, transaction) in answer.transactions.iter_mut().zip(&transactions) {
        let hex = serialize_hex(transaction);
        if let Some(node) = &node {
            let sent = node.send(transaction).await;
            sent.with_context(|| format!("the transaction is signed, and was not sent; send it elsewhere: {hex}"))?;
            moved.sent = true;
        }
        moved.transaction = Some(hex);
    }
    for psbt in &signed {
        client.finalize(&mut wallet, psbt).await?;
    }
    context.output.answer(&answer, told)
}

/// The coins that a node finds, else those that this machine's books know.
async fn gather(context: Context<'_>, node: Option<&Node>, wallet: &Wallet) -> Result<Coins> {
    let Some(node) = node else {
        context.output.say(
            "note: without --node the coins are those that this machine knew when it last spoke with the server; later \
             payments stay behind",
        );
        return Ok(Coins {
            coins: Coin::in_books(wallet.ledger()),
            immature: 0,
        });
    };
    let account = wallet.ledger().account();
    let descriptors = Keychain::ALL.map(|keychain| account.descriptor(keychain));
    let revealed = wallet.ledger().revealed().into_iter().max().unwrap_or(0);
    let mut range = RANGE.max(revealed.saturating_add(RANGE));
    loop {
        let bar = terminal::spinner();
        bar.set_message("the node looks for coins; on a large chain that takes minutes");
        let found = node.coins(&descriptors, range).await;
        bar.finish_and_clear();
        let found = found?;
        let mut coins = Vec::new();
        let mut immature = 0;
        let mut wanted: std::collections::HashMap<_, Vec<_>> = std::collections::HashMap::new();
        for coin in found {
            wanted.entry(coin.script.clone()).or_default().push(coin);
        }
        let mut furthest = 0;
        for keychain in Keychain::ALL {
            for index in 0..=range {
                if wanted.is_empty() {
                    break;
                }
                let Some(here) = wanted.remove(&account.script(keychain, index)?) else {
                    continue;
                };
                furthest = furthest.max(index);
                for coin in here {
                    if coin.immature {
                        immature += 1;
                        continue;
                    }
                    coins.push(Coin {
                        outpoint: coin.outpoint,
                        value: coin.value,
                        keychain,
                        index,
                    });
                }
            }
        }
        if furthest.saturating_add(MARGIN) < range || range >= MOST_RANGE {
            return Ok(Coins { coins, immature });
        }
        range = range.saturating_mul(4).min(MOST_RANGE);
    }
}

/// Device and recovery sign, the words here or on another machine.
pub(super) async fn sign(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &Wallet,
    mut drafts: Vec<Draft>,
    signing: &args::Signing,
) -> Result<Vec<Psbt>> {
    let (Some(request), Some(reply)) = (&signing.request, &signing.reply) else {
        return here(context, client, wallet, drafts, signing.words.words_file.as_deref());
    };
    let draft = drafts.pop().context("a draft")?;
    let wait = Duration::from_secs(signing.wait * 60);
    Ok(vec![
        elsewhere(context, client, wallet, draft, request, reply, wait).await?,
    ])
}

/// Both shares on this machine, for the moment.
fn here(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &Wallet,
    drafts: Vec<Draft>,
    words_file: Option<&Path>,
) -> Result<Vec<Psbt>> {
    context.output.say(
        "note: with the words typed here this machine holds two of the three shares until the command ends: whoever owns \
         the machine in that moment owns the wallet",
    );
    let secret: RecoverySecret = words::read(words_file)?;
    let mut signed = Vec::new();
    for draft in drafts {
        let (asking, request) = client.ask_recovery(wallet, draft)?;
        let judged = Judged::read(&request, &secret).map_err(Fault::from)?;
        let reply = judged.sign(&secret, &mut OsRng).map_err(Fault::from)?;
        signed.push(asking.finish(wallet, &reply).map_err(Fault::from)?);
    }
    Ok(signed)
}

/// The words stay where they are: one file there, one back, and this process waits with its nonces in memory.
async fn elsewhere(
    context: Context<'_>,
    client: &mut Client<Native>,
    wallet: &Wallet,
    draft: Draft,
    request: &Path,
    reply: &Path,
    wait: Duration,
) -> Result<Psbt> {
    if reply.exists() {
        bail!(Wrong(format!(
            "{} is there already, and a reply answers one request only: name a file that is not there yet",
            reply.display()
        )));
    }
    let (asking, text) = client.ask_recovery(wallet, draft)?;
    file::write_new(request, &text)?;
    if !agent::stay_in_memory() {
        context.output.warn(
            "note: this system lets a process lock too little of its memory (ulimit -l): share, nonces and the keystore's key \
             may be written to its swap while this waits",
        );
    }
    context.output.say(&format!(
        "Take {0} to the machine where the words may be typed and run there:\n  twofold recovery sign {0} --out {1}\nthen \
         bring {1} back here. Leave this command running: what it waits with is in its memory alone, and if it ends, the \
         reply is worthless and you start again.",
        request.display(),
        reply.display()
    ));
    let answered = tokio::time::timeout(wait, arrival(reply)).await.map_err(|_| {
        Wrong(format!(
            "no reply came within {} minutes; nothing was signed. Run the command again for a new request",
            wait.as_secs() / 60
        ))
    })??;
    Ok(asking.finish(wallet, &answered).map_err(Fault::from)?)
}

/// The reply, once it is there to its last line.
async fn arrival(path: &Path) -> Result<String> {
    loop {
        if path.exists() {
            let text = file::read(path, MAX_BYTES)?;
            if passed::is_whole(FileKind::Reply, &text) {
                return Ok(text);
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn told(answer: &Answer) -> String {
    let mut lines = Vec::new();
    for moved in &answer.transactions {
        if moved.sent {
            lines.push(format!("Sent. txid {}", moved.described.txid()));
        } else if answer.out.is_none() {
            lines.extend(moved.transaction.clone());
        }
    }
    if let Some(path) = &answer.out {
        lines.push(format!("The signed transactions are in {path}, in hex, a line each."));
    }
    if answer.left_coins > 0 {
        lines.push(format!(
            "{} coins, {} sat in all, cost more than they bring and stay.",
            answer.left_coins, answer.left_sat
        ));
    }
    if answer.immature_coins > 0 {
        lines.push(format!(
            "{} mined coins are too young: run the command again when they have 100 blocks.",
            answer.immature_coins
        ));
    }
    if answer.further_runs > 0 {
        lines.push(format!(
            "{} more runs take the rest along, each once the one before is in a block.",
            answer.further_runs
        ));
    }
    if !answer.transactions.iter().all(|moved| moved.sent) {
        lines.push(
            "\nNext: send them with any node or explorer, for example: bitcoin-cli sendrawtransaction HEX".into(),
        );
    }
    lines.join("\n")
}
