//! `twofold rpc`: one signed call, kept and sent again if asked.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use twofold_client::{
    Fault, deadline,
    port::{HttpCall, Transport as _},
};

use super::Context;
use crate::{args, exit::Wrong, private_file};

/// A signed request as it went out.
#[derive(Serialize, Deserialize)]
struct Kept {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

pub(super) async fn run(context: Context<'_>, arguments: args::Rpc) -> Result<()> {
    if let Some(file) = &arguments.replay {
        return replay(context, file).await;
    }
    let method = arguments.method.unwrap_or_default();
    let mut body: Value =
        serde_json::from_str(&arguments.body).with_context(|| Wrong("the request is not JSON".into()))?;
    let fields = body
        .as_object_mut()
        .ok_or_else(|| Wrong("the request is not a JSON object".into()))?;
    let mut client = context.client().await?;
    // The wallet that was chosen goes where the request names it, so that nobody has to write bytes as base64.
    let wallet = match &context.common.wallet {
        Some(asked) => Some(client.open_wallet(Some(asked)).await?.id()),
        None => None,
    };
    if let Some(wallet) = wallet {
        fields
            .entry("wallet")
            .or_insert_with(|| BASE64_STANDARD.encode(wallet.0).into());
    }
    let answer = client.rpc(&method, &body.to_string(), wallet).await;
    if let (Some(file), Some(call)) = (&arguments.save, client.transport().last()) {
        keep(file, call)?;
    }
    let answer: Value = serde_json::from_str(&answer?)?;
    context.output.answer(&answer, |answer| format!("{answer:#}"))
}

fn keep(path: &Path, call: HttpCall) -> Result<()> {
    let body = String::from_utf8(call.body).context("the body is not text")?;
    let kept = Kept {
        path: call.path,
        headers: call.headers,
        body,
    };
    private_file::create(path, &serde_json::to_string_pretty(&kept)?)?;
    Ok(())
}

async fn replay(context: Context<'_>, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| Wrong(format!("{} can't be read", path.display())))?;
    let kept: Kept =
        serde_json::from_str(&text).with_context(|| Wrong(format!("{} holds no kept call", path.display())))?;
    let client = context.client().await?;
    let call = HttpCall {
        method: "POST",
        path: kept.path,
        headers: kept.headers,
        body: kept.body.into_bytes(),
        deadline: deadline::CHANGE,
        reply_bytes: twofold_api::limits::REPLY_BYTES,
    };
    let reply = client.transport().send(&call).await.map_err(Fault::from)?;
    if reply.status != 200 {
        match twofold_wire::client::decode_error(reply.status, &reply.body) {
            Ok(refusal) => bail!(Fault::from(refusal)),
            Err(_) => bail!("the server answered with status {}", reply.status),
        }
    }
    let answer: Value = serde_json::from_slice(&reply.body).context("the reply is not JSON")?;
    context.output.answer(&answer, |answer| format!("{answer:#}"))
}
